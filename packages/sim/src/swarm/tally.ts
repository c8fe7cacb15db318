/**
 * What a swarm has seen, added up. Whole numbers only, and tops with a complete order, so that the sum doesn't depend
 * on the order in which seeds come in.
 */
import { mergeSightings, type Sightings } from '../coverage/index.ts';
import type { Failover } from './failovers.ts';

/** Sums over many seeds. */
export interface Tally {
  readonly seeds: number;
  readonly events: number;
  readonly virtualMs: number;
  /** Automatic moves that the cloud accepted. */
  readonly takeovers: number;
  /** Those during which a fault was in force. */
  readonly faultedTakeovers: number;
  /** Begun, and not moved: races lost, calls refused, mandates that ended. */
  readonly attempts: number;
  readonly handovers: number;
  readonly outages: Outages;
  /** What was met of all that a swarm should meet, by its id in `COVERAGE_MARKS`, and how often. */
  readonly coverage: Sightings;
  /** Which pairs of `PAIRS` were met, by id, and how often. */
  readonly pairs: Sightings;
  /** Which faults in which phases seeds were wished to bring about, by the same ids, and how often. */
  readonly wished: Sightings;
  /** The sum of all trace hashes, modulo 2^64, as hexadecimal digits: equal for equal seeds and equal code. */
  readonly digest: string;
  /** Those that took longest. */
  readonly slowest: readonly Failover[];
  /** Those that took longest for their bound, counting only the time in which somebody could have. */
  readonly worst: readonly Failover[];
}

/** Spans in which a client outside wasn't served, by how they ended. */
export interface Outages {
  readonly takenOver: number;
  /** The same node serves again. */
  readonly cameBack: number;
  readonly unended: number;
  readonly downMs: number;
  /** Of it, while no node could have taken the address. */
  readonly rightlyMs: number;
}

/** How many of the slowest are kept. */
const KEPT = 5;

/** Sums over no seed. */
export const NO_TALLY: Tally = {
  seeds: 0,
  events: 0,
  virtualMs: 0,
  takeovers: 0,
  faultedTakeovers: 0,
  attempts: 0,
  handovers: 0,
  outages: { takenOver: 0, cameBack: 0, unended: 0, downMs: 0, rightlyMs: 0 },
  coverage: {},
  pairs: {},
  wished: {},
  digest: '0'.repeat(16),
  slowest: [],
  worst: [],
};

/** Two sums as one. */
export function addTallies(a: Tally, b: Tally): Tally {
  return {
    seeds: a.seeds + b.seeds,
    events: a.events + b.events,
    virtualMs: a.virtualMs + b.virtualMs,
    takeovers: a.takeovers + b.takeovers,
    faultedTakeovers: a.faultedTakeovers + b.faultedTakeovers,
    attempts: a.attempts + b.attempts,
    handovers: a.handovers + b.handovers,
    outages: {
      takenOver: a.outages.takenOver + b.outages.takenOver,
      cameBack: a.outages.cameBack + b.outages.cameBack,
      unended: a.outages.unended + b.outages.unended,
      downMs: a.outages.downMs + b.outages.downMs,
      rightlyMs: a.outages.rightlyMs + b.outages.rightlyMs,
    },
    coverage: inOrder(mergeSightings(a.coverage, b.coverage)),
    pairs: inOrder(mergeSightings(a.pairs, b.pairs)),
    wished: inOrder(mergeSightings(a.wished, b.wished)),
    digest: addDigests(a.digest, b.digest),
    slowest: top([...a.slowest, ...b.slowest], ({ lastedMs }) => lastedMs),
    worst: top([...a.worst, ...b.worst], shareOfBound),
  };
}

/** How much of its bound a failover took, by the time in which somebody could have taken the address. */
export function shareOfBound({ possibleMs, boundMs }: Failover): number {
  return possibleMs / boundMs;
}

/** Only what was met, in the order of characters, so that the same sightings are written the same way. */
function inOrder(sightings: Sightings): Sightings {
  return Object.fromEntries(
    Object.entries(sightings)
      .filter(([, count]) => count > 0)
      .sort(([x], [y]) => (x < y ? -1 : 1)),
  );
}

/** The sum modulo 2^64. */
function addDigests(a: string, b: string): string {
  return BigInt.asUintN(64, BigInt(`0x${a}`) + BigInt(`0x${b}`))
    .toString(16)
    .padStart(16, '0');
}

function top(failovers: readonly Failover[], by: (one: Failover) => number): readonly Failover[] {
  return [...failovers]
    .sort(
      (a, b) => by(b) - by(a) || a.seed - b.seed || a.fromMs - b.fromMs || (a.address < b.address ? -1 : 1),
    )
    .slice(0, KEPT);
}
