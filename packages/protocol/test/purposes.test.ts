/** An answer says what was asked for, and goes nowhere else. */
import { expect, test } from 'vitest';
import type { DriverAnswer, Input } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import type { Move } from '../src/move/phases.ts';
import { step } from '../src/step.ts';
import { AT, addressIn, heldBy, IP, PAIR, PEER, stateOf, WALL, withAddress } from './support/fixtures.ts';
import { INTENT } from './support/moves.ts';

const MOVE: Move = {
  epoch: 1,
  mode: 'takeover',
  handoverId: null,
  startedAt: AT,
  leaseUntil: AT + 10_000,
  callTimeoutMs: 3_000,
  consent: false,
  duty: true,
  stage: { kind: 'reading', callId: 77, at: AT, purpose: 'duty' },
  delayMs: 0,
  steps: [],
  requestIds: [],
};

/** Nothing is due; a move, an idle read and a dry run wait for their answers. */
function waiting(): State {
  const state = heldBy(stateOf(PAIR), PEER);
  const { idle } = addressIn(state);
  return withAddress(state, {
    move: MOVE,
    idle: { ...idle, reading: 78, permitting: 79, nextReadAt: AT + 50_000, nextPermitAt: AT + 50_000 },
  });
}

const REFUSED: DriverAnswer = { kind: 'refused', throttled: false, code: 'Denied', message: 'no' };

test.each([
  ['move', 77, ['move']],
  ['idle-read', 78, ['reading']],
  ['permission', 79, ['permitting']],
  ['idle-read', 77, []],
  ['permission', 78, []],
  ['move', 79, []],
] as const)(
  'the answer to a call for %s, number %i, ends what waits for it: %j',
  (purpose, callId, ended) => {
    const result = { answer: REFUSED, requests: [] };
    const { state } = step(waiting(), { kind: 'driven', callId, purpose, result, at: AT, wall: WALL });
    const { move, idle } = addressIn(state);
    const waits = {
      move: move?.stage.kind === 'reading',
      reading: idle.reading !== null,
      permitting: idle.permitting !== null,
    };
    const over = Object.entries(waits).flatMap(([what, is]) => (is ? [] : [what]));
    expect(over).toEqual(ended);
  },
);

/** A take that was given up may land yet, and the outside is asked under the address. */
function seenAs(purpose: 'guard' | 'way-out'): State {
  const state = waiting();
  const { idle } = addressIn(state);
  const remembering = withAddress(state, {
    move: null,
    idle: { ...idle, reading: null },
    late: { intent: INTENT, until: AT + 60_000, takes: 1, held: null },
  });
  const result = { kind: 'address', ip: IP, durationMs: 20 } as const;
  const input: Input = { kind: 'external-ip', askId: 5, purpose, result, at: AT, wall: WALL };
  return step(remembering, input).state;
}

test.each(['guard', 'way-out'] as const)(
  'what the outside sees is heeded, though nobody waits for it any more: asked as %s',
  (purpose) => {
    expect(addressIn(seenAs(purpose)).idle.reading).not.toBeNull();
  },
);
