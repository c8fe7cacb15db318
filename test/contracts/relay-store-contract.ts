/** What the relay and the arbiter count on from a store: the simulator's, etcd over its gateway, a table of DynamoDB. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type {
  ArbiterStore,
  RelayStore,
  StoreRead,
  StoreSwap,
  StoreWrite,
} from '../../packages/ports/src/index.ts';

type Store = RelayStore & ArbiterStore;

/** A store, opened as often as it takes. */
export interface StoreWorld {
  /** A client of its own. */
  open(): Store | Promise<Store>;
  /** All that it held is gone, and it counts from the beginning again: another table, another cluster. */
  lose(): Promise<void> | void;
  /** Let what is under way be answered. */
  settle<T>(answer: Promise<T>): Promise<T>;
  close(): Promise<void> | void;
}

const TIMEOUT_MS = 5_000;
let keys = 0;

export function read(store: RelayStore, key: string, timeoutMs: number = TIMEOUT_MS): Promise<StoreRead> {
  return new Promise((resolve) => store.read(key, timeoutMs, resolve));
}

export function write(
  store: RelayStore,
  key: string,
  text: string,
  expected: string | null,
  timeoutMs: number = TIMEOUT_MS,
): Promise<StoreWrite> {
  return new Promise((resolve) => store.write(key, text, expected, timeoutMs, resolve));
}

export function swap(
  store: ArbiterStore,
  key: string,
  text: string,
  expected: string | null,
): Promise<StoreSwap> {
  return new Promise((resolve) => store.swap(key, text, expected, TIMEOUT_MS, resolve));
}

/** Run the suite. */
export function describeRelayStore(name: string, openWorld: () => Promise<StoreWorld>): void {
  describe(`the store ${name}`, () => {
    let world: StoreWorld;
    let store: Store;
    beforeAll(async () => {
      world = await openWorld();
      store = await world.open();
    });
    afterAll(() => world.close());

    const newKey = (): string => {
      keys += 1;
      return `web/a/b${keys}`;
    };
    const written = async (key: string, text: string, expected: string | null): Promise<string> => {
      const result = await world.settle(write(store, key, text, expected));
      if (result.kind !== 'written') throw new Error(`not written: ${JSON.stringify(result)}`);
      return result.version;
    };

    /** A run that has just started has to know that nothing stands there, and not that it can't tell. */
    test('tells that nothing stands under a key', async () => {
      expect(await world.settle(read(store, newKey()))).toEqual({ kind: 'none' });
    });

    test('keeps a text as it is, and tells its version', async () => {
      const key = newKey();
      const text = JSON.stringify({ quote: '"', line: '\n', snow: '☃', control: '\u0001' });
      const version = await written(key, text, null);
      expect(await world.settle(read(store, key))).toEqual({ kind: 'item', version, text });
    });

    test('writes over what its writer knows, with another version each time', async () => {
      const key = newKey();
      const first = await written(key, 'one', null);
      const second = await written(key, 'two', first);
      const third = await written(key, 'two', second);
      expect(new Set([first, second, third]).size).toBe(3);
      expect(await world.settle(read(store, key))).toEqual({ kind: 'item', version: third, text: 'two' });
    });

    /** A write that was given up and comes late must not put an old item in the place of a newer one. */
    test('refuses a write that expects something else, and changes nothing', async () => {
      const key = newKey();
      const first = await written(key, 'one', null);
      const second = await written(key, 'two', first);
      expect(await world.settle(write(store, key, 'late', first))).toEqual({ kind: 'conflict' });
      expect(await world.settle(write(store, key, 'new', null))).toEqual({ kind: 'conflict' });
      expect(await world.settle(write(store, newKey(), 'gone', second))).toEqual({ kind: 'conflict' });
      expect(await world.settle(read(store, key))).toEqual({ kind: 'item', version: second, text: 'two' });
    });

    test('shows one client what another has written, at once', async () => {
      const key = newKey();
      const version = await written(key, 'one', null);
      const other = await world.open();
      expect(await world.settle(read(other, key))).toEqual({ kind: 'item', version, text: 'one' });
      const [mine, its] = await world.settle(
        Promise.all([write(store, key, 'mine', version), write(other, key, 'its', version)]),
      );
      expect([mine.kind, its.kind].sort()).toEqual(['conflict', 'written']);
    });

    test('swaps a text for exactly the one that its writer knows, and refuses any other', async () => {
      const key = newKey();
      const one = JSON.stringify({ quote: '"', snow: '☃' });
      expect(await world.settle(swap(store, key, 'early', one))).toEqual({ kind: 'conflict' });
      expect(await world.settle(swap(store, key, one, null))).toEqual({ kind: 'written' });
      expect(await world.settle(swap(store, key, 'again', null))).toEqual({ kind: 'conflict' });
      expect(await world.settle(swap(store, key, 'two', one))).toEqual({ kind: 'written' });
      expect(await world.settle(swap(store, key, 'late', one))).toEqual({ kind: 'conflict' });
      expect(await world.settle(read(store, key))).toMatchObject({ kind: 'item', text: 'two' });
    });

    test('lets one of two swap the same text', async () => {
      const key = newKey();
      await world.settle(swap(store, key, 'one', null));
      const other = await world.open();
      const [mine, its] = await world.settle(
        Promise.all([swap(store, key, 'mine', 'one'), swap(other, key, 'its', 'one')]),
      );
      expect([mine.kind, its.kind].sort()).toEqual(['conflict', 'written']);
    });

    test('takes the largest item', async () => {
      const key = newKey();
      const text = 'x'.repeat(190_000);
      const version = await written(key, text, null);
      expect(await world.settle(read(store, key))).toEqual({ kind: 'item', version, text });
    });

    /** Its versions may come again then; who knew the text that stood there before must not write over another. */
    test('that was lost takes no text for another, whatever its versions count', async () => {
      const key = newKey();
      await world.settle(swap(store, key, 'before', null));
      await world.lose();
      const found = await until(
        () => world.settle(read(store, key)),
        ({ kind }) => kind !== 'failed',
      );
      expect(found).toEqual({ kind: 'none' });
      expect(await world.settle(swap(store, key, 'after', null))).toEqual({ kind: 'written' });
      expect(await world.settle(swap(store, key, 'late', 'before'))).toEqual({ kind: 'conflict' });
    });
  });
}

/** Ask again until it is so: the suite's own time-out ends it. */
async function until<T>(ask: () => Promise<T>, isSo: (answer: T) => boolean): Promise<T> {
  let answer = await ask();
  while (!isSo(answer)) answer = await ask();
  return answer;
}
