import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { MAX_TOKENS, readTokenFile } from '../src/auth/tokens.ts';

async function fileOf(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'failtome-tokens-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'tokens');
  await writeFile(path, text, { mode: 0o640 });
  return path;
}

test('every token of the file counts, and comments do not', async () => {
  const { tokens } = await readTokenFile(
    await fileOf('# of Prometheus\n0123456789abcdef\n\n fedcba9876543210 \r\n'),
  );
  expect(
    ['0123456789abcdef', 'fedcba9876543210', '# of Prometheus', ''].map((one) => tokens.has(one)),
  ).toEqual([true, true, false, false]);
});

test.each([
  ['nothing', '# none\n', /holds no token/],
  ['a short token', '0123456789abcdef\nshort\n', /line 2: a token has 16 to 256/],
  ['a token with a space', '0123456789 abcdef\n', /line 1/],
  ['too many', '0123456789abcdef\n'.repeat(MAX_TOKENS + 1), /more than 8/],
  ['a large file', '#'.repeat(20_000), /larger than/],
])('a file with %s is refused, and what stands in it is not told', async (_what, text, message) => {
  await expect(readTokenFile(await fileOf(text))).rejects.toThrow(message);
  await expect(readTokenFile(await fileOf(text))).rejects.not.toThrow(/short|0123/);
});

test('a file that is missing is told by its path', async () => {
  await expect(readTokenFile('/nonexistent/tokens')).rejects.toThrow(
    'token file /nonexistent/tokens does not exist: make one with `failtome keygen`',
  );
});

test.each([
  [0o640, 0],
  [0o600, 0],
  [0o660, 1],
  [0o644, 1],
])('a token file of mode %o has so many warnings: %d', async (mode, count) => {
  const path = await fileOf('0123456789abcdef\n');
  await chmod(path, mode);
  const { warnings } = await readTokenFile(path);
  expect(warnings).toHaveLength(count);
  for (const text of warnings) expect(text).toMatch(/^token file .* chmod 0640 /);
});
