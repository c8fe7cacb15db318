/**
 * This node's certificate: its files read, checked against each other, and made into what a listener and a caller need.
 * Nothing of a private key stands in any message.
 */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { DurationMs, WallMs } from '@failtome/protocol';
import { readFileBounded } from '../config/load.ts';
import type { TlsSettings } from '../config/types.ts';

/** The most bytes of one file: a bundle of all public authorities has a quarter of it. */
const MAX_FILE_BYTES = 1_048_576;

/** The most certificates that are sent along with the node's own. */
const MAX_CHAIN = 8;

/** TLS 1.3 alone: one round trip, no renegotiation, and no cipher to choose badly. */
const MIN_VERSION = 'TLSv1.3';

const DAY_MS: DurationMs = 86_400_000;

/** How long before its end a certificate is warned of; a short-lived one when a quarter of its life is left. */
export const WARN_BEFORE_MS: DurationMs = 14 * DAY_MS;
const WARN_FROM_PART = 1 / 4;

/** The keys of the configuration that name files of a certificate. */
export type CertificateKey = 'certFile' | 'keyFile' | 'caFile';

/** What is wrong with one of the files. */
export interface CertificateFault {
  readonly key: CertificateKey;
  readonly found: string;
  readonly expected: string;
  readonly hint: string;
}

/** The certificate of the API, with its key and the authorities that it trusts. */
export interface Certificate {
  readonly files: Pick<TlsSettings, CertificateKey>;
  /** This node's own. */
  readonly own: X509Certificate;
  /** From when on, and until when, it and all those that are sent along with it are valid. */
  readonly notBefore: WallMs;
  readonly notAfter: WallMs;
  /** With those that are sent along with it. */
  readonly chain: readonly X509Certificate[];
  /** Who may vouch for others; none where `files.caFile` is null. */
  readonly authorities: readonly X509Certificate[];
  /** What a listener and a caller are made of; its private key is never printed. */
  readonly options: SecureContextOptions;
  /** For the connections that this node opens. */
  readonly context: SecureContext;
}

/** A certificate, or what is wrong with it. */
export type CertificateReading =
  | { readonly kind: 'read'; readonly certificate: Certificate }
  | { readonly kind: 'faulty'; readonly faults: readonly CertificateFault[] };

/** Read and check the three files. Whether the certificate is valid today is asked of `validityOf`. */
export async function readCertificate(files: Certificate['files']): Promise<CertificateReading> {
  const [cert, key, ca] = await Promise.all([
    readPem(files.certFile, 'certFile'),
    readPem(files.keyFile, 'keyFile'),
    files.caFile === null ? null : readPem(files.caFile, 'caFile'),
  ]);
  const read = [cert, key, ca].filter((one) => one !== null);
  const unreadable = read.filter((one) => typeof one !== 'string');
  if (typeof cert !== 'string' || typeof key !== 'string' || (ca !== null && typeof ca !== 'string'))
    return { kind: 'faulty', faults: unreadable };
  const chain = certificatesIn(cert, 'certFile', files.certFile);
  const authorities = ca === null ? [] : certificatesIn(ca, 'caFile', files.caFile ?? '');
  const privateKey = privateKeyIn(key, files.keyFile);
  const faults = [chain, authorities, privateKey].filter(isFault);
  if (isFault(chain) || isFault(authorities) || isFault(privateKey)) return { kind: 'faulty', faults };
  return assemble({ files, chain, authorities, privateKey, pem: { cert, ca } });
}

interface Parts {
  readonly files: Certificate['files'];
  readonly chain: readonly X509Certificate[];
  readonly authorities: readonly X509Certificate[];
  readonly privateKey: KeyObject;
  readonly pem: { readonly cert: string; readonly ca: string | null };
}

function assemble({ files, chain, authorities, privateKey, pem }: Parts): CertificateReading {
  const own = chain[0];
  if (own === undefined || !own.checkPrivateKey(privateKey)) {
    const other = chain.some((one) => one.checkPrivateKey(privateKey));
    const hint = other
      ? "in certFile the node's own certificate stands first"
      : 'make both anew, or copy the pair together';
    const found = `${files.keyFile}, which is not the key of the certificate in ${files.certFile}`;
    return faulty({ key: 'keyFile', found, expected: 'the key that the certificate was made for', hint });
  }
  const options: SecureContextOptions = {
    cert: pem.cert,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
    ...(pem.ca === null ? {} : { ca: pem.ca }),
    minVersion: MIN_VERSION,
  };
  try {
    const context = createSecureContext(options);
    const notBefore = Math.max(...chain.map((one) => Date.parse(one.validFrom)));
    const notAfter = Math.min(...chain.map((one) => Date.parse(one.validTo)));
    const parts = { files, own, chain, authorities, notBefore, notAfter };
    return { kind: 'read', certificate: { ...parts, options, context } };
  } catch (error) {
    const found = `${files.certFile}, which OpenSSL does not use (${codeOf(error)})`;
    const hint = 'RSA keys have 2048 bits or more, and signatures SHA-256 or better';
    return faulty({ key: 'certFile', found, expected: 'a certificate that is strong enough', hint });
  }
}

function faulty(...faults: readonly CertificateFault[]): CertificateReading {
  return { kind: 'faulty', faults };
}

function isFault(one: object): one is CertificateFault {
  return 'expected' in one && 'found' in one;
}

const EXPECTED: Readonly<Record<CertificateKey, string>> = {
  certFile: "a PEM file with this node's certificate",
  keyFile: 'a PEM file with the private key of the certificate',
  caFile: 'a PEM file with the certificates of the authorities that peers are verified by',
};

/** What can't be read is a fault like any other, with what to do about it. */
async function readPem(path: string, key: CertificateKey): Promise<string | CertificateFault> {
  const expected = EXPECTED[key];
  try {
    const bytes = await readFileBounded(path, MAX_FILE_BYTES + 1);
    if (bytes.length <= MAX_FILE_BYTES) return Buffer.from(bytes).toString('utf8');
    return { key, found: `${path}, which is larger than 1 MiB`, expected, hint: '' };
  } catch (error) {
    const known: Readonly<Record<string, string>> = {
      ENOENT: 'which does not exist',
      ENOTDIR: 'which does not exist',
      EACCES: 'which this user may not read',
      EISDIR: 'which is a directory',
      ENOTFILE: 'which is a pipe, a socket or a device',
    };
    const code = codeOf(error);
    const hint = code === 'EACCES' ? "give it the group of the service's user, and mode 0640" : '';
    return { key, found: `${path}, ${known[code] ?? `which cannot be read (${code})`}`, expected, hint };
  }
}

/** The certificates of a PEM text, each by itself. */
export function pemBlocks(pem: string): readonly string[] {
  return pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
}

function certificatesIn(
  pem: string,
  key: CertificateKey,
  path: string,
): readonly X509Certificate[] | CertificateFault {
  const expected = EXPECTED[key];
  const blocks = pemBlocks(pem);
  if (blocks.length === 0) {
    const hint = pem.includes('PRIVATE KEY')
      ? 'it holds a private key'
      : 'convert DER with openssl x509 -inform der';
    return { key, found: `${path}, which holds no PEM certificate`, expected, hint };
  }
  if (key === 'certFile' && blocks.length > MAX_CHAIN)
    return {
      key,
      found: `${path}, which holds ${blocks.length} certificates`,
      expected: `at most ${MAX_CHAIN}`,
      hint: '',
    };
  const certificates: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      return { key, found: `${path}, whose certificate ${index + 1} can not be read`, expected, hint: '' };
    }
  }
  return certificates;
}

function privateKeyIn(pem: string, path: string): KeyObject | CertificateFault {
  const expected = EXPECTED.keyFile;
  try {
    return createPrivateKey(pem.includes('-----BEGIN') ? pem : bareKey(pem));
  } catch {
    const encrypted = /ENCRYPTED/.test(pem);
    const found = encrypted
      ? `${path}, which is encrypted with a passphrase`
      : `${path}, which holds no private key`;
    const hint = encrypted
      ? 'an agent starts with nobody there to type it: openssl pkey -in FILE -out FILE'
      : '';
    return { key: 'keyFile', found, expected, hint };
  }
}

/** An identity file has the base64 of PKCS #8 on one line, which is a PEM file without its first and last. */
function bareKey(text: string): { readonly key: Buffer; readonly format: 'der'; readonly type: 'pkcs8' } {
  const lines = text.split('\n').filter((line) => !line.trimStart().startsWith('#'));
  return { key: Buffer.from(lines.join(''), 'base64'), format: 'der', type: 'pkcs8' };
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}

/** Whether a certificate holds at a moment. */
export type Validity = 'valid' | 'not-yet' | 'ends-soon' | 'expired';

/** @param now of the wall clock, which certificates go by */
export function validityOf(
  { notBefore, notAfter }: Pick<Certificate, 'notBefore' | 'notAfter'>,
  now: WallMs,
): Validity {
  if (now >= notAfter) return 'expired';
  if (now < notBefore) return 'not-yet';
  const warnMs = Math.min(WARN_BEFORE_MS, (notAfter - notBefore) * WARN_FROM_PART);
  return notAfter - now <= warnMs ? 'ends-soon' : 'valid';
}

/** The validity in words; null where there is nothing to say. */
export function validityText(certificate: Certificate, now: WallMs): string | null {
  const { certFile } = certificate.files;
  const day = (at: WallMs): string => new Date(at).toISOString();
  switch (validityOf(certificate, now)) {
    case 'valid':
      return null;
    case 'not-yet':
      return `the certificate in ${certFile} is not valid before ${day(certificate.notBefore)}`;
    case 'ends-soon':
      return `the certificate in ${certFile} expires on ${day(certificate.notAfter)}`;
    case 'expired':
      return `the certificate in ${certFile} expired on ${day(certificate.notAfter)}`;
  }
}

/** Whether both are made of the same files' content, so that there is nothing to take over. */
export function isSameCertificate(a: Certificate, b: Certificate): boolean {
  return (
    a.options.cert === b.options.cert && a.options.key === b.options.key && a.options.ca === b.options.ca
  );
}
