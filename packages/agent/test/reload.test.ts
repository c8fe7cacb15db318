import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialState, type State } from '@failtome/protocol';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { generateIdentity } from '../src/auth/identity.ts';
import { generateKey } from '../src/auth/keys.ts';
import { checkConfig, type LoadResult } from '../src/config/load.ts';
import { toProtocolConfig } from '../src/config/to-protocol.ts';
import type { AgentConfig } from '../src/config/types.ts';
import { judgeReload } from '../src/reload.ts';

let folder: string;
let keyFile: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'failtome-reload-'));
  keyFile = join(folder, 'cluster.key');
  writeFileSync(keyFile, `${generateKey()}\n`, { mode: 0o600 });
});

afterEach(() => rmSync(folder, { recursive: true }));

const yaml = (change: (text: string) => string = (text) => text) =>
  change(`
cluster: web
node: { id: saturn }
api: { listen: "127.0.0.1:8741" }
peers: [{ id: neptune, url: "http://127.0.0.2:8741" }]
auth: { keyFile: ${keyFile} }
addresses: [{ ip: 203.0.113.7 }]
driver: { kind: ec2, region: us-east-1, instanceId: i-0abc }
stateDir: /var/lib/failtome
`);

const load = (text: string): LoadResult => checkConfig('failtome.yaml', Buffer.from(text), {});

/** The state of a node that moves these addresses here just now. */
function movingHere(config: AgentConfig, moving: readonly string[]): Pick<State, 'addresses'> {
  const { addresses } = initialState(
    toProtocolConfig(config, { id: 'saturn', instanceId: 'i-0abc', region: null }, ''),
  );
  const stage = { kind: 'taking', callId: 1, at: 0, reassociate: false } as const;
  const move = { ...startedMove, stage };
  return {
    addresses: Object.fromEntries(
      Object.entries(addresses).map(([ip, address]) => [
        ip,
        moving.includes(ip) ? { ...address, move } : address,
      ]),
    ),
  };
}

const startedMove = {
  epoch: 1,
  mode: 'takeover',
  handoverId: null,
  startedAt: 0,
  leaseUntil: 10_000,
  callTimeoutMs: 2_000,
  consent: false,
  duty: true,
  delayMs: 500,
  steps: [],
  requestIds: [],
} as const;

async function linesAfter(
  change: (text: string) => string,
  moving: readonly string[] = [],
): Promise<readonly string[]> {
  const before = load(yaml());
  if (before.kind === 'faulty') throw new Error('the configuration to begin with is faulty');
  const present = {
    config: before.config,
    id: 'saturn',
    file: 'failtome.yaml',
    state: () => movingHere(before.config, moving),
    certificate: null,
  };
  const judged = await judgeReload(load(yaml(change)), present);
  return judged.kind === 'refused' ? judged.lines : [];
}

describe('what needs a restart is refused, by the name of its key', () => {
  test.each([
    ['cluster', 'cluster: web', 'cluster: shop', '"web" to "shop"'],
    ['node.id', 'node: { id: saturn }', 'node: { id: pluto }', '"saturn" to "pluto"'],
    ['node.role', 'node: { id: saturn }', 'node: { id: saturn, role: witness }', '"candidate" to "witness"'],
    ['api.listen', '127.0.0.1:8741', '127.0.0.1:8742', '8742'],
    ['stateDir', '/var/lib/failtome', '/srv/failtome', '"/var/lib/failtome" to "/srv/failtome"'],
    ['driver.kind', 'kind: ec2', 'kind: opsworks', '"ec2" to "opsworks"'],
    ['driver.region', 'us-east-1', 'eu-west-1', '"us-east-1" to "eu-west-1"'],
    ['driver.instanceId', ', instanceId: i-0abc', '', '"i-0abc" to the default'],
    [
      'driver.assumeRole',
      ', instanceId: i-0abc',
      ', instanceId: i-0abc, assumeRole: "arn:aws:iam::123456789012:role/mover"',
      'the default to "arn:aws:iam::123456789012:role/mover"',
    ],
  ])('%s', async (path, from, to, told) => {
    const lines = await linesAfter((text) => text.replace(from, to));
    expect(lines).toContainEqual(expect.stringMatching(new RegExp(`^${path}: changed from .*restart$`)));
    expect(lines.join('\n')).toContain(told);
  });
});

test.each([
  ['a probe', 'ip: 203.0.113.7', 'ip: 203.0.113.7, probe: { port: 8080 }'],
  ['another address', 'ip: 203.0.113.7 }', 'ip: 203.0.113.7 }, { ip: 203.0.113.8 }'],
  ['a peer', '[{ id: neptune', '[{ id: pluto, url: "http://127.0.0.3:8741" }, { id: neptune'],
  ['the log', 'cluster: web', 'cluster: web\nlog: { level: debug }'],
])('%s may change while the agent runs', async (_name, from, to) => {
  expect(await linesAfter((text) => text.replace(from, to))).toEqual([]);
});

test('a faulty file is refused with all of its faults', async () => {
  const lines = await linesAfter((text) =>
    text.replace('cluster: web', 'clutser: web\nlog: { level: loud }'),
  );
  expect(lines.join('\n')).toMatch(/clutser/);
  expect(lines.join('\n')).toMatch(/log\.level/);
});

test('a key file that can not be read is refused, and the restart faults are told with it', async () => {
  rmSync(keyFile);
  const lines = await linesAfter((text) => text.replace('cluster: web', 'cluster: shop'));
  expect(lines).toHaveLength(2);
  expect(lines[0]).toMatch(/^cluster: /);
  expect(lines[1]).toMatch(/^auth\.keyFile: .*does not exist/);
});

test('an identity file may appear, change and go; one that can not be read is refused', async () => {
  const identity = join(folder, 'identity.key');
  const named = (text: string): string => text.replace('auth: { ', `auth: { identity: ${identity}, `);
  expect(await linesAfter(named)).toEqual([expect.stringMatching(/^auth\.identity: .*does not exist/)]);
  writeFileSync(identity, generateIdentity().privateKey, { mode: 0o600 });
  expect(await linesAfter(named)).toEqual([]);
});

test('with the id known, an entry of its own that disagrees is refused', async () => {
  const lines = await linesAfter((text) =>
    text.replace('peers: [', 'peers: [{ id: saturn, url: "http://127.0.0.1:8741", role: witness }, '),
  );
  expect(lines.join('\n')).toMatch(/node\.role/);
});

test('an address that is being moved here can not be taken out', async () => {
  const drop = (text: string) => text.replace('ip: 203.0.113.7', 'ip: 203.0.113.8');
  expect(await linesAfter(drop, ['203.0.113.7'])).toEqual([
    'addresses: 203.0.113.7 is being moved to this node; send the signal again when that is over',
  ]);
  expect(await linesAfter(drop, [])).toEqual([]);
  expect(await linesAfter((text) => text, ['203.0.113.7'])).toEqual([]);
});
