import { expect, test } from 'vitest';
import { initialState } from '../src/model/initial.ts';
import { readinessProblems } from '../src/observation/idle-reads.ts';
import { step } from '../src/step.ts';
import { documentOf, foreignTo } from '../src/storage/document.ts';
import type { DurableDocument } from '../src/storage/durable.ts';
import { AT, addressIn, IP, PAIR, PEER, SELF, stateOf, WALL, withAddress } from './support/fixtures.ts';

/** What a node leaves that was paused, had lent its lease, had begun a move and had something to tell. */
function leftBy(parts: Partial<DurableDocument>): DurableDocument {
  const state = withAddress(stateOf(PAIR), {
    epoch: 7,
    lent: { candidate: PEER, epoch: 7, expiresAt: AT + 5_000 },
    intent: {
      epoch: 7,
      mode: 'takeover',
      handoverId: null,
      from: PEER,
      associationId: 'eipassoc-1',
      stage: 'accepted',
      startedWall: WALL,
      reason: 'refused',
      agreed: '',
      steps: [],
      requestIds: [],
    },
  });
  const pause = { version: 3, by: SELF, paused: true, owner: 'somebody', reason: 'work', until: null };
  const outbox = [{ id: 'one', subject: 'HAProxy failover notification', message: 'of another cluster' }];
  return { ...documentOf(state), pause, outbox, ...parts };
}

function startedWith(document: DurableDocument) {
  const storage = { kind: 'loaded', document } as const;
  const input = { kind: 'started', session: 'saturn-0002', seed: 1, storage, at: AT, wall: WALL } as const;
  return step(initialState(PAIR), input);
}

test.each([
  ['cluster', { cluster: 'staging' }],
  ['node', { node: 'pluto' }],
])(
  'the state of another %s counts as none, is told of, and keeps the node from being ready for a lease',
  (_what, parts) => {
    const { state, facts, effects } = startedWith(leftBy(parts));
    expect(facts.find(({ kind }) => kind === 'started')).toMatchObject({
      storage: 'foreign',
      incarnation: 1,
    });
    expect(state.pause.paused).toBe(false);
    expect(state.outbox).toEqual([]);
    expect(effects.filter(({ kind }) => kind === 'publish')).toEqual([]);
    expect(addressIn(state).move).toBeNull();
    expect(addressIn(state)).toMatchObject({
      epoch: 0,
      lent: null,
      intent: null,
      lendFrom: AT + PAIR.agreement.leaseMs,
    });
    expect(readinessProblems(state).join()).toContain('state-foreign: the state belongs to');
    const later = { ...state, now: { at: AT + PAIR.agreement.leaseMs, wall: WALL } };
    expect(readinessProblems(later).join()).not.toContain('state-foreign');
  },
);

test('its own state counts', () => {
  const { state, facts } = startedWith(leftBy({}));
  expect(facts.find(({ kind }) => kind === 'started')).toMatchObject({ storage: 'loaded' });
  expect(state.pause.owner).toBe('somebody');
  expect(state.addresses[IP]?.epoch).toBe(7);
});

test('whose a document is shows in words', () => {
  const self = { cluster: 'web', node: SELF };
  expect(foreignTo({ cluster: 'web', node: SELF }, self)).toBeNull();
  expect(foreignTo({ cluster: 'staging', node: SELF }, self)).toBe(
    'belongs to saturn of the cluster staging, not of web',
  );
  expect(foreignTo({ cluster: 'web', node: PEER }, self)).toBe('belongs to the node neptune, not to saturn');
});
