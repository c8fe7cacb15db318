/**
 * What a node sees for itself: series of checks, the fitness of its own HAProxy, its way out.
 */

import type { CheckFailure } from './inputs.ts';
import type { EffectId, Ip, MonotonicMs } from './units.ts';

/** An address family, as the digit of its IP version. Each has a way out of its own. */
export type Family = '4' | '6';

/** A series of checks of one target. */
export interface CheckSeries {
  /** Successes in a row; at most one of `oks` and `fails` isn't 0. */
  readonly oks: number;
  /** Failures in a row. */
  readonly fails: number;
  /** Checks on their way, oldest first. Of a superseded one only a success still counts. */
  readonly inFlight: readonly {
    readonly id: EffectId;
    readonly startedAt: MonotonicMs;
    readonly superseded: boolean;
  }[];
  /** When the next check is due, unless one is on its way. */
  readonly nextAt: MonotonicMs;
  /** A conclusive check has been had since the start. */
  readonly everChecked: boolean;
  /** The last conclusive check; null: none since `observedFrom`. */
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
