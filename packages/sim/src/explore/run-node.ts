/**
 * One node through one quantum: every order in which what has reached it can be taken in, and every point at which it
 * can be struck meanwhile. What it does reaches others in a later quantum, so nothing outside takes part.
 */
import type { Effect, Fact, Event as HostEvent } from '@failtome/protocol';
import { canonicalize, withDraws } from './canonical.ts';
import { nodeWith } from './copies.ts';
import type { NodeEvent, OrderClass, Out, SearchContext, SimNode } from './explored-data.ts';
import { crashed, emit, hasBallot, hashNode, takeEvent } from './explored-node.ts';
import { hashBag, mix } from './hash.ts';
import { copyOf, type Findings, hashFindings, newFindings, told as toldOf, viewOf } from './node-record.ts';

/** What becomes of the process in this quantum. */
export type Mode =
  | { readonly kind: 'run' }
  /** Dead at some point of it, and started again so much later; null: not before its machine is back. */
  | { readonly kind: 'crash'; readonly forMs: number | null }
  /** Stopped at some point of it, for so long. */
  | { readonly kind: 'pause'; readonly forMs: number };

/** Without a fault. */
export const RUN: Mode = { kind: 'run' };

/** What was taken in, newest first. */
export interface Story {
  readonly event: HostEvent;
  readonly facts: readonly Fact[];
  readonly effects: readonly Effect[];
  readonly before: Story | null;
}

/** One way in which a node's quantum can go. */
export interface Outcome {
  readonly node: SimNode;
  readonly hash: number;
  readonly out: readonly Out[];
  readonly broken: Findings['broken'];
  readonly claims: Findings['claims'];
  readonly story: Story | null;
  /** Where it was struck, for people. */
  readonly struck: string;
}

/** Told of every step that was really taken. */
export type Observe = (event: HostEvent, facts: readonly Fact[]) => void;

/** How a node's quantum is run. */
export interface Run {
  readonly t: number;
  readonly mode: Mode;
  readonly order: 'all' | 'weighty' | 'given';
  readonly observe: Observe;
}

interface Point {
  readonly node: SimNode;
  readonly out: readonly Out[];
  readonly found: Findings;
  readonly story: Story | null;
  readonly left: readonly NodeEvent[];
}

/** All ways in which one node's quantum can go: follows every order of its events, and every point at which it is struck. */
class QuantumSearch {
  readonly #context: SearchContext;
  readonly #start: SimNode;
  /** How many events there are to be ordered. */
  readonly #count: number;
  readonly #t: number;
  readonly #mode: Mode;
  readonly #order: Run['order'];
  readonly #observe: Observe;
  readonly #outcomes = new Map<number, Outcome>();
  readonly #visited = new Set<number>();

  constructor(context: SearchContext, start: SimNode, count: number, { t, mode, order, observe }: Run) {
    this.#context = context;
    this.#start = start;
    this.#count = count;
    this.#t = t;
    this.#mode = mode;
    this.#order = order;
    this.#observe = observe;
  }

  outcomesFrom(point: Point): readonly Outcome[] {
    this.#follow(point);
    return [...this.#outcomes.values()];
  }

  #follow(point: Point): void {
    const { node, left, out } = point;
    if (left.length === 0) {
      if (this.#mode.kind === 'run') this.#finish(point, '');
      return;
    }
    if (!this.#context.apart && left.length > 1 && left.length < this.#count - 1) {
      const key = hashPoint(canonicalize(this.#start, node, out, this.#t), left, point.found);
      if (this.#visited.has(key)) return;
      this.#visited.add(key);
    }
    if (this.#mode.kind !== 'run') this.#strike(point, [], 'before', 0);
    for (let index = 0; index < left.length; index += 1)
      if (mayBeNext(left, index, this.#order)) this.#take(point, index);
  }

  #take(point: Point, index: number): void {
    const event = point.left[index];
    if (event === undefined) return;
    // Every event looks after what is due, and arms the timer anew: it fires before all others, or not in this quantum.
    const left = point.left.filter(
      (one, at) => at !== index && (this.#order === 'given' || one.event.kind !== 'tick'),
    );
    const found = copyOf(point.found);
    const taken = takeEvent(this.#context, point.node, event, this.#t, found);
    this.#observe(event.event, taken.facts);
    const out = [...point.out];
    const story: Story = {
      event: event.event,
      facts: taken.facts,
      effects: taken.effects,
      before: point.story,
    };
    let { node } = taken;
    for (const [at, effect] of taken.effects.entries()) {
      node = emit(this.#context, node, effect, this.#t, out, found);
      const rest = taken.effects.slice(at + 1);
      if (this.#mode.kind !== 'run' && rest.length > 0 && makesADifference(effect))
        this.#strike({ node, out: [...out], found: copyOf(found), story, left }, rest, 'within', at + 1);
    }
    const history = toldOf(node.history, { kind: 'stepped', by: viewOf(node) }, this.#t, found);
    this.#follow({ node: nodeWith(node, { history }), out, found, story, left });
  }

  /** It dies here, or stands still with the rest undone. */
  #strike(point: Point, undone: readonly Effect[], where: string, effects: number): void {
    const next = point.left[0]?.event.kind ?? 'nothing';
    const told =
      where === 'before' ? `before ${next}` : `after effect ${effects} of ${point.story?.event.kind}`;
    if (this.#mode.kind === 'pause') {
      const arrived = point.left.filter(({ event }) => event.kind !== 'tick');
      const life = { kind: 'paused', until: this.#t + this.#mode.forMs, undone, arrived } as const;
      const found = copyOf(point.found);
      const history = toldOf(point.node.history, { kind: 'paused', by: viewOf(point.node) }, this.#t, found);
      this.#finish({ ...point, found, node: nodeWith(point.node, { life, history }) }, told);
    } else if (this.#mode.kind === 'crash') {
      const until = this.#mode.forMs === null ? null : this.#t + this.#mode.forMs;
      this.#die(point, until, false, told);
      if (point.node.disk.writing !== null) this.#die(point, until, true, `${told}, the write landed`);
    }
  }

  #die(point: Point, until: number | null, landed: boolean, told: string): void {
    const dead = crashed(point.node, until, landed);
    const found = copyOf(point.found);
    // As its disk is now.
    const by = viewOf(nodeWith(point.node, { disk: dead.disk }));
    toldOf(point.node.history, { kind: 'ended', by }, this.#t, found);
    this.#finish({ ...point, found, node: dead }, told);
  }

  #finish(point: Point, struck: string): void {
    const { node, out } = this.#context.apart
      ? { node: withDraws(point.node), out: point.out }
      : canonicalize(this.#start, point.node, point.out, this.#t);
    const hash = hashNode(node);
    const key = this.#context.apart
      ? this.#outcomes.size
      : mix(mix(hash, hashOut(out)), hashFindings(point.found));
    if (this.#outcomes.has(key)) return;
    this.#outcomes.set(key, { node, hash, out, ...point.found, story: point.story, struck });
  }
}

/**
 * @param events what reaches the node, in an order that depends on their content alone
 * @param run `order`: all orders, all but those of light events among themselves, or as they stand
 */
export function runNode(
  context: SearchContext,
  start: SimNode,
  events: readonly NodeEvent[],
  run: Run,
  done: Pick<Point, 'out' | 'found'> = { out: [], found: newFindings() },
): readonly Outcome[] {
  const search = new QuantumSearch(context, start, events.length, run);
  return search.outcomesFrom({ node: start, ...done, story: null, left: events });
}

/**
 * A stopped process goes on: with what it was about to do, then with what has arrived meanwhile, as it came, its
 * timer before or after.
 */
export function resumeNode(
  context: SearchContext,
  stopped: SimNode,
  events: readonly NodeEvent[],
  run: Run,
): readonly Outcome[] {
  const { life } = stopped;
  let node = nodeWith(stopped, { life: { kind: 'up' } });
  if (life.kind !== 'paused') throw new Error(`${node.id} isn't stopped`);
  const out: Out[] = [];
  const found = newFindings();
  const history = toldOf(node.history, { kind: 'resumed', by: viewOf(node) }, run.t, found);
  node = nodeWith(node, { history });
  for (const effect of life.undone) node = emit(context, node, effect, run.t, out, found);
  const ticks = events.filter(({ event }) => event.kind === 'tick');
  const arrived = [...life.arrived, ...events.filter(({ event }) => event.kind !== 'tick')];
  const orders = ticks.length === 0 ? [arrived] : [ticks.concat(arrived), arrived.concat(ticks)];
  const given: Run = { ...run, order: 'given' };
  return orders.flatMap((order) => runNode(context, node, order, given, { out, found }));
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
  found: Findings,
): number {
  const about = mix(hashNode(node), hashBag(left.map(({ hash }) => hash)));
  return mix(mix(about, hashOut(out)), hashFindings(found));
}

function hashOut(out: readonly Out[]): number {
  return hashBag(out.map((one) => (one.kind === 'wire' ? one.wire.hash : one.call.hash)));
}
