/** What the cloud has accepted is told, whatever reads show for a while; what it hasn't is not (invariant I17). */
import { expect, test } from 'vitest';
import type { AddressState, Holder, LateTake } from '../src/model/address-state.ts';
import type { ProtocolConfig } from '../src/model/config.ts';
import { UNKNOWN_HOLDER } from '../src/model/initial.ts';
import type { DriverAnswer } from '../src/model/inputs.ts';
import { WITHOUT_ID } from '../src/model/units.ts';
import { LATE_LASTS_MS } from '../src/move/late.ts';
import type { MovePhase } from '../src/move/phases.ts';
import { firstAndLast } from '../src/move/progress.ts';
import { step } from '../src/step.ts';
import { type Fault, UNKNOWN } from './support/cloud.ts';
import {
  AT,
  addressIn,
  heldBy,
  IP,
  PAIR,
  PEER,
  SELF,
  stateOf,
  WALL,
  withAddress,
} from './support/fixtures.ts';
import { INTENT, movingIn } from './support/moves.ts';
import { concluded, standby } from './support/standby.ts';
import type { World } from './support/world.ts';

const OPSWORKS: ProtocolConfig = {
  ...PAIR,
  driver: { style: 'single-call', swap: false, displace: 'refuse' },
};
/** What a read shows that lags behind a single call: OpsWorks gives its associations no ids. */
const BEFORE: DriverAnswer = {
  kind: 'read',
  association: { kind: 'associated', associationId: null, instanceId: 'i-neptune', node: null, self: false },
  displaces: null,
};

function reads(answer: DriverAnswer, count: number): Fault[] {
  return Array.from({ length: count }, () => ({ op: 'read', answer, applied: false }));
}

function opsworks(): World {
  const world = standby(OPSWORKS);
  world.cloud.named = false;
  return world;
}

const results = (world: World): readonly string[] =>
  world.facts.flatMap((fact) =>
    fact.kind === 'concluded' && fact.entry.kind === 'takeover' ? [fact.entry.result] : [],
  );

/** A take that AWS applies only when its node has given it up, and when that node had read who took it meanwhile. */
function givenUp(): World {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [{ op: 'take', answer: UNKNOWN, applied: false }];
  world.runUntil('it has released', ({ cloud }) => cloud.holder === null);
  world.cloud.assign('pluto');
  world.serving.add('pluto');
  world.runUntil('the race is lost', concluded);
  expect(results(world)).toEqual(['lost-race']);
  return world;
}

test('a single call that the cloud accepted is told, though every read shows who held the address before', () => {
  const world = opsworks();
  world.serving.delete(PEER);
  world.cloud.faults = reads(BEFORE, 40);
  world.runUntil('it is told', () => world.published.length > 0);
  expect(results(world)).toEqual(['served']);
  expect(addressIn(world.state()).holder.node).toBe(SELF);
});

test("what an operator's own program has moved is told, though it goes on reading who held the address before", () => {
  const world = standby({
    ...PAIR,
    driver: { style: 'fenced', swap: false, displace: 'allow' },
  });
  world.cloud.named = false;
  world.serving.delete(PEER);
  const before: DriverAnswer = {
    kind: 'read',
    association: { kind: 'associated', associationId: null, instanceId: null, node: PEER, self: false },
    displaces: null,
  };
  world.cloud.faults = reads(before, 40);
  world.runUntil('it is told', () => world.published.length > 0);
  expect(results(world)).toEqual(['served']);
  expect(addressIn(world.state()).holder.node).toBe(SELF);
});

test('the reads that lag are no change of holder: one move counts once', () => {
  const world = opsworks();
  world.serving.delete(PEER);
  world.cloud.faults = reads(BEFORE, 2);
  world.run(90_000);
  expect(world.cloud.faults).toEqual([]);
  expect(addressIn(world.state()).changes).toHaveLength(1);
  expect(world.published).toHaveLength(1);
});

test('a single call that took the address from its holder and gave it to nobody is made good, and told once', () => {
  const world = opsworks();
  world.serving.delete(PEER);
  const nobody: DriverAnswer = { kind: 'read', association: { kind: 'none' }, displaces: null };
  world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
  world.cloud.assign(null);
  world.serving.delete(SELF);
  world.cloud.faults = reads(nobody, 3);
  world.runUntil('it is taken again', ({ cloud }) => cloud.taken > 1);
  world.serving.add(SELF);
  world.runUntil('it is told', () => world.published.length > 0);
  world.run(90_000);
  expect(results(world)).toEqual(['served']);
  expect(world.published).toHaveLength(1);
});

test('the outside sees this node under the address that it has just taken: it holds it', () => {
  const world = opsworks();
  world.serving.delete(PEER);
  world.serving.delete(SELF);
  world.seenAs = '198.51.100.1';
  world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0);
  world.seenAs = IP;
  world.runUntil('it is told', () => world.published.length > 0);
  expect(results(world)).toEqual(['moved']);
  expect(addressIn(world.state()).holder).toMatchObject({ node: SELF, firsthand: true });
});

test('a restart that reads what was before a take of the last run tells it when a later read shows it', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.runUntil('the intent is there', () => world.document()?.addresses[0]?.intent?.stage === 'planned');
  const before: DriverAnswer = {
    kind: 'read',
    association: {
      kind: 'associated',
      associationId: 'eipassoc-1',
      instanceId: 'i-neptune',
      node: null,
      self: false,
    },
    displaces: null,
  };
  world.crash();
  world.cloud.assign(null);
  world.cloud.call({ op: 'take', reassociate: false });
  world.run(500);
  world.cloud.faults = reads(before, 1);
  world.start();
  world.run(120_000);
  expect(world.published.filter(({ subject }) => subject === 'HAProxy failover notification')).toHaveLength(
    1,
  );
});

test('a story that grew too long keeps how it began and how it ended', () => {
  expect(firstAndLast([1, 2, 3, 4], 4)).toEqual([1, 2, 3, 4]);
  expect(firstAndLast([1, 2, 3, 4, 5, 6], 4)).toEqual([1, 2, 5, 6]);
});

test('a take that was given up and lands minutes later is told once', () => {
  const world = givenUp();
  world.run(5 * 60_000);
  world.cloud.assign(SELF);
  world.run(3 * 60_000);
  expect(results(world)).toEqual(['lost-race', 'moved']);
  expect(world.published).toHaveLength(1);
});

/** An idle read is on its way, and shows this node by an association that it doesn't know of. */
function shownWhile(parts: Partial<AddressState>) {
  const told = heldBy(stateOf(), SELF);
  const { holder, idle } = addressIn(told);
  const state = withAddress(told, {
    holder: { ...holder, associationId: null, toldBy: PEER, firsthand: false },
    late: { intent: INTENT, until: AT + 60_000, takes: 1, held: null },
    idle: {
      ...idle,
      reading: 9,
      readingAt: AT - 100,
      nextReadAt: AT + 50_000,
      nextPermitAt: AT + 50_000,
    },
    ...parts,
  });
  const association = {
    kind: 'associated',
    associationId: 'eipassoc-2',
    instanceId: 'i-saturn',
    node: null,
    self: true,
  } as const;
  const result = { answer: { kind: 'read', association, displaces: null }, requests: [] } as const;
  return step(state, { kind: 'driven', at: AT, wall: WALL, callId: 9, purpose: 'idle-read', result });
}

test('a take that was given up and lands is told, though a peer has said first who holds the address', () => {
  const after = shownWhile({});
  expect(after.facts.map(({ kind }) => kind)).toContain('late-association');
  expect(after.state.outbox).toHaveLength(1);
});

test('one of two takes of a move lands and is told; the other is remembered until it lands or can no more', () => {
  const late = { intent: INTENT, takes: 2, until: AT + 60_000, held: null };
  const after = shownWhile({ late });
  expect(addressIn(after.state).late).toEqual({ ...late, takes: 1, held: 'eipassoc-2' });
  expect(after.state.outbox).toHaveLength(1);
});

test('a take of an earlier move that lands while the next one looks first is told by itself', () => {
  const move = movingIn({ kind: 'reading', callId: 10, at: AT - 500, purpose: 'start' });
  const intent = { ...INTENT, epoch: INTENT.epoch + 1 };
  const after = shownWhile({ move: { ...move, epoch: intent.epoch }, intent });
  expect(after.facts.map(({ kind }) => kind)).toContain('late-association');
  expect(after.state.outbox).toHaveLength(1);
});

/** A read that shows this node by an association without an id. */
const SHOWN_WITHOUT_ID = {
  answer: {
    kind: 'read',
    association: { kind: 'associated', associationId: null, instanceId: 'i-saturn', node: null, self: true },
    displaces: null,
  },
  requests: [],
} as const;

/** One of two takes was told; what a read shows then, for a holder that was known as `holder` before it. */
function shownWithoutId(held: LateTake['held'], holder: Holder) {
  const told = heldBy(stateOf(OPSWORKS), SELF);
  const { idle } = addressIn(told);
  const state = withAddress(told, {
    holder,
    late: { intent: INTENT, until: AT + 60_000, takes: 1, held },
    idle: { ...idle, reading: 9, readingAt: AT - 100, nextReadAt: AT + 50_000, nextPermitAt: AT + 50_000 },
  });
  const read = { at: AT, wall: WALL, callId: 9, purpose: 'idle-read', result: SHOWN_WITHOUT_ID } as const;
  return step(state, { kind: 'driven', ...read });
}

test('without ids, what a read shows is what was told until another holder is known', () => {
  const after = shownWithoutId(WITHOUT_ID, UNKNOWN_HOLDER);
  expect(after.state.outbox).toEqual([]);
  expect(addressIn(after.state).late?.takes).toBe(1);
});

test('without ids, a take that lands after a peer has held the address is told', () => {
  const { holder } = addressIn(heldBy(stateOf(OPSWORKS), PEER));
  const after = shownWithoutId(null, { ...holder, associationId: null, toldBy: PEER, at: AT - 5_000 });
  expect(after.facts.map(({ kind }) => kind)).toContain('late-association');
  expect(after.state.outbox).toHaveLength(1);
});

const SETTLING = {
  kind: 'settling',
  of: 'take',
  associationId: null,
  since: AT - 500,
  callId: 10,
  readAt: AT,
  seen: null,
  seenAt: AT - 500,
  nextAt: AT,
} as const;
const RESTS = { kind: 'resting', until: AT + 500 } as const;

test.each<readonly [string, boolean, MovePhase]>([
  ['its take is on its way', false, { kind: 'taking', callId: 10, at: AT - 500, reassociate: false }],
  ['the answer of its take is looked for', false, SETTLING],
  ['it waits for its take', false, { ...RESTS, next: { call: 'take', reassociate: false } }],
  ['it looks anew', false, { kind: 'reading', callId: 10, at: AT - 500, purpose: 'start' }],
  ['it rests before it looks anew', false, { ...RESTS, next: { call: 'read', purpose: 'start' } }],
  ['its take found it held', false, { kind: 'reading', callId: 10, at: AT - 500, purpose: 'lost' }],
  ['nobody holds it by its doing', true, { ...RESTS, next: { call: 'read', purpose: 'duty' } }],
])('what lands in the middle of a move is told with the move, and once: %s', (_, duty, stage) => {
  const move = movingIn(stage, duty);
  const { state, facts } = shownWhile({ move, intent: { ...INTENT, stage: 'released' } });
  expect(facts.map(({ kind }) => kind)).not.toContain('late-association');
  // An accepted one ends as a move, whatever comes; one whose gates closed has ended by this.
  const { late, intent } = addressIn(state);
  expect([late, state.outbox.length + (intent?.stage === 'accepted' ? 1 : 0)]).toEqual([null, 1]);
});

test("a move by an operator's hand, when a take that was given up can't land any more, is told as nobody's", () => {
  const world = givenUp();
  world.run(LATE_LASTS_MS + 3 * 60_000);
  expect(addressIn(world.state()).late).toBeNull();
  expect(world.document()?.addresses[0]?.late).toBeNull();
  world.cloud.assign(SELF);
  world.run(3 * 60_000);
  expect(results(world)).toEqual(['lost-race']);
  expect(world.published).toEqual([]);
});

test('a restart keeps what is left of the time in which a take may land, and no more', () => {
  const world = givenUp();
  world.run(5 * 60_000);
  const left = world.document()?.addresses[0]?.lateMs ?? 0;
  world.crash();
  world.run(60 * 60_000);
  world.start();
  world.run(1_000);
  const { late } = addressIn(world.state());
  expect(late?.until).toBeLessThanOrEqual(world.now + left);
  world.run(left + 2 * 60_000);
  expect(addressIn(world.state()).late).toBeNull();
});

test('a take that was lost and one that was answered may both land: each is told', () => {
  const world = standby();
  world.serving.delete(PEER);
  world.cloud.faults = [{ op: 'take', answer: UNKNOWN, applied: false }];
  world.runUntil('it is told', () => world.published.length > 0);
  expect(results(world)).toEqual(['served']);
  world.run(1_000);
  world.crash();
  world.start();
  world.run(60_000);
  expect(results(world)).toEqual(['served']); // the association that it finds is the one that was told
  world.cloud.assign(null);
  world.cloud.assign(SELF); // the first take lands on an address that somebody has just released
  world.run(3 * 60_000);
  expect(results(world)).toEqual(['served', 'moved']);
  expect(world.published).toHaveLength(2);
});
