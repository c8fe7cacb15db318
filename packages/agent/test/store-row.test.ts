/** What `failtome status` says of the store and of those who are reached through it alone. */
import { expect, test } from 'vitest';
import { storeOf, storeTexts } from '../src/cli/store-row.ts';

test('a store that works, and peers that answer directly, are no matter for a remark', () => {
  const store = storeOf({
    kind: 'etcd',
    failing: null,
    peers: [{ peer: 'neptune', state: 'direct', heardMs: null }],
  });
  expect(store === null ? null : storeTexts(store)).toEqual([]);
});

test('what fails, who is reached through the store, and who not even there, is said', () => {
  const store = storeOf({
    kind: 'dynamodb',
    failing: 'ResourceNotFoundException: no such table',
    peers: [
      { peer: 'neptune', state: 'relaying', heardMs: 120 },
      { peer: 'pluto', state: 'unanswered', heardMs: null },
    ],
  });
  expect(store === null ? null : storeTexts(store)).toEqual([
    'The store (dynamodb) fails: ResourceNotFoundException: no such table',
    "neptune doesn't answer directly: messages go through the store (dynamodb)",
    'pluto answers neither directly nor through the store (dynamodb)',
  ]);
});

test('an agent without a store, or an earlier one, has nothing to say of it', () => {
  expect(storeOf(null)).toBe(null);
  expect(storeOf(undefined)).toBe(null);
});
