import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Store } from '../../packages/agent/src/adapters/store.ts';
import type { Event } from '../../packages/protocol/src/index.ts';
import { Disk } from '../../packages/sim/src/world/disk.ts';
import { createQueue } from '../../packages/sim/src/world/queue.ts';
import { createRandom } from '../../packages/sim/src/world/random.ts';
import { collectPosts } from '../drivers/aws-world.ts';
import { describeStore, type StoreWorld } from './store-contract.ts';

async function openStore(): Promise<StoreWorld> {
  const stateDir = await mkdtemp(join(tmpdir(), 'failtome-store-'));
  const posts = collectPosts();
  let code: string | null = null;
  let begin = (): void => undefined;
  let held: Promise<void> | null = null;
  const store = new Store(
    { stateDir },
    {
      post: posts.post,
      async mayWrite() {
        const failing = code;
        await held;
        return failing;
      },
    },
  );
  return {
    ...posts,
    persist: (effect) => store.persist(effect),
    content: () => readFile(join(stateDir, 'state.json'), 'utf8').catch(() => null),
    fail(next) {
      code = next;
    },
    hold(hold) {
      begin();
      held = hold
        ? new Promise((resolve) => {
            begin = resolve;
          })
        : null;
    },
    async close() {
      begin();
      await store.settled();
      await rm(stateDir, { recursive: true });
    },
  };
}

async function openDisk(): Promise<StoreWorld> {
  const queue = createQueue();
  const disk = new Disk(queue, createRandom(1), { writeMs: [1, 5] });
  const posted: Event[] = [];
  return {
    posted,
    persist: ({ writeId, text }) =>
      disk.write(writeId, text, (written, code) =>
        posted.push(
          code === null
            ? { kind: 'persisted', writeId: written }
            : { kind: 'persist-failed', writeId: written, code },
        ),
      ),
    content: async () => disk.content(),
    fail: (code) => disk.fail(code),
    // Nothing happens there until somebody lets time pass.
    hold: () => undefined,
    async next() {
      const before = posted.length;
      while (posted.length === before && queue.runNext(Number.POSITIVE_INFINITY));
    },
    close: () => undefined,
  };
}

describeStore('of the agent', openStore);
describeStore('of the simulator', openDisk);
