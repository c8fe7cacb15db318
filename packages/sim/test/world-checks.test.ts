/** Each check fails when what it looks for is there. */
import { type Fact, initialState, type State } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { createAws } from '../src/aws/index.ts';
import { createChecks } from '../src/world/checks/index.ts';
import { configFor, DEFAULT_SETTINGS, type NodeSpec } from '../src/world/settings.ts';
import type { RunView, WorldEvent, WorldView } from '../src/world/watch.ts';

const ADDRESS = '198.51.100.200';
const NODES: readonly NodeSpec[] = ['a', 'b', 'c'].map((id) => ({
  id,
  role: 'candidate',
  priority: 100,
  clock: { offsetMs: 0, driftPpm: 0, wallErrorMs: 0 },
  bootMs: 0,
}));

function runOf(index: number, change: (state: State) => State = (state) => state): RunView {
  const node = NODES[index];
  if (node === undefined) throw new Error(`no node ${index}`);
  const config = configFor(node, NODES, [ADDRESS], 'ec2', DEFAULT_SETTINGS, {});
  const state = change({ ...initialState(config), phase: 'running' });
  return {
    node: node.id,
    run: `${node.id}#1`,
    config,
    instanceId: config.node.instanceId,
    state: () => state,
    synced: () => null,
    worldTimeOf: (at) => at,
  };
}

/** The invariants that these events break. */
function broken(events: readonly WorldEvent[], runs: readonly RunView[] = []): readonly string[] {
  const found: string[] = [];
  const aws = createAws({ instances: [], addresses: [] });
  const view: WorldView = {
    now: () => 1_000,
    aws: () => aws,
    runs: () => runs,
    disksHarmed: () => false,
    rolledBack: () => false,
  };
  const checks = createChecks(view, { driver: 'ec2' }, (invariant) => void found.push(invariant));
  for (const event of events) for (const check of checks) check(event);
  return found;
}

function facts(by: RunView, ...told: readonly Fact[]): WorldEvent {
  return { kind: 'facts', by, facts: told, now: { at: 1_000, wall: 0 } };
}

/** A ballot of that node, with leases of everybody's, answered by all. */
function winner(index: number): RunView {
  return runOf(index, (state) => {
    const address = state.addresses[ADDRESS];
    if (address === undefined) throw new Error('the address is not configured');
    const lease = { answer: 'grant', reason: 'down', leaseUntil: 9_000, retryMs: 0 } as const;
    const won = { at: 900, until: 9_000, silent: [], write: 1, consent: false, summary: '' } as const;
    const campaign = {
      epoch: 1,
      mode: 'handover',
      handoverId: null,
      openedAt: 900,
      asks: [900],
      answers: { a: lease, b: lease, c: lease },
      unreachable: [],
      won,
    } as const;
    return { ...state, addresses: { [ADDRESS]: { ...address, campaign } } };
  });
}

const WON: Fact = { kind: 'ballot-closed', address: ADDRESS, epoch: 1, result: 'won', detail: '' };

test('two winners of one epoch break I4', () => {
  expect(broken([facts(winner(1), WON)])).toEqual([]);
  expect(broken([facts(winner(1), WON), facts(winner(2), WON)])).toEqual(['I4']);
});

test('one lease with two candidates breaks I5', () => {
  const stepped = (by: RunView): WorldEvent => ({ kind: 'stepped', by });
  expect(broken([stepped(winner(1))])).toEqual([]);
  expect(broken([stepped(winner(1)), stepped(winner(2))])).toContain('I5');
});

test('a call without a move, and without a durable intent, breaks I1 and I6', () => {
  const operation = { op: 'release', associationId: 'eipassoc-1', node: 'a' } as const;
  const effect = { kind: 'drive', callId: 1, address: ADDRESS, operation, timeoutMs: 1_000 } as const;
  expect(broken([{ kind: 'drive', by: runOf(1), effect }])).toEqual(['I1', 'I6']);
});

test('a verdict of down without a way-out proof breaks I2', () => {
  const last = { ok: false, startedAt: 500, endedAt: 600, reason: 'timeout' } as const;
  const down = runOf(1, (state) => {
    const address = state.addresses[ADDRESS];
    if (address === undefined) throw new Error('the address is not configured');
    return {
      ...state,
      addresses: { [ADDRESS]: { ...address, verdict: 'down', series: { ...address.series, last } } },
    };
  });
  const told: Fact = { kind: 'verdict', address: ADDRESS, from: 'up', to: 'down', reason: 'timeout' };
  expect(broken([facts(down, told)])).toEqual(['I2']);
});

test('an address that is thrown off breaks I13', () => {
  const association = {
    id: 'eipassoc-1',
    instanceId: 'i-1',
    interfaceId: 'eni-1',
    privateIp: '10.0.0.1',
    sinceMs: 0,
    effectiveAtMs: 0,
    endedAtMs: 1,
    cause: 'displaced',
  } as const;
  const by = { kind: 'operator', name: 'x' } as const;
  const event = { kind: 'ended', atMs: 1, publicIp: ADDRESS, association, by } as const;
  expect(broken([{ kind: 'cloud', event }])).toEqual(['I13']);
});

test('a notification of a move that never was breaks I6 and I17', () => {
  const effect = {
    kind: 'publish',
    publishId: 1,
    subject: 'HAProxy failover notification',
    message: `Instance i-1 took over ${ADDRESS}`,
    timeoutMs: 1_000,
  } as const;
  expect(broken([{ kind: 'publish', by: runOf(0), effect }])).toEqual(['I6', 'I17']);
});

const REQUEST = {
  v: 1,
  cluster: 'web',
  from: 'a',
  session: 's0000000001',
  seq: 1,
  to: 'b',
  t: 0,
  echo: null,
  re: null,
  payload: { version: 1, ack: 0 },
} as const;

test('a message that counts twice, or after too long, breaks I18; a large one I19', () => {
  const judged = {
    kind: 'judged',
    by: runOf(1),
    request: REQUEST,
    recordedAs: 1,
    status: 200,
    ageMs: 5,
  } as const;
  expect(broken([judged])).toEqual([]);
  expect(broken([judged, judged])).toEqual(['I18']);
  expect(broken([{ ...judged, ageMs: 60_000 }])).toEqual(['I18']);
  expect(broken([{ kind: 'said', by: runOf(0), message: REQUEST, bytes: 70_000 }])).toEqual(['I19']);
});
