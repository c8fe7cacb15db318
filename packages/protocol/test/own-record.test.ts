import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ownRecord, saysOtherwise } from '../src/membership/own-record.ts';
import type { AddressState } from '../src/model/address-state.ts';
import type { State } from '../src/model/state.ts';
import type { NodeRecord } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  handoverOf,
  PAIR,
  PEER,
  SELF,
  seriesOf,
  stateOf,
  withAddress,
  withEpisode,
} from './support/fixtures.ts';

type Change = (state: State) => State;

/** A record stays the same one until something in it changes. */
const ORDERED = handoverOf();
const HIGHER = { ...PAIR, node: { ...PAIR.node, priority: 7 } };
const PAUSED = { version: 3, by: PEER, paused: true, owner: 'ann', reason: 'work', until: null };

/** What may change of what a node tells, and what changes without being told. */
const CHANGES: Readonly<Record<string, Change>> = {
  fit: (state) => ({ ...state, local: { ...state.local, fit: 'unfit' } }),
  phase: (state) => ({ ...state, phase: 'stopping' }),
  unstored: (state) => ({ ...state, storage: { ...state.storage, failing: 'EIO' } }),
  incarnation: (state) => ({ ...state, incarnation: state.incarnation + 1 }),
  priority: (state) => (state.config.node.priority === 7 ? state : { ...state, config: HIGHER }),
  pause: (state) => ({ ...state, pause: PAUSED }),
  handover: (state) => ({
    ...state,
    handovers: [{ record: ORDERED, expiresAt: AT + 60_000, ending: null, untold: 'nothing' }],
  }),
  'what is left of its time': (state) => ({
    ...state,
    handovers: state.handovers.map((one) => ({ ...one, expiresAt: one.expiresAt + 500 })),
  }),
  'the time': (state) => ({ ...state, now: { at: state.now.at + 900, wall: state.now.wall + 900 } }),
  draws: (state) => ({ ...state, draws: state.draws + 1 }),
  verdict: changing({ verdict: 'down' }),
  epoch: changing({ epoch: 9 }),
  served: changing({ served: true }),
  ended: changing({ ended: ['eipassoc-9'] }),
  changes: changing({ changes: [AT - 5], changedTo: ['aabbccdd'] }),
  'when it changed': changing({ changes: [AT - 50], changedTo: ['aabbccdd'] }),
  lent: changing({ lent: { candidate: PEER, epoch: 4, expiresAt: AT + 9_000 } }),
  blocked: changing({ blockedTold: true }),
  'a failed probe': changing({ series: seriesOf(false), verdictReason: 'refused' }),
  'the peer holds it': held(PEER, true),
  'the peer holds it by its word': held(PEER, false),
  'this node holds it': held(SELF, true),
  'seen to hold it later': (state) =>
    withAddress(state, { holder: { ...addressIn(state).holder, at: addressIn(state).holder.at + 100 } }),
  tries: (state) =>
    withEpisode(state, { tries: [{ node: PEER, epoch: 2, from: 'eipassoc-1', at: AT - 900 }] }),
  'when it was tried': (state) =>
    withEpisode(state, { tries: [{ node: PEER, epoch: 2, from: 'eipassoc-1', at: AT - 800 }] }),
  upEpoch: (state) => withEpisode(state, { upEpoch: 5 }),
  upBy: (state) => withEpisode(state, { upBy: PEER }),
  anewEpoch: (state) => withEpisode(state, { anewEpoch: 5 }),
  'told before': (state) => withEpisode(state, { toldBefore: 5 }),
};

function changing(parts: Partial<AddressState>): Change {
  return (state) => withAddress(state, parts);
}

function held(node: string, firsthand: boolean): Change {
  const parts = { kind: 'node', node, instanceId: `i-${node}`, associationId: `eipassoc-${node}` } as const;
  return changing({ holder: { ...parts, at: AT - 100, toldBy: firsthand ? null : PEER, firsthand } });
}

/** What a node tells, without what time alone changes. */
function contentOf(state: State): string {
  const { addresses, handovers, ...rest }: NodeRecord = ownRecord(state);
  return JSON.stringify({
    ...rest,
    handovers: handovers.map((one) => ({ ...one, ttlMs: 0 })),
    addresses: addresses.map((one) => ({
      ...one,
      changes: one.changes.length,
      holder: one.holder && { ...one.holder, ageMs: 0 },
      episode: {
        ...one.episode,
        upWall: 0,
        tries: one.episode?.tries.map((tried) => ({ ...tried, ageMs: 0 })),
      },
    })),
  });
}

function made(names: readonly string[], from: State = stateOf()): State {
  return names.reduce((state, name) => CHANGES[name]?.(state) ?? state, from);
}

describe('a record has another version', () => {
  test.each(Object.keys(CHANGES))('if and only if it tells something else: %s', (name) => {
    const before = stateOf();
    const after = made([name], before);
    expect(saysOtherwise(before, after)).toBe(contentOf(before) !== contentOf(after));
  });

  test('whatever was told before', () => {
    const names = fc.array(fc.constantFrom(...Object.keys(CHANGES)), { maxLength: 6 });
    fc.assert(
      fc.property(names, names, (first, then) => {
        const before = made(first);
        const after = made(then, before);
        const differs = contentOf(before) !== contentOf(after);
        expect(saysOtherwise(before, after)).toBe(differs);
      }),
    );
  });
});
