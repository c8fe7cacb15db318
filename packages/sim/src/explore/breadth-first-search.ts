/**
 * The search itself: breadth first by virtual time. All worlds at one moment are followed through their next quantum
 * before any is followed further, worlds alike are followed once, and what is past is forgotten.
 */
import { step } from '@failtome/protocol';
import { type Broken, NEW_CLUSTER } from '../invariants/index.ts';
import { type Counts, type Search, type Successor, successorsOf } from './advance.ts';
import { type Bounds, configsOf, type Limits, NO_LIMITS, QUANTUM_MS, SETTLED_MS } from './bounds.ts';
import { createAccount } from './explored-cloud.ts';
import { newNode } from './explored-node.ts';
import { describeQuantum } from './explored-path.ts';
import { type Global, hashGlobal } from './explored-world.ts';
import { healed, isAtPeace, isWell, recoversWithinMs, whyUnwell } from './recover.ts';
import { type Coverage, newCoverage, note } from './seen.ts';

/** What is explored, and who hears of it. */
export interface ExploreOptions {
  /** Another step function, to show what breaks without one of its rules; default: the protocol's. */
  readonly step?: typeof step;
  readonly limits?: Partial<Limits>;
  /** Take no two worlds for the same: slower by orders of magnitude, and what the search is tested against. */
  readonly apart?: boolean;
  /** Told of every world that is followed. */
  readonly visit?: (g: Global) => void;
  /** Told after every moment of virtual time. */
  readonly progress?: (so: Progress) => void;
}

/** How far an exploration is. */
export interface Progress extends Counts {
  /** Quanta after the settled start that every history has been followed through. */
  readonly depth: number;
  readonly states: number;
  /** States that wait to be followed. */
  readonly frontier: number;
}

/** What an exploration came to. */
export interface ExploreResult extends Progress {
  readonly bounds: Bounds;
  /** Every history within the bounds was followed to its end. */
  readonly complete: boolean;
  readonly violation: Found | null;
  /** The most states that waited at once. */
  readonly widest: number;
  /** Histories that were followed until all was well again. */
  readonly ends: number;
  /** The longest that one of them took after the horizon, in ms. */
  readonly slowestMs: number;
  /** Histories left alone because they went beyond a bound. */
  readonly beyond: { readonly inFlight: number; readonly epochs: number };
  readonly seen: Coverage;
}

/** A broken invariant, with the history that breaks it. */
export interface Found extends Broken {
  /** In ms after the settled start. */
  readonly atMs: number;
  /** How it came about: one line a transition. */
  readonly path: readonly string[];
}

/** How a world came about: its parent, and which of the parent's successors it is. */
interface Path {
  readonly parent: Path | null;
  readonly ordinal: number;
}

interface Waiting {
  readonly g: Global;
  readonly path: Path;
}

/** Limits are looked at after so many worlds. */
const LOOK_EVERY = 64;

/** A search under way. */
interface Hunt {
  readonly search: Search;
  readonly options: ExploreOptions;
  readonly limits: Limits;
  readonly seen: Coverage;
  /** The end of the horizon, and when every history must have recovered. */
  readonly endMs: number;
  readonly lastMs: number;
  readonly highestEpoch: number;
  /** Worlds by the moment that they wait for, each once. */
  readonly agenda: Map<number, Map<number, Waiting>>;
  readonly beyond: { inFlight: number; epochs: number };
  readonly so: {
    states: number;
    frontier: number;
    widest: number;
    ends: number;
    slowestMs: number;
    depth: number;
  };
  found: Found | null;
}

/**
 * Search everything within the bounds, or until a limit or a violation.
 *
 * @throws Error when the settled start can't be reached
 */
export function explore(bounds: Bounds, options: ExploreOptions = {}): ExploreResult {
  const hunt = newHunt(bounds, options);
  const { agenda, search, so, seen, beyond } = hunt;
  let limited = false;
  while (agenda.size > 0 && hunt.found === null && !limited) {
    limited = !followMoment(hunt, Math.min(...agenda.keys()));
    options.progress?.({ ...search.count, depth: so.depth, states: so.states, frontier: so.frontier });
  }
  const complete = agenda.size === 0 && hunt.found === null && !limited;
  return { ...search.count, ...so, bounds, complete, violation: hunt.found, beyond, seen };
}

function newHunt(bounds: Bounds, options: ExploreOptions): Hunt {
  const seen = newCoverage();
  const search = newSearch(bounds, options, (event, facts) => note(seen, event, facts));
  const starts = startsOf(search);
  const endMs = SETTLED_MS + bounds.horizonMs;
  const hunt: Hunt = {
    search,
    options,
    limits: { ...NO_LIMITS, ...options.limits },
    seen,
    endMs,
    lastMs: endMs + recoversWithinMs(bounds),
    highestEpoch: bounds.epochs + highestEpoch(starts[0]),
    agenda: new Map(),
    beyond: { inFlight: 0, epochs: 0 },
    so: { states: 0, frontier: 0, widest: 0, ends: 0, slowestMs: 0, depth: 0 },
    found: null,
  };
  for (const [ordinal, g] of starts.entries()) put(hunt, { g, path: { parent: null, ordinal } });
  return hunt;
}

function put({ agenda, search, so }: Hunt, waiting: Waiting): void {
  const { g } = waiting;
  const at = agenda.get(g.t) ?? new Map<number, Waiting>();
  agenda.set(g.t, at);
  const hash = search.context.apart ? at.size : hashGlobal(g);
  if (at.has(hash)) return;
  at.set(hash, waiting);
  so.states += 1;
  so.frontier += 1;
  so.widest = Math.max(so.widest, so.frontier);
}

function isLimited({ so, limits }: Hunt): boolean {
  return so.states > limits.states || limits.expired();
}

/** All worlds at one moment; false when a limit came first. */
function followMoment(hunt: Hunt, t: number): boolean {
  const { agenda, search, so, limits } = hunt;
  const quantum = Math.floor((t - SETTLED_MS) / QUANTUM_MS);
  if (quantum >= limits.depth || isLimited(hunt)) return false;
  const now = agenda.get(t) ?? new Map<number, Waiting>();
  agenda.delete(t);
  search.known.clear();
  search.context.decoded.clear();
  let followed = 0;
  for (const waiting of now.values()) {
    if (followed % LOOK_EVERY === LOOK_EVERY - 1 && isLimited(hunt)) return false;
    followed += 1;
    so.frontier -= 1;
    follow(hunt, waiting);
    if (hunt.found !== null) return true;
  }
  so.depth = quantum + 1;
  return true;
}

function follow(hunt: Hunt, { g, path }: Waiting): void {
  const { search, options, so, endMs, lastMs } = hunt;
  const { bounds } = search;
  options.visit?.(g);
  const ending = g.t >= endMs;
  if (ending ? isWell(g, bounds) : isAtPeace(g, bounds)) {
    so.ends += 1;
    so.slowestMs = Math.max(so.slowestMs, g.t - endMs);
    return;
  }
  if (g.t > lastMs) {
    const detail = `not recovered within ${lastMs - endMs} ms: ${whyUnwell(g, bounds)}`;
    return fail(hunt, { invariant: 'L1', detail }, path, g.t);
  }
  let ordinal = 0;
  for (const next of waysOn(search, g, ending)) {
    const here: Path = { parent: path, ordinal };
    ordinal += 1;
    for (const label of next.labels) hunt.seen.faults[label] = (hunt.seen.faults[label] ?? 0) + 1;
    if (next.broken !== null) return fail(hunt, next.broken, here, g.t);
    if (next.g.wire.length > bounds.inFlight) hunt.beyond.inFlight += 1;
    else if (highestEpoch(next.g) > hunt.highestEpoch) hunt.beyond.epochs += 1;
    else put(hunt, { g: next.g, path: here });
  }
}

function fail(hunt: Hunt, broken: Broken, path: Path, t: number): void {
  const { search, options } = hunt;
  hunt.found = { ...broken, atMs: t - SETTLED_MS, path: retell(search.bounds, options, path) };
}

function waysOn(search: Search, at: Global, ending: boolean): Iterable<Successor> {
  return ending ? successorsOf(search, healed(at), 'line') : successorsOf(search, at, 'all');
}

function newSearch(bounds: Bounds, options: ExploreOptions, observe: Search['observe']): Search {
  return {
    context: { step: options.step ?? step, decoded: new Map(), apart: options.apart ?? false },
    bounds,
    known: new Map(),
    count: { transitions: 0, steps: 0, reused: 0 },
    observe,
  };
}

/** The settled cluster, with each reason to move at each moment at which it may come. */
function startsOf(search: Search): readonly Global[] {
  const { bounds } = search;
  let g: Global = {
    t: 0,
    nodes: configsOf(bounds).map(newNode),
    wire: [],
    calls: [],
    aws: createAccount(bounds),
    items: {},
    servers: configsOf(bounds).map(() => 'up'),
    closed: [],
    planned: [],
    faultsLeft: 0,
    cluster: NEW_CLUSTER,
  };
  while (g.t < SETTLED_MS) {
    const [next] = successorsOf(search, g, 'line');
    if (next === undefined || next.broken !== null)
      throw new Error(`the cluster doesn't settle: ${next?.broken?.detail ?? 'nothing happens'}`);
    g = next.g;
    search.known.clear();
  }
  if (!isWell(g, bounds)) throw new Error(`the cluster hasn't settled: ${whyUnwell(g, bounds)}`);
  const settled: Global = { ...g, faultsLeft: bounds.faults };
  return bounds.reasons.flatMap((reason) =>
    Array.from({ length: reason === 'none' ? 1 : bounds.phases }, (_, phase): Global => {
      const at = g.t + phase * QUANTUM_MS;
      return reason === 'none' ? settled : { ...settled, planned: [{ kind: 'reason', at, reason }] };
    }),
  );
}

function highestEpoch(g: Global | undefined): number {
  const epochs = g?.nodes.flatMap(({ core }) =>
    Object.values(core.state.addresses).map(({ epoch }) => epoch),
  );
  return Math.max(0, ...(epochs ?? []));
}

/** The same history again, told. */
function retell(bounds: Bounds, options: ExploreOptions, last: Path): readonly string[] {
  const search = newSearch(bounds, options, () => undefined);
  const steps: number[] = [];
  for (let path: Path | null = last; path !== null; path = path.parent) steps.unshift(path.ordinal);
  const [first = 0, ...others] = steps;
  let g = startsOf(search)[first];
  const lines: string[] = [];
  for (const ordinal of others) {
    if (g === undefined) return [...lines, 'the history could not be told to its end'];
    search.known.clear();
    const ending = g.t >= SETTLED_MS + bounds.horizonMs;
    let index = 0;
    let next: Successor | undefined;
    for (const successor of waysOn(search, g, ending)) {
      next = index === ordinal ? successor : next;
      index += 1;
      if (next !== undefined) break;
    }
    if (next !== undefined) lines.push(...describeQuantum(g, next, SETTLED_MS));
    g = next?.g;
  }
  return lines;
}
