/**
 * Runs a plan: first the phase in which things break, then, where the plan wants it, the one in which they must come
 * right.
 */
import {
  type Availability,
  checkRecovery,
  createWorld,
  healAll,
  type TraceLine,
  type Violation,
  type World,
  type WorldOptions,
} from '../world/index.ts';
import { type ActionKind, whoIs } from './action.ts';
import { ACTIONS, MAX_APPLY_LATE_MS } from './actions/index.ts';
import { faultOf } from './fault-kinds.ts';
import type { Arguments } from './parameters.ts';
import type { Ending, Entry, Plan } from './plan.ts';

/** What is kept of a run, and who looks on. */
export interface RunOptions {
  /** How many trace lines to keep; default none. */
  readonly keepTrace?: number;
  /** Seen when the world is built, before anything runs. */
  readonly onWorld?: (world: World) => void;
  /** The same, for who does more to it than the plan says. */
  readonly onStrike?: (world: World, strike: Strike) => void;
  /** Told of each fault just before it is done, by its id in `FAULTS`. */
  readonly onFault?: (fault: string) => FaultEnd;
  /** As of a world. */
  readonly recorderOf?: WorldOptions['recorderOf'];
}

/** Does something to a world now, as an entry of its plan would. */
export type Strike = (what: Omit<Entry, 'atMs'>) => void;

/** Told how a fault ended; `vain`: it did nothing, since there was nobody or nothing that it could happen to. */
export type FaultEnd = (how: 'over' | 'vain') => void;

/** What a run came to. */
export interface RunResult {
  readonly plan: Plan;
  readonly violation: Violation | null;
  /** Over everything that happened. */
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  /** Which actions were done, and how many times. */
  readonly injected: ReadonlyMap<string, number>;
  /** What was to be expected of each address once it was healed; null: it didn't come to that. */
  readonly expected: readonly Availability[] | null;
  readonly trace: readonly TraceLine[];
  /** As it was left. */
  readonly world: World;
}

/** What has been done to a world so far. */
interface Injected {
  readonly counts: Map<string, number>;
  /** What ends the things that still last. */
  readonly undos: Set<() => void>;
  readonly onFault: RunOptions['onFault'];
}

/** What may still be under way when the faults stop: calls that are applied late, and what nodes have borrowed. */
const SETTLING_MS = MAX_APPLY_LATE_MS + 10_000;

/**
 * Run a plan to its end, or to its first violation.
 *
 * @throws Error when the plan names an action that there isn't
 */
export function runPlan(plan: Plan, options: RunOptions = {}): RunResult {
  const { keepTrace = 0, recorderOf } = options;
  const world = createWorld(plan.world, { keepTrace, ...(recorderOf === undefined ? {} : { recorderOf }) });
  const injected: Injected = { counts: new Map(), undos: new Set(), onFault: options.onFault };
  options.onWorld?.(world);
  options.onStrike?.(world, (what) => inject(world, what, injected));
  for (const { id, bootMs } of plan.world.nodes)
    if (bootMs !== null) world.queue.at(bootMs, () => world.start(id));
  for (const entry of plan.timeline) world.queue.at(entry.atMs, () => inject(world, entry, injected));
  world.runUntil(plan.ending.atMs);
  const heals = plan.ending.kind === 'recover' && world.violation() === null;
  const expected = heals ? recover(world, plan.ending, injected) : null;
  return {
    plan,
    violation: world.violation(),
    hash: world.trace.hash(),
    events: world.queue.ran(),
    virtualMs: world.now(),
    injected: injected.counts,
    expected,
    trace: world.trace.lines(),
    world,
  };
}

function inject(world: World, entry: Omit<Entry, 'atMs'>, { counts, undos, onFault }: Injected): void {
  const kind = ACTIONS.get(entry.action);
  if (kind === undefined) throw new Error(`there is no action called ${entry.action}`);
  counts.set(entry.action, (counts.get(entry.action) ?? 0) + 1);
  const nodes = nodesIn(world, kind, entry.with);
  const ended = world.inject({
    name: entry.action,
    says: describeAction(entry.action, entry.with),
    nodes,
    lasts: kind.lastsMs !== null,
  });
  const told = onFault?.(faultOf(entry.action, entry.with));
  const undo = kind.apply(world, entry.with);
  world.details.emit?.({ kind: 'changed' });
  const isVain = kind.lastsMs === null ? nodes.length === 0 && needsNode(kind) : undo === null;
  if (isVain || kind.lastsMs === null) told?.(isVain ? 'vain' : 'over');
  if (undo === null || entry.forMs === null) return;
  const end = (): void => {
    if (!undos.delete(end)) return;
    undo();
    ended();
    told?.('over');
  };
  undos.add(end);
  world.queue.after(entry.forMs, end);
}

/** Whether there must be somebody whom it happens to. */
function needsNode({ parameters }: ActionKind): boolean {
  return Object.values(parameters).some(({ kind, optional }) => kind === 'node' && optional === undefined);
}

function nodesIn(world: World, { parameters }: ActionKind, given: Arguments): readonly string[] {
  return Object.entries(given).flatMap(([name, value]) => {
    const id = parameters[name]?.kind === 'node' && typeof value === 'string' ? whoIs(world, value) : null;
    return id === null ? [] : [id];
  });
}

function recover(
  world: World,
  ending: Extract<Ending, { kind: 'recover' }>,
  injected: Injected,
): readonly Availability[] | null {
  for (const end of [...injected.undos]) end();
  healAll(world);
  for (const { id } of world.spec.nodes)
    world.order(id, { kind: 'resume', reason: 'healed', owner: 'operator' });
  world.runFor(SETTLING_MS);
  for (const broken of ending.broken) {
    if (world.violation() === null) inject(world, { ...broken, forMs: null }, injected);
  }
  return world.violation() === null ? checkRecovery(world, ending.goal) : null;
}

/** What to call an action in a line of text; arguments that are as usual go without saying. */
export function describeAction(action: string, given: Arguments): string {
  const { parameters = {} } = ACTIONS.get(action) ?? {};
  const told = Object.entries(given)
    .filter(([name, value]) => value !== null && value !== parameters[name]?.optional)
    .map(([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return told.length === 0 ? action : `${action} (${told.join(', ')})`;
}
