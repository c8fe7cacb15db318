import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { REFUSAL_CODES } from '../../packages/agent/src/http/refusals.ts';

test('the error codes of the API are the same in code and documents', () => {
  const page = readFileSync(new URL('../../docs/http.md', import.meta.url), 'utf8');
  const table = page.slice(page.indexOf('## Errors'));
  const documented = [...table.matchAll(/^\| `([a-z-]+)` +\| [45]/gm)].map(([, code]) => code);
  expect(documented).toEqual([...REFUSAL_CODES]);
});
