/**
 * What the next seed is wished to bring about: by chance, and the likelier the more seldom it was met and wished for.
 */
import { REASONS } from '@failtome/protocol';
import { ATTEMPT_PHASES, faultPair, PAIRS, reasonPair } from '../coverage/index.ts';
import { FAULTS } from '../plan/index.ts';
import { createRandom, type Random } from '../world/index.ts';
import type { Focus, Wish } from './focus.ts';
import { CAUSES } from './reason-causes.ts';
import type { Tally } from './tally.ts';

const SALT = 0xf0c05;
/** Of one seed: takeovers come one after the other, and each can meet another. */
const WISHES = 3;

/** What a seed is wished to bring about, after what has been met so far: a function of both. */
export function chooseFocus(seed: number, { pairs, wished }: Pick<Tally, 'pairs' | 'wished'>): Focus {
  const random = createRandom(seed ^ SALT);
  const left = weighed(pairs, wished);
  return Array.from({ length: WISHES }, () => take(left, random));
}

interface Weighed {
  readonly wish: Wish;
  readonly weight: number;
}

function weighed(pairs: Tally['pairs'], wished: Tally['wished']): Weighed[] {
  const byReason = weightsByReason(pairs);
  return [...FAULTS.keys()].flatMap((fault) =>
    ATTEMPT_PHASES.map((phase) => {
      const id = faultPair(fault, phase);
      const weight = rarity(pairs[id]) + (byReason.get(id) ?? 0);
      return { wish: { fault, phase }, weight: weight / (1 + (wished[id] ?? 0)) };
    }),
  );
}

/** What each wish may do for pairs with reasons: each of the causes of one has a part of its weight. */
function weightsByReason(pairs: Tally['pairs']): ReadonlyMap<string, number> {
  const possible = new Set(PAIRS.reasons.possible);
  const weights = new Map<string, number>();
  for (const phase of ATTEMPT_PHASES)
    for (const reason of REASONS) {
      const id = reasonPair(phase, reason);
      const causes = CAUSES[reason];
      if (!possible.has(id)) continue;
      for (const fault of causes) {
        const wish = faultPair(fault, phase);
        weights.set(wish, (weights.get(wish) ?? 0) + rarity(pairs[id]) / causes.length);
      }
    }
  return weights;
}

/** 1 for what has never been met. Squared, so that a few that haven't been outweigh many that seldom were. */
function rarity(met: number | undefined): number {
  return 1 / (1 + (met ?? 0)) ** 2;
}

/** One by its weight; it isn't taken again. */
function take(left: Weighed[], random: Random): Wish {
  const sum = left.reduce((all, { weight }) => all + weight, 0);
  let at = random.fraction() * sum;
  const index = left.findIndex(({ weight }) => {
    at -= weight;
    return at < 0;
  });
  const [taken] = left.splice(Math.max(0, index), 1);
  if (taken === undefined) throw new Error('there are fewer wishes than a seed takes');
  return taken.wish;
}
