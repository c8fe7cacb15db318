/** `/v1/recordings`: for who signs with the cluster's key alone, in parts, and signed itself. */
import { expect, test } from 'vitest';
import { SIGNATURE_HEADER, signRequest, TIME_HEADER, verifyResponse } from '../src/auth/signature.ts';
import { MAX_PIECE_BYTES, type RecordingSource } from '../src/http/recording-routes.ts';
import { type ApiOptions, buildApi, KEYS, OTHER_KEYS, READERS, RECORDINGS } from './support/api.ts';

async function ask(
  url: string,
  { api = {}, keys = KEYS }: { api?: ApiOptions; keys?: typeof KEYS | null } = {},
) {
  const body = String(READERS.now);
  const signature = keys === null ? '' : signRequest(keys, { method: 'GET', path: url, body });
  const headers = keys === null ? {} : { [TIME_HEADER]: body, [SIGNATURE_HEADER]: signature };
  const response = await buildApi(api).app.inject({ url, headers });
  const given = String(response.headers[SIGNATURE_HEADER] ?? '');
  const signed = {
    method: 'GET',
    path: url,
    status: 200,
    requestSignature: signature,
    body: response.rawPayload,
  };
  return {
    status: response.statusCode,
    json: response.json(),
    isSigned: verifyResponse(KEYS, signed, given),
  };
}

test('who signs is told what there is, and told it by this node', async () => {
  expect(await ask('/v1/recordings')).toEqual({ status: 200, json: await RECORDINGS.list(), isSigned: true });
});

test('a recording comes in parts', async () => {
  const part = await ask('/v1/recordings?name=one&from=2');
  expect(part).toMatchObject({ status: 200, isSigned: true, json: { name: 'one', from: 2 } });
  expect(Buffer.from(part.json.content, 'base64').toString()).toBe('recording');
  expect((await ask('/v1/recordings?name=one&from=99')).json.content).toBe('');
});

test('no part is larger than it may be', async () => {
  let most = 0;
  const recordings: RecordingSource = {
    ...RECORDINGS,
    read: async (_name, _from, asked) => {
      most = asked;
      return Buffer.alloc(0);
    },
  };
  await ask('/v1/recordings?name=one', { api: { recordings } });
  expect(most).toBe(MAX_PIECE_BYTES);
});

test.each(['/v1/recordings', '/v1/%72ecordings', '/v1/recordings?name=one'])(
  '%s is refused to who does not sign, to who has another key, and on the listener of the reading routes',
  async (url) => {
    for (const read of ['anyone', 'token', 'peers'] as const) {
      const api = { readers: { read } };
      expect((await ask(url, { api, keys: null })).status).toBe(401);
      expect((await ask(url, { api, keys: OTHER_KEYS })).status).toBe(401);
      expect((await ask(url, { api: { ...api, serves: 'reading routes' } })).status).toBe(404);
    }
  },
);

test('of what asks beyond what may wait, the rest is turned away', async () => {
  let letGo = (): void => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const recordings: RecordingSource = {
    ...RECORDINGS,
    list: async () => {
      await held;
      return RECORDINGS.list();
    },
  };
  const { app } = buildApi({ recordings });
  const body = String(READERS.now);
  const signature = signRequest(KEYS, { method: 'GET', path: '/v1/recordings', body });
  const headers = { [TIME_HEADER]: body, [SIGNATURE_HEADER]: signature };
  const asked = Array.from({ length: 17 }, () => app.inject({ url: '/v1/recordings', headers }));
  const first = await Promise.race(asked);
  expect([first.statusCode, first.json().error.code]).toEqual([503, 'overloaded']);
  letGo();
  const all = await Promise.all(asked);
  expect(all.filter(({ statusCode }) => statusCode === 200)).toHaveLength(16);
});
