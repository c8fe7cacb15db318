/** What a trial is asked, and what it answers. */
import type { FocusName } from './focus.ts';

export interface TrialOptions {
  /** Where scenario files lie. */
  readonly folders: readonly string[];
  /** The names of those that are run first. */
  readonly scenarios: readonly string[];
  /** Only those, and no others. */
  readonly onlyThese: boolean;
  /** How many seeds of the swarm, from 1 on. */
  readonly seeds: number;
  /** How many seeds of each focus. */
  readonly focusSeeds: number;
  readonly focus: readonly FocusName[];
  /** After so much of the processor's time no new seed is begun. */
  readonly limitMs: number;
  /** Nothing but the explorer, with several searches. */
  readonly explorerOnly: boolean;
  /** How much of the processor's time the explorer gets at the end; 0: it isn't run. */
  readonly exploreMs: number;
}

export interface Catch {
  /** Which scenario, seed or search. */
  readonly by: string;
  /** The broken invariant, `expectation` of a scenario, or `exception`. */
  readonly invariant: string;
  readonly detail: string;
}

/** How much was looked at. */
export interface Effort {
  readonly scenarios: number;
  readonly seeds: number;
  readonly focused: number;
  readonly states: number;
  readonly events: number;
}

export interface TrialResult {
  readonly caught: Catch | null;
  readonly effort: Effort;
  readonly cpuMs: number;
}
