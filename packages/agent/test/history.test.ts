import type { HistoryEntry } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { type HistoryStore, newestFirst, recordHistory } from '../src/observe/history.ts';

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

function memory(): HistoryStore {
  const entries: HistoryEntry[] = [];
  return { append: (added) => void entries.push(added), list: () => entries };
}

test('what is concluded is kept, and nothing else', () => {
  const store = memory();
  recordHistory(
    [
      { kind: 'stalled', lateMs: 5000 },
      { kind: 'concluded', entry },
    ],
    store,
  );
  expect(store.list()).toEqual([entry]);
});

test('the newest stands first, by time and then by order', () => {
  const store = memory();
  for (const [id, at] of [
    ['b', 2],
    ['a', 1],
    ['d', 3],
    ['c', 3],
  ] as const)
    store.append({ ...entry, id, at });
  expect(newestFirst(store).map(({ id }) => id)).toEqual(['c', 'd', 'b', 'a']);
});

test('an entry that is told again after a restart stands once', () => {
  const store = memory();
  store.append({ ...entry, result: 'moved' });
  store.append(entry);
  expect(newestFirst(store)).toEqual([entry]);
});
