/**
 * Lines to a descriptor that may be slow, full, broken or without a reader. Nothing ever waits for it: what can't be
 * written is kept up to a bound, then counted, and the count is handed over when writing works again.
 *
 * By hand, because sonic-boom's `flushSync` never returns while writing fails, and it can't be told to give up.
 */
import { write, writeSync } from 'node:fs';
import type { DurationMs } from '@failtome/protocol';

/** What waits while nobody reads; beyond it lines are lost, so that the agent never waits for its log. */
export const MAX_BACKLOG_BYTES = 1_048_576;

/** Pieces of at most this size, so that a piece is written or not, and the loop is not held up by joining lines. */
const MAX_PIECE_BYTES = 65_536;

/** A full pipe is tried again after this long. */
const FULL_RETRY_MS: DurationMs = 100;

/** A descriptor that fails (a full disk, no reader) is tried again after this long. */
const BROKEN_RETRY_MS: DurationMs = 1_000;

/** How long the end of a process waits for whoever reads. */
const END_WITHIN_MS: DurationMs = 500;

/** A last, synchronous attempt looks at a full pipe this often. */
const FLUSH_PAUSE_MS: DurationMs = 10;

/** What never reached the log. */
export interface Loss {
  readonly lines: number;
  /** Why: the system's code of the failed write, or `EAGAIN` where nobody read. */
  readonly code: string;
}

/** Where lines go. */
export interface LogDestination {
  write(line: string): void;
  /** Write what waits before this returns, within half a second: for a crash. It may overtake what is being written. */
  flush(): void;
  /** Write what waits, in its order, within half a second; nothing is written after that. */
  end(): Promise<void>;
  /** Called when lines have been lost and writing works again. */
  onLoss(listener: (loss: Loss) => void): void;
}

/** The system's calls, of which tests give others. */
export interface OutputSystem {
  readonly write: (fd: number, bytes: Buffer, done: (error: Error | null, written: number) => void) => void;
  /** @throws the system's error, with its code */
  readonly writeSync: (fd: number, bytes: Buffer) => number;
  readonly setTimer: (run: () => void, ms: DurationMs) => NodeJS.Timeout;
  readonly pause: (ms: DurationMs) => void;
  readonly monotonicMs: () => number;
}

const SYSTEM: OutputSystem = {
  write: (fd, bytes, done) => write(fd, bytes, done),
  writeSync: (fd, bytes) => writeSync(fd, bytes),
  setTimer: (run, ms) => setTimeout(run, ms).unref(),
  pause: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms),
  monotonicMs: () => performance.now(),
};

/** Standard output, never waited for. */
export function standardOutput(): LogDestination {
  return new Output(1);
}

/** A file descriptor that log lines are written to, without ever waiting for its reader. */
export class Output implements LogDestination {
  readonly #fd: number;
  readonly #system: OutputSystem;
  #waiting: string[] = [];
  #waitingBytes = 0;
  /** What is being written just now, or is to be tried again. */
  #piece: Buffer = Buffer.alloc(0);
  #writing = false;
  #retry: NodeJS.Timeout | null = null;
  #lost = 0;
  #code = 'EAGAIN';
  #ended = false;
  #emptied: () => void = () => undefined;
  #listener: (loss: Loss) => void = () => undefined;

  constructor(fd: number, system: OutputSystem = SYSTEM) {
    this.#fd = fd;
    this.#system = system;
  }

  onLoss(listener: (loss: Loss) => void): void {
    this.#listener = listener;
  }

  write(line: string): void {
    if (this.#ended) return;
    const bytes = Buffer.byteLength(line);
    // Once lines are lost, all are until there is room again: the notice then stands where the gap is.
    if (this.#lost > 0 || this.#backlog() + bytes > MAX_BACKLOG_BYTES) {
      this.#lost += 1;
    } else {
      this.#waiting.push(line);
      this.#waitingBytes += bytes;
    }
    this.#go();
  }

  flush(): void {
    const until = this.#system.monotonicMs() + END_WITHIN_MS;
    // A piece that is with the system just now can't be called back; whether it was written shows too late.
    let bytes = this.#writing ? Buffer.alloc(0) : this.#piece;
    for (;;) {
      if (bytes.length === 0) bytes = this.#nextPiece();
      if (bytes.length === 0) break;
      const written = this.#tryToWrite(bytes);
      if (written === 'broken' || this.#system.monotonicMs() >= until) break;
      if (written === 'full') this.#system.pause(FLUSH_PAUSE_MS);
      else bytes = bytes.subarray(written);
    }
    if (!this.#writing) this.#piece = bytes;
    else if (bytes.length > 0) this.#putBack(bytes);
  }

  end(): Promise<void> {
    this.#ended = true;
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, END_WITHIN_MS);
      this.#emptied = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#go();
    });
  }

  #backlog(): number {
    return this.#piece.length + this.#waitingBytes;
  }

  #go(): void {
    if (this.#writing || this.#retry !== null) return;
    if (this.#piece.length === 0) this.#piece = this.#nextPiece();
    if (this.#piece.length === 0) return this.#emptied();
    this.#writing = true;
    this.#system.write(this.#fd, this.#piece, (error, written) => {
      this.#writing = false;
      if (error !== null) return this.#failed(codeOf(error));
      this.#piece = this.#piece.subarray(written);
      this.#tellLoss();
      this.#go();
    });
  }

  #failed(code: string): void {
    this.#code = code;
    this.#retry = this.#system.setTimer(
      () => {
        this.#retry = null;
        this.#go();
      },
      isFull(code) ? FULL_RETRY_MS : BROKEN_RETRY_MS,
    );
  }

  #tellLoss(): void {
    if (this.#lost === 0 || this.#ended || this.#backlog() > MAX_BACKLOG_BYTES / 2) return;
    const loss = { lines: this.#lost, code: this.#code };
    this.#lost = 0;
    this.#code = 'EAGAIN';
    this.#listener(loss);
  }

  #putBack(bytes: Buffer): void {
    this.#waiting.unshift(bytes.toString());
    this.#waitingBytes += bytes.length;
  }

  #nextPiece(): Buffer {
    let bytes = 0;
    let count = 0;
    for (const line of this.#waiting) {
      bytes += Buffer.byteLength(line);
      count += 1;
      if (bytes >= MAX_PIECE_BYTES) break;
    }
    this.#waitingBytes -= bytes;
    return Buffer.from(this.#waiting.splice(0, count).join(''));
  }

  #tryToWrite(bytes: Buffer): number | 'full' | 'broken' {
    try {
      return this.#system.writeSync(this.#fd, bytes);
    } catch (error) {
      return isFull(codeOf(error)) ? 'full' : 'broken';
    }
  }
}

/** What the system answers where a descriptor takes nothing just now. */
function isFull(code: string): boolean {
  return code === 'EAGAIN' || code === 'EBUSY' || code === 'EINTR';
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
