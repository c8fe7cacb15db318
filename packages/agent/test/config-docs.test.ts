import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PROTOCOL_KEYS } from '@failtome/config/keys';
import { expect, test } from 'vitest';
import { ALL_KEYS, type Key } from '../src/config/file-keys.ts';
import { checkConfig } from '../src/config/load.ts';

const page = readFileSync(fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url)), 'utf8');

const documentedKeys = [...page.matchAll(/^\| `([^`]+)` \| (.+?) \| (.+?) \| (.+) \|$/gm)].map(
  ([, path, accepts, fallback, prose]) => ({ path, accepts, fallback, prose }),
);

/** The kind of a value in the words of its own faults. */
function acceptsOf({ kind }: Key<unknown>): string {
  return kind.expected.replace(', such as 500ms, 2s or 1m', '');
}

function defaultOf({ fallback }: Key<unknown>): string {
  switch (fallback.kind) {
    case 'required':
      return 'required';
    case 'none':
      return `none: ${fallback.meaning}`;
    case 'preset':
    case 'derived':
      return fallback.documented;
    case 'value':
      return `\`${typeof fallback.value === 'object' ? JSON.stringify(fallback.value) : fallback.value}\``;
  }
}

test('the reference has every key once, with what it accepts and its default, in the order of the table', () => {
  expect(documentedKeys.map(({ path, accepts, fallback }) => ({ path, accepts, fallback }))).toEqual(
    ALL_KEYS.map((key) => ({ path: key.path, accepts: acceptsOf(key), fallback: defaultOf(key) })),
  );
});

test('the reference says of every key what it is good for', () => {
  for (const { path, prose } of documentedKeys) expect(prose, path).toMatch(/\S+ \S+/);
});

test.each(PROTOCOL_KEYS)('the reference begins with what $path is', ({ path, says }) => {
  expect(documentedKeys.find((key) => key.path === path)?.prose?.slice(0, says.length)).toBe(says);
});

test('the reference has every variable of the environment', () => {
  const documented = [...page.matchAll(/^\| `(FAILTOME_\w+)` \| `([^`]+)` \|$/gm)].map(([, name, path]) => [
    name,
    path,
  ]);
  const known = ALL_KEYS.flatMap(({ variable, path }) => (variable === null ? [] : [[variable, path]]));
  expect(documented).toEqual(known);
});

test('the reference’s example loads', () => {
  const [, yaml] = /```yaml\n([\s\S]+?)```/.exec(page) ?? [];
  expect(checkConfig('example.yaml', Buffer.from(yaml ?? ''), {})).toMatchObject({ kind: 'loaded' });
});
