/** What every command of `failtome-sim` is given. */

/** 0 as it should be, 1 not, 2 wrongly called, 3 something that should have been seen was not. */
export type ExitCode = 0 | 1 | 2 | 3;

/** What the verbs need of their process. */
export interface CommandContext {
  /**
   * Raised by the first interrupt; a second one ends the process. Only for a verb that waits for events: from when it is
   * read on, an interrupt does nothing else.
   */
  readonly signal: AbortSignal;
  /** Standard output. */
  readonly write: (text: string) => void;
  /** Whether standard output is a terminal that shows colours. */
  readonly colour: boolean;
  /** The exit code, once the command has returned; 0 unless told. */
  readonly finish: (code: ExitCode) => void;
}

/** What was asked for can't be done as it was asked: exit code 2, and the message for people. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
