/**
 * The takeover rule as a table: a view in which every gate is open, and for each reason code what must change for
 * the rule to give it.
 */
import type { GateName, Outcome, Reason } from '../../src/model/reasons.ts';
import type { TakeoverView } from '../../src/takeover/takeover.ts';
import { AT, campaignOf } from './fixtures.ts';

export const MANDATE = {
  at: AT - 200,
  until: AT + 9_000,
  silent: [],
  consent: false,
  summary: '2 of 2 leases',
  write: 4,
} as const;
const WON = campaignOf({}, { won: MANDATE });

/** Every gate is open: the address is moved. */
export const OPEN_VIEW: TakeoverView = {
  at: AT,
  mode: 'takeover',
  role: 'candidate',
  phase: 'running',
  unfinished: { kind: 'none' },
  holder: { isSelf: false, name: 'neptune', at: AT - 30_000 },
  pause: { paused: false, detail: 'paused by ann: upgrade' },
  lastProbe: { ok: false, endedAt: AT - 100 },
  local: { fit: 'fit', since: AT - 60_000 },
  verdict: { is: 'down', since: AT - 300, notFailing: null, detail: 'refused' },
  wayOut: { proven: true, wanted: true, at: AT - 1_000, detail: 'seen as 198.51.100.1' },
  storageFailing: null,
  displaces: { ip: null, allowed: false },
  permission: { kind: 'permitted', at: AT - 60_000 },
  damping: { kind: 'free', detail: 'no change lately' },
  staggerUntil: AT - 1,
  ownLease: { freeAt: AT - 1, lentTo: null },
  backoff: { until: 0, delayMs: 0, reason: 'backing-off', detail: '', forLease: false },
  campaign: WON,
  guard: { kind: 'passed', at: AT - 50, ip: '198.51.100.1' },
  intentWritten: true,
  leaseNeededMs: 5_000,
};

export interface TakeoverRow {
  readonly when: string;
  readonly change: Partial<TakeoverView>;
  readonly gate: GateName | null;
  readonly outcome: Outcome;
  readonly reason: Reason;
}

function backingOff(reason: Reason): Partial<TakeoverView> {
  return {
    campaign: null,
    guard: null,
    backoff: { until: AT + 700, delayMs: 1_000, reason, detail: 'as said', forLease: false },
  };
}

const DAMPED = { kind: 'damped', until: AT + 5_000, detail: 'moved lately' } as const;

/** One row a way in which one gate decides; every reason code has one at least. */
export const ROWS: readonly TakeoverRow[] = [
  {
    when: 'a call is in flight',
    change: { unfinished: { kind: 'calling', detail: 'taking' } },
    gate: 'unfinished-move',
    outcome: 'wait',
    reason: 'call-in-flight',
  },
  {
    when: 'a call for another address is in flight',
    change: { unfinished: { kind: 'elsewhere' } },
    gate: 'unfinished-move',
    outcome: 'wait',
    reason: 'call-in-flight',
  },
  {
    when: 'an answer is unknown and being read',
    change: { unfinished: { kind: 'settling' } },
    gate: 'unfinished-move',
    outcome: 'wait',
    reason: 'settling',
  },
  {
    when: 'the move was accepted and has not been seen to answer',
    change: { unfinished: { kind: 'verifying', since: AT - 100 } },
    gate: 'unfinished-move',
    outcome: 'verify',
    reason: 'moved',
  },
  {
    when: 'nobody holds it by our doing, and the next attempt is due',
    change: { unfinished: { kind: 'duty', released: true, until: AT } },
    gate: 'unfinished-move',
    outcome: 'move',
    reason: 'finish-move',
  },
  {
    when: 'nobody holds it by our doing, and the next attempt is not due yet',
    change: { unfinished: { kind: 'duty', released: true, until: AT + 1 } },
    gate: 'unfinished-move',
    outcome: 'wait',
    reason: 'backing-off',
  },
  {
    when: 'the node is a witness',
    change: { role: 'witness' },
    gate: 'role',
    outcome: 'hold',
    reason: 'not-a-candidate',
  },
  {
    when: 'the node is a member',
    change: { role: 'member' },
    gate: 'role',
    outcome: 'hold',
    reason: 'not-a-candidate',
  },
  {
    when: 'it is shutting down',
    change: { phase: 'stopping' },
    gate: 'running',
    outcome: 'hold',
    reason: 'stopping',
  },
  {
    when: 'it has not started yet',
    change: { phase: 'new' },
    gate: 'running',
    outcome: 'wait',
    reason: 'starting',
  },
  {
    when: 'it holds the address',
    change: { holder: { isSelf: true, name: 'saturn', at: AT - 100 } },
    gate: 'not-holder',
    outcome: 'hold',
    reason: 'is-holder',
  },
  {
    when: 'an operator paused',
    change: { pause: { paused: true, detail: 'paused by ann: upgrade' } },
    gate: 'paused',
    outcome: 'hold',
    reason: 'paused',
  },
  {
    when: 'no probe has finished',
    change: { lastProbe: null },
    gate: 'observed',
    outcome: 'wait',
    reason: 'starting',
  },
  {
    when: 'its own HAProxy is unfit',
    change: { local: { fit: 'unfit', since: AT - 100 } },
    gate: 'local',
    outcome: 'hold',
    reason: 'local-unfit',
  },
  {
    when: 'its own HAProxy has not been checked',
    change: { local: { fit: 'unknown', since: AT - 100 } },
    gate: 'local',
    outcome: 'wait',
    reason: 'local-unknown',
  },
  {
    when: 'it sees the address up',
    change: {
      verdict: { is: 'up', since: AT - 100, notFailing: 'the last probe succeeded', detail: 'it answers' },
    },
    gate: 'verdict',
    outcome: 'hold',
    reason: 'address-up',
  },
  {
    when: 'it cannot tell whether the address is up',
    change: { verdict: { is: 'unknown', since: AT - 100, notFailing: null, detail: 'too few' } },
    gate: 'verdict',
    outcome: 'wait',
    reason: 'verdict-unknown',
  },
  {
    when: 'it sees it down, but the last probe succeeded',
    change: {
      lastProbe: { ok: true, endedAt: AT - 10 },
      verdict: { is: 'down', since: AT - 300, notFailing: 'the last probe succeeded', detail: 'refused' },
    },
    gate: 'verdict',
    outcome: 'wait',
    reason: 'failure-not-current',
  },
  {
    when: 'it saw it down, but not since it changed hands',
    change: { verdict: { is: 'down', since: AT - 300, notFailing: 'too few failures', detail: 'refused' } },
    gate: 'verdict',
    outcome: 'wait',
    reason: 'failure-not-current',
  },
  {
    when: 'it has no proof of its way out',
    change: { wayOut: { proven: false, wanted: true, at: null, detail: 'timeout' } },
    gate: 'way-out',
    outcome: 'wait',
    reason: 'no-way-out',
  },
  {
    when: 'its disk takes no writes',
    change: { storageFailing: 'ENOSPC' },
    gate: 'storage',
    outcome: 'wait',
    reason: 'storage-failed',
  },
  {
    when: 'taking it would throw another address off',
    change: { displaces: { ip: '203.0.113.9', allowed: false } },
    gate: 'displace',
    outcome: 'hold',
    reason: 'would-displace',
  },
  {
    when: 'the dry run has not answered',
    change: { permission: { kind: 'unproven' } },
    gate: 'permission',
    outcome: 'wait',
    reason: 'permission-unproven',
  },
  {
    when: 'the dry run said no',
    change: { permission: { kind: 'denied', code: 'UnauthorizedOperation', message: 'no' } },
    gate: 'permission',
    outcome: 'wait',
    reason: 'not-permitted',
  },
  {
    when: 'it changed hands lately',
    change: { damping: { ...DAMPED, reason: 'held-down' } },
    gate: 'damping',
    outcome: 'hold',
    reason: 'held-down',
  },
  {
    when: 'it changed hands too often',
    change: { damping: { ...DAMPED, reason: 'flapping' } },
    gate: 'damping',
    outcome: 'hold',
    reason: 'flapping',
  },
  {
    when: 'it was moved in vain',
    change: { damping: { ...DAMPED, reason: 'move-did-not-help' } },
    gate: 'damping',
    outcome: 'hold',
    reason: 'move-did-not-help',
  },
  {
    when: 'nobody has ever seen it up by this probe',
    change: { damping: { ...DAMPED, reason: 'never-answered' } },
    gate: 'damping',
    outcome: 'hold',
    reason: 'never-answered',
  },
  {
    when: 'a better-ranked candidate still has its time, and no ballot is open',
    change: { staggerUntil: AT + 1, campaign: null, guard: null },
    gate: 'rank',
    outcome: 'wait',
    reason: 'staggered',
  },
  {
    when: 'no ballot has been opened',
    change: { campaign: null, guard: null },
    gate: 'agreement',
    outcome: 'campaign',
    reason: 'address-down',
  },
  {
    when: 'a handover is asked for and no ballot has been opened',
    change: { mode: 'handover', campaign: null, guard: null },
    gate: 'agreement',
    outcome: 'campaign',
    reason: 'handover-asked',
  },
  {
    when: 'the ballot is open',
    change: { campaign: campaignOf({}) },
    gate: 'agreement',
    outcome: 'wait',
    reason: 'ballot-open',
  },
  {
    when: 'its own lease is with another candidate',
    change: { campaign: null, ownLease: { freeAt: AT + 400, lentTo: 'neptune' } },
    gate: 'own-lease',
    outcome: 'wait',
    reason: 'backing-off',
  },
  {
    when: 'what it had lent before its start cannot be known',
    change: { campaign: null, ownLease: { freeAt: AT + 400, lentTo: null } },
    gate: 'own-lease',
    outcome: 'wait',
    reason: 'backing-off',
  },
  {
    when: 'the last ballot was lost',
    change: backingOff('ballot-lost'),
    gate: 'agreement',
    outcome: 'wait',
    reason: 'ballot-lost',
  },
  {
    when: 'the guard refused a moment ago',
    change: backingOff('guard-refused'),
    gate: 'agreement',
    outcome: 'wait',
    reason: 'guard-refused',
  },
  {
    when: 'the guard has not been asked',
    change: { guard: null },
    gate: 'guard',
    outcome: 'guard',
    reason: 'agreed',
  },
  {
    when: 'the guard has not answered',
    change: { guard: { kind: 'asking', askId: 7, at: AT - 10 } },
    gate: 'guard',
    outcome: 'wait',
    reason: 'guard-asked',
  },
  {
    when: 'the guard refuses',
    change: { guard: { kind: 'refused', at: AT, reason: 'it is the contested address' } },
    gate: 'guard',
    outcome: 'wait',
    reason: 'guard-refused',
  },
  {
    when: 'the intent is not on disk yet',
    change: { intentWritten: false },
    gate: 'intent',
    outcome: 'wait',
    reason: 'intent-unwritten',
  },
  {
    when: 'the leases end before the calls must have ended',
    change: { leaseNeededMs: 9_001 },
    gate: 'lease',
    outcome: 'wait',
    reason: 'lease-too-short',
  },
  { when: 'nothing stands in the way', change: {}, gate: null, outcome: 'move', reason: 'guard-passed' },
];
