/**
 * The values that each label can take, so that every series starts at 0.
 *
 * A record over the union makes the compiler refuse a list that misses a value.
 */
import type {
  BallotReason,
  CheckResult,
  CloudRequest,
  Fact,
  HistoryEntry,
  PeerState,
  RejectReason,
  SendFailure,
  Verdict,
} from '@failtome/protocol';
import { DRIVER_KIND_NAMES, DRIVER_KINDS } from '../config/driver-kinds.ts';

type CheckFailure = Extract<CheckResult, { kind: 'failed' }>['reason'];
type BallotResult = Extract<Fact, { kind: 'ballot-closed' }>['result'];
type Answer = Extract<Fact, { kind: 'voted' }>['answer'];

export const CHECK_RESULTS: readonly string[] = keys<CheckFailure | 'ok' | 'inconclusive'>({
  ok: true,
  inconclusive: true,
  refused: true,
  timeout: true,
  reset: true,
  unreachable: true,
  status: true,
  tls: true,
  protocol: true,
  name: true,
});

export const HEARTBEAT_RESULTS: readonly string[] = keys<SendFailure | 'ok'>({
  ok: true,
  timeout: true,
  refused: true,
  unreachable: true,
  status: true,
  unauthentic: true,
  malformed: true,
});

export const PEER_STATES: readonly PeerState[] = keys<PeerState>({
  alive: true,
  suspect: true,
  dead: true,
  unknown: true,
});

export const VERDICTS: readonly Verdict[] = keys<Verdict>({ up: true, down: true, unknown: true });

export const BALLOT_RESULTS: readonly BallotResult[] = keys<BallotResult>({
  won: true,
  lost: true,
  dropped: true,
});

export const TAKEOVER_RESULTS: readonly HistoryEntry['result'][] = keys<HistoryEntry['result']>({
  served: true,
  moved: true,
  'lost-race': true,
  refused: true,
  abandoned: true,
});

export const REQUEST_RESULTS: readonly CloudRequest['result'][] = keys<CloudRequest['result']>({
  ok: true,
  throttled: true,
  refused: true,
  unknown: true,
});

export const REJECT_REASONS: readonly RejectReason[] = keys<RejectReason>({
  unsigned: true,
  signature: true,
  cluster: true,
  'not-for-me': true,
  reflected: true,
  'unknown-sender': true,
  session: true,
  stale: true,
  replayed: true,
  malformed: true,
  'too-large': true,
  'too-slow': true,
  tls: true,
  unasked: true,
  implausible: true,
  unproven: true,
  'over-budget': true,
  overloaded: true,
});

/** Each answer that a voter gives, with its reason (PROTOCOL.md, "Answers"). */
export const VOTES: readonly (readonly [Answer, BallotReason])[] = Object.entries(
  answers({
    'no-vote': 'refuse',
    'unknown-address': 'refuse',
    electorate: 'refuse',
    'duplicate-id': 'refuse',
    stopping: 'refuse',
    storage: 'refuse',
    'stale-epoch': 'refuse',
    'lease-unknown': 'refuse',
    lent: 'refuse',
    'unfit-candidate': 'refuse',
    'no-handover': 'refuse',
    'unknown-candidate': 'refuse',
    consent: 'grant',
    paused: 'refuse',
    'held-down': 'refuse',
    'move-did-not-help': 'refuse',
    'never-answered': 'refuse',
    starting: 'refuse',
    down: 'grant',
    up: 'refuse',
    'no-way-out': 'blind',
    undecided: 'pending',
  }),
).map(([reason, answer]) => [answer, reason as BallotReason]); // the keys of a record over BallotReason

/** The calls that the drivers and the notifier make in normal running. */
export const CLOUD_OPERATIONS: readonly (readonly [CloudRequest['service'], string])[] = [
  ...DRIVER_KIND_NAMES.flatMap((kind) => [...DRIVER_KINDS[kind].calls]),
  ['sns', 'Publish'],
];

function keys<T extends string>(all: Record<T, true>): readonly T[] {
  return Object.keys(all) as T[]; // the keys of a record over T
}

function answers(all: Record<BallotReason, Answer>): Record<BallotReason, Answer> {
  return all;
}
