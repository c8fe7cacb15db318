/** Certificates for tests and benchmarks, made when they are needed: none of them can expire in the repository. */
import 'reflect-metadata';
import { X509Certificate as Certificate, KeyObject, webcrypto } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import {
  BasicConstraintsExtension,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';

const DAY_MS = 86_400_000;

const ALGORITHMS = {
  p256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ed25519: { name: 'Ed25519' },
} as const;

export interface CertificateOptions {
  /** Names and addresses that it is for. */
  readonly names?: readonly string[];
  readonly algorithm?: keyof typeof ALGORITHMS;
  /** From now on; both may be negative. */
  readonly fromMs?: number;
  readonly forMs?: number;
  /** Signed by itself where there is none. */
  readonly issuer?: Issued;
  readonly isAuthority?: boolean;
}

/** A certificate with its key. */
export interface Issued {
  readonly cert: string;
  readonly key: string;
  readonly publicKey: KeyObject;
  /** By its hand others are signed. */
  readonly signing: { readonly certificate: X509Certificate; readonly keys: webcrypto.CryptoKeyPair };
}

let serial = 0;

export async function issue(options: CertificateOptions = {}): Promise<Issued> {
  const { names = [], algorithm = 'p256', fromMs = -DAY_MS, forMs = 30 * DAY_MS, issuer } = options;
  const signingAlgorithm = ALGORITHMS[algorithm];
  const keys = await generateKeys(algorithm);
  serial += 1;
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial.toString(16).padStart(16, '1'),
    subject: `CN=test ${serial}`,
    issuer: issuer?.signing.certificate.subject ?? `CN=test ${serial}`,
    notBefore: new Date(Date.now() + fromMs),
    notAfter: new Date(Date.now() + forMs),
    publicKey: keys.publicKey,
    signingKey: (issuer?.signing.keys ?? keys).privateKey,
    signingAlgorithm: issuer === undefined ? signingAlgorithm : issuer.signing.keys.privateKey.algorithm,
    extensions: [
      new BasicConstraintsExtension(options.isAuthority === true),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
    ],
  });
  const cert = certificate.toString('pem');
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString();
  return { cert, key, publicKey: new Certificate(cert).publicKey, signing: { certificate, keys } };
}

/** An authority that signs others. */
export function authority(): Promise<Issued> {
  return issue({ isAuthority: true });
}

async function generateKeys(algorithm: keyof typeof ALGORITHMS): Promise<webcrypto.CryptoKeyPair> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHMS[algorithm], true, ['sign', 'verify']);
  if (!('privateKey' in keys)) throw new Error('a pair was asked for');
  return keys;
}

/** Where a certificate, its key and its authority stand, as the configuration names them. */
export interface CertificatePaths {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile?: string;
}

/** Writes them into a folder. A running agent reads them again on SIGHUP. */
export function writeCertificate(
  folder: string,
  name: string,
  { cert, key }: Issued,
  ca?: Issued,
): CertificatePaths {
  const [certFile, keyFile, caFile] = ['crt', 'key', 'ca'].map((end) => join(folder, `${name}.${end}`));
  if (certFile === undefined || keyFile === undefined || caFile === undefined) throw new Error('three paths');
  writeFileSync(certFile, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  if (ca === undefined) return { certFile, keyFile };
  writeFileSync(caFile, ca.cert);
  return { certFile, keyFile, caFile };
}
