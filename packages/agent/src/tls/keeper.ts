/** The certificate that is in use: told in the log and the metrics, and watched until its end. */
import type { DurationMs, WallMs } from '@failtome/protocol';
import type { LogLevel } from '../observe/events.ts';
import {
  type Certificate,
  isSameCertificate,
  type Validity,
  validityOf,
  validityText,
} from './certificate.ts';

/** How often its end is looked at: a warning comes days before. */
const LOOK_EVERY_MS: DurationMs = 3_600_000;

/** The clock, the log and the gauge of a certificate. */
export interface KeeperDependencies {
  readonly now: () => WallMs;
  readonly tell: (level: LogLevel, text: string, fields: Readonly<Record<string, unknown>>) => void;
  /** Shows until when it is valid. */
  readonly show: (notAfter: WallMs) => void;
}

const LEVELS: Readonly<Record<Validity, LogLevel>> = {
  valid: 'info',
  'ends-soon': 'warn',
  'not-yet': 'error',
  expired: 'error',
};

/** Keeps the certificate of this moment, and warns before it expires. */
export class CertificateKeeper {
  readonly #dependencies: KeeperDependencies;
  readonly #timer: NodeJS.Timeout;
  #current: Certificate | null;
  #told: Validity | null = null;

  /** @param certificate null: the API speaks plain HTTP, and there is nothing to keep */
  constructor(certificate: Certificate | null, dependencies: KeeperDependencies) {
    this.#current = certificate;
    this.#dependencies = dependencies;
    this.#timer = setInterval(() => this.look(), LOOK_EVERY_MS).unref();
    this.look();
  }

  get current(): Certificate | null {
    return this.#current;
  }

  /** Use another one from now on. False: it is the same. */
  replace(next: Certificate | null): boolean {
    const before = this.#current;
    if (before === next || (before !== null && next !== null && isSameCertificate(before, next)))
      return false;
    this.#current = next;
    this.#told = null;
    this.look();
    return true;
  }

  /** Tell what has changed since it was told last. */
  look(): void {
    const certificate = this.#current;
    if (certificate === null) return;
    const { now, tell, show } = this.#dependencies;
    const validity = validityOf(certificate, now());
    if (validity === this.#told) return;
    this.#told = validity;
    const { notAfter, own, files } = certificate;
    show(notAfter);
    const until = new Date(notAfter).toISOString();
    const good = `the certificate in ${files.certFile} is in use, and valid until ${until}`;
    tell(LEVELS[validity], validityText(certificate, now()) ?? good, {
      validUntil: until,
      fingerprint: own.fingerprint256,
    });
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
