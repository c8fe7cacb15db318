/**
 * How far a command is, on standard error, after the seconds that have passed: one line that is written over on a terminal,
 * a line now and then elsewhere.
 */

const TERMINAL_EVERY_MS = 200;
const LINE_EVERY_MS = 5_000;
const OVER = '\r\u001b[K';

/** Tells how far it is. */
export interface Progress {
  /** How far it is by now; written if it is time to. */
  show(text: () => string): void;
  /** Something by itself, on a line of its own. */
  tell(text: string): void;
  /** The last word. */
  end(text: string): void;
}

/** On standard error, or what is given for it. */
export function startProgress(
  out: Pick<NodeJS.WriteStream, 'isTTY' | 'write'> = process.stderr,
  now: () => number = () => performance.now(),
): Progress {
  const over = out.isTTY ? OVER : '';
  const startedMs = now();
  let shownMs = startedMs;
  const timed = (text: string): string => `${over}${((now() - startedMs) / 1_000).toFixed(0)} s: ${text}`;
  return {
    show(text) {
      const nowMs = now();
      if (nowMs - shownMs < (out.isTTY ? TERMINAL_EVERY_MS : LINE_EVERY_MS)) return;
      shownMs = nowMs;
      out.write(`${timed(text())}${out.isTTY ? '' : '\n'}`);
    },
    tell: (text) => void out.write(`${over}${text}\n`),
    end: (text) => void out.write(`${timed(text)}\n`),
  };
}

/** Tells how far it is with measuring one thing after the other. */
export interface MeasuringProgress {
  readonly onProgress: (last: string, count: { readonly measured: number; readonly planned: number }) => void;
  /** The last word. */
  end(): void;
}

/** On standard error, or where what is given for it writes. */
export function startMeasuring(progress: Progress = startProgress()): MeasuringProgress {
  let line = 'nothing measured';
  return {
    onProgress(last, { measured, planned }) {
      line = `${measured} of ${planned} measured, last ${last}`;
      progress.show(() => line);
    },
    end: () => progress.end(line),
  };
}
