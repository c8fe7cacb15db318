/** When operators have really signed what a run has, whatever its numbers say. */
import { type HandoverRecord, orderText, type PauseRecord } from '@failtome/protocol';

/** By the text that was signed. */
export type SignedTimes = Readonly<Record<string, number>>;

/**
 * With one more; a text that is signed once more is as old as before. Operators sign whole milliseconds of their clocks: of
 * two that were signed within one, neither is the later, and nodes agree by other means which of them counts.
 */
export function withSigned(times: SignedTimes, text: string, nowMs: number): SignedTimes {
  return { ...times, [text]: times[text] ?? Math.floor(nowMs) };
}

/** Null: no operator has signed it. */
export function pauseSignedAt(times: SignedTimes, cluster: string, pause: PauseRecord): number | null {
  const { signedAt, version, by, paused, owner, reason, until } = pause;
  if (signedAt === undefined) return null;
  const order = { signedAt, version, by, paused, owner, reason, until };
  return times[orderText(cluster, { kind: 'pause', order })] ?? null;
}

/** Null: no operator has signed it. */
export function handoverSignedAt(times: SignedTimes, cluster: string, record: HandoverRecord): number | null {
  const { id, address, to, by, reason, ordered, pause, until } = record;
  if (ordered === undefined || pause === undefined || until === undefined) return null;
  const order = { id, address, to, by, reason, ordered, pause, until };
  return times[orderText(cluster, { kind: 'handover', order })] ?? null;
}
