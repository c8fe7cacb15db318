/** Files that hold secrets: plain ones, bounded, and with a warning where more than their owner and group may use them. */
import { stat } from 'node:fs/promises';
import { ownerOf } from '../adapters/service-user.ts';
import { AgentError } from '../errors.ts';
import { openPlain } from '../plain-file.ts';

/** What a file is called in messages, and how to come by one. */
export interface SecretKind {
  /** Such as `key file`. */
  readonly name: string;
  /** What its errors' codes begin with, such as `KEY_FILE`. */
  readonly code: string;
  /** The command that makes one. */
  readonly command: string;
}

/** A file that only its owner should read, as it was read. */
export interface SecretFile {
  readonly text: string;
  /** What an operator should mend, though it doesn't stop the agent. */
  readonly warnings: readonly string[];
}

/** The most bytes that such a file may have, comments included. */
const MAX_SECRET_FILE_BYTES = 16_384;

/** What a file of mode 0640 does not allow: its group to change it, everybody else to do anything with it. */
const TOO_OPEN = 0o027;

/** @throws AgentError `…_MISSING`, `…_UNREADABLE`, `…_TOO_LARGE`, after the kind's `code` */
export async function readSecretFile(path: string, kind: SecretKind): Promise<SecretFile> {
  const { text, mode } = await readBounded(path, kind);
  const exposure = exposureOf(path, kind.name, mode);
  return { text, warnings: exposure === null ? [] : [exposure] };
}

/** What is wrong with the mode of such a file; null: nothing. */
export function exposureOf(path: string, name: string, mode: number): string | null {
  if ((mode & TOO_OPEN) === 0) return null;
  const open = 'lets others than its owner and group use it, or its group change it';
  return `${name} ${path} has the mode ${octal(mode)}, which ${open}: chmod 0640 ${path}`;
}

function octal(mode: number): string {
  return (mode & 0o777).toString(8).padStart(4, '0');
}

async function readBounded(path: string, kind: SecretKind): Promise<{ text: string; mode: number }> {
  try {
    const handle = await openPlain(path);
    try {
      const buffer = Buffer.alloc(MAX_SECRET_FILE_BYTES + 1);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, null);
      if (bytesRead > MAX_SECRET_FILE_BYTES) {
        const message = `${kind.name} ${path} is larger than ${MAX_SECRET_FILE_BYTES} bytes`;
        throw new AgentError(`${kind.code}_TOO_LARGE`, message, 'fatal');
      }
      return { text: buffer.toString('utf8', 0, bytesRead), mode: (await handle.stat()).mode };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw await unreadable(path, kind, error);
  }
}

async function unreadable(path: string, kind: SecretKind, cause: unknown): Promise<AgentError> {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
  if (code === 'ENOENT') {
    const message = `${kind.name} ${path} does not exist: make one with \`${kind.command}\``;
    return new AgentError(`${kind.code}_MISSING`, message, 'fatal');
  }
  const rights = code === 'EACCES' ? await rightsOf(path) : '';
  const why = code === 'ENOTFILE' || code === 'EISDIR' ? 'it is no file' : `${code}${rights}`;
  const message = `${kind.name} ${path} can't be read: ${why}`;
  return new AgentError(`${kind.code}_UNREADABLE`, message, 'fatal', cause);
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

/** The lines that count, each with its number: blank ones and those that begin with `#` don't. */
export function linesOf(text: string): readonly { readonly line: string; readonly number: number }[] {
  return text
    .split('\n')
    .map((raw, index) => ({ line: raw.trim(), number: index + 1 }))
    .filter(({ line }) => line !== '' && !line.startsWith('#'));
}
