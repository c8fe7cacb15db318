/** Numbers with their uncertainty: what is printed is never surer than what was simulated. */
import type { SplittingResult } from './splitting.ts';

/** A value, and between what and what it is by 95 in a hundred such measurements. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How often something happens in a year. */
export interface YearlyRate extends Interval {
  /** It is rarer than what was looked for: `high` says how rare at least, and `value` and `low` are 0. */
  readonly isLess: boolean;
}

const YEAR_MS = 31_557_600_000;
const Z_95 = 1.96;
/** Student's t for 95 in a hundred, two-sided, by degrees of freedom from 1 on. */
const T_95: readonly number[] = [12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201];
/** What isn't seen in n runs has a chance below 3/n, by 95 in a hundred ("rule of three"). */
const UNSEEN = 3;

/**
 * The q-quantile of what was measured, with the interval that its order statistics give (Hahn and Meeker, "Statistical
 * Intervals", 5.2).
 *
 * @param values at least one; infinite ones are those that didn't end
 */
export function quantile(values: readonly number[], q: number): Interval {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (rank: number): number => sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? Number.NaN;
  const middle = sorted.length * q;
  const width = Z_95 * Math.sqrt(sorted.length * q * (1 - q));
  return {
    value: at(Math.ceil(middle) - 1),
    low: at(Math.floor(middle - width) - 1),
    high: at(Math.ceil(middle + width)),
  };
}

/**
 * What independent estimates of one window's chance say of a year. Such estimates are about lognormal, and so is their
 * mean's interval.
 *
 * @param runs how many each estimate kept at once
 */
export function yearlyRate(
  estimates: readonly SplittingResult[],
  runs: number,
  windowMs: number,
): YearlyRate {
  const perYear = (chance: number): number => (-Math.log1p(-Math.min(chance, 1 - 1e-9)) * YEAR_MS) / windowMs;
  const seen = estimates.filter(({ isLess }) => !isLess).map(({ chance }) => chance);
  const mean = sum(seen) / estimates.length;
  const least = Math.max(0, ...estimates.filter(({ isLess }) => isLess).map(({ chance }) => chance));
  if (mean === 0) {
    const nearest = Math.max(...estimates.map(({ nearest: one }) => one));
    const unseen = least > 0 ? least : (nearest * UNSEEN) / (runs * estimates.length);
    return { value: 0, low: 0, high: perYear(unseen), isLess: true };
  }
  const all = estimates.map(({ isLess, chance }) => (isLess ? 0 : chance));
  const variance = sum(all.map((one) => (one - mean) ** 2)) / Math.max(1, all.length - 1);
  const sigma = Math.sqrt(Math.log1p(variance / all.length / mean ** 2));
  const t = T_95[Math.min(T_95.length, Math.max(1, all.length - 1)) - 1] ?? Z_95;
  const factor = Math.exp(t * sigma);
  return { value: perYear(mean), low: perYear(mean / factor), high: perYear(mean * factor), isLess: false };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, one) => total + one, 0);
}
