/**
 * The cluster's keys: base64, 32 bytes, one a line. The first signs, all of them verify, so that a key
 * is changed without a moment in which two nodes refuse each other: add the new one last everywhere,
 * move it to the front everywhere, then take the old one away.
 */

import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { counted } from '@failtome/protocol';
import { AgentError } from '../errors.ts';
import { linesOf, readSecretFile, type SecretKind } from './secret-file.ts';

/** The keys of one file, in its order. Opaque objects: they don't print what they hold. */
export type ClusterKeys = readonly [KeyObject, ...KeyObject[]];

/** The cluster's keys as they were read from their file. */
export interface KeyFile {
  readonly keys: ClusterKeys;
  /** What an operator should mend, though it doesn't stop the agent. */
  readonly warnings: readonly string[];
}

/** A key's length: that of SHA-256's output, as RFC 2104 (section 3) advises. */
const KEY_BYTES = 32;

/** The most keys that one file may hold: every message may have to be tried against each. */
export const MAX_KEYS = 8;

const KEY_FILE: SecretKind = { name: 'key file', code: 'KEY_FILE', command: 'failtome keygen' };

/** A new key, as one line of a key file. */
export function generateKey(): string {
  return randomBytes(KEY_BYTES).toString('base64');
}

/** Of letters and digits, which hold 256 bits or more. */
const LEAST_GENERATED_CHARACTERS = 43;

/**
 * The text of a key file from what a secret store holds: keys as they stand in a key file, or a random text of letters and
 * digits as such a store generates it, whose SHA-256 is the key.
 *
 * @param where named in errors.
 * @throws AgentError what `parseKeys` throws.
 */
export function keyFileText(text: string, where: string): string {
  const word = text.trim();
  try {
    parseKeys(text, where);
    return `${word}\n`;
  } catch (error) {
    const isGenerated = /^[A-Za-z0-9]+$/.test(word) && word.length >= LEAST_GENERATED_CHARACTERS;
    if (!(error instanceof AgentError) || !isGenerated) throw error;
    return `${createHash('sha256').update(word).digest('base64')}\n`;
  }
}

/**
 * Read a key file.
 *
 * @throws AgentError `KEY_FILE_MISSING`, `KEY_FILE_UNREADABLE`, `KEY_FILE_TOO_LARGE`, or what `parseKeys` throws.
 */
export async function readKeyFile(path: string): Promise<KeyFile> {
  const { text, warnings } = await readSecretFile(path, KEY_FILE);
  return { keys: parseKeys(text, path), warnings };
}

/**
 * The keys in a key file's text. Blank lines and lines that begin with `#` don't count.
 *
 * @param path named in errors, which tell the line's number and never what stands in it.
 * @throws AgentError `KEY_FILE_EMPTY`, `KEY_FILE_TOO_MANY`, `KEY_BAD_BASE64`, `KEY_WRONG_LENGTH`.
 */
export function parseKeys(text: string, path: string): ClusterKeys {
  const keys: KeyObject[] = [];
  for (const { line, number } of linesOf(text)) keys.push(parseKey(line, `key file ${path}, line ${number}`));
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
