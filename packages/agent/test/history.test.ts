import type { HistoryEntry } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { recordHistory } from '../src/observe/history.ts';

const entry: HistoryEntry = {
  id: 'saturn-1-1',
  kind: 'takeover',
  address: '203.0.113.7',
  from: 'neptune',
  to: 'saturn',
  result: 'served',
  reason: 'address-down',
  epoch: 3,
  at: 1000,
  steps: [],
  requestIds: [],
};

test('what is concluded is kept, and nothing else', () => {
  const kept: HistoryEntry[] = [];
  const store = { append: (added: HistoryEntry) => void kept.push(added) };
  recordHistory(
    [
      { kind: 'stalled', lateMs: 5000 },
      { kind: 'concluded', entry },
    ],
    store,
  );
  expect(kept).toEqual([entry]);
});
