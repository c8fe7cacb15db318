import { expect, test } from 'vitest';
import type { AddressState } from '../src/model/address-state.ts';
import type { Effect } from '../src/model/effects.ts';
import { newAddress } from '../src/model/initial.ts';
import type { Association, DriverAnswer } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import type { Move, MovePhase } from '../src/move/phases.ts';
import { readinessProblems } from '../src/observation/idle-reads.ts';
import { step } from '../src/step.ts';
import {
  AT,
  addressIn,
  CHECK,
  clusterOf,
  EXPECTS,
  heldBy,
  IP,
  PAIR,
  PEER,
  proven,
  SELF,
  seenUp,
  stateOf,
  WALL,
  withAddress,
} from './support/fixtures.ts';

/** A holder that read the cloud a while ago, and needn't again for most of a minute. */
function holderThatRead(readAgoMs: number, ended: readonly string[]): State {
  const state = seenUp(heldBy(stateOf(clusterOf('neptune', 'pluto')), SELF));
  const { idle } = addressIn(state);
  return withAddress(state, {
    ended,
    idle: { ...idle, readingAt: AT - readAgoMs, nextReadAt: AT + 50_000, nextPermitAt: AT + 50_000 },
  });
}

function reads(state: State, at: number): readonly Effect[] {
  const { effects } = step(state, { kind: 'tick', at, wall: WALL });
  return effects.filter((effect) => effect.kind === 'drive' && effect.operation.op === 'read');
}

test('a holder whose association has ended, by the word of others, asks the cloud who holds the address now', () => {
  expect(reads(holderThatRead(10_000, ['eipassoc-1']), AT)).toHaveLength(1);
});

test('it does so 5 s after it last did, however often it is told', () => {
  expect(reads(holderThatRead(4_000, ['eipassoc-1']), AT)).toEqual([]);
  expect(reads(holderThatRead(4_000, ['eipassoc-1']), AT + 1_000)).toHaveLength(1);
});

test('the end of an earlier association is no reason to ask', () => {
  expect(reads(holderThatRead(10_000, ['eipassoc-0']), AT)).toEqual([]);
  expect(reads(seenUp(heldBy(stateOf(PAIR), SELF)), AT)).toHaveLength(1);
});

const IDLE = withAddress(seenUp(heldBy(stateOf(PAIR), PEER)), {
  idle: { ...addressIn(stateOf(PAIR)).idle, permission: { kind: 'permitted', at: AT } },
});

/** What the node says of its reads after each of these answers, whenever it reads. */
function afterReads(
  answers: readonly DriverAnswer[],
  from: State = proven(IDLE),
): readonly (readonly string[])[] {
  let state = from;
  let at = AT;
  return answers.map((answer) => {
    let read: Effect | undefined;
    for (; read?.kind !== 'drive'; at += 1_000) {
      const asked = step(state, { kind: 'tick', at, wall: WALL });
      state = asked.state;
      read = asked.effects.find((effect) => effect.kind === 'drive' && effect.operation.op === 'read');
    }
    const result = { answer, requests: [] };
    state = step(state, {
      kind: 'driven',
      callId: read.callId,
      purpose: 'idle-read',
      result,
      at,
      wall: WALL,
    }).state;
    return readinessProblems(state).filter((problem) => problem.startsWith('read-'));
  });
}

function moving(stage: MovePhase): Move {
  return {
    epoch: 1,
    mode: 'takeover',
    handoverId: null,
    startedAt: AT,
    leaseUntil: AT + 10_000,
    callTimeoutMs: 3_000,
    consent: false,
    duty: true,
    stage,
    delayMs: 0,
    steps: [],
    requestIds: [],
  };
}

const REFUSED = { kind: 'refused', throttled: false, code: 'ExpiredToken', message: 'expired' } as const;
const THROTTLED = { ...REFUSED, throttled: true, code: 'RequestLimitExceeded' } as const;
const UNKNOWN = { kind: 'unknown', code: 'Timeout', message: 'no answer in time' } as const;
const READ = {
  kind: 'read',
  association: {
    kind: 'associated',
    associationId: 'eipassoc-1',
    instanceId: 'i-neptune',
    node: null,
    self: false,
  },
  displaces: null,
} as const;

test('a read that the cloud refuses for good makes the node not ready, with the code, until one is answered', () => {
  expect(afterReads([REFUSED, REFUSED, READ])).toEqual([
    [`read-refused: ${IP}: ExpiredToken`],
    [`read-refused: ${IP}: ExpiredToken`],
    [],
  ]);
});

test.each([
  ['throttled', THROTTLED],
  ['not answered', UNKNOWN],
])('a read that is %s once is a hiccup, twice in a row it makes the node not ready', (_how, answer) => {
  expect(afterReads([answer, READ, answer, answer, READ])).toEqual([
    [],
    [],
    [],
    [`read-failed: ${IP}: ${answer.code}`],
    [],
  ]);
});

test('with several addresses a node reads once a minute, each in its turn', () => {
  const ips = ['203.0.113.7', '203.0.113.8', '203.0.113.9'];
  const config = { ...PAIR, addresses: ips.map((ip) => ({ ip, probe: CHECK, expects: EXPECTS })) };
  const addresses = Object.fromEntries(ips.map((ip) => [ip, { ...newAddress(ip), verdict: 'up' as const }]));
  let state: State = { ...stateOf(config), addresses };
  const read: (readonly [minute: number, ip: string])[] = [];
  for (let at = AT; at < AT + 9 * 60_000; at += 1_000) {
    const { state: next, effects } = step(state, { kind: 'tick', at, wall: WALL });
    state = next;
    for (const effect of effects) {
      if (effect.kind !== 'drive' || effect.operation.op !== 'read') continue;
      read.push([Math.floor((at - AT) / 60_000), effect.address]);
      const driven = {
        kind: 'driven',
        callId: effect.callId,
        purpose: 'idle-read',
        result: { answer: READ, requests: [] },
      } as const;
      state = step(state, { ...driven, at, wall: WALL }).state;
    }
  }
  expect(read.filter(([minute]) => minute > 0)).toEqual(
    [1, 2, 3, 4, 5, 6, 7, 8].map((minute) => [minute, ips[(minute - 1) % ips.length]]),
  );
});

test('a read of a move that is refused makes the node not ready as well, while idle reads rest', () => {
  const move = moving({ kind: 'reading', callId: 77, at: AT, purpose: 'duty' });
  const result = { answer: REFUSED, requests: [] };
  const { state } = step(withAddress(proven(IDLE), { move }), {
    kind: 'driven',
    callId: 77,
    purpose: 'move',
    result,
    at: AT,
    wall: WALL,
  });
  expect(readinessProblems(state)).toContain(`read-refused: ${IP}: ExpiredToken`);
});

test('the read of a move that was given up shows who holds the address all the same', () => {
  const reading = moving({ kind: 'reading', callId: 77, at: AT, purpose: 'start' });
  const move = { ...reading, mode: 'handover', handoverId: 'ended', duty: false } as const;
  const givenUp = step(withAddress(proven(IDLE), { move }), { kind: 'tick', at: AT, wall: WALL }).state;
  expect(addressIn(givenUp).move).toBeNull();
  const answer = { kind: 'read', association: OWN, displaces: null } as const;
  const { state } = step(givenUp, {
    kind: 'driven',
    callId: 77,
    purpose: 'move',
    result: { answer, requests: [] },
    at: AT + 100,
    wall: WALL,
  });
  expect(addressIn(state).holder).toMatchObject({ node: SELF, associationId: 'eipassoc-2', firsthand: true });
});

/** A read that began 2 s ago, and while it was on its way a peer said at -1 s that nobody holds the address. */
function answered(association: Association, parts: Partial<AddressState> = {}): State {
  const state = holderThatRead(2_000, []);
  const { idle, holder } = addressIn(state);
  const told = {
    ...holder,
    kind: 'none',
    node: null,
    instanceId: null,
    associationId: null,
    at: AT - 1_000,
    toldBy: 'neptune',
  } as const;
  const reading = withAddress(state, { holder: told, idle: { ...idle, reading: 77 }, ...parts });
  const answer = { kind: 'read', association, displaces: null } as const;
  const input = {
    kind: 'driven',
    callId: 77,
    purpose: 'idle-read',
    result: { answer, requests: [] },
    at: AT,
    wall: WALL,
  } as const;
  return step(reading, input).state;
}

const OWN: Association = {
  kind: 'associated',
  associationId: 'eipassoc-2',
  instanceId: 'i-saturn',
  node: null,
  self: true,
};

test('a read that was overtaken by a word to the contrary is no proof, and the cloud is asked again', () => {
  const state = answered(OWN);
  expect(addressIn(state).holder.kind).toBe('none');
  expect(addressIn(state).idle.nextReadAt).toBe(AT + 3_000);
});

test('one that says the same, or was not overtaken, is asked for again in a minute', () => {
  expect(addressIn(answered({ kind: 'none' })).idle.nextReadAt).toBe(AT + 50_000);
  const before = { ...addressIn(holderThatRead(2_000, [])).holder, at: AT - 3_000 };
  const state = answered(OWN, { holder: before });
  expect(addressIn(state).holder.associationId).toBe('eipassoc-2');
  expect(addressIn(state).idle.nextReadAt).toBe(AT + 50_000);
});

test('a node that cannot ask the cloud no longer knows who holds an address whose association has ended', () => {
  const member = {
    ...clusterOf('neptune', 'pluto'),
    node: { ...PAIR.node, role: 'member' },
    driver: null,
  } as const;
  const state = withAddress(heldBy(stateOf(member), 'neptune'), { ended: ['eipassoc-1'], served: true });
  const { state: after, effects, facts } = step(state, { kind: 'tick', at: AT, wall: WALL });
  expect(addressIn(after)).toMatchObject({ holder: { kind: 'unknown', node: null }, served: false });
  expect(effects.filter(({ kind }) => kind === 'drive')).toEqual([]);
  expect(facts).toContainEqual(expect.objectContaining({ kind: 'holder', holder: 'unknown' }));
});
