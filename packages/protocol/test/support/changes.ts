/** What goes wrong, or right again, in a world of one node: random changes for the tests of properties. */
import fc from 'fast-check';
import { THROTTLED, UNKNOWN } from './cloud.ts';
import { PEER, SELF } from './fixtures.ts';
import type { World } from './world.ts';

/** One thing that goes wrong, or right again. */
export type Change =
  | { readonly kind: 'pass'; readonly ms: number }
  | { readonly kind: 'stall'; readonly ms: number }
  | { readonly kind: 'serving'; readonly node: string; readonly is: boolean }
  | { readonly kind: 'local'; readonly is: 'ok' | 'failed' }
  | { readonly kind: 'outside'; readonly is: 'ok' | 'timeout' }
  | { readonly kind: 'disk'; readonly is: 'ok' | 'full' }
  | { readonly kind: 'sns'; readonly is: 'ok' | 'failed' }
  | { readonly kind: 'peer'; readonly reachable: boolean }
  | { readonly kind: 'vote'; readonly answer: 'grant' | 'blind' | 'refuse' | 'pending' }
  | { readonly kind: 'fault'; readonly op: 'read' | 'release' | 'take'; readonly applied: boolean }
  | { readonly kind: 'throttle'; readonly op: 'read' | 'release' | 'take' }
  | { readonly kind: 'assign'; readonly node: string | null }
  | { readonly kind: 'restart'; readonly downMs: number };

const op = fc.constantFrom('read', 'release', 'take');
const pass = fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 9_000 }) });
export const changes: fc.Arbitrary<Change> = fc.oneof(
  { weight: 8, arbitrary: pass },
  fc.record({ kind: fc.constant('stall' as const), ms: fc.integer({ min: 100, max: 9_000 }) }),
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('serving' as const),
      node: fc.constantFrom(SELF, PEER),
      is: fc.boolean(),
    }),
  },
  fc.record({ kind: fc.constant('local' as const), is: fc.constantFrom('ok', 'failed') }),
  fc.record({ kind: fc.constant('outside' as const), is: fc.constantFrom('ok', 'timeout') }),
  fc.record({ kind: fc.constant('disk' as const), is: fc.constantFrom('ok', 'full') }),
  fc.record({ kind: fc.constant('sns' as const), is: fc.constantFrom('ok', 'failed') }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('peer' as const), reachable: fc.boolean() }) },
  fc.record({
    kind: fc.constant('vote' as const),
    answer: fc.constantFrom('grant', 'blind', 'refuse', 'pending'),
  }),
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('fault' as const), op, applied: fc.boolean() }) },
  fc.record({ kind: fc.constant('throttle' as const), op }),
  fc.record({ kind: fc.constant('assign' as const), node: fc.constantFrom(SELF, PEER, 'mars', null) }),
  fc.record({ kind: fc.constant('restart' as const), downMs: fc.integer({ min: 0, max: 5_000 }) }),
);

const REASONS = { grant: 'down', blind: 'no-way-out', refuse: 'up', pending: 'undecided' } as const;

export function play(world: World, one: Change): void {
  const peer = world.peers[PEER];
  if (peer === undefined) throw new Error(`${PEER} is not in this world`);
  switch (one.kind) {
    case 'pass':
      return world.run(one.ms);
    case 'stall':
      return world.stall(one.ms);
    case 'serving':
      if (one.is) world.serving.add(one.node);
      else world.serving.delete(one.node);
      return;
    case 'local':
      world.local = one.is;
      return;
    case 'outside':
      world.outside = one.is;
      return;
    case 'disk':
      world.disk = one.is;
      return;
    case 'sns':
      world.sns = one.is;
      return;
    case 'peer':
      peer.reachable = one.reachable;
      return;
    case 'vote':
      peer.vote = () => ({ answer: one.answer, reason: REASONS[one.answer] });
      return;
    case 'fault':
      world.cloud.faults.push({ op: one.op, answer: UNKNOWN, applied: one.applied });
      return;
    case 'throttle':
      world.cloud.faults.push({ op: one.op, answer: THROTTLED, applied: false });
      return;
    case 'assign':
      return world.cloud.assign(one.node);
    case 'restart':
      world.crash();
      world.run(one.downMs);
      return world.start();
  }
}
