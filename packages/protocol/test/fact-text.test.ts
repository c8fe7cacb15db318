/** The wording of facts where it depends on what the fact says. */
import { expect, test } from 'vitest';
import { factText } from '../src/reporting/fact-text.ts';
import type { Fact, HistoryEntry } from '../src/reporting/facts.ts';

const ENTRY: HistoryEntry = {
  id: 'saturn-1-1',
  kind: 'takeover',
  address: '203.0.113.7',
  from: 'neptune',
  to: 'saturn',
  result: 'served',
  reason: 'refused',
  epoch: 5,
  at: 0,
  steps: [{ step: 'total', durationMs: 2_400.4 }],
  requestIds: [],
};

const REQUEST = {
  service: 'ec2',
  operation: 'AssociateAddress',
  result: 'ok',
  code: null,
  requestId: 'r-1',
  durationMs: 99.7,
} as const;

test.each<readonly [Fact, string]>([
  [
    { kind: 'started', incarnation: 3, storage: 'foreign', detail: 'of cluster test' },
    'started, incarnation 3: the state of another cluster or node was found, and none of it counts (of cluster test)',
  ],
  [{ kind: 'started', incarnation: 1, storage: 'empty', detail: '' }, 'started, incarnation 1: no state yet'],
  [{ kind: 'rejected', reason: 'stale', from: '' }, 'message rejected: stale'],
  [{ kind: 'rejected', reason: 'stale', from: 'neptune' }, 'message from neptune rejected: stale'],
  [{ kind: 'readiness', ready: true, problems: [] }, 'ready to take over'],
  [{ kind: 'readiness', ready: false, problems: ['a', 'b'] }, 'not ready to take over: a; b'],
  [
    { kind: 'readiness', ready: false, problems: ['not-a-candidate'] },
    'this node takes no address: it is no candidate',
  ],
  [
    { kind: 'concluded', entry: ENTRY },
    'takeover of 203.0.113.7 from neptune to saturn: served in 2400 ms, refused',
  ],
  [
    { kind: 'concluded', entry: { ...ENTRY, kind: 'refusal', result: 'refused', reason: 'held-down' } },
    'refusal of 203.0.113.7, held by neptune, at saturn: held-down',
  ],
  [
    {
      kind: 'cloud-requests',
      address: null,
      requests: [REQUEST, { ...REQUEST, result: 'throttled', code: 'Slow' }],
    },
    'ec2 AssociateAddress: ok after 100 ms; ec2 AssociateAddress: throttled (Slow) after 100 ms',
  ],
])('%j', (fact, text) => {
  expect(factText(fact)).toBe(text);
});
