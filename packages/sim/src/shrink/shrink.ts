/**
 * Makes a plan that violates something small, and keeps it the same violation.
 */
import type { Plan } from '../plan/index.ts';
import type { Violation } from '../world/index.ts';
import { explicitMessages } from './explicit-messages.ts';
import { createSearch, type Run, runChecked, type Search } from './shrink-search.ts';
import { dropEntries, dropKinds, endEarlier, simplifyArguments, simplifyTimes } from './shrink-timeline.ts';
import { calmNodes, calmWorld, dropAddresses, dropNodes, usualSettings } from './shrink-world.ts';
import { keepLastPart } from './window.ts';

/** How long to go on, and who hears of it. */
export interface ShrinkOptions {
  /** Asked before every run: whether there was time enough. */
  readonly enough: () => boolean;
  /** Told what was taken away, and how small it is now. */
  readonly onStep?: (what: string, now: Shrunk) => void;
  /** Runs a plan; default: the world itself. */
  readonly run?: Run;
}

/** What a plan was shrunk to. */
export interface Shrunk {
  readonly plan: Plan;
  readonly violation: Violation;
  /** How many runs it took. */
  readonly runs: number;
  /** Whether nothing more could be taken away; false: there was time enough. */
  readonly finished: boolean;
}

/** Rounds end when one takes nothing away; this is for those that would never. */
const MAX_ROUNDS = 20;
/** As many entries as anybody wants to read. */
const FEW_MESSAGES = 12;
/** What is left of the world after the violation, so that it isn't cut off at its very moment. */
const AFTER_MS = 1_000;

type Pass = (search: Search) => boolean;

/** What takes most away comes first. */
const PASSES: readonly Pass[] = [
  endEarlier,
  keepLastPart,
  dropNodes,
  dropAddresses,
  dropKinds,
  dropEntries,
  calmNodes,
  calmWorld,
  usualSettings,
  simplifyArguments,
  simplifyTimes,
];

/** Afterwards: it makes a list longer before it gets shorter. */
const SPELLED_OUT: readonly Pass[] = [
  explicitMessages,
  dropKinds,
  dropEntries,
  simplifyArguments,
  simplifyTimes,
];

/**
 * Make a plan small. The same plan and the same number of runs give the same result.
 *
 * @returns null when it violates nothing
 */
export function shrink(plan: Plan, options: ShrinkOptions): Shrunk | null {
  const { enough, onStep, run = runChecked } = options;
  const search = createSearch(plan, {
    enough,
    run,
    onStep: (what, now) => onStep?.(what, { ...shrunkOf(now), finished: false }),
  });
  if (search === null) return null;
  untilNothingGoes(search, PASSES);
  const { plan: small, violation } = search;
  untilNothingGoes(search, SPELLED_OUT);
  // Single messages are worth having where they are few; else what chance does to all of them is easier to read.
  if (search.plan.timeline.length > Math.max(small.timeline.length, FEW_MESSAGES))
    search.restore({ plan: small, violation });
  const finished = !search.spent;
  return { ...shrunkOf(search), plan: ended(search), finished };
}

function untilNothingGoes(search: Search, passes: readonly Pass[]): void {
  for (let round = 0; round < MAX_ROUNDS && !search.spent; round += 1) {
    search.measure();
    const simpler = passes.map((pass) => !search.spent && pass(search));
    if (!simpler.includes(true)) break;
  }
}

function shrunkOf({ plan, violation, runs }: Search): Omit<Shrunk, 'finished'> {
  return { plan, violation, runs };
}

/** It stops soon after the violation, at a round moment. */
function ended({ plan, violation }: Search): Plan {
  if (plan.ending.kind === 'recover') return plan;
  const atMs = Math.ceil((violation.atMs + AFTER_MS) / AFTER_MS) * AFTER_MS;
  return { ...plan, ending: { kind: 'stop', atMs } };
}
