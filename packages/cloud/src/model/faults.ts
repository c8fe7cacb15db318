import {
  type AwsAction,
  type AwsActionPattern,
  type Caller,
  coversAction,
  type InstanceId,
} from './names.ts';

/** What goes wrong with a call. Every span of time is in milliseconds from the call's arrival. */
export type FaultEffect =
  /** Refused for the rate of calls, with the code of the call's own protocol. */
  | { readonly kind: 'throttle' }
  /** Failed inside AWS, nothing applied. */
  | { readonly kind: 'server-error'; readonly status: 500 | 503 }
  /** Neither applied nor answered. */
  | { readonly kind: 'hang' }
  /** Not applied, and the connection is reset. */
  | { readonly kind: 'reset' }
  /** Applied, never answered. */
  | { readonly kind: 'apply-then-hang' }
  /** Applied, answered with a server error. */
  | { readonly kind: 'apply-then-error'; readonly status: 500 | 503 }
  /** Applied, and the connection is reset. */
  | { readonly kind: 'apply-then-reset' }
  /** Never answered, and applied so much later. */
  | { readonly kind: 'apply-late'; readonly applyAfterMs: number }
  /** Refused with a code of the test's choosing. */
  | { readonly kind: 'refuse'; readonly code: string; readonly message: string; readonly status: number }
  /** Applied so late, and answered so much later again. */
  | { readonly kind: 'slow'; readonly applyAfterMs: number; readonly answerAfterMs: number }
  /** Reads show the facts of so long ago. */
  | { readonly kind: 'stale'; readonly lagMs: number }
  /** Reads show old and present facts in turn, the old ones first. */
  | { readonly kind: 'non-monotonic'; readonly lagMs: number }
  /** The role may not. */
  | { readonly kind: 'unauthorized' }
  /** The credentials were good once. */
  | { readonly kind: 'expired' };

/** What a fault does to a call. */
export type FaultKind = FaultEffect['kind'];

/** Which calls a fault makes sense for: those that change something, those that read, or any. */
const HITS: Readonly<Record<FaultKind, 'any' | 'reads' | 'writes'>> = {
  throttle: 'any',
  'server-error': 'any',
  hang: 'any',
  reset: 'any',
  'apply-then-hang': 'writes',
  'apply-then-error': 'writes',
  'apply-then-reset': 'writes',
  'apply-late': 'writes',
  slow: 'any',
  stale: 'reads',
  'non-monotonic': 'reads',
  unauthorized: 'any',
  expired: 'any',
  refuse: 'any',
};

/** Every kind of fault. */
export const FAULT_KINDS: readonly FaultKind[] = Object.keys(HITS) as FaultKind[]; // the keys of a record over FaultKind
/** The kinds that can hit a call that only reads. */
export const READ_FAULTS: readonly FaultKind[] = FAULT_KINDS.filter((kind) => HITS[kind] !== 'writes');
/** The kinds that can hit a call that changes something. */
export const WRITE_FAULTS: readonly FaultKind[] = FAULT_KINDS.filter((kind) => HITS[kind] !== 'reads');

/** A fault as a test, a scenario or a control request arms it. */
export interface FaultSpec {
  readonly action: AwsActionPattern;
  readonly effect: FaultEffect;
  /** Only calls of this instance; absent: of everyone. */
  readonly caller?: InstanceId;
  /** How many calls it hits; absent: until it is cleared. */
  readonly times?: number;
  /** How many matching calls it lets pass first; absent: none. */
  readonly skip?: number;
  /**
   * Whether dry runs count. Absent: they do for what a dry run is there to find (`unauthorized`, `expired`), and
   * otherwise not, so that a preflight doesn't use up a fault that was meant for the move.
   */
  readonly dryRun?: 'include' | 'exclude';
}

/** A fault that waits for its calls. */
export interface ArmedFault {
  readonly id: number;
  readonly spec: FaultSpec;
  readonly skipsLeft: number;
  /** Infinity when it stays until it is cleared. */
  readonly hitsLeft: number;
  readonly hits: number;
}

/** What the faults have to say to one call, and how they stand afterwards. */
export interface FaultVerdict {
  readonly faults: readonly ArmedFault[];
  /** The fault that hit, with the number of its hit (from 1). */
  readonly hit: { readonly effect: FaultEffect; readonly faultId: number; readonly hitNumber: number } | null;
}

/** A fault as it stands when it is armed. */
export function armed(id: number, spec: FaultSpec): ArmedFault {
  return { id, spec, skipsLeft: spec.skip ?? 0, hitsLeft: spec.times ?? Number.POSITIVE_INFINITY, hits: 0 };
}

/** Finds the first armed fault that hits a call; those it passes on the way count their skips. */
export function consultFaults(
  faults: readonly ArmedFault[],
  action: AwsAction,
  caller: Caller,
  dryRun: boolean,
): FaultVerdict {
  const after: ArmedFault[] = [];
  let hit: FaultVerdict['hit'] = null;
  for (const fault of faults) {
    if (hit !== null || !concerns(fault, action, caller, dryRun)) {
      after.push(fault);
    } else if (fault.skipsLeft > 0) {
      after.push({ ...fault, skipsLeft: fault.skipsLeft - 1 });
    } else {
      const counted = { ...fault, hitsLeft: fault.hitsLeft - 1, hits: fault.hits + 1 };
      after.push(counted);
      hit = { effect: fault.spec.effect, faultId: fault.id, hitNumber: counted.hits };
    }
  }
  return { faults: after, hit };
}

function concerns(fault: ArmedFault, action: AwsAction, caller: Caller, dryRun: boolean): boolean {
  const { spec } = fault;
  if (fault.hitsLeft <= 0 || !coversAction(spec.action, action)) return false;
  if (spec.caller !== undefined && !(caller.kind === 'instance' && caller.instanceId === spec.caller))
    return false;
  return !dryRun || countsDryRuns(spec);
}

function countsDryRuns(spec: FaultSpec): boolean {
  if (spec.dryRun !== undefined) return spec.dryRun === 'include';
  return spec.effect.kind === 'unauthorized' || spec.effect.kind === 'expired';
}
