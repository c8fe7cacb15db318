import type { LookupAddress, LookupAllOptions } from 'node:dns';
import { expect, test } from 'vitest';
import { FRESH_MS, Names, STALE_MS } from '../src/adapters/names.ts';

type Answer = (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void;

/** Names whose lookups are answered by hand. */
function byHand(): { names: Names; pending: Answer[]; clock: { at: number } } {
  const clock = { at: 0 };
  const pending: Answer[] = [];
  const resolve = (_name: string, _options: LookupAllOptions, callback: Answer): void =>
    void pending.push(callback);
  return { names: new Names({ monotonicMs: () => clock.at, resolve }), pending, clock };
}

function find(names: Names, attempt = 0): Promise<string> {
  return new Promise((resolve, reject) =>
    names.forAttempt(attempt)('checkip.test', { family: 4 }, (error, address) =>
      error === null ? resolve(String(address)) : reject(error),
    ),
  );
}

const TWO: LookupAddress[] = [
  { address: '192.0.2.1', family: 4 },
  { address: '192.0.2.2', family: 4 },
];

test('a name is looked up once at a time, and each attempt begins with another of its addresses', async () => {
  const { names, pending } = byHand();
  const found = [find(names, 0), find(names, 1), find(names, 2)];
  expect(pending).toHaveLength(1);
  pending[0]?.(null, TWO);
  expect(await Promise.all(found)).toEqual(['192.0.2.1', '192.0.2.2', '192.0.2.1']);
});

test('a fresh answer serves again without a lookup', async () => {
  const { names, pending, clock } = byHand();
  const first = find(names);
  pending[0]?.(null, TWO);
  await first;
  clock.at = FRESH_MS - 1;
  expect(await find(names)).toBe('192.0.2.1');
  expect(pending).toHaveLength(1);
});

test('an older answer serves while a new one is looked up, and when that fails', async () => {
  const { names, pending, clock } = byHand();
  const first = find(names);
  pending[0]?.(null, TWO);
  await first;
  clock.at = FRESH_MS;
  expect(await find(names)).toBe('192.0.2.1');
  expect(pending).toHaveLength(2);
  pending[1]?.(Object.assign(new Error('try again'), { code: 'EAI_AGAIN' }), []);
  expect(await find(names)).toBe('192.0.2.1');
  pending[2]?.(null, [{ address: '192.0.2.3', family: 4 }]);
  expect(await find(names)).toBe('192.0.2.3');
});

test('an answer that is too old does not serve', async () => {
  const { names, pending, clock } = byHand();
  const first = find(names);
  pending[0]?.(null, TWO);
  await first;
  clock.at = STALE_MS;
  const second = find(names);
  pending[1]?.(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
  await expect(second).rejects.toMatchObject({ code: 'ENOTFOUND' });
});

test('a name without an address of the family is not found', async () => {
  const { names, pending } = byHand();
  const found = find(names);
  pending[0]?.(null, []);
  await expect(found).rejects.toMatchObject({ code: 'ENOTFOUND' });
});
