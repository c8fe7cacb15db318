import { expect, test } from 'vitest';
import type { State } from '../src/model/state.ts';
import { holderUnfitSince } from '../src/observation/holder.ts';
import { onLocalChecked } from '../src/observation/verdict.ts';
import { newContext } from '../src/step-context.ts';
import {
  AT,
  addressIn,
  heldBy,
  PEER,
  proven,
  SELF,
  seriesOf,
  stateOf,
  WALL,
  withAddress,
} from './support/fixtures.ts';

const CHECK = 77;
const HUNG = { kind: 'failed', reason: 'timeout', detail: 'no answer', durationMs: 1_000 } as const;

/** One probe has failed, and the own HAProxy's second check in a row is about to. */
function inTrouble(holder: string): State {
  const state = proven(heldBy(stateOf(), holder));
  const failing = withAddress(state, { verdict: 'up', series: seriesOf(false, { fails: 1 }) });
  const inFlight = [{ id: CHECK, startedAt: AT - 1_000, counts: true, failsAfter: 0 }];
  return { ...failing, local: { ...failing.local, series: seriesOf(false, { fails: 1, inFlight }) } };
}

function verdictAfterCheck(state: State): string {
  const ctx = newContext(state, { at: AT, wall: WALL });
  onLocalChecked(ctx, CHECK, HUNG);
  expect(ctx.state.local.fit).toBe('unfit');
  return addressIn(ctx.state).verdict;
}

test('a holder that finds itself unfit takes the probe that failed before for enough', () => {
  expect(verdictAfterCheck(inTrouble(SELF))).toBe('down');
});

test('a node that does not hold the address goes on counting probes, fit or not', () => {
  expect(verdictAfterCheck(inTrouble(PEER))).toBe('up');
});

test('a holder whose proof came after that probe waits for the next one', () => {
  const state = inTrouble(SELF);
  const wayOut = { ...state.wayOut['4'], provenSince: AT - 250 };
  expect(verdictAfterCheck({ ...state, wayOut: { ...state.wayOut, '4': wayOut } })).toBe('up');
});

test('a holder whose last probe succeeded is unfit, and sees the address up', () => {
  const state = withAddress(inTrouble(SELF), { series: seriesOf(true) });
  expect(verdictAfterCheck(state)).toBe('up');
});

test("a holder's word from before a stall counts again only when the holder is heard", () => {
  const state = heldBy(stateOf(), PEER);
  const peer = state.peers[PEER];
  if (peer === undefined) throw new Error('there is no peer');
  const heard = (heardAt: number): State => ({
    ...state,
    observedFrom: AT - 100,
    peers: { ...state.peers, [PEER]: { ...peer, heardAt, unfitSince: AT - 60_000 } },
  });
  expect(holderUnfitSince(heard(AT - 200), addressIn(state))).toBe(null);
  expect(holderUnfitSince(heard(AT - 50), addressIn(state))).toBe(AT - 60_000);
});
