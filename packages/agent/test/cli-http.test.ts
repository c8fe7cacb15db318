import { createServer, type RequestListener } from 'node:http';
import type { Envelope, ReplyEffect } from '@failtome/protocol';
import { expect, onTestFinished, test } from 'vitest';
import { httpClient, MAX_ANSWER_BYTES } from '../src/cli/http.ts';
import { openOperator } from '../src/cli/operator.ts';
import { readView } from '../src/cli/read.ts';
import { buildApi, KEYS, OTHER_KEYS, type Received } from './support/api.ts';

/** A server on a free port of the loopback, closed when the test ends. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  return `http://127.0.0.1:${address.port}`;
}

test('an answer comes back with its status, headers and body', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(409, { 'x-failtome-signature': 'abc' }).end('{"a":1}');
  });
  const result = await httpClient({ method: 'POST', url, body: 'x' });
  expect(result).toMatchObject({ kind: 'answered', status: 409, body: '{"a":1}' });
  expect(result.kind === 'answered' && result.header('x-failtome-signature')).toBe('abc');
});

test('a redirect is not followed', async () => {
  const asked: string[] = [];
  const url = await serve((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(302, { location: '/elsewhere' }).end();
  });
  expect(await httpClient({ method: 'GET', url: `${url}/v1/status` })).toMatchObject({ status: 302 });
  expect(asked).toEqual(['/v1/status']);
});

test('an answer is read no further than its bound', async () => {
  const url = await serve((_request, response) => {
    response.writeHead(200).end(Buffer.alloc(MAX_ANSWER_BYTES + 1));
  });
  const result = await httpClient({ method: 'GET', url });
  expect(result).toMatchObject({ kind: 'failed', detail: expect.stringContaining('larger than') });
});

test('silence, a refusal and a broken connection each have their reason', async () => {
  const silent = await serve(() => undefined);
  expect(await httpClient({ method: 'GET', url: silent, timeoutMs: 50 })).toEqual({
    kind: 'failed',
    detail: 'no answer within 50 ms',
  });
  const broken = await serve((request) => request.socket.destroy());
  expect(await httpClient({ method: 'GET', url: broken })).toEqual({
    kind: 'failed',
    detail: 'it closed the connection',
  });
  expect(await httpClient({ method: 'GET', url: 'http://127.0.0.1:9' })).toMatchObject({
    kind: 'failed',
    detail: expect.stringContaining('port is one that HTTP clients refuse'),
  });
});

test('a command passes the real API: signature, challenge, signed outcome', async () => {
  const session = 'NNNNNNNNNNN';
  const answer = ({ requestId, message }: Received): ReplyEffect => {
    const fresh = message.echo?.session === session;
    const reply: Envelope = {
      v: 1,
      cluster: 'web',
      from: 'neptune',
      session,
      seq: message.seq,
      to: message.from,
      t: 5_000,
      echo: null,
      re: { session: message.session, seq: message.seq },
      payload: fresh
        ? { version: 0, ack: 0, outcome: { state: 'done', id: '4', detail: '' } }
        : { version: 0, ack: 0, refused: 'session' },
    };
    return { kind: 'reply', requestId, status: fresh ? 200 : 409, message: reply };
  };
  const api = buildApi({ answer });
  const url = `http://127.0.0.1:${await api.listen()}`;
  const dependencies = { http: httpClient, now: () => 0, randomText: (count: number) => 'r'.repeat(count) };
  const opened = await openOperator(
    {
      url,
      keys: KEYS,
      cluster: 'web',
      node: null,
      identity: null,
      identityFile: null,
      publicKeys: new Map(),
    },
    dependencies,
  );
  if (opened.kind === 'failed') throw new Error(opened.detail);
  expect(opened.operator.node).toBe('neptune');
  const command = { kind: 'resume', reason: '', owner: 'ann' } as const;
  expect(await opened.operator.send('/v1/resume', command)).toEqual({
    kind: 'outcome',
    outcome: { state: 'done', id: '4', detail: '' },
  });
  expect(api.received.map(({ message }) => message.echo?.t)).toEqual([undefined, 5_000]);
  const stranger = await openOperator(
    {
      url,
      keys: OTHER_KEYS,
      cluster: 'web',
      node: null,
      identity: null,
      identityFile: null,
      publicKeys: new Map(),
    },
    dependencies,
  );
  const result = stranger.kind === 'open' ? await stranger.operator.send('/v1/resume', command) : stranger;
  expect(result).toMatchObject({
    kind: 'refused',
    detail: expect.stringContaining('does not accept this key'),
  });
  expect(api.rejected).toEqual(['signature']);
});

test('what a command reads is signed, and an agent that shows its state to peers alone shows it', async () => {
  const api = buildApi({ readers: { read: 'peers', now: 1_000_000 } });
  const url = `http://127.0.0.1:${await api.listen()}`;
  const world = { http: httpClient, now: () => 1_000_500 };
  expect(await readView(url, '/v1/why?ip=192.0.2.1', world, KEYS)).toMatchObject({
    kind: 'read',
    json: { address: '192.0.2.1' },
  });
  expect(await readView(url, '/v1/status', world, OTHER_KEYS)).toMatchObject({ kind: 'failed' });
  const unsigned = await readView(url, '/v1/status', world, null);
  expect(unsigned.kind === 'failed' && unsigned.detail).toMatch(/only who signs .*--key-file/);
});
