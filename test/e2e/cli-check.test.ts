/** `failtome check` beside a running pair: it passes when all is well, and names and mends whatever is not. */
import { chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { failtome } from './support/command.ts';
import { type Scene, scenario } from './support/scenario.ts';

interface Line {
  readonly part: string;
  readonly name: string;
  readonly state: 'ok' | 'warn' | 'fail';
  readonly found: string;
  readonly fix: string;
}

interface Checked {
  readonly code: number | string;
  readonly ok: boolean;
  readonly lines: readonly Line[];
}

function environmentOf({ cluster }: Scene, id: string): Readonly<Record<string, string>> {
  return cluster.cloud.environmentFor(cluster.node(id).instanceId);
}

async function check(scene: Scene, id: string, configFile?: string): Promise<Checked> {
  const file = configFile ?? scene.cluster.node(id).agent.configFile;
  const { code, stdout } = await failtome(['check', '-c', file, '--json'], { env: environmentOf(scene, id) });
  return { code, ...JSON.parse(stdout) };
}

/** The failures, all of which carry a fix. */
function failuresOf({ code, ok, lines }: Checked): readonly string[] {
  const failed = lines.filter(({ state }) => state === 'fail');
  expect({ code, ok }).toEqual(failed.length === 0 ? { code: 0, ok: true } : { code: 1, ok: false });
  for (const { name, found, fix } of failed) expect([name, found, fix], name).not.toContain('');
  return failed.map(({ name }) => name);
}

scenario('on a healthy pair both nodes pass, in every part', {}, async (scene) => {
  for (const id of ['saturn', 'neptune']) {
    const checked = await check(scene, id);
    expect(failuresOf(checked)).toEqual([]);
    const parts = new Set(checked.lines.map(({ part }) => part));
    expect([...parts]).toEqual(['configuration', 'key', 'peers', 'probes', 'way out', 'cloud', 'shutdown']);
    const names = checked.lines.map(({ name }) => name).join('\n');
    const other = id === 'saturn' ? 'neptune' : 'saturn';
    for (const wanted of [`peer ${other}: key`, `peer ${other}: hears this node`, 'state directory', 'API'])
      expect(names).toContain(wanted);
    for (const wanted of [`peer ${other}`, `peer ${other}: voters`, `peer ${other}: clock`, 'own HAProxy'])
      expect(names).toContain(wanted);
  }
  const { configFile } = scene.cluster.node('neptune').agent;
  const table = await failtome(['check', '-c', configFile], { env: environmentOf(scene, 'neptune') });
  expect(table.code).toBe(0);
  expect(table.stdout).toMatch(/^Ready(, with \d+ warnings?)?\.$/m);
  scene.expectOutcome({ holder: 'saturn', moves: 0 });
});

scenario('each broken thing fails with its fix, and passes when it is mended', {}, async (scene) => {
  const { cluster } = scene;
  const { cloud, address } = cluster;
  const neptune = cluster.node('neptune');
  const saturn = cluster.node('saturn');

  const broken: readonly {
    readonly what: string;
    readonly fails: readonly (string | RegExp)[];
    readonly breakIt: () => Promise<void> | void;
    readonly mend: () => Promise<void> | void;
  }[] = [
    {
      what: 'the permission to take the address',
      fails: [/associate/i],
      breakIt: () => cloud.setPermission(neptune.instanceId, 'ec2:AssociateAddress', 'revoked'),
      mend: () => cloud.setPermission(neptune.instanceId, 'ec2:AssociateAddress', 'granted'),
    },
    {
      what: 'the external-IP service',
      fails: ['external IPv4 address'],
      breakIt: () => cloud.setGuard({ kind: 'html' }),
      mend: () => cloud.clearGuard(),
    },
    {
      what: 'the own web server',
      fails: ['own HAProxy'],
      breakIt: () => neptune.web.kill(),
      mend: () => neptune.web.start(),
    },
    {
      what: 'the path to the address',
      fails: [`probe of ${address}`],
      breakIt: () => cloud.setPath(neptune.instanceId, address, 'refuse'),
      mend: () => cloud.setPath(neptune.instanceId, address, 'clear'),
    },
    {
      what: "the peer's agent",
      fails: ['peer saturn'],
      breakIt: () => saturn.agent.kill(),
      mend: async () => {
        saturn.agent.start();
        await saturn.agent.ready();
      },
    },
  ];
  for (const { what, fails, breakIt, mend } of broken) {
    await breakIt();
    const names = failuresOf(await check(scene, 'neptune'));
    await mend();
    for (const wanted of fails) {
      const hit = names.some((name) => (typeof wanted === 'string' ? name === wanted : wanted.test(name)));
      expect(hit, `${what}: ${names.join(', ')}`).toBe(true);
    }
  }
  await cluster.settled();
  expect(failuresOf(await check(scene, 'neptune'))).toEqual([]);
});

scenario('a configuration that does not fit the cluster fails with its fix', {}, async (scene) => {
  const { cluster } = scene;
  const { agent } = cluster.node('neptune');
  const good = await readFile(agent.configFile, 'utf8');
  const written = async (change: (text: string) => string): Promise<string> => {
    const file = join(cluster.folder, 'changed.yaml');
    await writeFile(file, change(good));
    return file;
  };
  const otherKey = join(cluster.folder, 'other.key');
  await writeFile(otherKey, `${Buffer.alloc(32, 3).toString('base64')}\n`, { mode: 0o600 });
  const ofAnother = join(cluster.folder, 'of-another');
  await mkdir(ofAnother, { mode: 0o555 });
  if (process.geteuid?.() === 0) await chown(ofAnother, 64_123, 64_123);
  for (const [change, wanted] of [
    [(text: string) => text.replace(/keyFile: .*/, `keyFile: ${otherKey}`), 'peer saturn: key'],
    [(text: string) => text.replace(/keyFile: .*/, `keyFile: ${otherKey}`), 'running agent'],
    [(text: string) => text.replace(/stateDir: .*/, 'stateDir: /proc/self'), 'state directory'],
    [(text: string) => text.replace(/stateDir: .*/, `stateDir: ${ofAnother}`), 'state directory'],
    [(text: string) => text.replace('cluster: web', 'cluster: shop'), 'peer saturn'],
    [
      (text: string) => text.replace('peers:\n', 'peers:\n  - { id: pluto, url: "http://127.0.0.1:8" }\n'),
      'peer saturn: voters',
    ],
    [(text: string) => text.replace(/keyFile: .*/, 'keyFile: /nonexistent'), 'key file'],
    [(text: string) => text.replaceAll(cluster.address, '198.51.100.77'), /198\.51\.100\.77/],
  ] as const) {
    const names = failuresOf(await check(scene, 'neptune', await written(change)));
    const hit = names.some((name) => (typeof wanted === 'string' ? name === wanted : wanted.test(name)));
    expect(hit, `${wanted}: ${names.join(', ')}`).toBe(true);
  }
});
