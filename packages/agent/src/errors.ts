/**
 * The one error type of the agent's adapters and commands.
 *
 * Expected outcomes are values; this is for what keeps an adapter or a command from doing its work.
 */
export type ErrorDisposition = 'retryable' | 'fatal' | 'unknown';

/**
 * Throw it where nothing catches it, so that it ends the process: for a broken invariant that was found by code whose caller makes
 * an answer of every error.
 */
export function throwUncaught(
  error: unknown,
  later: (act: () => void) => void = (act) => process.nextTick(act),
): void {
  later(() => {
    throw error;
  });
}

/** What keeps an agent or a command from working, with a code that is stable. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  /** Stable and in capitals, for logs and tests, such as `KEY_FILE_UNREADABLE`. */
  readonly code: string;
  readonly disposition: ErrorDisposition;

  constructor(code: string, message: string, disposition: ErrorDisposition, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.disposition = disposition;
  }
}
