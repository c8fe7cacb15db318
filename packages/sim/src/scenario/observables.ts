/**
 * Observations of what a node has thought, said and done, by names that a file can ask for: `decided held-down`, `voted up`,
 * `ballot lost`. Made of the protocol's facts alone.
 */
import { type BallotReason, type Fact, REASONS, type RejectReason } from '@failtome/protocol';

/** Every reason of a voter's answer; the compiler refuses a missing one. */
const BALLOT_REASONS: Readonly<Record<BallotReason, true>> = {
  down: true,
  consent: true,
  'no-way-out': true,
  undecided: true,
  up: true,
  paused: true,
  'held-down': true,
  'move-did-not-help': true,
  'never-answered': true,
  lent: true,
  'lease-unknown': true,
  'stale-epoch': true,
  'unfit-candidate': true,
  starting: true,
  electorate: true,
  'no-vote': true,
  'unknown-address': true,
  storage: true,
  stopping: true,
  'duplicate-id': true,
  'no-handover': true,
  'unknown-candidate': true,
};

/** Every reason for which a message isn't admitted. */
const REJECT_REASONS: Readonly<Record<RejectReason, true>> = {
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
};

const RESULTS = ['served', 'moved', 'lost-race', 'refused', 'abandoned'] as const;

/** Every observation there is. */
export const OBSERVABLES: readonly string[] = [
  ...REASONS.map((reason) => `decided ${reason}`),
  ...Object.keys(BALLOT_REASONS).map((reason) => `voted ${reason}`),
  ...Object.keys(REJECT_REASONS).map((reason) => `rejected ${reason}`),
  ...['won', 'lost', 'dropped'].map((result) => `ballot ${result}`),
  ...['takeover', 'handover'].flatMap((kind) => RESULTS.map((result) => `${kind} ${result}`)),
  ...['open', 'done', 'failed', 'expired', 'withdrawn'].map((state) => `handover ${state}`),
  ...['alive', 'suspect', 'dead'].map((state) => `peer ${state}`),
  'guard passed',
  'guard refused',
  'saw up',
  'saw down',
  'saw unknown',
  'fit',
  'unfit',
  'ready',
  'not ready',
  'stalled',
  'blocked',
  'paused',
  'resumed',
  'late association',
  'duplicate id',
  'disk fails',
  'disk works',
  'disk unreadable',
  'disk foreign',
];

/** The observation that a fact is; null: none. */
export function observableOf(fact: Fact): string | null {
  switch (fact.kind) {
    case 'decided':
      return `decided ${fact.reason}`;
    case 'voted':
      return `voted ${fact.reason}`;
    case 'rejected':
      return `rejected ${fact.reason}`;
    case 'ballot-closed':
      return `ballot ${fact.result}`;
    case 'concluded':
      return fact.entry.kind === 'refusal' || fact.entry.kind === 'blocked'
        ? null
        : `${fact.entry.kind} ${fact.entry.result}`;
    case 'guard':
      return `guard ${fact.passed ? 'passed' : 'refused'}`;
    case 'verdict':
      return `saw ${fact.to}`;
    case 'local':
      return fact.to === 'unknown' ? null : fact.to;
    case 'handover':
      return `handover ${fact.state}`;
    case 'peer':
      return fact.to === 'unknown' ? null : `peer ${fact.to}`;
    case 'pause':
      return fact.paused ? 'paused' : 'resumed';
    case 'late-association':
      return 'late association';
    case 'duplicate-id':
      return 'duplicate id';
    case 'storage':
      return fact.ok ? 'disk works' : 'disk fails';
    case 'started':
      return fact.storage === 'unreadable' || fact.storage === 'foreign' ? `disk ${fact.storage}` : null;
    case 'readiness':
      return fact.ready ? 'ready' : 'not ready';
    case 'stalled':
    case 'blocked':
      return fact.kind;
    default:
      return null;
  }
}
