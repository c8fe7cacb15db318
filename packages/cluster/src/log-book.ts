import { createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { defaultWaitMs, waitError } from './wait.ts';

/** One line of an agent's log. */
export interface LogLine {
  readonly event: string;
  readonly level: string;
  readonly msg: string;
  /** Milliseconds since 1970, by the agent's wall clock, which is this machine's. */
  readonly atMs: number;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Which lines are meant: all with this event, or those that a function picks. */
export type LineFilter = string | ((line: LogLine) => boolean);

/** How long to wait for a log line, and from where on. */
export interface LogWait {
  readonly withinMs?: number;
  /** Only lines from this position on (`position` of the same book); all by default. */
  readonly since?: number;
}

/** The newest lines, kept in memory; the file has all. */
const lineBound = 100_000;

/** The log of one agent over all of its runs: in memory, to look through and wait on, and in a file for people. */
export class LogBook {
  readonly file: string;
  readonly #writer: WriteStream;
  readonly #lines: LogLine[] = [];
  /** How many older lines are no longer in memory. */
  #dropped = 0;
  readonly #listeners = new Set<(line: LogLine) => void>();

  constructor(file: string) {
    this.file = file;
    this.#writer = createWriteStream(file, { flags: 'a' });
    // The folder may be removed under it at the very end.
    this.#writer.on('error', () => undefined);
  }

  /** Reads a run's output until it ends. */
  read({ stdout, stderr }: { readonly stdout: Readable; readonly stderr: Readable }): void {
    for (const stream of [stdout, stderr]) {
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (text) =>
        this.#add(text),
      );
    }
  }

  get lines(): readonly LogLine[] {
    return this.#lines;
  }

  /** How many lines there are: what comes later has this position or a higher one. */
  get position(): number {
    return this.#dropped + this.#lines.length;
  }

  filter(wanted: LineFilter, since = 0): readonly LogLine[] {
    const picks = pickerOf(wanted);
    return this.#since(since).filter(picks);
  }

  /** Hears every line from now on, until the returned function is called. */
  subscribe(listener: (line: LogLine) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** The first such line, as soon as it is there. Rejects with a WaitError when it doesn't come. */
  waitFor(
    wanted: LineFilter,
    { withinMs = defaultWaitMs, since = 0 }: LogWait = {},
    what: string = typeof wanted === 'string' ? `the event ${wanted}` : 'a line of the log',
  ): Promise<LogLine> {
    const picks = pickerOf(wanted);
    const found = this.#since(since).find(picks);
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve, reject) => {
      const unsubscribe = this.subscribe((line) => {
        if (!picks(line)) return;
        clearTimeout(timer);
        unsubscribe();
        resolve(line);
      });
      const timer = setTimeout(() => {
        unsubscribe();
        reject(waitError(what, withinMs, undefined, () => `\n${this.tail(12)}`));
      }, withinMs);
    });
  }

  /** The newest lines, for people. */
  tail(count: number): string {
    return this.#lines.slice(-count).map(textOf).join('\n');
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => this.#writer.end(resolve));
  }

  #since(position: number): readonly LogLine[] {
    return this.#lines.slice(Math.max(0, position - this.#dropped));
  }

  #add(text: string): void {
    this.#writer.write(`${text}\n`);
    const line = parse(text);
    this.#lines.push(line);
    if (this.#lines.length > lineBound) {
      this.#lines.shift();
      this.#dropped += 1;
    }
    for (const listener of [...this.#listeners]) listener(line);
  }
}

/** A line as people read it. */
export function textOf({ atMs, level, event, msg }: LogLine): string {
  return `${new Date(atMs).toISOString().slice(11)} ${level.padEnd(5)} ${event}: ${msg}`;
}

function pickerOf(wanted: LineFilter): (line: LogLine) => boolean {
  return typeof wanted === 'string' ? ({ event }) => event === wanted : wanted;
}

/** What isn't JSON is somebody's last words, such as a fault told on standard error. */
function parse(text: string): LogLine {
  const fields = objectOf(text);
  if (fields === null) return { event: 'output', level: 'error', msg: text, atMs: Date.now(), fields: {} };
  const { event, level, msg, time } = fields;
  const atMs = typeof time === 'string' ? Date.parse(time) : Date.now();
  return { event: String(event), level: String(level), msg: String(msg), atMs, fields };
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : null;
  } catch (cause) {
    if (cause instanceof SyntaxError) return null;
    throw cause;
  }
}
