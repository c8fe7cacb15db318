/** What happens to a node's disk, and to its clock. */
import type { NodeId } from '@failtome/protocol';
import type { World } from '../../world/index.ts';
import { type ActionKind, anyNode, disturbance, likelyHolder, MIDDLE, nodeAction, SHORT } from '../action.ts';
import { choice, node, optional, signedDuration, whole } from '../parameters.ts';

const CODES = ['ENOSPC', 'EROFS', 'EIO'] as const;
/** As far as the simulated disk remembers. */
const MAX_WRITES = 64;

function lost(name: string, says: string, harm: (world: World, id: NodeId) => void): ActionKind {
  const harmed = (world: World, id: NodeId): void => {
    world.crash(id);
    harm(world, id);
  };
  return disturbance(name, says, SHORT, harmed, (world, id) => world.start(id));
}

/** What happens to disks. */
export const DISKS: readonly ActionKind[] = [
  nodeAction({
    name: 'disk-fails',
    says: 'the disk takes no writes',
    lastsMs: MIDDLE,
    parameters: { node: node(), code: optional(choice(CODES, 'what a write comes to'), 'ENOSPC') },
    draw: (random, spec) => ({ node: anyNode(random, spec), code: random.pick(CODES) }),
    apply(world, id, given) {
      const disk = world.disk(id);
      disk.fail(given.code);
      return () => disk.fail(null);
    },
  }),
  nodeAction({
    name: 'disk-rolled-back',
    says: 'the agent is killed, and its disk shows what it held some writes ago',
    lastsMs: SHORT,
    parameters: { node: node(), writes: whole(1, MAX_WRITES, 'how many writes are gone') },
    draw: (random, spec) => ({ node: likelyHolder(random, spec), writes: random.between(1, 30) }),
    apply(world, id, given) {
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
  nodeAction({
    name: 'wall-clock-step',
    says: 'the wall clock jumps',
    lastsMs: null,
    parameters: { node: node(), byMs: signedDuration('how far; negative: back') },
    draw: (random, spec) => ({ node: anyNode(random, spec), byMs: random.between(-100_000, 100_000) }),
    apply(world, id, given) {
      world.clock(id).stepWall(given.byMs);
      return null;
    },
  }),
];
