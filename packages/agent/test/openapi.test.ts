/** `/openapi.json`: valid, as wide as the API itself, and true of what a real one answers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeMessage } from '@failtome/protocol';
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, test } from 'vitest';
import { SIGNATURE_HEADER, signRequest, TIME_HEADER } from '../src/auth/signature.ts';
import { answerFits, documented, outputFits } from './api/answers.ts';
import { CLI_OUTPUT, cliOutputText } from './api/cli-output.ts';
import { openApi } from './api/document.ts';
import {
  type Api,
  type ApiOptions,
  answerTo,
  buildApi,
  envelope,
  KEYS,
  READERS,
  signed,
} from './support/api.ts';
import { cli } from './support/cli.ts';

const agent = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(agent, 'package.json'), 'utf8'));
const text = `${JSON.stringify(openApi(version), null, 2)}\n`;

test('the published description is made of the schemas (vitest -u writes it)', async () => {
  await expect(text).toMatchFileSnapshot(join(agent, 'deploy/openapi.json'));
});

test('the published schemas of what verbs print are these (vitest -u writes them)', async () => {
  await expect(cliOutputText()).toMatchFileSnapshot(join(agent, 'deploy/cli-output.schema.json'));
});

test('every verb that prints JSON has a schema, and no other', async () => {
  const { out } = await cli(['--help']);
  const verbs = Array.from(out.matchAll(/^ {2}([a-z]+) /gm), ([, verb = '']) => verb);
  expect(Object.keys(CLI_OUTPUT).toSorted()).toEqual(
    verbs.filter((verb) => !['help', 'run'].includes(verb)).toSorted(),
  );
});

test.each([
  ['keygen'],
  ['keygen', '--identity'],
  ['config'],
  ['check'],
  ['init', '--ip', '54.173.141.243', '--node', 'a=10.0.1.12', '--node', 'b=10.0.1.11', '--yes'],
])('%s %s prints what its schema says', async (...argv) => {
  const { out } = await cli([...argv, '--json']);
  expect(outputFits(argv[0] ?? '', JSON.parse(out))).toBe('');
});

test('the faults of a configuration are as their schema says', async () => {
  const files = { '/f.yaml': 'cluster: [' };
  for (const verb of ['config', 'check']) {
    const { code, out } = await cli([verb, '-c', '/f.yaml', '--json'], { files });
    expect([code, outputFits(verb, JSON.parse(out))]).toEqual([2, '']);
  }
});

test('a validator of OpenAPI 3.1 finds no fault with it', async () => {
  const validator = new Validator();
  expect(await validator.validate(JSON.parse(text))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
});

test('every route of the API is described, and nothing else is', async () => {
  const api = buildApi();
  await api.app.ready();
  const described = new Set(documented.map(({ method, path }) => `${method} ${path}`));
  for (const route of described) {
    const [method = '', url = ''] = route.split(' ');
    expect(api.app.hasRoute({ method: method === 'POST' ? 'POST' : 'GET', url }), route).toBe(true);
  }
  const routes = api.app.printRoutes({ commonPrefix: false });
  const served = Array.from(routes.matchAll(/[├└]── (\S+) \(([A-Z, ]+)\)/g)).flatMap(
    ([, path = '', methods = '']) =>
      methods
        .split(', ')
        .filter((method) => method !== 'HEAD')
        .map((method) => `${method} ${path.startsWith('/') ? path : `/${path}`}`),
  );
  expect(served.filter((route) => !described.has(route))).toEqual([]);
  expect(served.length).toBe(described.size);
});

const BODY = encodeMessage(envelope());

interface Asked {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Record<string, string>;
  readonly payload?: string;
  readonly api?: ApiOptions;
}

const get = (url: string, api: ApiOptions = {}): Asked => ({ url, api });
const signedGet = (url: string): Asked => {
  const body = String(READERS.now);
  const signature = signRequest(KEYS, { method: 'GET', path: url, body });
  return { url, headers: { [TIME_HEADER]: body, [SIGNATURE_HEADER]: signature } };
};
const host = (path: string): Asked => ({ url: path, headers: { host: 'elsewhere.example' } });
const post = (url: string, status: 200 | 403 | 409): Asked => ({
  url,
  method: 'POST',
  headers: { ...signed(url), 'content-type': 'application/json' },
  payload: BODY,
  api: { answer: (event) => answerTo(event, status) },
});
const unsigned = (url: string): Asked => ({ url, method: 'POST', payload: BODY });

/** What is refused; what a whole agent answers is compared in the end-to-end tests. */
const refusals: readonly (readonly [response: string, asked: Asked])[] = [
  ['GET /v1/why 400', get('/v1/why', { views: { addresses: () => ['192.0.2.1', '192.0.2.2'] } })],
  ['GET /v1/why 404', get('/v1/why?ip=192.0.2.9')],
  ['GET /v1/holder 400', get('/v1/holder?ip=a&ip=b')],
  ['GET /v1/holder 404', get('/v1/holder?ip=192.0.2.9')],
  ['GET /v1/history 400', get('/v1/history?limit=0')],
  ['GET /v1/recordings 200', signedGet('/v1/recordings')],
  ['GET /v1/recordings 400', signedGet('/v1/recordings?from=-1')],
  ['GET /v1/recordings 404', signedGet('/v1/recordings?name=none')],
  ['GET /v1/recordings default', get('/v1/recordings')],
  ['GET /v1/events 400', get('/v1/events?of=nobody')],
  ['GET /readyz 503', get('/readyz', { views: { ready: () => ({ ready: false, reason: 'it starts' }) } })],
  ['GET /livez default', host('/livez/nothing')],
  ['GET /readyz default', host('/readyz/nothing')],
  ...[
    '/',
    '/v1/status',
    '/v1/cluster',
    '/v1/why',
    '/v1/history',
    '/v1/events',
    '/v1/holder',
    '/metrics',
    '/operations',
    '/openapi.json',
  ].map((path) => [`GET ${path} default`, host(path)] as const),
  ...['/v1/gossip', '/v1/vote', '/v1/handover', '/v1/pause', '/v1/resume'].flatMap((path) => [
    [`POST ${path} 200`, post(path, 200)] as const,
    [`POST ${path} 403`, post(path, 403)] as const,
    [`POST ${path} 409`, post(path, 409)] as const,
    [`POST ${path} default`, unsigned(path)] as const,
  ]),
];

/** Answers with bodies of a whole agent. */
const WHOLE = [
  ...['/', '/v1/status', '/v1/cluster', '/v1/why', '/v1/history', '/v1/events', '/v1/holder', '/metrics'],
  ...['/openapi.json', '/operations', '/livez', '/readyz'],
].map((path) => `GET ${path} 200`);

test.each(refusals)(
  '%s is as described',
  async (response, { url, method = 'GET', headers, payload, api }) => {
    const { app }: Api = buildApi(api);
    const answer = await app.inject({
      method,
      url,
      ...(headers && { headers }),
      ...(payload && { payload }),
    });
    const [, , status] = response.split(' ');
    if (status !== 'default') expect(String(answer.statusCode)).toBe(status);
    expect(answerFits(response, { type: String(answer.headers['content-type']), body: answer.body })).toBe(
      '',
    );
  },
);

test('every response that is described is compared with an answer, here or end to end', () => {
  const compared = [...refusals.map(([response]) => response), ...WHOLE, 'GET /v1/holder 503'];
  const all = documented.flatMap(({ method, path, statuses }) =>
    statuses.map((status) => `${method} ${path} ${status}`),
  );
  expect(compared.toSorted()).toEqual(all.toSorted());
});

test('the limit of a query is checked by the schema that is shown', async () => {
  const { app } = buildApi();
  for (const [limit, status] of [
    ['1', 200],
    ['1000', 200],
    ['1001', 400],
    ['-1', 400],
    ['1.0', 400],
    ['', 400],
    ['+5', 400],
  ] as const)
    expect([limit, (await app.inject(`/v1/history?limit=${encodeURIComponent(limit)}`)).statusCode]).toEqual([
      limit,
      status,
    ]);
});

test('a message that the decoder takes fits the schema, and one that it refuses does not', () => {
  const answer = (body: unknown): string =>
    answerFits('POST /v1/gossip 200', { type: 'application/json', body: JSON.stringify(body) });
  expect(answer(envelope())).toBe('');
  expect(answer({ ...envelope(), from: 'not an id' })).not.toBe('');
  expect(answer({ ...envelope(), payload: { version: -1, ack: 0 } })).not.toBe('');
});
