import { describe, expect, test } from 'vitest';
import type { Route } from '../src/inputs.ts';
import type { Command, CommandOutcome, Envelope } from '../src/messages.ts';
import { isOperator, MAX_PAUSE_MS, onCommand } from '../src/operator.ts';
import type { State } from '../src/state.ts';
import { newTurn, type PendingReply, type Turn } from '../src/turn.ts';
import {
  AT,
  candidate,
  clusterOf,
  envelopeOf,
  handoverOf,
  heldBy,
  IP,
  PEER,
  SELF,
  silenced,
  stateOf,
  WALL,
} from './support/fixtures.ts';

const OPERATOR = 'operator.ann-1';
const SESSION = 'operator-01';
const NODE = heldBy(stateOf(), PEER);
const PAUSE: Command = { kind: 'pause', forMs: 60_000, reason: 'upgrade', owner: 'ann' };
const RESUME: Command = { kind: 'resume', reason: '', owner: 'ann' };
const HANDOVER: Command = { kind: 'handover', address: null, to: SELF, reason: 'test', owner: 'ann' };

const ROUTES: Readonly<Record<Command['kind'], Route>> = {
  handover: '/v1/handover',
  'handover-status': '/v1/handover',
  pause: '/v1/pause',
  resume: '/v1/resume',
};

function request(command: Command, seq: number, parts: Partial<Envelope> = {}): Envelope {
  const payload = { version: 0, ack: 0, command };
  return envelopeOf({ from: OPERATOR, session: SESSION, seq, payload, ...parts });
}

/** A command as an operator gives it: once to be challenged, and again with the echo. */
function order(
  state: State,
  command: Command,
  route = ROUTES[command.kind],
): { turn: Turn; reply: PendingReply } {
  const turn = newTurn(state, { at: AT, wall: WALL });
  onCommand(turn, 1, route, request(command, 1));
  const echo = { session: state.session, t: AT - state.startedAt };
  onCommand(turn, 2, route, request(command, 2, { echo }));
  const reply = turn.replies.at(-1);
  if (reply === undefined) throw new Error('there was no reply');
  return { turn, reply };
}

function outcome(state: State, command: Command): CommandOutcome | null {
  return order(state, command).reply.outcome;
}

test("operators are told from nodes by their id's beginning", () => {
  expect([isOperator(OPERATOR), isOperator('operator'), isOperator(SELF)]).toEqual([true, false, false]);
});

describe('a command', () => {
  test('is challenged first, and changes nothing until the challenge is echoed', () => {
    const turn = newTurn(NODE, { at: AT, wall: WALL });
    onCommand(turn, 1, '/v1/pause', request(PAUSE, 1));
    expect(turn.replies).toMatchObject([{ status: 409, refused: 'session', outcome: null }]);
    expect(turn.state.pause.paused).toBe(false);
  });

  test('is obeyed once: the same message again is refused', () => {
    const { turn } = order(NODE, PAUSE);
    const echo = { session: NODE.session, t: AT - NODE.startedAt };
    onCommand(turn, 3, '/v1/pause', request(PAUSE, 2, { echo }));
    expect(turn.replies.at(-1)).toMatchObject({ status: 409, refused: 'replayed' });
    expect(turn.state.pause.version).toBe(1);
  });

  const refusals: readonly (readonly [string, Route, Partial<Envelope>, string])[] = [
    ['of another cluster', '/v1/pause', { cluster: 'other' }, 'cluster'],
    ['for another node', '/v1/pause', { to: 'mars' }, 'not-for-me'],
    ['that is a response', '/v1/pause', { re: { session: SESSION, seq: 1 } }, 'reflected'],
    ['on the route of another command', '/v1/resume', {}, 'unknown-sender'],
    ['on the route of peers', '/v1/gossip', {}, 'unknown-sender'],
    ['that is empty', '/v1/pause', { payload: { version: 0, ack: 0 } }, 'unknown-sender'],
  ];
  test.each(refusals)('%s is refused', (_, route, parts, reason) => {
    const turn = newTurn(NODE, { at: AT, wall: WALL });
    onCommand(turn, 1, route, request(PAUSE, 1, parts));
    expect(turn.replies).toMatchObject([{ status: 403, refused: reason }]);
  });

  test('of one of very many operators still finds its own session', () => {
    const turn = newTurn(NODE, { at: AT, wall: WALL });
    for (let i = 0; i < 100; i += 1)
      onCommand(turn, i, '/v1/pause', request(PAUSE, 1, { from: `operator.${i}` }));
    expect(turn.state.operators.length).toBeLessThanOrEqual(32);
    expect(turn.state.operators[0]?.id).toBe('operator.99');
  });
});

describe('pause and resume', () => {
  test('are stored with owner, reason and expiry, under the next version, and spread', () => {
    const { turn, reply } = order(NODE, PAUSE);
    expect(reply.outcome).toEqual({ state: 'working', id: '1', detail: 'stored here; spreading' });
    expect(turn.state.pause).toEqual({
      version: 1,
      by: SELF,
      paused: true,
      owner: 'ann',
      reason: 'upgrade',
      until: WALL + 60_000,
    });
    expect([turn.writeId > 0, turn.outgoing.has(PEER)]).toEqual([true, true]);
    const resumed = order({ ...turn.state, operators: [] }, RESUME).turn.state.pause;
    expect(resumed).toMatchObject({ version: 2, paused: false, until: null });
  });

  test('without an end last until resumed, and no pause lasts longer than a year', () => {
    const until = (forMs: number | null) => order(NODE, { ...PAUSE, forMs }).turn.state.pause.until;
    expect([until(null), until(1e15)]).toEqual([null, WALL + MAX_PAUSE_MS]);
  });

  test('are not done by a node whose disk takes no writes', () => {
    const failing = { ...NODE, storage: { ...NODE.storage, failing: 'ENOSPC' } };
    expect(outcome(failing, PAUSE)).toMatchObject({ state: 'failed' });
    expect(order(failing, PAUSE).turn.state.pause.paused).toBe(false);
  });
});

describe('a handover', () => {
  const open = (parts: Partial<ReturnType<typeof handoverOf>>): State['handovers'][number] => ({
    record: handoverOf(parts),
    expiresAt: AT + 1,
  });

  test('is opened for the only address, and its id can be asked after', () => {
    const { turn, reply } = order(NODE, HANDOVER);
    expect(reply.outcome).toEqual({ state: 'working', id: 'saturn-1-1', detail: 'asked saturn' });
    expect(turn.state.handovers).toMatchObject([{ record: { address: IP, to: SELF, state: 'open' } }]);
    const asked: Command = { kind: 'handover-status', id: 'saturn-1-1' };
    expect(outcome({ ...turn.state, operators: [] }, asked)).toMatchObject({ state: 'working' });
  });

  test('goes to the best candidate where none is named', () => {
    expect(outcome(NODE, { ...HANDOVER, to: null })).toMatchObject({ detail: 'asked saturn' });
    expect(outcome(heldBy(NODE, SELF), { ...HANDOVER, to: null })).toMatchObject({ detail: 'asked neptune' });
    const alone = silenced(heldBy(NODE, SELF), PEER);
    expect(outcome(alone, { ...HANDOVER, to: null })).toMatchObject({ state: 'failed' });
  });

  const cluster = clusterOf(candidate(PEER), { id: 'pluto', role: 'witness', priority: 1 });
  const rows: readonly (readonly [string, State, Partial<typeof HANDOVER>, string])[] = [
    ['of an address that is not known', NODE, { address: '192.0.2.1' }, `which address? Known here: ${IP}`],
    ['to the holder', NODE, { to: PEER }, `neptune holds ${IP} already`],
    ['to a node that is not known', NODE, { to: 'mars' }, 'no node is called mars'],
    ['to a witness', heldBy(stateOf(cluster), PEER), { to: 'pluto' }, 'pluto is a witness, not a candidate'],
    ["to a node that isn't heard", silenced(heldBy(NODE, SELF), PEER), { to: PEER }, "neptune isn't heard"],
    [
      'while another is under way',
      { ...NODE, handovers: [open({ to: SELF })] },
      {},
      `a handover of ${IP} to saturn is under way already`,
    ],
  ];
  test.each(rows)('%s is refused', (_, state, change, detail) => {
    expect(outcome(state, { ...HANDOVER, ...change })).toMatchObject({ state: 'failed', detail });
  });

  test('may follow one that has ended or expired', () => {
    const ended = { ...NODE, handovers: [open({ state: 'failed' })] };
    const expired = { ...NODE, handovers: [{ record: handoverOf(), expiresAt: AT }] };
    expect([outcome(ended, HANDOVER)?.state, outcome(expired, HANDOVER)?.state]).toEqual([
      'working',
      'working',
    ]);
  });

  test.each([
    ['open', 'working', ''],
    ['done', 'done', 'done: verified'],
    ['failed', 'failed', 'failed: verified'],
    ['expired', 'failed', 'expired: verified'],
  ] as const)('that is %s is reported as %s', (state, shown, detail) => {
    const record = handoverOf({ state, detail: state === 'open' ? '' : 'verified' });
    const known = { ...NODE, handovers: [{ record, expiresAt: AT + 1 }] };
    const asked: Command = { kind: 'handover-status', id: record.id };
    expect(outcome(known, asked)).toEqual({ state: shown, id: record.id, detail });
  });

  test('that nobody opened is not known', () => {
    expect(outcome(NODE, { kind: 'handover-status', id: 'mars-1-1' })).toMatchObject({ state: 'failed' });
  });
});
