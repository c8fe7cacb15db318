/** The history as it is sent: written down once, however many ask for however much of it. */
import type { HistoryLine } from '../history-line.ts';

/** The entries of `/v1/history` where `limit` isn't given. */
export const DEFAULT_HISTORY_LIMIT = 200;

/** The greatest `limit`: all entries that a node keeps. */
export const MAX_HISTORY_LIMIT = 1_000;

/** The most bytes of an answer. Entries beyond it, the oldest ones, are left out; 1,000 usual ones are half of it. */
export const MAX_HISTORY_BYTES: number = 1_048_576;

const END = Buffer.from(']');

/** The history as one JSON text, made once for all who read the same. */
export class HistoryBody {
  readonly #newest: HistoryLine | undefined;
  readonly #count: number;
  /** `[`, and the entries with commas between them. */
  readonly #text: Buffer;
  /** Where the text of the first so many entries ends. */
  readonly #ends: readonly number[];

  /** @param entries newest first */
  constructor(entries: readonly HistoryLine[]) {
    this.#newest = entries[0];
    this.#count = entries.length;
    const parts: Buffer[] = [];
    const ends = [1];
    let bytes = 1;
    for (const entry of entries.slice(0, MAX_HISTORY_LIMIT)) {
      const part = Buffer.from(`${parts.length === 0 ? '[' : ','}${JSON.stringify(entry)}`);
      if (bytes + part.length > MAX_HISTORY_BYTES) break;
      parts.push(part);
      bytes += parts.length === 1 ? part.length - 1 : part.length;
      ends.push(bytes);
    }
    this.#text = parts.length === 0 ? Buffer.from('[') : Buffer.concat(parts);
    this.#ends = ends;
  }

  /** Whether these are still the entries: one that is written again is the newest one then. */
  isOf(entries: readonly HistoryLine[]): boolean {
    return entries.length === this.#count && entries[0] === this.#newest;
  }

  /** The bytes of an answer, in parts that all answers share. */
  newest(limit: number): readonly [Buffer, Buffer] {
    const end = this.#ends[Math.min(limit, this.#ends.length - 1)] ?? 1;
    return [this.#text.subarray(0, end), END];
  }
}
