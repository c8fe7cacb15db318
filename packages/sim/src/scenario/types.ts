import type { Plan } from '../plan/index.ts';
import type { Expectation } from './expectation.ts';

/** A scenario, ready to run. */
export interface Scenario {
  readonly name: string;
  /** One sentence. */
  readonly proves: string;
  /** With the first of its seeds. */
  readonly plan: Plan;
  /** It is run with each of them. */
  readonly seeds: readonly number[];
  readonly expect: readonly Expectation[];
}
