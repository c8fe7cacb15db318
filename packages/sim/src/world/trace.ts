/**
 * What happened, line by line: hashed always, kept and handed out where somebody wants to read it.
 */
import { Digest } from './digest.ts';

/** A line of a trace. */
export interface TraceLine {
  readonly atMs: number;
  /** A node, `cloud`, `network` or `world`. */
  readonly who: string;
  readonly what: string;
  readonly detail: string;
}

/** What happened, as a hash and as lines. */
export interface Trace {
  /** `detail`: a text, or plain data that nobody changes any more, which becomes text (JSON) only where it is read. */
  log(who: string, what: string, detail: string | object): void;
  /** 64 bits over every line so far, as hexadecimal digits. */
  hash(): string;
  /** The lines that were kept. */
  lines(): readonly TraceLine[];
}

/** What a trace keeps. */
export interface TraceOptions {
  /** How many of the last lines to keep; 0: none. */
  readonly keep: number;
}

/** A line as it was logged. */
interface LoggedLine extends Omit<TraceLine, 'detail'> {
  readonly detail: string | object;
}

/** An empty trace. */
export function createTrace(now: () => number, options: TraceOptions): Trace {
  const digest = new Digest();
  let kept: LoggedLine[] = [];

  return {
    log(who, what, detail) {
      const atMs = now();
      digest.number(atMs);
      digest.text(who);
      digest.text(what);
      digest.data(detail);
      if (options.keep === 0) return;
      kept.push({ atMs, who, what, detail });
      if (kept.length > 2 * options.keep) kept = kept.slice(-options.keep);
    },
    hash: () => digest.hex(),
    lines: () => kept.slice(-options.keep).map(lineOf),
  };
}

function lineOf({ atMs, who, what, detail }: LoggedLine): TraceLine {
  return { atMs, who, what, detail: typeof detail === 'string' ? detail : JSON.stringify(detail) };
}
