/** The tokens that open the reading routes with `api.read: token`: one a line, so that one is changed without a gap. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { AgentError } from '../errors.ts';
import { linesOf, readSecretFile, type SecretKind } from './secret-file.ts';

/** The most tokens that one file may hold. */
export const MAX_TOKENS = 8;

const TOKEN_FILE: SecretKind = { name: 'token file', code: 'TOKEN_FILE', command: 'failtome keygen' };

/** Visible characters of ASCII; long enough that guessing is hopeless. */
const TOKEN = /^[\x21-\x7e]{16,256}$/;

/** The tokens by which the API may be read. */
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

/** The tokens of one file, and what an operator should mend of it. */
export interface TokenFile {
  readonly tokens: Tokens;
  readonly warnings: readonly string[];
}

/** @param path null: there are none. @throws AgentError `TOKEN_FILE_FAULTY`, or what `readSecretFile` throws. */
export async function readTokenFile(path: string | null): Promise<TokenFile> {
  if (path === null) return { tokens: new Tokens([]), warnings: [] };
  const { text, warnings } = await readSecretFile(path, TOKEN_FILE);
  return { tokens: new Tokens(parseTokens(text, path)), warnings };
}

function parseTokens(text: string, path: string): readonly string[] {
  const given = linesOf(text);
  for (const { line, number } of given) {
    if (!TOKEN.test(line))
      throw faulty(
        `token file ${path}, line ${number}: a token has 16 to 256 visible ASCII characters; what \`failtome keygen\` prints will do`,
      );
  }
  if (given.length === 0)
    throw faulty(`token file ${path} holds no token: what \`failtome keygen\` prints will do`);
  if (given.length > MAX_TOKENS) throw faulty(`token file ${path} holds more than ${MAX_TOKENS} tokens`);
  return given.map(({ line }) => line);
}

function faulty(message: string): AgentError {
  return new AgentError('TOKEN_FILE_FAULTY', message, 'fatal');
}
