/**
 * Observations of what a node has thought, said and done, by names that a file can ask for: `decided held-down`, `voted up`,
 * `ballot lost`. Made of the protocol's facts alone.
 */
import {
  BALLOT_MODES,
  BALLOT_REASONS,
  BALLOT_RESULTS,
  type Fact,
  HANDOVER_STANDINGS,
  MOVE_RESULTS,
  PEER_STATES,
  REASONS,
  REJECT_REASONS,
  VERDICTS,
} from '@failtome/protocol';

/** Every observation there is. */
export const OBSERVABLES: readonly string[] = [
  ...REASONS.map((reason) => `decided ${reason}`),
  ...BALLOT_REASONS.map((reason) => `voted ${reason}`),
  ...REJECT_REASONS.map((reason) => `rejected ${reason}`),
  ...BALLOT_RESULTS.map((result) => `ballot ${result}`),
  ...BALLOT_MODES.flatMap((kind) => MOVE_RESULTS.map((result) => `${kind} ${result}`)),
  ...HANDOVER_STANDINGS.map((state) => `handover ${state}`),
  ...PEER_STATES.filter((state) => state !== 'unknown').map((state) => `peer ${state}`),
  'guard passed',
  'guard refused',
  ...VERDICTS.map((verdict) => `saw ${verdict}`),
  'fit',
  'unfit',
  'ready',
  'not ready',
  'stalled',
  'blocked',
  'paused',
  'resumed',
  'late association',
  'notification dropped',
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
    case 'notification-dropped':
      return 'notification dropped';
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
