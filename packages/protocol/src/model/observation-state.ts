/**
 * What a node sees for itself: series of checks, the fitness of its own HAProxy, its way out.
 */

import type { CheckFailure } from './inputs.ts';
import type { DurationMs, EffectId, Ip, MonotonicMs } from './units.ts';

/** An address family, as the digit of its IP version. Each has a way out of its own. */
export type Family = '4' | '6';

/** A check on its way. */
export interface Check {
  readonly id: EffectId;
  readonly startedAt: MonotonicMs;
  /** False once a later one has succeeded, the address has changed hands, or this node has stood still. */
  readonly counts: boolean;
  /** Failures of those that started after it, and before the next one that is out and counts. */
  readonly failsAfter: number;
}

/** A series of checks of one target. They count in the order of their starts. */
export interface CheckSeries {
  /** Successes in a row; at most one of `oks` and `fails` isn't 0. */
  readonly oks: number;
  /** Failures in a row up to the newest that has ended, as far back as the first check that is still out. */
  readonly fails: number;
  /** Failures in a row of those that started before any that is out and counts. */
  readonly settledFails: number;
  /** Checks on their way, in the order of their starts, at most `MAX_IN_FLIGHT`. */
  readonly inFlight: readonly Check[];
  /** When the newest check started; null: none has that says anything of what is now. */
  readonly newestAt: MonotonicMs | null;
  /** When the next check is due. */
  readonly nextAt: MonotonicMs;
  /** How long an answer usually takes, in whole milliseconds; 0: there was none yet. */
  readonly usualMs: DurationMs;
  /** A check is out for much longer than that. */
  readonly silent: boolean;
  /** A conclusive check has been had since the start. */
  readonly everChecked: boolean;
  /** Of the conclusive checks the one that started last; null: none since `observedFrom`. */
  readonly last: {
    readonly ok: boolean;
    readonly startedAt: MonotonicMs;
    readonly endedAt: MonotonicMs;
    readonly reason: CheckFailure | 'ok';
  } | null;
  /** When the first failure of the present run of failures began. */
  readonly failingSince: MonotonicMs | null;
}

/** The fitness of this node's own HAProxy. Without a local check it is always `fit`. */
export interface LocalState {
  readonly series: CheckSeries;
  readonly fit: 'fit' | 'unfit' | 'unknown';
  /** When it last changed, or was observed afresh. */
  readonly since: MonotonicMs;
}

/** What is known of this node's way to the outside, over one address family. */
export interface WayOut {
  /** The newest proof, and the first of the unbroken run of proofs that it belongs to. */
  readonly provenAt: MonotonicMs | null;
  readonly provenSince: MonotonicMs | null;
  /** The newest failed ask; null: none since the start. */
  readonly failedAt: MonotonicMs | null;
  /** From which address the outside saw this node at the newest proof; null: never. */
  readonly ip: Ip | null;
  /** The newest answer, in words. */
  readonly reason: string;
  /** The ask that is on its way; null: none is. */
  readonly asking: { readonly askId: EffectId; readonly startedAt: MonotonicMs } | null;
  /** No ask goes out before. */
  readonly nextAt: MonotonicMs;
}
