/** An incident of real agents, from the fault to the file that shows it again. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import {
  type Bundle,
  folderOf,
  readBundle,
  readSegment,
  replaySegment,
} from '../../packages/recording/src/index.ts';
import { cliOf, runToEnd } from './support/command.ts';
import { type Scene, scenario } from './support/scenario.ts';

const simulator = join(import.meta.dirname, '../../packages/sim/dist/failtome-sim.js');

async function bundled({ cluster }: Scene, ...args: readonly string[]): Promise<Bundle> {
  const path = join(cluster.folder, `bundle-${args.length}.tar.gz`);
  const { code, stderr } = await cliOf(
    cluster,
    'bundle',
    '--url',
    cluster.node('neptune').agent.api.url,
    '--key-file',
    cluster.keyFile,
    '-o',
    path,
    ...args,
  );
  expect([code, stderr]).toEqual([0, '']);
  return readBundle(readFileSync(path));
}

/** What the simulator's program makes of the file. */
async function imported({ cluster }: Scene): Promise<void> {
  const [file, html] = [join(cluster.folder, 'bundle-0.tar.gz'), join(cluster.folder, 'incident.html')];
  const { code, stdout } = await runToEnd(process.execPath, [simulator, 'import', file, '--html', html]);
  for (const id of ['saturn', 'neptune'])
    expect(stdout).toMatch(new RegExp(`${id}, run of .*: the same decisions in \\d+ steps`));
  expect(stdout).toContain('no invariant that recordings decide is broken');
  expect(stdout).toMatch(/clocks are aligned by messages, to within \d+ ms/);
  // The story of it: the verdict, the ballot, the move, and that people were told.
  expect(stdout).toMatch(/neptune +.* down/);
  expect(stdout).toMatch(/neptune +ballot \d+ about \S+ was won/);
  expect(stdout).toMatch(/notification by neptune/);
  expect(code).toBe(0);
  expect(readFileSync(html, 'utf8')).toContain('"kind":"ladder","who":"neptune"');
}

/** Every step of a node, taken again, with what was decided in it. */
function decisionsIn({ files }: Bundle, id: string): readonly string[] {
  const decided: string[] = [];
  for (const [name, bytes] of files) {
    if (!name.startsWith(`${folderOf(id)}/recordings/`)) continue;
    const steps = replaySegment(readSegment(bytes));
    for (let next = steps.next(); ; next = steps.next()) {
      if (next.done === true) {
        expect(next.value).toMatchObject({ difference: null, broken: null });
        break;
      }
      for (const fact of next.value.turn.facts)
        if (fact.kind === 'decided') decided.push(`${fact.outcome} ${fact.reason} ${fact.detail}`);
    }
  }
  return decided;
}

/** As the agent logged them when it decided. */
function decisionsOf({ cluster }: Scene, id: string): readonly string[] {
  return cluster
    .node(id)
    .agent.log.lines.filter(({ event }) => event === 'decided')
    .map(({ fields: { outcome, reason, detail } }) => `${outcome} ${reason} ${detail}`);
}

scenario('a takeover with a fault is bundled, and every step leads to the same again', {}, async (scene) => {
  const { cluster } = scene;
  // One way is lost: what saturn asks isn't answered, and what neptune asks is.
  cluster.link('saturn', 'neptune').set({ kind: 'drop' });
  await cluster.node('saturn').web.kill();
  await scene.moved('neptune');
  const bundle = await bundled(scene);
  const { manifest, files } = bundle;
  expect(manifest.nodes.map(({ id }) => id).sort()).toEqual(['neptune', 'saturn']);
  for (const { version, aheadMs, withinMs } of manifest.nodes) {
    expect(version).toMatch(/^\d/);
    expect(Math.abs(aheadMs ?? Number.NaN)).toBeLessThanOrEqual((withinMs ?? 0) + 2);
  }
  for (const id of ['saturn', 'neptune']) {
    const folder = folderOf(id);
    for (const view of ['node.json', 'status.json', 'cluster.json', 'history.json', 'metrics.txt'])
      expect([...files.keys()]).toContain(`${folder}/${view}`);
    const logged = decisionsOf(scene, id);
    expect(logged.length).toBeGreaterThan(2);
    // The log may be ahead of what has been read, and never of what it was read from.
    const again = decisionsIn(bundle, id);
    expect(again).toEqual(logged.slice(0, again.length));
    expect(again.length).toBeGreaterThan(2);
  }
  expect(JSON.parse(files.get('reachability.json')?.toString() ?? '')).toContainEqual(
    expect.objectContaining({ from: null, to: 'saturn', answers: true }),
  );
  // That the check is of this machine's configuration is said, and nothing else is missing.
  expect(manifest.missing).toEqual([{ what: 'check', why: expect.stringContaining('--url') }]);
  await imported(scene);
  const key = readFileSync(cluster.keyFile, 'utf8').trim();
  for (const [name, content] of files) expect([name, content.includes(key)]).toEqual([name, false]);
});

scenario('a node that is gone is named, and the others are in the bundle', {}, async (scene) => {
  await scene.cluster.node('saturn').agent.kill();
  const { manifest, files } = await bundled(scene);
  expect([...files.keys()].some((name) => name.startsWith('node-saturn/'))).toBe(false);
  expect(manifest.missing).toContainEqual({
    what: 'saturn: recordings and configuration',
    why: 'nobody listens there',
  });
});
