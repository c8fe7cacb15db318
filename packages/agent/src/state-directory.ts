/**
 * The state directory as this process's own: locked at the start, and written to only while it is.
 */
import { DirectoryLock, type LockOutcome } from './adapters/directory-lock.ts';
import { AgentError } from './errors.ts';

/** The file system knows no sockets, or doesn't let them be made: no lock will ever come about there. */
const NO_SOCKETS: ReadonlySet<string> = new Set([
  'EPERM',
  'ENOTSUP',
  'EOPNOTSUPP',
  'EINVAL',
  'ENOSYS',
  'EADDRNOTAVAIL',
]);

/** The code of a write that is refused because another process has the directory. */
export const TAKEN_CODE = 'ELOCKED';

/** The state directory of one agent, held against others as long as it runs. */
export class StateDirectory {
  readonly #path: string;
  readonly #takeLock: (path: string) => Promise<LockOutcome>;
  #outcome: LockOutcome;

  private constructor(path: string, outcome: LockOutcome, takeLock: (path: string) => Promise<LockOutcome>) {
    this.#path = path;
    this.#outcome = outcome;
    this.#takeLock = takeLock;
  }

  /**
   * Lock it. One that can't be locked because it can't be written to is tried again before each write.
   *
   * @throws AgentError `STATE_DIR_IN_USE`
   */
  static async claim(
    path: string,
    takeLock: (path: string) => Promise<LockOutcome> = DirectoryLock.take,
  ): Promise<StateDirectory> {
    const outcome = await takeLock(path);
    if (outcome.kind === 'held') throw inUse(path, outcome.pid);
    return new StateDirectory(path, outcome, takeLock);
  }

  /** Why two agents could share it without either noticing; null: they could not. */
  get unprotected(): string | null {
    if (this.#outcome.kind !== 'impossible' || !NO_SOCKETS.has(this.#outcome.code)) return null;
    return `the file system of ${this.#path} allows no lock (${this.#outcome.code}): see that no other agent uses it`;
  }

  /** Null, or the code with which a write has to fail. */
  async mayWrite(): Promise<string | null> {
    if (this.#outcome.kind === 'impossible' && !NO_SOCKETS.has(this.#outcome.code)) {
      this.#outcome = await this.#takeLock(this.#path);
    }
    switch (this.#outcome.kind) {
      case 'locked':
        return null;
      case 'held':
        return TAKEN_CODE;
      case 'impossible':
        return NO_SOCKETS.has(this.#outcome.code) ? null : this.#outcome.code;
    }
  }

  /** Another process has come by it, while this one could not write; null: none has. */
  get taken(): AgentError | null {
    return this.#outcome.kind === 'held' ? inUse(this.#path, this.#outcome.pid) : null;
  }

  async release(): Promise<void> {
    if (this.#outcome.kind === 'locked') await this.#outcome.lock.release();
  }
}

function inUse(path: string, pid: number): AgentError {
  const text = `another agent, process ${pid}, uses ${path}: stop it, or give each its own directory`;
  return new AgentError('STATE_DIR_IN_USE', text, 'fatal');
}
