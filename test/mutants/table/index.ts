/** All mutants. */
import type { Mutant } from '../mutant.ts';
import { ADOPTED_MUTANTS } from './adopted.ts';
import { ANSWER_MUTANTS } from './answers.ts';
import { ARBITER_MUTANTS } from './arbiter.ts';
import { AT_REST_MUTANTS } from './at-rest.ts';
import { BALLOT_MUTANTS } from './ballots.ts';
import { EARLY_MUTANTS } from './early.ts';
import { EPISODE_MUTANTS } from './episodes.ts';
import { FRESHNESS_MUTANTS } from './freshness.ts';
import { GATE_MUTANTS } from './gates.ts';
import { LARGE_CLUSTER_MUTANTS } from './large.ts';
import { LATE_TAKE_MUTANTS } from './late-takes.ts';
import { LYING_MUTANTS } from './lying.ts';
import { MOVE_MUTANTS } from './moves.ts';
import { OBSERVATION_MUTANTS } from './observation.ts';
import { ORDER_MUTANTS } from './order.ts';
import { OPERATOR_MUTANTS } from './orders.ts';
import { RELAY_MUTANTS } from './relay.ts';
import { SIGNED_MUTANTS } from './signed.ts';
import { STANDING_MUTANTS } from './standing.ts';
import { TELLING_MUTANTS } from './telling.ts';
import { TOGETHER } from './together.ts';

export const MUTANTS: readonly Mutant[] = [
  ...GATE_MUTANTS,
  ...ANSWER_MUTANTS,
  ...BALLOT_MUTANTS,
  ...OBSERVATION_MUTANTS,
  ...FRESHNESS_MUTANTS,
  ...STANDING_MUTANTS,
  ...MOVE_MUTANTS,
  ...TELLING_MUTANTS,
  ...LATE_TAKE_MUTANTS,
  ...EARLY_MUTANTS,
  ...AT_REST_MUTANTS,
  ...ORDER_MUTANTS,
  ...OPERATOR_MUTANTS,
  ...EPISODE_MUTANTS,
  ...ADOPTED_MUTANTS,
  ...LARGE_CLUSTER_MUTANTS,
  ...RELAY_MUTANTS,
  ...ARBITER_MUTANTS,
  ...SIGNED_MUTANTS,
  ...LYING_MUTANTS,
  ...TOGETHER,
];
