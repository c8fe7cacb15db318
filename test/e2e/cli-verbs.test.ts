/** Every verb of an operator on a running pair: exit codes, what it prints, and the shapes that scripts rely on. */
import { spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { failtome, program } from './support/command.ts';
import { type Scene, scenario } from './support/scenario.ts';

const anyNumber: unknown = expect.any(Number);
const anyText: unknown = expect.any(String);

/** A verb's JSON, which must be all that it prints. */
async function json(scene: Scene, id: string, verb: string, ...args: readonly string[]): Promise<unknown> {
  const { code, stdout, stderr } = await scene.command(id, verb, ...args, '--json');
  expect({ code, stderr }, verb).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

scenario('the views: status, why and history, as tables and as JSON', {}, async (scene) => {
  const { cluster } = scene;
  const { address } = cluster;

  expect(await json(scene, 'saturn', 'status')).toMatchObject({
    version: expect.stringMatching(/^\d+\.\d+\.\d+/),
    cluster: 'web',
    node: { id: 'saturn', role: 'candidate', fit: 'fit' },
    addresses: [
      {
        ip: address,
        holder: { kind: 'node', node: 'saturn' },
        verdict: 'up',
        ageMs: anyNumber,
        holdDownMs: 0,
      },
    ],
    peers: [{ id: 'neptune', state: 'alive', lastHeardMs: anyNumber }],
    pause: { paused: false },
    // What every node says of itself.
    nodes: [
      { id: 'saturn', self: true, ageMs: 0, failure: null, status: { node: { id: 'saturn' } } },
      { id: 'neptune', self: false, ageMs: anyNumber, failure: null, status: { node: { id: 'neptune' } } },
    ],
  });
  expect(await json(scene, 'neptune', 'why', address)).toMatchObject({
    address,
    outcome: 'hold',
    reason: 'address-up',
    gates: expect.arrayContaining([
      { name: 'role', state: 'passed', passed: true, reason: anyText, ageMs: null, code: null, calm: false },
      {
        name: 'verdict',
        state: 'closed',
        passed: false,
        reason: anyText,
        ageMs: anyNumber,
        code: 'address-up',
        calm: true,
      },
      {
        name: 'guard',
        state: 'not-asked',
        passed: null,
        reason: 'not asked while verdict is closed',
        ageMs: null,
        code: null,
        calm: false,
      },
    ]),
  });
  expect(await json(scene, 'neptune', 'history')).toEqual([]);

  const table = await scene.command('saturn', 'status');
  expect(table).toMatchObject({ code: 0, stderr: '' });
  for (const word of ['Cluster web', 'saturn', 'neptune', address, 'candidate', 'alive', 'up'])
    expect(table.stdout).toContain(word);
  const ladder = await scene.command('neptune', 'why');
  expect(ladder).toMatchObject({ code: 0, stderr: '' });
  expect(ladder.stdout).toMatch(new RegExp(`^${address}: hold \\(address-up\\)`));
  expect(ladder.stdout).toMatch(/^stop +verdict/m);
  expect(ladder.stdout).not.toContain('What would have to change');
  expect((await scene.command('neptune', 'history')).stdout).toBe('Nothing has happened yet.\n');

  const unknown = await scene.command('saturn', 'why', '192.0.2.99');
  expect(unknown).toMatchObject({ code: 1, stdout: '' });
  expect(unknown.stderr).toContain(`this cluster shares ${address}`);

  // Only the holder says that it is the one.
  for (const [id, status] of [
    ['saturn', 200],
    ['neptune', 503],
  ] as const) {
    const { api } = cluster.node(id).agent;
    expect((await api.get(`/v1/holder?ip=${address}`)).status).toBe(status);
    expect((await api.get('/livez')).status).toBe(200);
    expect((await api.get('/readyz')).status).toBe(200);
  }

  await cluster.node('saturn').web.kill();
  await scene.moved('neptune');
  const [entry] = (await json(scene, 'neptune', 'history')) as readonly unknown[];
  expect(entry).toMatchObject({
    id: anyText,
    kind: 'takeover',
    address,
    from: 'saturn',
    to: 'neptune',
    result: 'served',
    reason: anyText,
    at: anyNumber,
    steps: expect.arrayContaining([{ step: 'total', durationMs: anyNumber }]),
    requestIds: expect.arrayContaining([anyText]),
  });
  const told = await scene.command('neptune', 'history');
  expect(told.stdout).toContain(`takeover of ${address}, saturn -> neptune: served`);
});

scenario('a watch shows one view a second until it is interrupted, and ends with 0', {}, async (scene) => {
  const { api } = scene.cluster.node('saturn').agent;
  const child = spawn(process.execPath, [program, 'status', '--url', api.url, '--watch', '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH },
  });
  const ended = new Promise((resolve) => child.once('close', (code, signal) => resolve(code ?? signal)));
  try {
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    await scene.eventually('three views', () => text.split('\n').length > 3);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    const views = text.trimEnd().split('\n');
    for (const view of views) expect(JSON.parse(view)).toMatchObject({ node: { id: 'saturn' } });
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
});

scenario('the orders: pause, resume and handover, done and not done', {}, async (scene) => {
  const { cluster } = scene;
  const { address } = cluster;
  const saturn = cluster.node('saturn').agent;

  expect(
    await json(scene, 'saturn', 'pause', '--for', '1h', '--reason', 'the move of the racks'),
  ).toMatchObject({
    done: true,
  });
  // Done is when a majority of two has it: both.
  const { pause } = await scene.status('neptune');
  expect(pause).toMatchObject({ paused: true, reason: 'the move of the racks', until: anyNumber });
  expect((await scene.command('neptune', 'status')).stdout).toContain('Automatic takeover is paused by');
  expect(await scene.metric('neptune', 'paused')).toBe(1);
  const resumed = await scene.command('neptune', 'resume');
  expect(resumed).toMatchObject({ code: 0, stderr: '' });
  expect((await scene.status('saturn')).pause.paused).toBe(false);

  // By URL and key file, as from a machine that has no configuration.
  const away = ['--url', saturn.api.url, '--key-file', cluster.keyFile];
  expect((await failtome(['handover', ...away, '--to', 'neptune', '--reason', 'a new kernel'])).code).toBe(0);
  expect(cluster.holder()?.id).toBe('neptune');
  const [entry] = await cluster.node('neptune').agent.api.history();
  expect(entry).toMatchObject({ kind: 'handover', from: 'saturn', to: 'neptune', result: 'served' });
  // Without a target it is the best other candidate.
  expect(await json(scene, 'saturn', 'handover', address)).toMatchObject({ done: true, id: anyText });
  expect(cluster.holder()?.id).toBe('saturn');

  for (const [args, said] of [
    [['handover', ...away, '--to', 'pluto'], /pluto/],
    [['handover', ...away, '--to', 'saturn'], /saturn/],
    [['handover', '192.0.2.99', ...away], new RegExp(address.replaceAll('.', '\\.'))],
  ] as const) {
    const { code, stdout, stderr } = await failtome(args);
    expect({ code, stdout }, args.join(' ')).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^Not done: /);
    expect(stderr).toMatch(said);
  }

  const otherKey = join(cluster.folder, 'other.key');
  await writeFile(otherKey, (await failtome(['keygen'])).stdout, { mode: 0o600 });
  for (const verb of ['pause', 'resume', 'handover']) {
    const { code, stderr } = await failtome([verb, '--url', saturn.api.url, '--key-file', otherKey]);
    expect({ verb, code }).toEqual({ verb, code: 1 });
    expect(stderr).toContain('does not accept this key');
  }
  expect((await scene.status('saturn')).pause.paused).toBe(false);
  expect(cluster.moves()).toBe(2);
});

scenario('an order to a node whose peer is silent', {}, async (scene) => {
  const { cluster } = scene;
  await cluster.node('neptune').vanish();
  await scene.calls('saturn', 'neptune', 'dead');
  // In a pair whose other is silent, the one is enough.
  expect((await scene.command('saturn', 'pause', '--reason', 'alone')).code).toBe(0);
  const refused = await scene.command('saturn', 'handover', '--to', 'neptune');
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  expect(refused.stderr).toMatch(/^Not done: .*neptune/);
  await cluster.node('neptune').comeBack();
  await scene.eventually(
    'the other to learn of the pause when it is back',
    async () => (await scene.status('neptune')).pause.paused,
  );
  expect((await scene.command('neptune', 'resume')).code).toBe(0);
  scene.expectOutcome({ holder: 'saturn', moves: 0 });
});
