import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { generateKey, keyFileText, MAX_KEYS, parseKeys, readKeyFile } from '../src/auth/keys.ts';
import { AgentError } from '../src/errors.ts';

function faultOf(text: string): AgentError {
  try {
    parseKeys(text, 'cluster.key');
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('the key file was accepted');
}

async function keyFile(text: string, mode = 0o600): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'failtome-keys-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'cluster.key');
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

test('a generated key is read back as itself', async () => {
  const key = generateKey();
  const { keys, warnings } = await readKeyFile(await keyFile(`${key}\n`));
  expect(keys.map((k) => k.export().toString('base64'))).toEqual([key]);
  expect(warnings).toEqual([]);
});

test('keys keep their order; comments, blank lines and carriage returns do not count', () => {
  const [first, second] = [generateKey(), generateKey()];
  const keys = parseKeys(`# new\r\n${first}\r\n\r\n  # old\n  ${second}  `, 'cluster.key');
  expect(keys.map((k) => k.export().toString('base64'))).toEqual([first, second]);
});

test('padding may be left out', () => {
  const key = generateKey();
  expect(parseKeys(key.replace('=', ''), 'cluster.key')[0].export().toString('base64')).toBe(key);
});

test.each([
  ['', 'KEY_FILE_EMPTY', 'holds no key'],
  ['# only words\n\n', 'KEY_FILE_EMPTY', 'holds no key'],
  [`${generateKey()}\nnot base64 at all!`, 'KEY_BAD_BASE64', 'line 2: not base64'],
  [`"${generateKey()}"`, 'KEY_BAD_BASE64', 'line 1: not base64: take the quotation marks away'],
  [
    `${generateKey().slice(0, 9)} ${generateKey().slice(9)}`,
    'KEY_BAD_BASE64',
    'a space at position 10 that no key has',
  ],
  [`\u200b${generateKey()}`, 'KEY_BAD_BASE64', 'a character that does not show at position 1'],
  [`\n\n${generateKey()}${generateKey()}`, 'KEY_BAD_BASE64', 'line 3: not base64'],
  [Buffer.alloc(16).toString('base64'), 'KEY_WRONG_LENGTH', 'line 1: 16 bytes, where a key has 32'],
  [Buffer.alloc(33).toString('base64'), 'KEY_WRONG_LENGTH', 'line 1: 33 bytes'],
  [`${generateKey()}\n`.repeat(MAX_KEYS + 1), 'KEY_FILE_TOO_MANY', `at most ${MAX_KEYS}`],
])('%j is refused', (text, code, message) => {
  const fault = faultOf(text);
  expect(fault.code).toBe(code);
  expect(fault.message).toContain(message);
});

test('no error tells what stands in the file', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9+/!]{12,60}$/), (secret) => {
      try {
        parseKeys(secret, 'cluster.key');
      } catch (error) {
        expect(inspect(error)).not.toContain(secret);
      }
    }),
  );
});

test('a key does not print what it holds', () => {
  const key = generateKey();
  const keys = parseKeys(key, 'cluster.key');
  expect(`${inspect(keys)}${JSON.stringify(keys)}`).not.toContain(key.slice(0, 8));
});

test.each([0o644, 0o660, 0o620, 0o604, 0o666, 0o641])(
  'a key file of mode %o is used, with a warning',
  async (mode) => {
    const { warnings } = await readKeyFile(await keyFile(generateKey(), mode));
    expect(warnings).toEqual([expect.stringMatching(`has the mode 0${mode.toString(8)}.*chmod 0640`)]);
  },
);

test.each([0o400, 0o440, 0o600, 0o640])('a key file of mode %o is as it should be', async (mode) => {
  const { warnings } = await readKeyFile(await keyFile(generateKey(), mode));
  expect(warnings).toEqual([]);
});

test('a missing file, a folder and a huge file are each named', async () => {
  const path = await keyFile('#'.repeat(20_000));
  await expect(readKeyFile(path)).rejects.toMatchObject({ code: 'KEY_FILE_TOO_LARGE' });
  await expect(readKeyFile(`${path}.gone`)).rejects.toMatchObject({ code: 'KEY_FILE_MISSING' });
  await expect(readKeyFile(join(path, '..'))).rejects.toMatchObject({ code: 'KEY_FILE_UNREADABLE' });
});

test('a secret holds keys as a key file does, or a generated text whose SHA-256 is the key', () => {
  const key = generateKey();
  expect(keyFileText(` ${key}\n`, 'a secret')).toBe(`${key}\n`);
  // printf %s aaaa… | sha256sum
  const generated = 'a'.repeat(64);
  expect(keyFileText(`${generated}\n`, 'a secret')).toBe('/+BU/nrgy23GXDr5th1SCfQ5hR20PQulmXM33xVGaOs=\n');
  expect(() => keyFileText('a'.repeat(42), 'the secret x')).toThrow(/the secret x, line 1/);
  expect(() => keyFileText(`${'a'.repeat(60)}-${'b'.repeat(60)}`, 'the secret x')).toThrow(AgentError);
});
