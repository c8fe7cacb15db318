/** How far a command is, on standard error: one line that is written over on a terminal, a line now and then elsewhere. */

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
  let shownMs = now();
  return {
    show(text) {
      const nowMs = now();
      if (nowMs - shownMs < (out.isTTY ? TERMINAL_EVERY_MS : LINE_EVERY_MS)) return;
      shownMs = nowMs;
      out.write(`${over}${text()}${out.isTTY ? '' : '\n'}`);
    },
    tell: (text) => void out.write(`${over}${text}\n`),
    end: (text) => void out.write(`${over}${text}\n`),
  };
}
