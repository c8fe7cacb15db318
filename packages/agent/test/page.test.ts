import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { buildApi } from './support/api.ts';

async function page(): Promise<{ body: string; csp: string }> {
  const response = await buildApi().app.inject({ url: '/' });
  expect(response.statusCode).toBe(200);
  expect(response.headers['content-type']).toBe('text/html; charset=utf-8');
  return { body: response.body, csp: String(response.headers['content-security-policy']) };
}

test('the policy allows the page its own script and style, and nothing else', async () => {
  const { body, csp } = await page();
  for (const tag of ['script', 'style']) {
    const sources = [...body.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, 'gs'))].map(
      ([, source = '']) => source,
    );
    expect(sources).toHaveLength(1);
    const hash = createHash('sha256')
      .update(sources[0] ?? '')
      .digest('base64');
    expect(csp).toContain(`${tag}-src 'sha256-${hash}';`);
  }
  expect(csp).toMatch(/^default-src 'none';/);
  expect(csp).not.toContain('unsafe');
});

test('the page names no other host, and has no way to put markup into itself', async () => {
  const { body } = await page();
  expect(body).not.toMatch(/https?:|\/\/\w/);
  expect(body).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|srcdoc/);
  expect(body).not.toMatch(/\s(on\w+|style)=/);
});
