/**
 * The history on disk: `history.jsonl` in the state directory, one `HistoryLine` a line, oldest first.
 *
 * For people, and nothing is decided by it: so it is not synced, a failure to write is only reported,
 * and what could not be written stays readable from memory and is tried again with the next entry.
 */
import { constants } from 'node:fs';
import { join } from 'node:path';
import { Check } from 'typebox/schema';
import type { HistoryLine } from '../history-line.ts';
import { NotAFileError, openPlain, openPlainForWriting } from '../plain-file.ts';
import { setAside } from './aside.ts';
import { errnoOf, writeDurably } from './durable-file.ts';

const HISTORY_FILE = 'history.jsonl';

/** The entries that are kept. */
export const MAX_ENTRIES: number = 1_000;

/** The file is rewritten with the kept entries when it has this many lines. */
export const COMPACT_AT_LINES: number = 2 * MAX_ENTRIES;

/** Of a longer file only the end is read. */
export const MAX_HISTORY_BYTES: number = 16 * 1_048_576;

/** A longer line is not kept: it could not have come from here. */
const MAX_LINE_CHARS = 65_536;

/** Who is told that the history can't be written. */
export interface HistoryDependencies {
  /** Told of each write that failed, with its errno code. Must not throw. */
  readonly failed: (code: string, path: string) => void;
}

/** The node's history, a line an entry, bounded in number. */
export class HistoryFile {
  readonly #stateDir: string;
  readonly #path: string;
  readonly #failed: HistoryDependencies['failed'];
  /** Oldest first. */
  #entries: HistoryLine[] = [];
  /** Entries that are not on disk yet; the newest of `#entries`. */
  #unwritten: HistoryLine[] = [];
  #lines = 0;
  /** The file may end in the middle of a line. */
  #torn = false;
  #skipped = 0;
  #writing: Promise<void> | null = null;

  private constructor(stateDir: string, failed: HistoryDependencies['failed']) {
    this.#stateDir = stateDir;
    this.#path = join(stateDir, HISTORY_FILE);
    this.#failed = failed;
  }

  /** Read what there is. A file that cannot be read is reported, and counts as empty. */
  static async open(
    /** `foreign`: what is in the directory belongs to another node; its history is kept under another name. */
    options: { readonly stateDir: string; readonly foreign?: boolean },
    dependencies: HistoryDependencies,
  ): Promise<HistoryFile> {
    const history = new HistoryFile(options.stateDir, dependencies.failed);
    if (options.foreign) await setAside(options.stateDir, HISTORY_FILE, 'foreign');
    await history.#load();
    return history;
  }

  /** Lines that could not be read when it was opened. */
  get skipped(): number {
    return this.#skipped;
  }

  /** The newest `limit` entries, newest first. */
  newest(limit: number = MAX_ENTRIES): readonly HistoryLine[] {
    return this.#entries.slice(-Math.max(1, limit)).reverse();
  }

  /** Returns at once; the entry is readable from now on, and written as soon as may be. */
  append(entry: HistoryLine): void {
    // A later word on the same event takes the place of the earlier one, here as after the next start.
    this.#entries = this.#entries.filter(({ id }) => id !== entry.id);
    this.#entries.push(entry);
    this.#unwritten.push(entry);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift();
    if (this.#unwritten.length > MAX_ENTRIES) this.#unwritten.shift();
    this.#writing ??= this.#drain();
  }

  /** Resolves once nothing is being written. */
  async settled(): Promise<void> {
    while (this.#writing !== null) await this.#writing;
  }

  async #load(): Promise<void> {
    try {
      const text = await readEnd(this.#path);
      const lines = text.split('\n');
      this.#torn = lines.pop() !== '';
      const last = this.#torn ? text.slice(text.lastIndexOf('\n') + 1) : '';
      this.#take([...lines, last].filter((line) => line !== ''));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      this.#failed(errnoOf(error), this.#path);
      // Something that is no file would be in the way of every entry to come.
      if (error instanceof NotAFileError) await setAside(this.#stateDir, HISTORY_FILE, 'unreadable');
    }
  }

  /** An entry may stand there twice, when a write failed after it had done half its work. */
  #take(lines: readonly string[]): void {
    const byId = new Map<string, HistoryLine>();
    for (const line of lines) {
      const entry = entryOf(line);
      if (entry === null) this.#skipped += 1;
      else byId.set(entry.id, entry);
    }
    this.#lines = lines.length;
    this.#entries = [...byId.values()].slice(-MAX_ENTRIES);
  }

  async #drain(): Promise<void> {
    let working = true;
    while (working && this.#unwritten.length > 0) working = await this.#writeOnce();
    this.#writing = null;
  }

  /** Answers whether it worked. */
  async #writeOnce(): Promise<boolean> {
    const batch = this.#unwritten;
    this.#unwritten = [];
    try {
      if (this.#lines + batch.length > COMPACT_AT_LINES) {
        const kept = [...this.#entries];
        await writeDurably(this.#path, linesOf(kept));
        this.#lines = kept.length;
      } else {
        await append(this.#path, `${this.#torn ? '\n' : ''}${linesOf(batch)}`);
        this.#lines += batch.length;
      }
      this.#torn = false;
      return true;
    } catch (error) {
      this.#torn = true;
      this.#unwritten = [...batch, ...this.#unwritten].slice(-MAX_ENTRIES);
      this.#failed(errnoOf(error), this.#path);
      return false;
    }
  }
}

function linesOf(entries: readonly HistoryLine[]): string {
  return entries.map((entry) => `${JSON.stringify(entry)}\n`).join('');
}

async function append(path: string, text: string): Promise<void> {
  const file = await openPlainForWriting(path, constants.O_APPEND);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

async function readEnd(path: string): Promise<string> {
  const file = await openPlain(path);
  try {
    const { size } = await file.stat();
    const start = Math.max(0, size - MAX_HISTORY_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const text = buffer.toString('utf8', 0, bytesRead);
    // Begun in the middle, the first line is a part of one.
    return start === 0 ? text : text.slice(text.indexOf('\n') + 1);
  } finally {
    await file.close();
  }
}

const TEXT = { type: 'string' } as const;
const NUMBER = { type: 'number' } as const;

/** Only the checker is imported: typebox's builder and compiler would cost every start 40 ms and 260 kB of code. */
const ENTRY = objectOf({
  id: TEXT,
  kind: { enum: ['takeover', 'handover', 'refusal', 'blocked', 'vote', 'change', 'order'] },
  address: TEXT,
  from: TEXT,
  to: TEXT,
  result: {
    enum: [
      ...['served', 'moved', 'lost-race', 'refused', 'abandoned'],
      ...['done', 'failed', 'expired', 'withdrawn'],
      ...['grant', 'blind', 'refuse', 'lost', 'seen'],
    ],
  },
  reason: TEXT,
  epoch: NUMBER,
  at: NUMBER,
  steps: { type: 'array', items: objectOf({ step: TEXT, durationMs: NUMBER }) },
  requestIds: { type: 'array', items: TEXT },
});

/** An object with all of these properties, and perhaps more. */
function objectOf(properties: Readonly<Record<string, object>>): object {
  return { type: 'object', required: Object.keys(properties), properties };
}

/** Null for a line that is no entry. */
function entryOf(line: string): HistoryLine | null {
  if (line.length > MAX_LINE_CHARS) return null;
  try {
    const value: unknown = JSON.parse(line);
    // The schema says the same as the type, except that a newer version's step names pass, too.
    return Check(ENTRY, value) ? (value as HistoryLine) : null;
  } catch {
    return null;
  }
}
