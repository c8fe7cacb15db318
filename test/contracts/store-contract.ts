/** What the protocol counts on from the port `store`: the agent's on a folder, the simulator's disk in virtual time. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Event, PersistEffect } from '../../packages/protocol/src/index.ts';

export interface StoreWorld {
  readonly posted: readonly Event[];
  persist(effect: PersistEffect): void;
  /** What the next run would find; null: nothing. */
  content(): Promise<string | null>;
  /** From the next write on: every write fails with this errno; null: it succeeds. */
  fail(code: string | null): void;
  /** From the next write on: a write that has begun waits until this is called with false. */
  hold(held: boolean): void;
  next(): Promise<void>;
  close(): void | Promise<void>;
}

/** Run the suite. `open` starts with an empty store. */
export function describeStore(name: string, open: () => Promise<StoreWorld>): void {
  describe(`the store ${name}`, () => {
    let world: StoreWorld;
    beforeEach(async () => {
      world = await open();
    });
    afterEach(() => world.close());

    const persist = (writeId: number): void =>
      world.persist({ kind: 'persist', writeId, text: `document ${writeId}` });

    async function posts(count: number): Promise<readonly Event[]> {
      while (world.posted.length < count) await world.next();
      return world.posted;
    }

    /** "Written down before the answer leaves": the host holds effects back by this event, and by nothing else. */
    test('says that a document is stored once it is, and not within the call', async () => {
      expect(await world.content()).toBeNull();
      persist(1);
      expect(world.posted).toEqual([]);
      expect(await posts(1)).toEqual([{ kind: 'persisted', writeId: 1 }]);
      expect(await world.content()).toBe('document 1');
    });

    /** A lease that isn't on the disk isn't lent, however long the disk takes. */
    test('says nothing as long as a write lasts', async () => {
      persist(1);
      await posts(1);
      world.hold(true);
      persist(2);
      expect(await world.content()).toBe('document 1');
      expect(world.posted).toHaveLength(1);
      world.hold(false);
      expect(await posts(2)).toEqual([
        { kind: 'persisted', writeId: 1 },
        { kind: 'persisted', writeId: 2 },
      ]);
    });

    /** An older document never takes the place of a newer one; the answer to a later write covers those it overtook. */
    test('writes in order, and lets the latest overtake those that wait', async () => {
      world.hold(true);
      for (const writeId of [1, 2, 3, 4]) persist(writeId);
      world.hold(false);
      while (world.posted.at(-1)?.kind !== 'persisted' || lastId() !== 4) await world.next();
      const ids = world.posted.map((event) => (event.kind === 'persisted' ? event.writeId : Number.NaN));
      expect(ids).toEqual(ids.toSorted((a, b) => a - b));
      expect(new Set(ids).size).toBe(ids.length);
      expect(ids.length).toBeLessThan(4);
      expect(await world.content()).toBe('document 4');
    });

    /** What waited for this write is dropped; the node lends nothing, and says that its storage fails. */
    test('says by its errno that a write failed, and keeps what was there', async () => {
      persist(1);
      await posts(1);
      world.fail('ENOSPC');
      persist(2);
      expect((await posts(2)).at(-1)).toEqual({ kind: 'persist-failed', writeId: 2, code: 'ENOSPC' });
      expect(await world.content()).toBe('document 1');
    });

    /** Level-triggered: the protocol writes again, and a disk that is mended is used again. */
    test('writes again once the disk is mended', async () => {
      world.fail('EIO');
      persist(1);
      await posts(1);
      world.fail(null);
      persist(2);
      expect((await posts(2)).at(-1)).toEqual({ kind: 'persisted', writeId: 2 });
      expect(await world.content()).toBe('document 2');
    });

    function lastId(): number | null {
      const last = world.posted.at(-1);
      return last?.kind === 'persisted' || last?.kind === 'persist-failed' ? last.writeId : null;
    }
  });
}
