import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { BALLOT_REASONS, REASONS } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { PROTECTION_ADVICE } from '../src/cli/advice.ts';
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

test('the page loads nothing, names no other host, and has no style or handler in an attribute', async () => {
  const { body } = await page();
  // The name of an XML namespace is an address that nobody asks.
  const named = body.replaceAll(
    /http:\/\/www\.w3\.org\/\d{4}\/(svg|xhtml)|http:\/\/www\.w3\.org\/1998\/Math\/MathML/g,
    '',
  );
  expect(named).not.toMatch(/https?:|["'`]\/\/\w/);
  expect(body).not.toMatch(/<(img|iframe|object|embed|form|base)\b|\bsrc=|document\.write|\beval\b|srcdoc/);
  expect(body.replaceAll(/<script>.*?<\/script>/gs, '')).not.toMatch(/\s(on\w+|style)=/);
});

test('no component puts markup of its own into the page', () => {
  const source = new URL('../../page/src/', import.meta.url);
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /\.tsx?$/.test(file),
  );
  expect(files.length).toBeGreaterThan(10);
  for (const file of files)
    expect(readFileSync(new URL(file, source), 'utf8')).not.toMatch(
      /innerHTML|InnerHTML|outerHTML|insertAdjacent/,
    );
});

test('the first answer needs no script: it has the state in words, and the data that the script goes on with', async () => {
  const { body } = await page();
  expect(body).toContain('<title>');
  expect(body).toContain('192.0.2.1');
  const [, json = ''] = /<script type="application\/json" id="data">(.*?)<\/script>/s.exec(body) ?? [];
  expect(JSON.parse(json)).toMatchObject({ cluster: 'web', nodes: [{ id: 'neptune' }] });
});

test('no text of a peer leaves its place', async () => {
  const evil = '</script><script>alert(1)</script>\u202e<img src=x>';
  const cluster = async () =>
    ({
      cluster: evil,
      at: 1,
      node: evil,
      nodes: [{ id: evil, status: { addresses: [{ ip: evil }] } }],
      stories: [],
    }) as never; // what a peer tells may be anything
  const response = await buildApi({ views: { cluster } }).app.inject({ url: '/' });
  expect(response.body.match(/<script/g)).toHaveLength(2);
  expect(response.body).not.toContain('<img');
  expect(response.body.replace(/<script.*?<\/script>/gs, '')).not.toContain('\u202e');
});

test('every reason code has a place on the page of what to do, once', async () => {
  const { body } = await buildApi().app.inject({ url: '/operations' });
  const ids = Array.from(body.matchAll(/ id="([^"]+)"/g), ([, id]) => id);
  expect(new Set(ids).size).toBe(ids.length);
  const codes = [...REASONS, ...BALLOT_REASONS, ...Object.keys(PROTECTION_ADVICE)];
  expect(codes.filter((code) => !ids.includes(code))).toEqual([]);
  const targets = Array.from(body.matchAll(/href="operations#([^"]+)"/g), ([, id]) => id);
  expect(targets.length).toBeGreaterThan(10);
  expect(targets.filter((target) => !ids.includes(target))).toEqual([]);
});
