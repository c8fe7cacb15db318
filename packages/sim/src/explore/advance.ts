/**
 * One quantum of the whole world, in every way that the bounds allow.
 *
 * What a node does in a quantum reaches nobody before the next one. So within a quantum nodes can't tell in which order
 * they take their turns, and each is followed through its own orders alone; what comes of them is combined afterwards.
 */
import type { Fact, Event as HostEvent } from '@failtome/protocol';
import type { Broken } from '../invariants/index.ts';
import { eventsFor, prepared, stillOnTheWay } from './arrivals.ts';
import { addressesOf, type Bounds, QUANTUM_MS } from './bounds.ts';
import { type Called, callOrders, withCalls } from './call-orders.ts';
import { dropUnreachableHistory } from './canonical.ts';
import type { Call, SearchContext, SimNode } from './explored-data.ts';
import { type Global, hashOfNode, nextMoment, rememberHash, withPlanned } from './explored-world.ts';
import { plainly, type Variant, variantsOf } from './faults.ts';
import { hashOf, mix } from './hash.ts';
import { judgeQuantum } from './judge-quantum.ts';
import { type Outcome, RUN, resumeNode, runNode } from './run-node.ts';

/** What is the same for all of one search. */
export interface Search {
  readonly context: SearchContext;
  readonly bounds: Bounds;
  /** What became of a node in this quantum, by everything that it depends on; emptied between quanta. */
  readonly known: Map<number, readonly Outcome[]>;
  readonly count: Counts;
  /** Told of every step that was really taken. */
  readonly observe: (event: HostEvent, facts: readonly Fact[]) => void;
}

/** How much was done. */
export interface Counts {
  /** Steps taken, faults chosen, moments passed. */
  transitions: number;
  /** Of these the calls of the protocol's step function. */
  steps: number;
  /** Outcomes of a node's quantum that were known already. */
  reused: number;
}

/** One way in which a quantum can go. */
export interface Successor {
  readonly g: Global;
  readonly broken: Broken | null;
  readonly labels: readonly string[];
  readonly calls: readonly string[];
  readonly outcomes: readonly (Outcome | null)[];
}

/** How a quantum is followed: with every choice, or along one line without faults. */
export type Width = 'all' | 'line';

/** Every way in which the quantum at `g.t` can go; each leads to the next moment at which something happens. */
export function* successorsOf(search: Search, at: Global, width: Width): Generator<Successor> {
  const { bounds, count } = search;
  const g = withPlanned(at);
  const isActive = (node: SimNode): boolean =>
    eventsFor(g, node, []).length > 0 ||
    g.calls.some((call) => call.node === node.index && call.appliesAt <= g.t);
  const variants = width === 'all' ? variantsOf(g, bounds.faultKinds, isActive) : [plainly(g)];
  count.transitions += variants.length - 1;
  for (const variant of variants)
    for (const calls of callOrders(variant.g, width === 'all' && bounds.orders !== 'one'))
      yield* follow(search, variant, calls, width);
}

function* follow(
  search: Search,
  variant: Variant,
  order: readonly Call[],
  width: Width,
): Generator<Successor> {
  const called = withCalls(variant, order, addressesOf(search.bounds.addresses));
  const { g } = called;
  const outcomes = g.nodes.map((node) => outcomesOf(search, variant, called, node, width));
  for (const chosen of product(outcomes)) {
    search.count.transitions += 1;
    yield join(called, variant.labels, chosen, search.context.apart);
  }
}

function outcomesOf(
  { context, bounds, known, count, observe }: Search,
  { modes, failingWrites }: Variant,
  { g, answers }: Called,
  node: SimNode,
  width: Width,
): readonly (Outcome | null)[] {
  const ready = prepared(g, node, answers, failingWrites.includes(node.index));
  if (ready === null) return [null];
  const mode = modes[node.index] ?? RUN;
  const order = width === 'line' || bounds.orders === 'one' ? 'given' : bounds.orders;
  let key = mix(hashOfNode(ready.node), hashOf(order));
  key = mix(key, mode.kind === 'run' ? 1 : mix(hashOf(mode.kind), mode.forMs ?? -1));
  for (const { hash } of ready.events) key = mix(key, hash);
  const before = context.apart ? undefined : known.get(key);
  if (before !== undefined) {
    count.reused += 1;
    return before;
  }
  const step = (event: HostEvent, facts: readonly Fact[]): void => {
    count.steps += 1;
    count.transitions += 1;
    observe(event, facts);
  };
  const run = { t: g.t, mode, order, observe: step } as const;
  const outcomes = ready.resumes
    ? resumeNode(context, ready.node, ready.events, run)
    : runNode(context, ready.node, ready.events, run);
  for (const { node: after, hash } of outcomes) rememberHash(after, hash);
  known.set(key, outcomes);
  return outcomes;
}

/** One outcome of each node, put together again. */
function join(
  { g, told, events }: Called,
  labels: readonly string[],
  outcomes: readonly (Outcome | null)[],
  apart: boolean,
): Successor {
  const wire = [...stillOnTheWay(g)];
  const onTheWay = [...g.calls];
  for (const outcome of outcomes)
    for (const one of outcome?.out ?? []) {
      if (one.kind === 'wire') wire.push(one.wire);
      else onTheWay.push(one.call);
    }
  const ran = g.nodes.map((node, index) => outcomes[index]?.node ?? node);
  const nodes = apart ? ran : dropUnreachableHistory(ran, wire);
  wire.sort((a, b) => a.hash - b.hash);
  onTheWay.sort((a, b) => a.hash - b.hash);
  const after: Global = { ...g, nodes, wire, calls: onTheWay };
  const { cluster, broken } = judgeQuantum(g, events, outcomes);
  const t = nextMoment(after) ?? g.t + QUANTUM_MS;
  return { g: { ...after, cluster, t }, broken, labels, calls: told, outcomes };
}

/** Every choice of one item from each list. */
function* product<T>(lists: readonly (readonly T[])[]): Generator<readonly T[]> {
  const [first, ...others] = lists;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const rest of product(others)) for (const item of first) yield [item, ...rest];
}
