/**
 * The search itself: breadth first by virtual time. All worlds at one moment are followed through their next quantum
 * before any is followed further, worlds alike are followed once, and what is past is forgotten.
 */
import { step } from '@failtome/protocol';
import { type Counts, type Search, type Successor, successorsOf } from './advance.ts';
import { type Bounds, configsOf, type Limits, NO_LIMITS, QUANTUM_MS, SETTLED_MS } from './bounds.ts';
import { createAccount } from './cloud.ts';
import { newNode } from './node.ts';
import { healed, isAtPeace, isWell, recoversWithinMs, whyUnwell } from './recover.ts';
import { type Coverage, newCoverage, note } from './seen.ts';
import { tellQuantum } from './story.ts';
import type { Broken } from './verdicts.ts';
import { type Global, hashGlobal } from './world.ts';

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

export interface Progress extends Counts {
  /** Quanta after the settled start that every history has been followed through. */
  readonly depth: number;
  readonly states: number;
  /** States that wait to be followed. */
  readonly frontier: number;
}

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

/** Worlds by the moment that they wait for, each once. */
type Agenda = Map<number, Map<number, Waiting>>;

/**
 * Search everything within the bounds, or until a limit or a violation.
 *
 * @throws Error when the settled start can't be reached
 */
export function explore(bounds: Bounds, options: ExploreOptions = {}): ExploreResult {
  const limits: Limits = { ...NO_LIMITS, ...options.limits };
  const seen = newCoverage();
  const search = newSearch(bounds, options, (event, facts) => note(seen, event, facts));
  const starts = startsOf(search);
  const endMs = SETTLED_MS + bounds.horizonMs;
  const lastMs = endMs + recoversWithinMs(bounds);
  const epochLimit = bounds.epochs + highestEpoch(starts[0]);
  const agenda: Agenda = new Map();
  const beyond = { inFlight: 0, epochs: 0 };
  let [states, frontier, widest, ends, slowestMs, depth] = [0, 0, 0, 0, 0, 0];
  let found: Found | null = null;

  const put = (waiting: Waiting): void => {
    const { g } = waiting;
    const at = agenda.get(g.t) ?? new Map<number, Waiting>();
    agenda.set(g.t, at);
    const hash = search.rig.apart ? at.size : hashGlobal(g);
    if (at.has(hash)) return;
    at.set(hash, waiting);
    states += 1;
    frontier += 1;
    widest = Math.max(widest, frontier);
  };
  const fail = (broken: Broken, path: Path, t: number): void => {
    const told = retell(bounds, options, path);
    found = { ...broken, atMs: t - SETTLED_MS, path: told };
  };

  for (const [ordinal, g] of starts.entries()) put({ g, path: { parent: null, ordinal } });
  const limited = (): boolean => states > limits.states || limits.expired();
  let stopped = false;
  while (agenda.size > 0 && found === null && !stopped) {
    const t = Math.min(...agenda.keys());
    const quantum = Math.floor((t - SETTLED_MS) / QUANTUM_MS);
    if (quantum >= limits.depth || limited()) break;
    const now = agenda.get(t) ?? new Map<number, Waiting>();
    agenda.delete(t);
    search.known.clear();
    search.rig.decoded.clear();
    let asked = 0;
    for (const waiting of now.values()) {
      frontier -= 1;
      asked += 1;
      if (asked % 64 === 0 && limited()) {
        stopped = true;
        break;
      }
      follow(waiting, t);
      if (found !== null) break;
    }
    if (found === null && !stopped) depth = quantum + 1;
    options.progress?.({ ...search.count, depth, states, frontier });
  }

  function follow({ g: at, path }: Waiting, t: number): void {
    options.visit?.(at);
    const ending = t >= endMs;
    if (ending ? isWell(at, bounds) : isAtPeace(at, bounds)) {
      ends += 1;
      slowestMs = Math.max(slowestMs, t - endMs);
      return;
    }
    if (t > lastMs) {
      const detail = `not recovered within ${lastMs - endMs} ms: ${whyUnwell(at, bounds)}`;
      return fail({ invariant: 'L1', detail }, path, t);
    }
    let ordinal = 0;
    for (const next of waysOn(search, at, ending)) {
      const here: Path = { parent: path, ordinal };
      ordinal += 1;
      for (const label of next.labels) seen.faults[label] = (seen.faults[label] ?? 0) + 1;
      if (next.broken !== null) return fail(next.broken, here, t);
      if (next.g.wire.length > bounds.inFlight) beyond.inFlight += 1;
      else if (highestEpoch(next.g) > epochLimit) beyond.epochs += 1;
      else put({ g: next.g, path: here });
    }
  }

  const complete = agenda.size === 0 && found === null && !stopped;
  return {
    ...search.count,
    bounds,
    complete,
    violation: found,
    depth,
    states,
    frontier,
    widest,
    ends,
    slowestMs,
    beyond,
    seen,
  };
}

function waysOn(search: Search, at: Global, ending: boolean): Iterable<Successor> {
  return ending ? successorsOf(search, healed(at), 'line') : successorsOf(search, at, 'all');
}

function newSearch(bounds: Bounds, options: ExploreOptions, observe: Search['observe']): Search {
  return {
    rig: { step: options.step ?? step, decoded: new Map(), apart: options.apart ?? false },
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
    servers: configsOf(bounds).map(() => 'up'),
    closed: [],
    planned: [],
    faultsLeft: 0,
    ghost: { winners: {}, changes: {} },
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
    if (next !== undefined) lines.push(...tellQuantum(g, next, SETTLED_MS));
    g = next?.g;
  }
  return lines;
}
