/** How often EC2 is asked where the peers are. */
import type { DurationMs } from '@failtome/protocol';

/** While every peer that is looked for is heard. */
const REST_MS: DurationMs = 300_000;
/** Since one has fallen silent: doubled with each ask, up to the second. */
const SILENT_MS: readonly [least: DurationMs, most: DurationMs] = [5_000, 60_000];
/** Since the last ask came to nothing, a throttle among the reasons: doubled with each more, up to the second. */
const FAILED_MS: readonly [least: DurationMs, most: DurationMs] = [10_000, REST_MS];

/** Nodes that were started together don't go on asking together. */
const JITTER = 0.4;

/** What there is to ask about. */
export interface Pace {
  /** How often it was asked since a peer fell silent; null: all are heard. */
  readonly asksInSilence: number | null;
  /** How many asks in a row came to nothing. */
  readonly failures: number;
}

/** How long to wait before the next ask. @param random from 0 to 1 */
export function pauseMs({ asksInSilence, failures }: Pace, random: number): DurationMs {
  const spread = 1 - JITTER / 2 + JITTER * random;
  if (failures > 0) return Math.round(doubled(FAILED_MS, failures - 1) * spread);
  return Math.round((asksInSilence === null ? REST_MS : doubled(SILENT_MS, asksInSilence)) * spread);
}

function doubled([least, most]: readonly [DurationMs, DurationMs], times: number): DurationMs {
  return Math.min(most, least * 2 ** times);
}
