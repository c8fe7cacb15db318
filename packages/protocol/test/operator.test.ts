import { describe, expect, test } from 'vitest';
import type { Route } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import { isOperator, onCommand } from '../src/orders/operator.ts';
import { MAX_PAUSE_MS } from '../src/orders/pause.ts';
import { newContext, type PendingReply, type StepContext } from '../src/step-context.ts';
import type { Command, CommandOutcome, Envelope } from '../src/wire/messages.ts';
import {
  AT,
  candidate,
  clusterOf,
  envelopeOf,
  handoverOf,
  heldBy,
  IP,
  PEER,
  recordOf,
  SELF,
  silenced,
  stateOf,
  WALL,
  withPeer,
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
  'handover-cancel': '/v1/handover',
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
): { ctx: StepContext; reply: PendingReply } {
  const ctx = newContext(state, { at: AT, wall: WALL });
  onCommand(ctx, 1, route, request(command, 1));
  const echo = { session: state.session, t: AT - state.startedAt };
  onCommand(ctx, 2, route, request(command, 2, { echo }));
  const reply = ctx.replies.at(-1);
  if (reply === undefined) throw new Error('there was no reply');
  return { ctx, reply };
}

function outcome(state: State, command: Command): CommandOutcome | null {
  return order(state, command).reply.outcome;
}

test("operators are told from nodes by their id's beginning", () => {
  expect([isOperator(OPERATOR), isOperator('operator'), isOperator(SELF)]).toEqual([true, false, false]);
});

describe('a command', () => {
  test('is challenged first, and changes nothing until the challenge is echoed', () => {
    const ctx = newContext(NODE, { at: AT, wall: WALL });
    onCommand(ctx, 1, '/v1/pause', request(PAUSE, 1));
    expect(ctx.replies).toMatchObject([{ status: 409, refused: 'session', outcome: null }]);
    expect(ctx.state.pause.paused).toBe(false);
  });

  test('is obeyed once: the same message again is refused', () => {
    const { ctx } = order(NODE, PAUSE);
    const echo = { session: NODE.session, t: AT - NODE.startedAt };
    onCommand(ctx, 3, '/v1/pause', request(PAUSE, 2, { echo }));
    expect(ctx.replies.at(-1)).toMatchObject({ status: 409, refused: 'replayed' });
    expect(ctx.state.pause.version).toBe(1);
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
    const ctx = newContext(NODE, { at: AT, wall: WALL });
    onCommand(ctx, 1, route, request(PAUSE, 1, parts));
    expect(ctx.replies).toMatchObject([{ status: 403, refused: reason }]);
  });

  const QUESTION: Command = { kind: 'handover-status', id: 'x' };
  const ECHO = { session: NODE.session, t: AT - NODE.startedAt };

  /** A hundred others do this once, each in a session of its own. */
  function others(
    ctx: StepContext,
    command: Command,
    parts: Partial<Envelope>,
  ): readonly (number | undefined)[] {
    return Array.from({ length: 100 }, (_, i) => {
      onCommand(ctx, 10 + i, ROUTES[command.kind], request(command, 1, { from: `operator.${i}`, ...parts }));
      return ctx.replies.at(-1)?.status;
    });
  }

  test('finds its challenge, whoever sends what in between', () => {
    const ctx = newContext(NODE, { at: AT, wall: WALL });
    onCommand(ctx, 1, '/v1/pause', request(PAUSE, 1));
    others(ctx, PAUSE, {});
    others(ctx, QUESTION, { echo: ECHO });
    onCommand(ctx, 2, '/v1/pause', request(PAUSE, 2, { echo: ECHO }));
    expect(ctx.replies.at(-1)).toMatchObject({ status: 200 });
  });

  test('is obeyed once, whoever asks what in between', () => {
    const { ctx } = order(NODE, PAUSE);
    expect(new Set(others(ctx, QUESTION, { echo: ECHO }))).toEqual(new Set([200]));
    onCommand(ctx, 3, '/v1/pause', request(PAUSE, 2, { echo: ECHO }));
    expect(ctx.replies.at(-1)).toMatchObject({ status: 409, refused: 'replayed' });
    expect(ctx.state.pause.version).toBe(1);
  });

  test('is remembered until no message of its session can count any more, and no more are obeyed at once', () => {
    const { ctx } = order(NODE, PAUSE);
    const statuses = others(ctx, PAUSE, { echo: ECHO });
    others(ctx, QUESTION, { echo: ECHO });
    expect(statuses.filter((status) => status === 200)).toHaveLength(31);
    expect(ctx.state.operators).toHaveLength(64);
    const later = newContext(ctx.state, { at: AT + 60_000, wall: WALL });
    onCommand(later, 3, '/v1/pause', request(PAUSE, 3, { echo: ECHO }));
    expect(later.replies.at(-1)).toMatchObject({ status: 409, refused: 'stale' });
    const echo = { session: NODE.session, t: AT + 60_000 - NODE.startedAt };
    onCommand(later, 4, '/v1/pause', request(PAUSE, 1, { from: 'operator.new', echo }));
    expect(later.replies.at(-1)).toMatchObject({ status: 200 });
    expect(later.state.operators).toHaveLength(1);
  });
});

describe('pause and resume', () => {
  test('are stored with owner, reason and expiry, under the next version, and spread', () => {
    const { ctx, reply } = order(NODE, PAUSE);
    expect(reply.outcome).toEqual({ state: 'working', id: '1', detail: 'stored here; spreading' });
    expect(ctx.state.pause).toEqual({
      version: 1,
      by: SELF,
      paused: true,
      owner: 'ann',
      reason: 'upgrade',
      until: WALL + 60_000,
    });
    expect([ctx.writeId > 0, ctx.outgoing.has(PEER)]).toEqual([true, true]);
    const resumed = order({ ...ctx.state, operators: [] }, RESUME).ctx.state.pause;
    expect(resumed).toMatchObject({ version: 2, paused: false, until: null });
  });

  test('without an end last until resumed, and no pause lasts longer than a year', () => {
    const until = (forMs: number | null) => order(NODE, { ...PAUSE, forMs }).ctx.state.pause.until;
    expect([until(null), until(1e15)]).toEqual([null, WALL + MAX_PAUSE_MS]);
  });

  test('are not done by a node whose disk takes no writes', () => {
    const failing = { ...NODE, storage: { ...NODE.storage, failing: 'ENOSPC' } };
    expect(outcome(failing, PAUSE)).toMatchObject({ state: 'failed' });
    expect(order(failing, PAUSE).ctx.state.pause.paused).toBe(false);
  });
});

describe('a second pause', () => {
  const ann: Command = { ...PAUSE, forMs: 3_600_000 };
  const twice = (first: Command, second: Command): readonly [State['pause'], string] => {
    const { ctx } = order(NODE, first);
    const { ctx: later, reply } = order({ ...ctx.state, operators: [] }, second);
    return [later.state.pause, reply.outcome?.detail ?? ''];
  };
  const bob: Command = { kind: 'pause', forMs: 60_000, reason: 'switch', owner: 'bob' };

  test('that is shorter leaves the longer one in force with its owner and reason, and says so', () => {
    const [pause, detail] = twice(ann, bob);
    expect(pause).toMatchObject({ version: 2, owner: 'ann', reason: 'upgrade', until: WALL + 3_600_000 });
    expect(detail).toBe(
      'stored here; spreading; in force stays, because it lasts longer, the pause of ann, until 2026-01-02T04:04:05Z: upgrade',
    );
  });

  test('that is longer replaces the shorter one, and shows it', () => {
    const [pause, detail] = twice(bob, { ...ann, forMs: null });
    expect(pause).toMatchObject({ version: 2, owner: 'ann', reason: 'upgrade', until: null });
    expect(detail).toContain('it replaces the pause of bob, until 2026-01-02T03:05:05Z: switch');
  });

  test('that is told to replaces the longer one', () => {
    const [pause, detail] = twice({ ...ann, forMs: null }, { ...bob, replace: true });
    expect(pause).toMatchObject({ owner: 'bob', reason: 'switch', until: WALL + 60_000 });
    expect(detail).toContain('it replaces the pause of ann, until resumed: upgrade');
  });

  test('after the first has run out is a pause like any other', () => {
    const { ctx } = order(NODE, bob);
    const over = { ...ctx.state, operators: [], pause: { ...ctx.state.pause, until: WALL } };
    expect(order(over, ann).reply.outcome?.detail).toBe('stored here; spreading');
  });

  test('and a resume names the pause that it ends', () => {
    expect(twice(ann, RESUME)[1]).toContain('it ends the pause of ann, until 2026-01-02T04:04:05Z: upgrade');
  });

  test('ends the handovers that are open, and names them', () => {
    const { ctx } = order(NODE, HANDOVER);
    const { ctx: later, reply } = order({ ...ctx.state, operators: [] }, PAUSE);
    expect(reply.outcome?.detail).toBe(
      `stored here; spreading; it ends the handover of ${IP} to saturn, ordered by ann: test`,
    );
    expect(later.state.handovers).toMatchObject([{ record: { state: 'failed', withdrawnBy: 'ann' } }]);
  });
});

describe('taking a handover back', () => {
  const CANCEL: Command = { kind: 'handover-cancel', id: null, address: null, reason: '', owner: 'bob' };
  /** The address is with this node, and was ordered to its peer. */
  const ordered = (): State => {
    const { ctx } = order(heldBy(stateOf(), SELF), { ...HANDOVER, to: PEER });
    return { ...ctx.state, operators: [] };
  };
  const cancelled = (state = ordered()): State => ({ ...order(state, CANCEL).ctx.state, operators: [] });
  const again = (state: State): CommandOutcome | null => outcome(state, { ...CANCEL, id: 'saturn-1-1' });
  const tells = (state: State, state2: 'open' | 'failed', parts = {}): State => {
    const handovers = [handoverOf({ to: PEER, state: state2 })];
    return withPeer(state, PEER, { record: recordOf(PEER, { handovers, ...parts }) });
  };

  test('ends it here, and promises nothing before its target has stored that', () => {
    const { ctx, reply } = order(ordered(), CANCEL);
    expect(ctx.state.handovers).toMatchObject([{ record: { withdrawnBy: 'bob' } }]);
    expect(reply.outcome).toEqual({
      state: 'working',
      id: 'saturn-1-1',
      detail:
        "withdrawn here, but neptune hasn't stored it yet: until 2026-01-02T03:06:17Z it may still happen",
    });
  });

  test('is done once its target has stored it', () => {
    expect(again(tells(cancelled(), 'failed'))).toEqual({
      state: 'done',
      id: 'saturn-1-1',
      detail: 'withdrawn: neptune has stored it',
    });
  });

  test.each<readonly [string, (state: State) => State, string]>([
    ['still has it open', (state) => tells(state, 'open'), "neptune hasn't stored it yet"],
    ['cannot write', (state) => tells(state, 'failed', { unstored: true }), "neptune hasn't stored it yet"],
    ['is not heard', (state) => silenced(state, PEER), "neptune isn't heard"],
  ])('is not done while its target %s', (_, change, why) => {
    const told = again(change(cancelled()));
    expect([told?.state, told?.detail]).toEqual(['working', expect.stringContaining(why)]);
  });

  test('is done when its time is certainly over, but not while its target is heard to be at it', () => {
    const over = cancelled();
    const later = { ...over, handovers: over.handovers.map((one) => ({ ...one, expiresAt: AT - 12_000 })) };
    expect(again(silenced(later, PEER))).toMatchObject({ state: 'done' });
    expect(again(tells(later, 'open'))).toMatchObject({ state: 'working' });
  });

  test('comes too late for one that is done', () => {
    const done = ordered();
    const record = handoverOf({ to: PEER, state: 'done', detail: 'verified' });
    const handovers = done.handovers.map((one) => ({ ...one, record }));
    expect(again({ ...done, handovers })).toMatchObject({
      state: 'failed',
      detail: 'it is too late: done: verified',
    });
  });

  test('is no matter for one that has failed already', () => {
    const failed = ordered();
    const record = handoverOf({ to: PEER, state: 'failed', detail: 'local-unfit' });
    const handovers = failed.handovers.map((one) => ({ ...one, record }));
    expect(again({ ...failed, handovers })).toMatchObject({ state: 'done' });
  });

  test('to this very node is done once this node has stored it', () => {
    const { ctx } = order(NODE, HANDOVER);
    const gone = cancelled({ ...ctx.state, operators: [] });
    expect(again(gone)).toMatchObject({ state: 'working' });
    const stored = { ...gone, storage: { ...gone.storage, durable: gone.storage.latest } };
    expect(again(stored)).toMatchObject({ state: 'done', detail: 'withdrawn: saturn has stored it' });
    const failing = { ...stored, storage: { ...stored.storage, failing: 'ENOSPC' } };
    expect(again(failing)).toMatchObject({ state: 'working' });
  });

  test.each<readonly [string, State, Partial<typeof CANCEL>, string]>([
    ['where none is open', NODE, {}, `no handover of ${IP} is open`],
    ['of an address that is not known', NODE, { address: '192.0.2.1' }, `which address? Known here: ${IP}`],
    ['by an id that is not known', NODE, { id: 'mars-1-1' }, 'no such handover is known here'],
  ])('%s is refused', (_, state, parts, detail) => {
    expect(outcome(state, { ...CANCEL, ...parts })).toMatchObject({ state: 'failed', detail });
  });
});

describe('a handover', () => {
  const open = (parts: Partial<ReturnType<typeof handoverOf>>): State['handovers'][number] => ({
    record: handoverOf(parts),
    expiresAt: AT + 1,
    untold: 'nothing',
    ending: null,
  });

  test('is opened for the only address, and its id can be asked after', () => {
    const { ctx, reply } = order(NODE, HANDOVER);
    expect(reply.outcome).toEqual({ state: 'working', id: 'saturn-1-1', detail: 'asked saturn' });
    expect(ctx.state.handovers).toMatchObject([{ record: { address: IP, to: SELF, state: 'open' } }]);
    const asked: Command = { kind: 'handover-status', id: 'saturn-1-1' };
    expect(outcome({ ...ctx.state, operators: [] }, asked)).toMatchObject({ state: 'working' });
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
      `a handover of ${IP} to saturn is under way already, ordered by operator: maintenance`,
    ],
  ];
  test.each(rows)('%s is refused', (_, state, change, detail) => {
    expect(outcome(state, { ...HANDOVER, ...change })).toMatchObject({ state: 'failed', detail });
  });

  test('may follow one that has ended or expired', () => {
    const ended = { ...NODE, handovers: [open({ state: 'failed' })] };
    const expired = {
      ...NODE,
      handovers: [{ record: handoverOf(), expiresAt: AT, ending: null, untold: 'nothing' as const }],
    };
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
    const known = {
      ...NODE,
      handovers: [{ record, expiresAt: AT + 1, ending: null, untold: 'nothing' as const }],
    };
    const asked: Command = { kind: 'handover-status', id: record.id };
    expect(outcome(known, asked)).toEqual({ state: shown, id: record.id, detail });
  });

  test('has the time that its operator gives it, and no longer than a handover may take', () => {
    const until = (forMs: number): number | undefined =>
      order(NODE, { ...HANDOVER, forMs }).ctx.state.handovers[0]?.expiresAt;
    expect([until(5_000), until(1e9)]).toEqual([AT + 5_000, AT + 120_000]);
  });

  test('is refused where as many are open as can be remembered', () => {
    const all = Array.from({ length: 16 }, (_, n) => open({ id: `h-${n}`, address: `192.0.2.${n}` }));
    expect(outcome({ ...NODE, handovers: all }, HANDOVER)).toMatchObject({
      state: 'failed',
      detail: '16 handovers are open already',
    });
  });

  test('that nobody opened is not known', () => {
    expect(outcome(NODE, { kind: 'handover-status', id: 'mars-1-1' })).toMatchObject({ state: 'failed' });
  });
});
