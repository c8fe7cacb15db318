/**
 * One node through one quantum: every order in which what has reached it can be taken in, and every point at which it
 * can be struck meanwhile. What it does reaches others in a later quantum, so nothing outside takes part.
 */
import type { Effect, Fact, Event as HostEvent } from '@failtome/protocol';
import { canonicalize, withDraws } from './canonical.ts';
import type { NodeEvent, OrderClass, Out, SearchContext, SimNode } from './explored-data.ts';
import { crashed, emit, hasBallot, hashNode, takeEvent } from './explored-node.ts';
import { hashBag, hashOnce, mix } from './hash.ts';
import type { Claim } from './node-history.ts';

/** What becomes of the process in this quantum. */
export type Mode =
  | { readonly kind: 'run' }
  /** Dead at some point of it, and started again so much later; null: not before its machine is back. */
  | { readonly kind: 'crash'; readonly forMs: number | null }
  /** Stopped at some point of it, for so long. */
  | { readonly kind: 'pause'; readonly forMs: number };

export const RUN: Mode = { kind: 'run' };

/** What was taken in, newest first. */
export interface Story {
  readonly event: HostEvent;
  readonly facts: readonly Fact[];
  readonly effects: readonly Effect[];
  readonly before: Story | null;
}

export interface Outcome {
  readonly node: SimNode;
  readonly hash: number;
  readonly out: readonly Out[];
  readonly claims: readonly Claim[];
  readonly story: Story | null;
  /** Where it was struck, for people. */
  readonly struck: string;
}

/** Told of every step that was really taken. */
export type Observe = (event: HostEvent, facts: readonly Fact[]) => void;

export interface Run {
  readonly t: number;
  readonly mode: Mode;
  readonly order: 'all' | 'weighty' | 'given';
  readonly observe: Observe;
}

interface Point {
  readonly node: SimNode;
  readonly out: readonly Out[];
  readonly claims: readonly Claim[];
  readonly story: Story | null;
  readonly left: readonly NodeEvent[];
}

/**
 * @param events what reaches the node, in an order that depends on their content alone
 * @param run `order`: all orders, all but those of light events among themselves, or as they stand
 */
export function runNode(
  context: SearchContext,
  start: SimNode,
  events: readonly NodeEvent[],
  { t, mode, order, observe }: Run,
  done: Pick<Point, 'out' | 'claims'> = { out: [], claims: [] },
): readonly Outcome[] {
  const outcomes = new Map<number, Outcome>();
  const visited = new Set<number>();

  function follow(point: Point): void {
    const { node, left, out } = point;
    if (left.length === 0) {
      if (mode.kind === 'run') finish(point, '');
      return;
    }
    if (!context.apart && left.length > 1 && left.length < events.length - 1) {
      const key = hashPoint(canonicalize(start, node, out, t), left, point.claims);
      if (visited.has(key)) return;
      visited.add(key);
    }
    if (mode.kind !== 'run') strike(point, [], 'before', 0);
    for (let index = 0; index < left.length; index += 1)
      if (mayBeNext(left, index, order)) take(point, index);
  }

  function take(point: Point, index: number): void {
    const event = point.left[index];
    if (event === undefined) return;
    // Every event looks after what is due, and arms the timer anew: it fires before all others, or not in this quantum.
    const left = point.left.filter(
      (one, at) => at !== index && (order === 'given' || one.event.kind !== 'tick'),
    );
    const taken = takeEvent(context, point.node, event, t);
    observe(event.event, taken.facts);
    const out = [...point.out];
    const claims = [...point.claims, ...taken.claims];
    const story: Story = {
      event: event.event,
      facts: taken.facts,
      effects: taken.effects,
      before: point.story,
    };
    let { node } = taken;
    for (const [at, effect] of taken.effects.entries()) {
      node = emit(context, node, effect, t, out, claims);
      const rest = taken.effects.slice(at + 1);
      if (mode.kind !== 'run' && rest.length > 0 && makesADifference(effect))
        strike({ node, out: [...out], claims: [...claims], story, left }, rest, 'within', at + 1);
    }
    follow({ node, out, claims, story, left });
  }

  /** It dies here, or stands still with the rest undone. */
  function strike(point: Point, undone: readonly Effect[], where: string, effects: number): void {
    const next = point.left[0]?.event.kind ?? 'nothing';
    const told =
      where === 'before' ? `before ${next}` : `after effect ${effects} of ${point.story?.event.kind}`;
    if (mode.kind === 'pause') {
      const arrived = point.left.filter(({ event }) => event.kind !== 'tick');
      const life = { kind: 'paused', until: t + mode.forMs, undone, arrived } as const;
      finish({ ...point, node: { ...point.node, life } }, told);
    } else if (mode.kind === 'crash') {
      const until = mode.forMs === null ? null : t + mode.forMs;
      finish({ ...point, node: crashed(point.node, until, false) }, told);
      if (point.node.disk.writing !== null)
        finish({ ...point, node: crashed(point.node, until, true) }, `${told}, the write landed`);
    }
  }

  function finish(point: Point, struck: string): void {
    const { node, out } = context.apart
      ? { node: withDraws(point.node), out: point.out }
      : canonicalize(start, point.node, point.out, t);
    const hash = hashNode(node);
    const key = context.apart ? outcomes.size : mix(mix(hash, hashOut(out)), hashClaims(point.claims));
    if (outcomes.has(key)) return;
    outcomes.set(key, { node, hash, out, claims: point.claims, story: point.story, struck });
  }

  follow({ node: start, ...done, story: null, left: events });
  return [...outcomes.values()];
}

/**
 * A stopped process goes on: with what it was about to do, then with what has arrived meanwhile, as it came, its
 * timer before or after.
 */
export function resumeNode(
  context: SearchContext,
  { life, ...rest }: SimNode,
  events: readonly NodeEvent[],
  run: Run,
): readonly Outcome[] {
  let node: SimNode = { ...rest, life: { kind: 'up' } };
  if (life.kind !== 'paused') throw new Error(`${node.id} isn't stopped`);
  const out: Out[] = [];
  const claims: Claim[] = [];
  for (const effect of life.undone) node = emit(context, node, effect, run.t, out, claims);
  const ticks = events.filter(({ event }) => event.kind === 'tick');
  const arrived = [...life.arrived, ...events.filter(({ event }) => event.kind !== 'tick')];
  const orders = ticks.length === 0 ? [arrived] : [ticks.concat(arrived), arrived.concat(ticks)];
  const given: Run = { ...run, order: 'given' };
  return orders.flatMap((order) => runNode(context, node, order, given, { out, claims }));
}

/** Nothing that must come before it is left. */
function mayBeNext(left: readonly NodeEvent[], index: number, order: Run['order']): boolean {
  const orderClass = left[index]?.orderClass;
  if (order === 'given') return index === 0;
  if (orderClass === undefined) return false;
  return (
    left.findIndex(
      (event) => event.orderClass === orderClass || isBound(event.orderClass, orderClass, order),
    ) === index
  );
}

/** Whether two of them come in one order only. */
function isBound(one: OrderClass, other: OrderClass, order: 'all' | 'weighty'): boolean {
  if ('from' in one && 'from' in other && one.from === other.from && one.kind === other.kind)
    return order === 'weighty' || one.kind === 'heartbeat';
  return order === 'weighty' && isLight(one) && isLight(other);
}

function isLight({ kind }: OrderClass): boolean {
  return kind === 'heartbeat' || kind === 'light';
}

/** Whether it makes a difference that this was done and the next thing wasn't: more than a heartbeat or a check. */
function makesADifference(effect: Effect): boolean {
  if (effect.kind === 'send' || effect.kind === 'reply') return hasBallot(effect.message);
  return effect.kind === 'drive' || effect.kind === 'publish' || effect.kind === 'persist';
}

function hashPoint(
  { node, out }: Pick<Point, 'node' | 'out'>,
  left: readonly NodeEvent[],
  claims: readonly Claim[],
): number {
  const about = mix(hashNode(node), hashBag(left.map(({ hash }) => hash)));
  return mix(mix(about, hashOut(out)), hashClaims(claims));
}

function hashClaims(claims: readonly Claim[]): number {
  return claims.length === 0 ? 1 : hashOnce(claims);
}

function hashOut(out: readonly Out[]): number {
  return hashBag(out.map((one) => (one.kind === 'wire' ? one.wire.hash : one.call.hash)));
}
