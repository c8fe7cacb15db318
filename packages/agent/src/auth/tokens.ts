/** The tokens that open the reading routes with `api.read: token`: one a line, so that one is changed without a gap. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileBounded } from '../config/load.ts';
import { AgentError } from '../errors.ts';

/** The most tokens that one file may hold. */
export const MAX_TOKENS = 8;

const MAX_TOKEN_FILE_BYTES = 16_384;

/** Visible characters of ASCII; long enough that guessing is hopeless. */
const TOKEN = /^[\x21-\x7e]{16,256}$/;

export class Tokens {
  /** Digests have one length, whatever is compared. */
  readonly #digests: readonly Buffer[];

  constructor(tokens: readonly string[]) {
    this.#digests = tokens.map(digestOf);
  }

  has(token: string): boolean {
    const asked = digestOf(token);
    let found = false;
    for (const digest of this.#digests) if (timingSafeEqual(digest, asked)) found = true;
    return found;
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** @param path null: there are none. @throws AgentError `TOKEN_FILE_UNREADABLE`, `TOKEN_FILE_FAULTY` */
export async function readTokenFile(path: string | null): Promise<Tokens> {
  return path === null ? new Tokens([]) : new Tokens(parseTokens(await textOf(path), path));
}

async function textOf(path: string): Promise<string> {
  try {
    const bytes = await readFileBounded(path, MAX_TOKEN_FILE_BYTES + 1);
    if (bytes.length <= MAX_TOKEN_FILE_BYTES) return Buffer.from(bytes).toString('utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new AgentError(
      'TOKEN_FILE_UNREADABLE',
      `token file ${path} can't be read: ${code}`,
      'fatal',
      error,
    );
  }
  throw faulty(`token file ${path} is larger than ${MAX_TOKEN_FILE_BYTES} bytes`);
}

/** Blank lines and lines that begin with `#` don't count. */
function parseTokens(text: string, path: string): readonly string[] {
  const lines = text.split('\n').map((line, index) => ({ token: line.trim(), number: index + 1 }));
  const given = lines.filter(({ token }) => token !== '' && !token.startsWith('#'));
  for (const { token, number } of given) {
    if (!TOKEN.test(token))
      throw faulty(
        `token file ${path}, line ${number}: a token has 16 to 256 visible ASCII characters; what \`failtome keygen\` prints will do`,
      );
  }
  if (given.length === 0)
    throw faulty(`token file ${path} holds no token: what \`failtome keygen\` prints will do`);
  if (given.length > MAX_TOKENS) throw faulty(`token file ${path} holds more than ${MAX_TOKENS} tokens`);
  return given.map(({ token }) => token);
}

function faulty(message: string): AgentError {
  return new AgentError('TOKEN_FILE_FAULTY', message, 'fatal');
}
