/**
 * Key pairs (Ed25519, RFC 8032) of nodes and of operators: who has the private half speaks for one node or one person,
 * where the cluster's key speaks for all.
 *
 * Both halves are text on one line, in the form that every tool has for them: base64 of PKCS #8 for the private half and
 * of SubjectPublicKeyInfo for the public one (RFC 8410). That is what stands between the lines of a PEM file, which
 * is read as it is. The two differ from each other and from a cluster key at first sight, so that none is taken for another.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign as signBytes,
  verify as verifyBytes,
} from 'node:crypto';
import { AgentError } from '../errors.ts';
import { linesOf, readSecretFile, type SecretKind } from './secret-file.ts';

/** The half of a key pair that others may know. */
export interface PublicKey {
  /** As it stands in a configuration: 60 characters of base64. */
  readonly text: string;
  /** A digest that tells keys apart: 22 characters of base64url. */
  readonly id: string;
  readonly key: KeyObject;
}

/** A whole key pair. The private half is opaque: it doesn't print what it holds. */
export interface SigningIdentity {
  readonly publicKey: PublicKey;
  readonly privateKey: KeyObject;
}

/** A key pair as it was read from its file. */
export interface IdentityFile {
  readonly identity: SigningIdentity;
  /** What an operator should mend, though it doesn't stop the agent. */
  readonly warnings: readonly string[];
}

/** The characters of a signature: 64 bytes as base64url without padding. */
const SIGNATURE_CHARS = 86;

/** 128 bits of SHA-256. */
const KEY_ID_CHARS = 22;

/** What every private and every public Ed25519 key begins with, in base64 of DER, and how long they are. */
const PRIVATE_FORM = /^MC4CAQAwBQYDK2VwBCIEI[A-Za-z0-9+/]{43}$/;
const PUBLIC_FORM = /^MCowBQYDK2VwAyEA[A-Za-z0-9+/]{43}=$/;

const IDENTITY_FILE: SecretKind = {
  name: 'identity file',
  code: 'IDENTITY_FILE',
  command: 'failtome keygen --identity',
};

/** A new key pair: the private half as one line of an identity file, and the public one. */
export function generateIdentity(): { readonly privateKey: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privateKey: privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64'),
    publicKey: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
  };
}

/**
 * Read an identity file.
 *
 * @throws AgentError `IDENTITY_FILE_MISSING`, `IDENTITY_FILE_UNREADABLE`, `IDENTITY_FILE_TOO_LARGE`, or what
 * `parseIdentity` throws.
 */
export async function readIdentityFile(path: string): Promise<IdentityFile> {
  const { text, warnings } = await readSecretFile(path, IDENTITY_FILE);
  return { identity: parseIdentity(text, path), warnings };
}

/**
 * The key pair of an identity file's text: one line, or a PEM file. Blank lines and lines that begin with `#` don't count.
 *
 * @param path named in errors, which tell the line's number and never what stands in it.
 * @throws AgentError `IDENTITY_FILE_EMPTY`, `IDENTITY_FILE_TOO_MANY`, `IDENTITY_FILE_FAULTY`
 */
export function parseIdentity(text: string, path: string): SigningIdentity {
  const [first, ...more] = linesOf(text).filter(
    ({ line }) => !/^-{5}(BEGIN|END) PRIVATE KEY-{5}$/.test(line),
  );
  const where = `identity file ${path}`;
  if (first === undefined) {
    throw fault('IDENTITY_FILE_EMPTY', `${where} holds no key: make one with \`failtome keygen --identity\``);
  }
  if (more.length > 0) {
    throw fault(
      'IDENTITY_FILE_TOO_MANY',
      `${where} holds more than one line, where one key pair is expected`,
    );
  }
  const privateKey = PRIVATE_FORM.test(first.line) ? privateKeyIn(first.line) : null;
  if (privateKey === null) {
    const found = `${where}, line ${first.number}: ${whatIsNoPrivateKey(first.line)}`;
    throw fault('IDENTITY_FILE_FAULTY', `${found}; \`failtome keygen --identity\` prints one`);
  }
  return { privateKey, publicKey: publicKeyOf(createPublicKey(privateKey)) };
}

function privateKeyIn(line: string): KeyObject | null {
  try {
    return createPrivateKey({ key: Buffer.from(line, 'base64'), format: 'der', type: 'pkcs8' });
  } catch {
    return null; // Its error would tell of the parser, and what it read is secret.
  }
}

/** Says what stands there without repeating it. */
function whatIsNoPrivateKey(line: string): string {
  if (PUBLIC_FORM.test(line)) return 'a public key, where the private half of an identity is expected';
  if (/^[A-Za-z0-9+/]{43}=?$/.test(line))
    return "a cluster's key, where a node's or operator's own is expected";
  if (/^["'`]/.test(line)) return 'not a private Ed25519 key: take the quotation marks away';
  return 'not a private Ed25519 key (base64 of PKCS #8, 64 characters)';
}

/**
 * Read a public key as it stands in a configuration.
 *
 * @returns the key, or what is wrong with it: a noun phrase that repeats nothing secret, and what to do
 */
export function parsePublicKey(
  text: string,
): PublicKey | { readonly found: string | null; readonly hint: string } {
  const written = text.trim();
  if (PRIVATE_FORM.test(written)) {
    const hint =
      'make a new one, because this one was written here; --public prints the half that belongs here';
    return { found: 'a private key (not shown)', hint };
  }
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(written)) {
    const hint = 'if it is the cluster key, make a new one, because this one was written here';
    return { found: 'a key of 32 bytes (not shown)', hint };
  }
  if (!PUBLIC_FORM.test(written)) return { found: null, hint: '`failtome keygen --public FILE` prints it' };
  const der = Buffer.from(written, 'base64');
  if (der.toString('base64') !== written) return { found: null, hint: 'its last characters are wrong' };
  return publicKeyOf(createPublicKey({ key: der, format: 'der', type: 'spki' }));
}

function publicKeyOf(key: KeyObject): PublicKey {
  const der = key.export({ format: 'der', type: 'spki' });
  const id = createHash('sha256').update(der).digest('base64url').slice(0, KEY_ID_CHARS);
  return { text: der.toString('base64'), id, key };
}

/** @returns 86 characters of base64url */
export function signAs({ privateKey }: SigningIdentity, message: Buffer): string {
  return signBytes(null, message, privateKey).toString('base64url');
}

/** Whether one of the keys made this signature. A signature has one spelling only. */
export function isSignedBy(keys: readonly PublicKey[], message: Buffer, signature: string): boolean {
  if (signature.length !== SIGNATURE_CHARS) return false;
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.toString('base64url') !== signature) return false;
  return keys.some(({ key }) => verifyBytes(null, message, key, bytes));
}

function fault(code: string, message: string): AgentError {
  return new AgentError(code, message, 'fatal');
}
