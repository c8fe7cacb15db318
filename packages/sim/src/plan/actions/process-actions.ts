/** What happens to an agent's process, and to its whole machine. */
import {
  type NodeId,
  type State,
  TAKEOVER_PHASES,
  type TakeoverPhase,
  takeoverPhase,
} from '@failtome/protocol';
import type { World } from '../../world/index.ts';
import { type ActionKind, action, anyNode, LONG, likelyHolder, MIDDLE, SHORT, whoIs } from '../action.ts';
import { address, choice, duration, node, optional, settings, whole } from '../parameters.ts';

/** The most effects after which a process is halted. */
const MAX_EFFECTS = 1_000;

function toNode(
  name: string,
  says: string,
  lastsMs: ActionKind['lastsMs'],
  down: (world: World, id: NodeId) => void,
  up: (world: World, id: NodeId) => void,
): ActionKind {
  return action({
    name,
    says,
    lastsMs,
    parameters: { node: node() },
    draw: (random, spec) => ({ node: likelyHolder(random, spec) }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      down(world, id);
      return () => up(world, id);
    },
  });
}

/** It happens, and nothing takes it back. */
function forGood(name: string, says: string, happen: (world: World, id: NodeId) => void): ActionKind {
  return action({
    name,
    says,
    lastsMs: null,
    parameters: { node: node() },
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id !== null) happen(world, id);
      return null;
    },
  });
}

function between(how: 'kill' | 'pause', name: string, says: string, up: (world: World, id: NodeId) => void) {
  return action({
    name,
    says,
    lastsMs: MIDDLE,
    parameters: {
      node: node(),
      effects: whole(1, MAX_EFFECTS, 'so many more things it does to the world, the last one not any more'),
    },
    draw: (random, spec) => ({ node: likelyHolder(random, spec), effects: random.between(1, 60) }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      world.process(id)?.haltAfter(given.effects, how);
      return () => up(world, id);
    },
  });
}

/** Where a takeover can be met on its way, and halted. */
const STAGES = TAKEOVER_PHASES.filter((phase) => phase !== 'idle' && phase !== 'won' && phase !== 'resting');

function isIn({ addresses }: State, phase: TakeoverPhase): boolean {
  return Object.values(addresses).some((address) => takeoverPhase(address) === phase);
}

function inMove(
  name: string,
  says: string,
  down: (world: World, id: NodeId) => void,
  up: (world: World, id: NodeId) => void,
) {
  return action({
    name,
    says,
    lastsMs: MIDDLE,
    parameters: {
      node: node(),
      stage: choice(STAGES, 'how far its takeover has come'),
      afterMs: optional(duration('so much later'), 0),
    },
    draw: (random, spec) => ({
      node: anyNode(random, spec),
      stage: random.pick(STAGES),
      afterMs: random.pick([0, 0, 20, 200]),
    }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      const halt = (): void => down(world, id);
      world.process(id)?.when((state) => isIn(state, given.stage), given.afterMs, halt);
      return () => {
        world.process(id)?.disarm();
        up(world, id);
      };
    },
  });
}

const start = (world: World, id: NodeId): void => world.start(id);

/** What happens to the agents' processes and their machines. */
export const PROCESS: readonly ActionKind[] = [
  toNode('crash', 'the agent is killed, and started again', MIDDLE, (world, id) => world.crash(id), start),
  between('kill', 'crash-between-effects', 'the agent is killed between two of its effects', start),
  toNode(
    'pause',
    'the agent is stopped (SIGSTOP), and continued',
    MIDDLE,
    (world, id) => world.pause(id),
    (world, id) => world.resume(id),
  ),
  between('pause', 'pause-between-effects', 'the agent is stopped between two of its effects', (world, id) =>
    world.resume(id),
  ),
  inMove(
    'crash-in-move',
    'the agent is killed in the middle of its takeover, and started again',
    (world, id) => world.crash(id),
    start,
  ),
  inMove(
    'pause-in-move',
    'the agent is stopped in the middle of its takeover, and continued',
    (world, id) => world.pause(id),
    (world, id) => world.resume(id),
  ),
  inMove(
    'stop-in-move',
    'the agent is told to stop in the middle of its takeover, and started again',
    (world, id) => world.stop(id),
    start,
  ),
  toNode(
    'freeze',
    'the whole machine stands still, web server and all, and goes on',
    MIDDLE,
    (world, id) => world.freeze(id),
    (world, id) => world.thaw(id),
  ),
  toNode(
    'vanish',
    'the whole machine is gone, and boots again with its disk',
    LONG,
    (world, id) => world.vanish(id),
    (world, id) => world.comeBack(id),
  ),
  toNode(
    'stop',
    'the agent is told to stop (SIGTERM), and started again',
    SHORT,
    (world, id) => world.stop(id),
    start,
  ),
  forGood('start', 'an agent that is off is started', start),
  forGood('terminate', 'the instance is terminated, and its address is free', (world, id) =>
    world.terminate(id),
  ),
  action({
    name: 'clone',
    says: 'another machine runs a copy of this node, with its id and its disk',
    lastsMs: MIDDLE,
    parameters: { node: node() },
    draw: (random, spec) => ({ node: anyNode(random, spec) }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      const clone = world.clone(id);
      return () => clone.kill();
    },
  }),
  action({
    name: 'reload',
    says: 'the node reads its configuration again (SIGHUP), with these settings',
    lastsMs: LONG,
    parameters: {
      node: node(),
      settings: optional(settings('what is different on this node from now on'), {}),
      without: optional(address('an address that its configuration does not name any more'), null),
    },
    draw: (random, spec) => ({
      node: anyNode(random, spec),
      settings: random.pick([
        { agreement: { silentPeer: random.pick(['takeover', 'hold'] as const) } },
        { holdDownMs: random.pick([1_000, 5_000, 30_000]) },
        { probe: { fall: random.pick([2, 3, 4]) } },
      ] as const),
      without: null,
    }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      const before = world.overridesOf(id);
      const without = given.without === null ? {} : { without: [given.without] };
      world.reload(id, { ...before, settings: given.settings, ...without });
      return () => world.reload(id, before);
    },
  }),
  action({
    name: 'upgrade',
    says: 'the agent is stopped, and started again as another version',
    lastsMs: null,
    parameters: {
      node: node(),
      wire: optional(whole(-1, 1, 'by how much its wire version is higher than it was'), 0),
    },
    draw: (random, spec) => ({ node: anyNode(random, spec), wire: 0 }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      world.upgrade(id, given.wire);
      return null;
    },
  }),
];
