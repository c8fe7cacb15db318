/**
 * The credentials of all AWS clients of one agent, which are asked for again as soon as AWS refuses them.
 *
 * The SDK keeps what a shared credentials file or instance metadata once gave: the former for ever, the latter until
 * it expires. But a file is replaced, a key is revoked and a role's session ends early, while the source has others to
 * offer. So the memory of the SDK is passed by, and each time the source is asked as on the first day: chain, files
 * and metadata anew.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { DurationMs } from '@failtome/protocol';
import { failureOf } from './aws-failure.ts';

/** What the SDK needs of credentials here; nothing of it is ever shown. */
export interface AwsIdentity {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** Asks the source without any memory. `properties` is what the SDK hands to a provider of credentials. */
export type AskSource<I extends AwsIdentity> = (properties: ProviderProperties) => Promise<I>;

/** What the SDK gives a provider of credentials along; passed on as it is. */
export type ProviderProperties = Readonly<Record<string, unknown>>;

/** The function that the SDK's clients call before each request. */
export type CredentialProvider<I extends AwsIdentity> = ((properties?: ProviderProperties) => Promise<I>) & {
  /** Tells the SDK not to put its own memory before this one. */
  readonly memoized: true;
};

/**
 * Between two asks, however many calls are refused. Reading a file or asking instance metadata is cheap; in a move
 * each call that could have gone out with good credentials counts.
 */
export const ASK_AGAIN_MS: DurationMs = 1_000;

/** A source that takes longer (a command that hangs) is not waited for; what it says later still counts. */
const ASK_TIMEOUT_MS: DurationMs = 5_000;

/** Credentials that end so soon are replaced beforehand, as the SDK does. */
export const RENEW_BEFORE_MS: DurationMs = 5 * 60_000;

/** Who is asked for credentials, and for how long. */
export interface CredentialsOptions<I extends AwsIdentity> {
  readonly ask: AskSource<I>;
  readonly askTimeoutMs?: DurationMs;
}

/** The clocks by which credentials expire. */
export interface CredentialsDependencies {
  readonly monotonicMs: () => number;
  readonly wallMs: () => number;
}

const REAL_TIME: CredentialsDependencies = {
  monotonicMs: () => performance.now(),
  wallMs: () => Date.now(),
};

/** Why others were asked for, and whether there were any. */
export type CredentialsNews =
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'renewed' }
  | { readonly kind: 'unavailable'; readonly detail: string };

/** The credentials of one agent: remembered as long as they hold, asked for anew when AWS refuses them. */
export class Credentials<I extends AwsIdentity> {
  readonly provider: CredentialProvider<I>;
  readonly #ask: AskSource<I>;
  readonly #askTimeoutMs: DurationMs;
  readonly #time: CredentialsDependencies;
  #current: I | null = null;
  #generation = 0;
  /** AWS has refused the present ones. */
  #doubted = false;
  #asking: Promise<void> | null = null;
  /** The source's answer, which may come after it is waited for no longer. */
  #outstanding: Promise<void> | null = null;
  #askedAt = Number.NEGATIVE_INFINITY;
  #lastError: unknown = new Error('the source of AWS credentials has not answered in time');
  #told = '';
  #properties: ProviderProperties = {};
  #listener: (news: CredentialsNews) => void = () => undefined;

  constructor(
    { ask, askTimeoutMs = ASK_TIMEOUT_MS }: CredentialsOptions<I>,
    time: CredentialsDependencies = REAL_TIME,
  ) {
    this.#ask = ask;
    this.#askTimeoutMs = askTimeoutMs;
    this.#time = time;
    this.provider = Object.assign((properties?: ProviderProperties) => this.#provide(properties), {
      memoized: true as const,
    });
  }

  /** Changes whenever other credentials have come. */
  get generation(): number {
    return this.#generation;
  }

  /** Hears what becomes of them, for the log. */
  watch(listener: (news: CredentialsNews) => void): void {
    this.#listener = listener;
  }

  /**
   * A call that was made with the credentials of `generation` was refused because of them. Answers whether others
   * are there now, so that the call is worth sending again.
   */
  async refused(generation: number, code: string): Promise<boolean> {
    if (generation !== this.#generation) return true;
    if (this.#doubted) await this.#askIfDue();
    else {
      this.#doubted = true;
      this.#listener({ kind: 'refused', code });
      await this.renew();
    }
    return generation !== this.#generation;
  }

  /** A call with the credentials of `generation` went through: they are good. */
  accepted(generation: number): void {
    if (generation === this.#generation) this.#doubted = false;
  }

  /** Ask the source now: an operator says that there is something new. */
  async renew(): Promise<void> {
    await (this.#asking ?? this.#begin());
  }

  async #provide(properties: ProviderProperties = {}): Promise<I> {
    this.#properties = properties;
    const leftMs = (this.#current?.expiration?.getTime() ?? Number.POSITIVE_INFINITY) - this.#time.wallMs();
    if (this.#current === null || this.#doubted || leftMs <= 0) await this.#askIfDue();
    else if (leftMs < RENEW_BEFORE_MS) void this.#askIfDue();
    if (this.#current === null) throw this.#lastError;
    return this.#current;
  }

  async #askIfDue(): Promise<void> {
    if (this.#asking === null && this.#time.monotonicMs() - this.#askedAt < ASK_AGAIN_MS) return;
    await (this.#asking ?? this.#begin());
  }

  /** One ask at a time. Never rejects: what was there before stays where there is nothing new. */
  #begin(): Promise<void> {
    // A source that hangs, a command or a FIFO, would otherwise hang once more with each ask.
    this.#outstanding ??= this.#askOnce().finally(() => {
      this.#outstanding = null;
    });
    const answered = this.#outstanding;
    const limit = new AbortController();
    const late = delay(this.#askTimeoutMs, undefined, { signal: limit.signal, ref: false }).catch(
      () => undefined,
    );
    this.#asking = Promise.race([answered, late]).finally(() => {
      limit.abort();
      this.#asking = null;
      this.#askedAt = this.#time.monotonicMs();
    });
    return this.#asking;
  }

  async #askOnce(): Promise<void> {
    let found: I;
    try {
      found = await this.#ask(this.#properties);
    } catch (error) {
      this.#lastError = error;
      if (this.#current === null || this.#doubted) this.#tellUnavailable(error);
      return;
    }
    // Not within: an error in there is a fault of this program, and no word of the source.
    this.#take(found);
  }

  /** Once, however often the source is asked in vain. */
  #tellUnavailable(error: unknown): void {
    const { code, message } = failureOf(error, false);
    const detail = `${code}: ${message}`;
    if (detail !== this.#told) this.#listener({ kind: 'unavailable', detail });
    this.#told = detail;
  }

  #take(found: I): void {
    const before = this.#current;
    this.#current = found;
    this.#told = '';
    if (before !== null && areSame(before, found)) return;
    this.#generation += 1;
    this.#doubted = false;
    if (before !== null) this.#listener({ kind: 'renewed' });
  }
}

/** The same credentials with another expiry are no others. */
function areSame(one: AwsIdentity, other: AwsIdentity): boolean {
  return (
    one.accessKeyId === other.accessKeyId &&
    one.secretAccessKey === other.secretAccessKey &&
    one.sessionToken === other.sessionToken
  );
}
