/** `/v1/events`: what a stream carries, how many there are, what becomes of one that isn't taken, and how it ends. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { tellWatchers } from '../src/observe/watchers.ts';
import { type Api, type ApiOptions, buildApi, READERS } from './support/api.ts';

const NOW = { at: 0, wall: 1_000 };

/** An open stream, without what HTTP puts around its parts. */
interface Watched {
  readonly response: IncomingMessage;
  /** Everything received until it matches. */
  until(pattern: RegExp): Promise<string>;
  closed(): Promise<string>;
}

/** Soon, so that nothing is waited for. */
const soon = { calmMs: 5, busyMs: 1 };

async function watch(port: number, query = ''): Promise<Watched> {
  const request = get({ host: '127.0.0.1', port, path: `/v1/events${query}`, agent: false });
  onTestFinished(() => void request.destroy());
  request.on('error', () => undefined); // it is destroyed in the end
  const [response]: IncomingMessage[] = await once(request, 'response');
  if (response === undefined) throw new Error('no response');
  response.setEncoding('utf8');
  let text = '';
  const waiting = new Set<() => void>();
  const look = (): void => {
    for (const one of waiting) one();
  };
  response.on('data', (part: string) => {
    text += part;
    look();
  });
  response.on('error', look); // a reset is a way of ending
  response.on('close', look);
  const when = (holds: () => boolean): Promise<string> =>
    new Promise((resolve) => {
      const one = (): void => {
        if (!holds()) return;
        waiting.delete(one);
        resolve(text);
      };
      waiting.add(one);
      one();
    });
  return {
    response,
    until: (pattern) => when(() => pattern.test(text)),
    closed: () => when(() => response.closed),
  };
}

async function watched(options: ApiOptions = {}, query = '') {
  const api = buildApi({ ...options, streams: { ...soon, ...options.streams } });
  const port = await api.listen();
  const stream = await watch(port, query);
  return { api, port, stream };
}

function tellStep(api: Api): void {
  const { streams } = api;
  tellWatchers(
    streams,
    [
      { kind: 'decided', address: '192.0.2.1', outcome: 'campaign', reason: 'address-down', detail: 'down' },
      { kind: 'step', address: '192.0.2.1', step: 'take', durationMs: 120, result: 'ok' },
      { kind: 'stopping' },
    ],
    NOW,
  );
}

test('a stream begins with the status at once, and goes on with one after another', async () => {
  const { stream } = await watched();
  const text = await stream.until(/event: status\ndata: .*\n\n[\s\S]*?event: status\ndata: .*\n\n/);
  expect(stream.response.headers).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-store',
  });
  const [, json = ''] = /event: status\ndata: (.*)\n\n/.exec(text) ?? [];
  expect(JSON.parse(json)).toMatchObject({ cluster: 'web', node: { id: 'neptune' } });
});

test('decisions and steps are told as they happen, with their time; history lines too', async () => {
  const { api, stream } = await watched();
  await stream.until(/event: status/);
  tellStep(api);
  api.streams.tell({ event: 'history', data: { id: 'neptune-1-1', reason: 'a\nb' } });
  const text = await stream.until(/event: history\n/);
  expect(text).toContain(
    'event: decided\ndata: {"address":"192.0.2.1","outcome":"campaign","reason":"address-down","detail":"down","at":1000}\n\n',
  );
  expect(text).toContain(
    'event: step\ndata: {"address":"192.0.2.1","step":"take","durationMs":120,"result":"ok","at":1000}\n\n',
  );
  expect(await stream.until(/a\\nb.*\n\n/)).toContain('data: {"id":"neptune-1-1","reason":"a\\nb"}\n\n');
});

test('a stream of the cluster has the stories when they change, and the nodes again and again without their histories', async () => {
  const { stream } = await watched({}, '?of=cluster');
  const text = await stream.until(
    /event: cluster\n[\s\S]*?event: cluster\n[\s\S]*?event: cluster\ndata: .*\n\n/,
  );
  expect(text.match(/event: stories\ndata: \[\]\n\n/g)).toHaveLength(1);
  expect(text).not.toContain('event: status');
  const [, json = ''] = /event: cluster\ndata: (.*)\n\n/.exec(text) ?? [];
  const { nodes } = JSON.parse(json);
  expect(nodes).toMatchObject([{ id: 'neptune', self: true, ageMs: 0, status: { cluster: 'web' } }]);
  expect(nodes[0]).not.toHaveProperty('history');
});

test('a status is made once for all who watch, and none when nobody does', async () => {
  let made = 0;
  const views = {
    status() {
      made += 1;
      return { cluster: 'web' } as never; // of which nothing is looked at
    },
  };
  const api = buildApi({ views, streams: { ...soon, calmMs: 1_000_000 } });
  api.streams.hurry();
  tellStep(api);
  const port = await api.listen();
  expect(made).toBe(0);
  const first = await watch(port);
  await first.until(/event: status/);
  expect(made).toBe(1);
  const second = await watch(port);
  await second.until(/event: status/);
  await first.until(/event: status\n[\s\S]*?event: status\n/);
  expect(made).toBe(2);
});

test('there are so many streams and no more, of all and of one address; one that ends makes room', async () => {
  for (const streams of [{ maxStreams: 1 }, { maxStreamsPerAddress: 1 }]) {
    const { api, port, stream } = await watched({ streams });
    await stream.until(/event: status/);
    const refused = await watch(port);
    expect(refused.response.statusCode).toBe(503);
    expect(await refused.closed()).toContain('"code":"overloaded"');
    expect(api.rejected).toEqual(['overloaded']);
    stream.response.destroy();
    await expect.poll(() => api.streams.size).toBe(0);
    await (await watch(port)).until(/event: status/);
  }
});

test('a stream is no slow answer, and outlives the bound of others', async () => {
  const { stream } = await watched({ limits: { answerMs: 1, checkMs: 5 } });
  await stream.until(/(event: status\n[\s\S]*?){8}/);
  expect(stream.response.closed).toBe(false);
});

test('who takes nothing is spared the rest, and cut off in the end', async () => {
  const big = 'x'.repeat(300_000);
  const views = { status: () => ({ big }) as never }; // of which nothing is looked at
  const { api, stream } = await watched({ views, streams: { maxUnsentBytes: 400_000, stuckMs: 20 } });
  stream.response.pause();
  await expect.poll(() => api.rejected, { timeout: 30_000 }).toEqual(['too-slow']);
  await expect.poll(() => api.streams.size).toBe(0);
});

test('a stream ends after its time, so that who may read is asked again', async () => {
  const { stream, api } = await watched({ streams: { lastsMs: 20 } });
  expect(await stream.closed()).toContain('retry: 2000');
  expect(api.streams.size).toBe(0);
});

test('streams end when the server closes, and none begins after that', async () => {
  const { api, stream } = await watched();
  await stream.until(/event: status/);
  await api.app.close();
  await stream.closed();
  expect(api.streams.hasRoomFor('192.0.2.9')).toBe(false);
});

test('of is node or cluster, once; HEAD has no stream', async () => {
  const { app } = buildApi();
  for (const query of ['?of=all', '?of=', '?of=node&of=node']) {
    const answer = await app.inject({ url: `/v1/events${query}` });
    expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'bad-query']);
  }
  expect((await app.inject({ method: 'HEAD', url: '/v1/events' })).statusCode).toBe(405);
});

test('who may not read may not watch', async () => {
  const { app } = buildApi({ readers: { ...READERS, read: 'peers' } });
  expect((await app.inject({ url: '/v1/events' })).statusCode).toBe(401);
});
