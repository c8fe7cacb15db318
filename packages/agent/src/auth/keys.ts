/**
 * The cluster's keys: base64, 32 bytes, one a line. The first signs, all of them verify, so that a key
 * is changed without a moment in which two nodes refuse each other: add the new one last everywhere,
 * move it to the front everywhere, then take the old one away.
 */

import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { counted } from '@failtome/protocol';
import { ownerOf } from '../adapters/service-user.ts';
import { AgentError } from '../errors.ts';
import { openPlain } from '../plain-file.ts';

/** The keys of one file, in its order. Opaque objects: they don't print what they hold. */
export type ClusterKeys = readonly [KeyObject, ...KeyObject[]];

export interface KeyFile {
  readonly keys: ClusterKeys;
  /** What an operator should mend, though it doesn't stop the agent. */
  readonly warnings: readonly string[];
}

/** A key's length: that of SHA-256's output, as RFC 2104 (section 3) advises. */
const KEY_BYTES = 32;

/** The most keys that one file may hold: every message may have to be tried against each. */
export const MAX_KEYS = 8;

/** The most bytes that a key file may have, comments included. */
const MAX_KEY_FILE_BYTES = 16_384;

/** What a file of mode 0640 does not allow: its group to change it, everybody else to do anything with it. */
const TOO_OPEN = 0o027;

/** A new key, as one line of a key file. */
export function generateKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}

/**
 * Read a key file.
 *
 * @throws AgentError `KEY_FILE_MISSING`, `KEY_FILE_UNREADABLE`, `KEY_FILE_TOO_LARGE`, or what `parseKeys` throws.
 */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const { text, mode } = await readBounded(path);
  const keys = parseKeys(text, path);
  const exposed = (mode & TOO_OPEN) !== 0;
  return {
    keys,
    warnings: exposed
      ? [
          `key file ${path} has the mode ${octal(mode)}, which lets others than its owner and group use it, or its group change it: chmod 0640 ${path}`,
        ]
      : [],
  };
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

async function readBounded(path: string): Promise<{ text: string; mode: number }> {
  try {
    const handle = await openPlain(path);
    try {
      const buffer = Buffer.alloc(MAX_KEY_FILE_BYTES + 1);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead > MAX_KEY_FILE_BYTES) {
        throw fault('KEY_FILE_TOO_LARGE', `key file ${path} is larger than ${MAX_KEY_FILE_BYTES} bytes`);
      }
      return { text: buffer.toString('utf8', 0, bytesRead), mode: (await handle.stat()).mode };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw await unreadable(path, error);
  }
}

async function unreadable(path: string, cause: unknown): Promise<AgentError> {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
  if (code === 'ENOENT') {
    return fault('KEY_FILE_MISSING', `key file ${path} does not exist: make one with \`failtome keygen\``);
  }
  const rights = code === 'EACCES' ? await rightsOf(path) : '';
  const why = code === 'ENOTFILE' || code === 'EISDIR' ? 'it is no file' : `${code}${rights}`;
  return new AgentError('KEY_FILE_UNREADABLE', `key file ${path} can't be read: ${why}`, 'fatal', cause);
}

/** Who may read it and who tried to, for people. */
async function rightsOf(path: string): Promise<string> {
  const user = `this is uid ${process.geteuid?.() ?? '?'}`;
  try {
    return `; ${ownerOf(await stat(path))}, and ${user}`;
  } catch {
    return `; a directory above it may not be searched, and ${user}`; // EACCES again, one step earlier
  }
}

/**
 * The keys in a key file's text. Blank lines and lines that begin with `#` don't count.
 *
 * @param path named in errors, which tell the line's number and never what stands in it.
 * @throws AgentError `KEY_FILE_EMPTY`, `KEY_FILE_TOO_MANY`, `KEY_BAD_BASE64`, `KEY_WRONG_LENGTH`.
 */
export function parseKeys(text: string, path: string): ClusterKeys {
  const keys: KeyObject[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    keys.push(parseKey(line, `key file ${path}, line ${index + 1}`));
  }
  const [first, ...rest] = keys;
  if (first === undefined) {
    throw fault('KEY_FILE_EMPTY', `key file ${path} holds no key: make one with \`failtome keygen\``);
  }
  if (keys.length > MAX_KEYS) {
    throw fault(
      'KEY_FILE_TOO_MANY',
      `key file ${path} holds ${counted(keys.length, 'key')}; at most ${MAX_KEYS} may be`,
    );
  }
  return [first, ...rest];
}

function parseKey(line: string, where: string): KeyObject {
  const bytes = Buffer.from(line, 'base64');
  // Node skips what isn't base64; only text that it would write itself (padding aside) is base64.
  if (bytes.toString('base64').replace(/=+$/, '') !== line.replace(/={1,2}$/, '')) {
    throw fault('KEY_BAD_BASE64', `${where}: not base64${strayIn(line)}`);
  }
  if (bytes.length !== KEY_BYTES) {
    throw fault(
      'KEY_WRONG_LENGTH',
      `${where}: ${counted(bytes.length, 'byte')}, where a key has ${KEY_BYTES}`,
    );
  }
  return createSecretKey(bytes);
}

/** Where a character stands that no key has, without the character or the key. */
function strayIn(line: string): string {
  const at = line.search(/[^A-Za-z0-9+/=]/);
  if (at < 0) return '';
  const character = line[at] ?? '';
  if (/["'`]/.test(character)) return ': take the quotation marks away';
  const kind = /\s/.test(character)
    ? 'a space'
    : /[\x21-\x7e]/.test(character)
      ? 'a character'
      : 'a character that does not show';
  return `: ${kind} at position ${at + 1} that no key has`;
}

function fault(code: string, message: string): AgentError {
  return new AgentError(code, message, 'fatal');
}
