/**
 * What a node sees for itself: series of checks, the fitness of its own HAProxy, its way out.
 */

import type { CheckFailure } from './inputs.ts';
import type { EffectId, Ip, MonotonicMs } from './units.ts';

export type Family = '4' | '6';

/** A series of checks of one target. */
export interface CheckSeries {
  readonly oks: number;
  readonly fails: number;
  readonly inFlight: readonly {
    readonly id: EffectId;
    readonly startedAt: MonotonicMs;
    readonly superseded: boolean;
  }[];
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

export interface LocalState {
  readonly series: CheckSeries;
  readonly fit: 'fit' | 'unfit' | 'unknown';
  readonly since: MonotonicMs;
}

export interface WayOut {
  /** The newest proof, and the first of the unbroken run of proofs that it belongs to. */
  readonly provenAt: MonotonicMs | null;
  readonly provenSince: MonotonicMs | null;
  readonly failedAt: MonotonicMs | null;
  readonly ip: Ip | null;
  readonly reason: string;
  readonly asking: { readonly askId: EffectId; readonly startedAt: MonotonicMs } | null;
  readonly nextAt: MonotonicMs;
}
