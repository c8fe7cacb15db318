/**
 * What the pairs that a swarm has met come to.
 */
import { PAIRS, type PairKind } from './pair-catalogue.ts';

/** Of one kind of pairs. */
export interface PairsMet {
  readonly met: number;
  readonly possible: number;
  readonly unmet: readonly string[];
}

/** Which pairs were met. */
export interface PairReport {
  readonly faults: PairsMet;
  readonly reasons: PairsMet;
  /** Met although a rule says that they can't be: the rule is wrong, or the protocol. */
  readonly impossible: readonly string[];
}

/** What these counts come to. */
export function pairReport(counts: Readonly<Record<string, number>>): PairReport {
  const known = new Set([...PAIRS.faults.possible, ...PAIRS.reasons.possible]);
  return {
    faults: metOf(PAIRS.faults, counts),
    reasons: metOf(PAIRS.reasons, counts),
    impossible: Object.keys(counts).filter((id) => !known.has(id) && (counts[id] ?? 0) > 0),
  };
}

function metOf({ possible }: PairKind, counts: Readonly<Record<string, number>>): PairsMet {
  const unmet = possible.filter((id) => (counts[id] ?? 0) === 0);
  return { met: possible.length - unmet.length, possible: possible.length, unmet };
}
