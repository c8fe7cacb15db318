/** After a message that brings no news nothing is looked at again, and nothing would have come of it (`src/no-news.ts`). */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Peer } from '../src/model/peer-state.ts';
import type { State } from '../src/model/state.ts';
import { isNoNews } from '../src/no-news.ts';
import { step } from '../src/step.ts';
import { changePeer, newContext } from '../src/step-context.ts';
import { changes, play } from './support/changes.ts';
import { AT, PEER, silenced, stateOf, WALL, withAddress } from './support/fixtures.ts';
import { World } from './support/world.ts';

/** How often the step read what is told to people, which everything that looks around does. */
function countReads(world: World, speak: () => void): number {
  let reads = 0;
  const outbox = new Proxy([], {
    get: (list, name, receiver) => {
      reads += 1;
      return Reflect.get(list, name, receiver);
    },
  });
  const state: { outbox: State['outbox'] } = world.state();
  const { outbox: before } = state;
  state.outbox = outbox;
  speak();
  (world.state() as { outbox: State['outbox'] }).outbox = before; // the test's own world
  return reads;
}

function settled(): World {
  const world = new World();
  world.start();
  world.run(15_000);
  return world;
}

test('a heartbeat without news has nothing looked at', () => {
  const world = settled();
  expect(countReads(world, () => world.speak(PEER))).toBe(0);
  expect(countReads(world, () => world.run(2_000))).toBeGreaterThan(0);
});

test('whatever happens, to look after a message without news would change nothing', () => {
  let quiet = 0;
  fc.assert(
    fc.property(fc.array(changes, { minLength: 5, maxLength: 30, size: 'max' }), (list) => {
      const world = settled();
      for (const one of list) {
        play(world, one);
        world.run(37);
        if (!world.isRunning()) continue;
        const before = world.state();
        world.speak(PEER);
        const after = world.state();
        const isSame = after.addresses === before.addresses && after.due === before.due;
        const isCalm = Object.values(after.addresses).every(
          ({ verdict, decision }) => verdict === 'up' && decision.outcome === 'hold',
        );
        if (!isSame || !isCalm || after.phase !== 'running' || after.now.at >= after.due) continue;
        quiet += 1;
        const looked = step(after, { kind: 'tick', ...after.now });
        expect([looked.effects, looked.facts]).toEqual([[], []]);
        expect({ ...looked.state, due: after.due }).toEqual(after);
      }
    }),
    { numRuns: 30, seed: 23 },
  );
  expect(quiet).toBeGreaterThan(50);
});

const HOLD = { outcome: 'hold', reason: 'address-up', detail: '', since: 0 } as const;
const CALM = withAddress(stateOf(), { verdict: 'up', decision: HOLD });

const input = {
  kind: 'received',
  requestId: 1,
  route: '/v1/gossip',
  message: {} as never,
  at: AT,
  wall: WALL,
} as const; // only its kind counts

function isQuiet(before: State, parts: Partial<Peer>, at: number = AT): boolean {
  const ctx = newContext(before, { at, wall: WALL });
  changePeer(ctx, PEER, parts);
  return isNoNews(before, ctx, { ...input, at });
}

test.each<[string, State, Partial<Peer>, number, boolean]>([
  ['a heartbeat', CALM, { heardAt: AT }, AT, true],
  ['a heartbeat when something is due', CALM, { heardAt: AT + 100 }, AT + 100, false],
  ['a heartbeat after a silence', silenced(CALM, PEER), { heardAt: AT }, AT, false],
  ['another record', CALM, { heardAt: AT, recordVersion: 9 }, AT, false],
  [
    'a heartbeat while the address is down',
    withAddress(CALM, { verdict: 'down' }),
    { heardAt: AT },
    AT,
    false,
  ],
  ['a heartbeat while the node stops', { ...CALM, phase: 'stopping' }, { heardAt: AT }, AT, false],
])('%s', (_what, before, parts, at, expected) => {
  expect(isQuiet(before, parts, at)).toBe(expected);
});
