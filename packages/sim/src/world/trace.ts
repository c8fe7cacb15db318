/**
 * What happened, line by line: hashed always, kept and handed out where somebody wants to read it.
 */
export interface TraceLine {
  readonly atMs: number;
  /** A node, `cloud`, `network` or `world`. */
  readonly who: string;
  readonly what: string;
  readonly detail: string;
}

export interface Trace {
  tell(who: string, what: string, detail: string): void;
  /** 64 bits over every line so far, as hexadecimal digits. */
  hash(): string;
  /** The lines that were kept. */
  lines(): readonly TraceLine[];
}

export interface TraceOptions {
  /** How many of the last lines to keep; 0: none. */
  readonly keep: number;
}

/** Two FNV-1a hashes of 32 bits with different primes, side by side. */
export function createTrace(now: () => number, options: TraceOptions): Trace {
  let high = 0x811c9dc5;
  let low = 0xcbf29ce4;
  let kept: TraceLine[] = [];

  function mix(text: string): void {
    for (let i = 0; i < text.length; i += 1) {
      const code = text.charCodeAt(i);
      high = Math.imul(high ^ code, 0x01000193);
      low = Math.imul(low ^ code, 0x01000197);
    }
  }

  return {
    tell(who, what, detail) {
      const atMs = now();
      mix(`${atMs} ${who} ${what} ${detail}\n`);
      if (options.keep === 0) return;
      kept.push({ atMs, who, what, detail });
      if (kept.length > 2 * options.keep) kept = kept.slice(-options.keep);
    },
    hash: () => (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0'),
    lines: () => kept.slice(-options.keep),
  };
}
