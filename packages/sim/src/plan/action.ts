/**
 * One thing that happens to a simulated world: a fault, or an operator's order. A plan says when, and with which
 * arguments; whatever is left to chance is drawn before, so that a plan can be read, written and made smaller.
 */
import type { NodeId } from '@failtome/protocol';
import type { Random, World, WorldSpec } from '../world/index.ts';
import { type Arguments, type ArgumentsOf, node, type Parameter, type Parameters } from './parameters.ts';

/** Ends what an action began; for good measure it may be called more than once. */
export type Undo = () => void;

/** One kind of thing that can happen to a world. */
export interface ActionKind {
  readonly name: string;
  /** One line for people. */
  readonly says: string;
  readonly parameters: Parameters;
  /** The parameter that says what goes wrong: each choice that it has is a fault of its own. Absent: the action is one fault. */
  readonly variesBy?: string;
  /** How long it lasts where chance decides, at least and at most; null: there is nothing to undo. */
  readonly lastsMs: readonly [number, number] | null;
  /** Arguments by chance; absent: a swarm doesn't use it by itself. */
  readonly draw?: (random: Random, spec: WorldSpec) => Arguments;
  /** Do it. @throws Error when the arguments don't fit this world */
  readonly apply: (world: World, given: Arguments) => Undo | null;
}

interface ActionSpec<P extends Parameters> extends Omit<ActionKind, 'parameters' | 'draw' | 'apply'> {
  readonly parameters: P;
  readonly draw?: (random: Random, spec: WorldSpec) => ArgumentsOf<P>;
  readonly apply: (world: World, given: ArgumentsOf<P>) => Undo | null;
}

/** Describe an action; its arguments have the types that its parameters say. */
export function action<const P extends Parameters>(spec: ActionSpec<P>): ActionKind {
  const { draw, apply, ...rest } = spec;
  return {
    ...rest,
    ...(draw === undefined ? {} : { draw }),
    // Plans are read by these very parameters, which also fill in what was left out.
    apply: (world, given) => apply(world, { ...defaultsOf(spec.parameters), ...given } as ArgumentsOf<P>),
  };
}

interface NodeActionSpec<P extends Parameters> extends Omit<ActionSpec<P>, 'apply'> {
  readonly apply: (world: World, id: NodeId, given: ArgumentsOf<P>) => Undo | null;
}

/** Describe what happens to one node, its parameter `node`. Where nobody is meant by that at the moment, nothing happens. */
export function nodeAction<const P extends Parameters & { readonly node: Parameter<NodeId> }>(
  spec: NodeActionSpec<P>,
): ActionKind {
  const { apply, ...rest } = spec;
  return action<P>({
    ...rest,
    apply(world, given) {
      const id = whoIs(world, String(given.node));
      return id === null ? null : apply(world, id, given);
    },
  });
}

/** What happens to a node, by chance to the holder as often as to anybody else, until it is undone. */
export function disturbance(
  name: string,
  says: string,
  lastsMs: ActionKind['lastsMs'],
  begin: (world: World, id: NodeId) => void,
  end: (world: World, id: NodeId) => void,
): ActionKind {
  return nodeAction({
    name,
    says,
    lastsMs,
    parameters: { node: node() },
    draw: (random, spec) => ({ node: likelyHolder(random, spec) }),
    apply(world, id) {
      begin(world, id);
      return () => end(world, id);
    },
  });
}

function defaultsOf(parameters: Parameters): Arguments {
  return Object.fromEntries(
    Object.entries(parameters).flatMap(([name, { optional }]) =>
      optional === undefined ? [] : [[name, optional]],
    ),
  );
}

/** Names that stand for a node, whichever it is when the action happens. */
export const ROLES_OF_THE_MOMENT = ['holder', 'standby'] as const;

/**
 * Who is meant: a node's id, `holder` (of the first address that has one), or `standby` (the first candidate that
 * isn't the holder).
 *
 * @returns null when nobody is
 */
export function whoIs(world: World, named: string): NodeId | null {
  if (named !== 'holder' && named !== 'standby') return named;
  const { addresses, nodes } = world.spec;
  const holder = addresses.map((ip) => world.holder(ip)).find((id) => id !== null) ?? null;
  if (named === 'holder') return holder;
  return nodes.find(({ id, role }) => role === 'candidate' && id !== holder)?.id ?? null;
}

/** By chance; the holder as often as anybody else. */
export function likelyHolder(random: Random, spec: WorldSpec): string {
  return random.chance(600) ? 'holder' : anyNode(random, spec);
}

/** Any node, each as likely as the others. */
export function anyNode(random: Random, { nodes }: WorldSpec): string {
  return random.pick(nodes).id;
}

/** Two nodes that differ. */
export function twoNodes(random: Random, spec: WorldSpec): readonly [string, string] {
  const a = anyNode(random, spec);
  return [a, random.pick(spec.nodes.filter(({ id }) => id !== a)).id];
}

/** In milliseconds, the least and the most that a short disturbance lasts. */
export const SHORT = [100, 4_000] as const;
/** The same, of one that a failover may need to outlast. */
export const MIDDLE = [500, 20_000] as const;
/** The same, of one that outlasts most failovers. */
export const LONG = [5_000, 60_000] as const;
