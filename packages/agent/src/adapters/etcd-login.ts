/**
 * Who this node is to an etcd that asks for users: name and password are changed for a token, which later calls show. A token lives
 * for minutes without use, and ends with a new password, so it is asked for anew whenever it is refused.
 *
 * Source: https://etcd.io/docs/v3.4/op-guide/authentication/, and api/v3's rpctypes for what is said of a refusal.
 */
import type { StoreFailure } from '@failtome/ports';
import type { DurationMs } from '@failtome/protocol';
import { readSecretFile, type SecretKind } from '../auth/secret-file.ts';
import type { EtcdUser } from '../config/types.ts';
import { AgentError } from '../errors.ts';

const PASSWORD_FILE: SecretKind = {
  name: 'password file of the store',
  code: 'STORE_PASSWORD',
  command: 'install -m 0640 -g failtome /dev/stdin FILE',
};

/** etcd makes a refusal costly for itself (bcrypt), so whoever was refused asks again only after so long. */
const REFUSED_MS: DurationMs = 5_000;

/** An etcd without users says so, and wants no token. */
const NOT_ASKED = 'authentication is not enabled';

/** A token that isn't known or that is older than the users; no token, where there are users by now. */
const STALE = /invalid auth token|auth store is old|user name is empty/;

/** The fields of an answer. */
export type EtcdFields = Readonly<Record<string, unknown>>;

/** What the gateway answered, or why it didn't. */
export type EtcdAnswer = { readonly kind: 'answer'; readonly body: EtcdFields } | StoreFailure;

/** The code of a call that nothing answered in its time. */
export const TIMEOUT = 'timeout';

/** What calls show: a token, or null where etcd doesn't ask for users; or why there is none. */
export type EtcdToken = { readonly kind: 'token'; readonly token: string | null } | StoreFailure;

/** Asks etcd, with a body, within a time, showing nothing. */
export type EtcdPost = (path: string, body: unknown, timeoutMs: DurationMs) => Promise<EtcdAnswer>;

/**
 * The password in such a file: its one line, with all of its characters.
 *
 * @throws AgentError `STORE_PASSWORD_…` for a file that can't be read, or that holds nothing or several lines
 */
export async function readEtcdPassword(
  path: string,
): Promise<{ readonly password: string; readonly warnings: readonly string[] }> {
  const { text, warnings } = await readSecretFile(path, PASSWORD_FILE);
  const password = text.replace(/\r?\n$/, '');
  if (password === '' || /[\r\n\0]/.test(password))
    throw new AgentError('STORE_PASSWORD_FAULTY', `${path} must hold one line, the password`, 'fatal');
  return { password, warnings };
}

/** The token of one user of one etcd. The file is read whenever a token is asked for, so a password may change at any time. */
export class EtcdLogin {
  readonly #user: string;
  readonly #passwordFile: string;
  readonly #post: EtcdPost;
  /** What every call waits for; null: the next one asks. */
  #asked: Promise<EtcdToken> | null = null;

  constructor({ user, passwordFile }: EtcdUser, post: EtcdPost) {
    this.#user = user;
    this.#passwordFile = passwordFile;
    this.#post = post;
  }

  /** Never rejects. Whoever asks meanwhile waits for the same answer, by the time of the first. */
  token(timeoutMs: DurationMs): Promise<EtcdToken> {
    if (this.#asked !== null) return this.#asked;
    const asked = this.#authenticate(timeoutMs);
    this.#asked = asked;
    void asked.then((result) => {
      if (result.kind === 'token') return;
      if (/^http-4/.test(result.code)) setTimeout(() => this.#forget(asked), REFUSED_MS).unref();
      else this.#forget(asked);
    });
    return asked;
  }

  /**
   * Whether this answer refuses the token that `shown` gave; then the next call asks for another. So it does after no answer: a
   * token names the entry of the log that made it, and an etcd whose log began anew waits for that entry without end.
   */
  refused(answer: EtcdAnswer, shown: Promise<EtcdToken>): boolean {
    const isRefusal = answer.kind === 'failed' && STALE.test(answer.detail);
    if (isRefusal || (answer.kind === 'failed' && answer.code === TIMEOUT)) this.#forget(shown);
    return isRefusal;
  }

  #forget(asked: Promise<EtcdToken>): void {
    if (this.#asked === asked) this.#asked = null;
  }

  async #authenticate(timeoutMs: DurationMs): Promise<EtcdToken> {
    try {
      const { password } = await readEtcdPassword(this.#passwordFile);
      const answer = await this.#post('/v3/auth/authenticate', { name: this.#user, password }, timeoutMs);
      if (answer.kind === 'failed')
        return answer.detail.includes(NOT_ASKED) ? { kind: 'token', token: null } : answer;
      const { token } = answer.body;
      if (typeof token === 'string' && /^[\x21-\x7e]+$/.test(token)) return { kind: 'token', token };
      return {
        kind: 'failed',
        code: 'malformed',
        detail: 'what was answered to name and password is no token',
      };
    } catch (error) {
      if (!(error instanceof AgentError)) throw error;
      return { kind: 'failed', code: error.code, detail: error.message };
    }
  }
}
