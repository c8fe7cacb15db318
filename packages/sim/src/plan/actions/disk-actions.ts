/** What happens to a node's disk, and to its clock. */
import type { NodeId } from '@failtome/protocol';
import type { World } from '../../world/index.ts';
import { type ActionKind, action, anyNode, likelyHolder, MIDDLE, SHORT, whoIs } from '../action.ts';
import { choice, node, optional, signedDuration, whole } from '../parameters.ts';

const CODES = ['ENOSPC', 'EROFS', 'EIO'] as const;
/** As far as the simulated disk remembers. */
const MAX_WRITES = 64;

function lost(name: string, says: string, harm: (world: World, id: NodeId) => void): ActionKind {
  return action({
    name,
    says,
    lastsMs: SHORT,
    parameters: { node: node() },
    draw: (random, spec) => ({ node: likelyHolder(random, spec) }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      world.crash(id);
      harm(world, id);
      return () => world.start(id);
    },
  });
}

/** What happens to disks. */
export const DISKS: readonly ActionKind[] = [
  action({
    name: 'disk-fails',
    says: 'the disk takes no writes',
    lastsMs: MIDDLE,
    parameters: { node: node(), code: optional(choice(CODES, 'what a write comes to'), 'ENOSPC') },
    draw: (random, spec) => ({ node: anyNode(random, spec), code: random.pick(CODES) }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      const disk = world.disk(id);
      disk.fail(given.code);
      return () => disk.fail(null);
    },
  }),
  action({
    name: 'disk-rolled-back',
    says: 'the agent is killed, and its disk shows what it held some writes ago',
    lastsMs: SHORT,
    parameters: { node: node(), writes: whole(1, MAX_WRITES, 'how many writes are gone') },
    draw: (random, spec) => ({ node: likelyHolder(random, spec), writes: random.between(1, 30) }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      world.crash(id);
      world.disk(id).rollBack(given.writes);
      return () => world.start(id);
    },
  }),
  lost('disk-gone', 'the agent is killed, and its disk is empty', (world, id) => world.disk(id).wipe()),
  lost(
    'disk-foreign',
    'the agent is killed, and its disk is that of another cluster, paused and with news to tell',
    (world, id) => world.disk(id).exchange(),
  ),
  lost('disk-corrupt', 'the agent is killed, and its document is torn', (world, id) =>
    world.disk(id).corrupt(),
  ),
  action({
    name: 'wall-clock-step',
    says: 'the wall clock jumps',
    lastsMs: null,
    parameters: { node: node(), byMs: signedDuration('how far; negative: back') },
    draw: (random, spec) => ({ node: anyNode(random, spec), byMs: random.between(-100_000, 100_000) }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id !== null) world.clock(id).stepWall(given.byMs);
      return null;
    },
  }),
];
