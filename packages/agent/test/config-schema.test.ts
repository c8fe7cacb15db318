/** The schema for editors: made of the table of keys and the reference, and fitting what the agent reads. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Check } from 'typebox/schema';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { ALL_KEYS } from '../src/config/file-keys.ts';
import { checkConfig } from '../src/config/load.ts';
import { fileSchemaText } from './support/file-schema.ts';

const deploy = join(import.meta.dirname, '../deploy');
const page = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');
const example = readFileSync(join(deploy, 'failtome.example.yaml'), 'utf8');

const prose = new Map(
  Array.from(page.matchAll(/^\| `([^`]+)` \| .+? \| .+? \| (.+) \|$/gm), ([, path = '', text = '']) => [
    path,
    text,
  ]),
);
const text = fileSchemaText((path) => prose.get(path));
const schema: Record<string, unknown> = JSON.parse(text);

test('the published schema is made of the keys and of the reference (vitest -u writes it)', async () => {
  await expect(text).toMatchFileSnapshot(join(deploy, 'failtome.schema.json'));
});

test('each key has a description, which is that of the reference', () => {
  for (const { path } of ALL_KEYS) expect(prose.get(path), path).toBeDefined();
});

test("the agent's example fits it, and tells editors of it", () => {
  expect(Check(schema, parse(example))).toBe(true);
  expect(example).toContain('# yaml-language-server: $schema=./failtome.schema.json');
});

const LEAST = {
  cluster: 'web',
  peers: [{ id: 'saturn', url: 'http://10.0.1.12:8741' }],
  addresses: [{ ip: '54.173.141.243' }],
};

test.each([
  ['nothing more than must be', {}, true],
  ['sections whose keys are all commented out', { gossip: null, log: null }, true],
  ['an unknown key', { gosip: {} }, false],
  ['a number without its unit', { holdDown: 60 }, false],
  ['a count out of its range', { gossip: { fanout: 17 } }, false],
  ['a word that there is not', { agreement: { silentPeer: 'maybe' } }, false],
  ['one web hook', { notify: { webhook: { url: 'https://a.example/', events: ['lost'] } } }, true],
  ['web hooks', { notify: { webhook: [{ form: 'slack', urlFile: '/u' }] } }, true],
  ['an event that there is not', { notify: { events: { sns: ['moved'] } } }, false],
  ['no peers', { peers: [] }, false],
  ['an address without its ip', { addresses: [{ probe: {} }] }, false],
])('of %s the schema says what the agent says', (_, more, fits) => {
  const file = {
    auth: { keyFile: '/k' },
    driver: { kind: 'ec2' },
    node: { id: 'neptune' },
    ...LEAST,
    ...more,
  };
  expect(Check(schema, file)).toBe(fits);
  expect(checkConfig('f.yaml', Buffer.from(JSON.stringify(file)), {}).kind).toBe(fits ? 'loaded' : 'faulty');
});
