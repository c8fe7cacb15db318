/**
 * The values that each label can take, so that every series starts at 0: the protocol's own lists.
 */
import {
  BALLOT_ANSWER_OF,
  BALLOT_REASONS,
  type BallotAnswerKind,
  type BallotReason,
  CHECK_FAILURES,
  SEND_FAILURES,
} from '@failtome/protocol';
import { DRIVER_KIND_NAMES, DRIVER_KINDS } from '../config/driver-kinds.ts';

/** The results of a probe or check, as labels. */
export const CHECK_RESULTS: readonly string[] = ['ok', 'inconclusive', ...CHECK_FAILURES];

/** The results of a heartbeat, as labels. */
export const HEARTBEAT_RESULTS: readonly string[] = ['ok', ...SEND_FAILURES];

/** Each answer that a voter gives, with its reason (PROTOCOL.md, "Answers"). */
export const VOTES: readonly (readonly [BallotAnswerKind, BallotReason])[] = BALLOT_REASONS.map((reason) => [
  BALLOT_ANSWER_OF[reason],
  reason,
]);

/** The calls that the drivers and the notifier make in normal running. */
export const CLOUD_OPERATIONS: readonly (readonly [service: string, operation: string])[] = [
  ...DRIVER_KIND_NAMES.flatMap((kind) => [...DRIVER_KINDS[kind].calls]),
  ['sns', 'Publish'],
];
