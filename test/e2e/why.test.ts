/** An outage of real agents, from faults made by hand to the cause, and to a test that fails without the rule that did it. */
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { GATE_MUTANTS } from '../mutants/table/gates.ts';
import { runTrial } from '../mutants/trials.ts';
import { cliOf, runToEnd } from './support/command.ts';
import { type Scene, scenario } from './support/scenario.ts';

const root = join(import.meta.dirname, '../..');
const simulator = join(root, 'packages/sim/dist/failtome-sim.js');
/** Long enough that the second failure is in it, however busy the machine. */
const HOLD_DOWN = '20s';
const BRANCHES = 8;
const TRIAL_MS = 60_000;

/** What the nodes ask for their own health is always well, as a check of the wrong thing is. */
const well = createServer((_, answer) => answer.end('well'));
well.listen(0, '127.0.0.1');
await once(well, 'listening');
const { port } = well.address() as AddressInfo; // it listens on a port
afterAll(() => void well.close());

/** One way is lost, a call is throttled, and a process is killed: a takeover, and soon after it the next failure. */
async function outage(scene: Scene): Promise<string> {
  const { cluster } = scene;
  const [saturn, neptune] = [cluster.node('saturn'), cluster.node('neptune')];
  cluster.link('saturn', 'neptune').set({ kind: 'drop' });
  const throttle = cluster.cloud.fault.arm({
    action: 'ec2:AssociateAddress',
    effect: { kind: 'throttle' },
    caller: neptune.instanceId,
    times: 1,
  });
  // Several of its requests in a row: a single one may be lost by chance.
  await scene.probedMore('saturn', 6);
  await saturn.web.kill();
  await scene.moved('neptune');
  expect(cluster.cloud.fault.hits(throttle)).toBe(1);
  cluster.link('saturn', 'neptune').set({ kind: 'open' });
  await saturn.web.start();
  // It has served before it fails: saturn has seen that.
  await scene.probedMore('saturn', 3, 'ok');
  await neptune.web.kill();
  await scene.logs('saturn', ({ event, fields }) => event === 'decided' && fields.reason === 'held-down');
  await scene.moved('saturn');
  // What comes a moment later in the plan has to be within what was recorded.
  await scene.probedMore('neptune', 4, 'ok');
  const bundle = join(cluster.folder, 'outage.tar.gz');
  const { code, stderr } = await cliOf(
    cluster,
    'bundle',
    '--url',
    neptune.agent.api.url,
    '--key-file',
    cluster.keyFile,
    '-o',
    bundle,
  );
  expect([code, stderr]).toEqual([0, '']);
  return bundle;
}

scenario(
  'the cause of an outage is named, and kept as a test that fails without the rule',
  { settings: { holdDown: HOLD_DOWN, local: { url: `http://127.0.0.1:${port}/` } } },
  async (scene) => {
    const bundle = await outage(scene);
    const imported = await runToEnd(process.execPath, [simulator, 'import', bundle]);
    for (const id of ['saturn', 'neptune'])
      expect(imported.stdout).toMatch(new RegExp(`${id}, run of .*: the same decisions in \\d+ steps`));
    const kept = join(scene.cluster.folder, 'kept');
    mkdirSync(kept);
    const [file, html] = [join(kept, 'held.yaml'), join(scene.cluster.folder, 'why.html')];
    const { code, stdout, stderr } = await runToEnd(process.execPath, [
      simulator,
      ...['why', bundle, '--outage', '3s', '--branches', `${BRANCHES}`, '--jobs', '1'],
      ...['--set', 'holdDown=1s', '--save', file, '--html', html],
    ]);
    // All three faults come out of what was recorded, and the plan takes the same course.
    expect(stdout, stderr).toMatch(/one-way \(from saturn, to neptune, state no-connections\)/);
    expect(stdout).toMatch(/cloud \(call ec2:AssociateAddress, node neptune, effect throttle, times 1/);
    expect(stdout).toMatch(/haproxy \(node saturn, state dead\)/);
    expect(stdout).toMatch(/recorded: .* taken by neptune, saturn/);
    expect(stdout).toMatch(/in the plan: .* taken by neptune, saturn/);
    // The cause, the decision that followed, and that another rule would have done better.
    expect(stdout).toMatch(
      /the chance rose from 0 % to 100 %\n.*fault: haproxy \(node neptune, state dead\)/,
    );
    expect(stdout).toMatch(/then, .*saturn: .*hold, held-down/);
    const [, asItWas, other] = /^outages +(\d+) of \d+ +(\d+) of \d+$/m.exec(stdout) ?? [];
    expect(Number(other)).toBeLessThan(Number(asItWas) / 2);
    expect(code).toBe(0);
    expect(readFileSync(html, 'utf8')).toContain('held-down');
    const run = await runToEnd(process.execPath, [simulator, 'run', file]);
    expect(run.stdout).toContain('kept    nobody answers for 3 s');
    expect(run.code).toBe(0);
    const damping = GATE_MUTANTS.find(({ id }) => id === 'gate-damping');
    const options = {
      folders: [kept],
      scenarios: ['held'],
      onlyThese: true,
      ...{ seeds: 0, focusSeeds: 0, focus: [], limitMs: TRIAL_MS, explorerOnly: false, exploreMs: 0 },
    };
    expect((await runTrial(root, 'why-none', [], options)).caught).toBeNull();
    expect((await runTrial(root, 'why-damping', damping?.edits ?? [], options)).caught).toMatchObject({
      by: 'scenario held',
    });
  },
);
