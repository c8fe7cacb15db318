/** What happens to an agent's process, and to its whole machine. */
import {
  type NodeId,
  type State,
  TAKEOVER_PHASES,
  type TakeoverPhase,
  takeoverPhase,
} from '@failtome/protocol';
import type { World } from '../../world/index.ts';
import {
  type ActionKind,
  anyNode,
  disturbance,
  LONG,
  likelyHolder,
  MIDDLE,
  nodeAction,
  SHORT,
} from '../action.ts';
import { address, choice, duration, node, optional, settings, whole } from '../parameters.ts';

/** The most effects after which a process is halted. */
const MAX_EFFECTS = 1_000;

/** It happens, and nothing takes it back. */
function forGood(name: string, says: string, happen: (world: World, id: NodeId) => void): ActionKind {
  return nodeAction({
    name,
    says,
    lastsMs: null,
    parameters: { node: node() },
    apply(world, id) {
      happen(world, id);
      return null;
    },
  });
}

function between(how: 'kill' | 'pause', name: string, says: string, up: (world: World, id: NodeId) => void) {
  return nodeAction({
    name,
    says,
    lastsMs: MIDDLE,
    parameters: {
      node: node(),
      effects: whole(1, MAX_EFFECTS, 'so many more things it does to the world, the last one not any more'),
    },
    draw: (random, spec) => ({ node: likelyHolder(random, spec), effects: random.between(1, 60) }),
    apply(world, id, given) {
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
  return nodeAction({
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
    apply(world, id, given) {
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
const crash = (world: World, id: NodeId): void => world.crash(id);
const pause = (world: World, id: NodeId): void => world.pause(id);
const resume = (world: World, id: NodeId): void => world.resume(id);
const stop = (world: World, id: NodeId): void => world.stop(id);

/** What happens to the agents' processes and their machines. */
export const PROCESS: readonly ActionKind[] = [
  disturbance('crash', 'the agent is killed, and started again', MIDDLE, crash, start),
  between('kill', 'crash-between-effects', 'the agent is killed between two of its effects', start),
  disturbance('pause', 'the agent is stopped (SIGSTOP), and continued', MIDDLE, pause, resume),
  between('pause', 'pause-between-effects', 'the agent is stopped between two of its effects', resume),
  inMove(
    'crash-in-move',
    'the agent is killed in the middle of its takeover, and started again',
    crash,
    start,
  ),
  inMove('pause-in-move', 'the agent is stopped in the middle of its takeover, and continued', pause, resume),
  inMove(
    'stop-in-move',
    'the agent is told to stop in the middle of its takeover, and started again',
    stop,
    start,
  ),
  disturbance(
    'freeze',
    'the whole machine stands still, web server and all, and goes on',
    MIDDLE,
    (world, id) => world.freeze(id),
    (world, id) => world.thaw(id),
  ),
  disturbance(
    'vanish',
    'the whole machine is gone, and boots again with its disk',
    LONG,
    (world, id) => world.vanish(id),
    (world, id) => world.comeBack(id),
  ),
  disturbance('stop', 'the agent is told to stop (SIGTERM), and started again', SHORT, stop, start),
  forGood('start', 'an agent that is off is started', start),
  forGood('terminate', 'the instance is terminated, and its address is free', (world, id) =>
    world.terminate(id),
  ),
  nodeAction({
    name: 'clone',
    says: 'another machine runs a copy of this node, with its id and its disk',
    lastsMs: MIDDLE,
    parameters: { node: node() },
    draw: (random, spec) => ({ node: anyNode(random, spec) }),
    apply(world, id) {
      const clone = world.clone(id);
      return () => clone.kill();
    },
  }),
  nodeAction({
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
    apply(world, id, given) {
      const before = world.overridesOf(id);
      const without = given.without === null ? {} : { without: [given.without] };
      world.reload(id, { ...before, settings: given.settings, ...without });
      return () => world.reload(id, before);
    },
  }),
  nodeAction({
    name: 'upgrade',
    says: 'the agent is stopped, and started again as another version',
    lastsMs: null,
    parameters: {
      node: node(),
      wire: optional(whole(-1, 1, 'by how much its wire version is higher than it was'), 0),
    },
    draw: (random, spec) => ({ node: anyNode(random, spec), wire: 0 }),
    apply(world, id, given) {
      world.upgrade(id, given.wire);
      return null;
    },
  }),
];
