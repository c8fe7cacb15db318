/** What strangers send, however much, costs the API a bounded share, and none of the peers' turns. */
import { encodeMessage } from '@failtome/protocol';
import { expect, test, vi } from 'vitest';
import { Allowance } from '../src/allowance.ts';
import { HistoryBody, MAX_HISTORY_BYTES } from '../src/http/history-body.ts';
import { Lane } from '../src/http/lane.ts';
import { Rationed } from '../src/http/rationed.ts';
import type { Views } from '../src/http/view-routes.ts';
import { buildApi, envelope, openRaw, rawPost, signed } from './support/api.ts';

const PATH = '/v1/gossip';
const BODY = encodeMessage(envelope());
const MESSAGE = rawPost(PATH, BODY, signed(PATH));

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n`;

type Entry = ReturnType<Views['history']>[number];

function entry(id: string, reason = 'because'): Entry {
  return {
    ...{ id, kind: 'change', node: 'saturn', address: '192.0.2.1', from: 'saturn', to: 'neptune' },
    ...{ result: 'seen', reason, epoch: 1, at: 1, steps: [], requestIds: [] },
  } as Entry;
}

test('of the requests that a connection pipelines one at a time is handled', async () => {
  let asked = 0;
  const release: (() => void)[] = [];
  const metrics = (): Promise<string> => {
    asked += 1;
    return new Promise((resolve) => release.push(() => resolve(`failtome_paused ${asked}\n`)));
  };
  const api = buildApi({ views: { metrics } });
  const port = await api.listen();
  const stranger = await openRaw(port);
  stranger.socket.write(get('/metrics').repeat(1_500));
  const other = await openRaw(port);
  other.socket.write(get('/livez'));
  await other.until(/"live":true/);
  expect(asked).toBe(1);
  release.shift()?.();
  await stranger.until(/failtome_paused 1/);
  await expect.poll(() => asked).toBe(2);
});

test('pipelined requests are answered one after another, in their order, across the bounds of pieces', async () => {
  const api = buildApi();
  const stranger = await openRaw(await api.listen());
  const paths = Array.from({ length: 100 }, (_, at) => `/v1/none${at}`);
  stranger.socket.write(`${paths.map(get).join('')}${get('/livez')}`);
  const text = await stranger.until(/"live":true/);
  expect(text.match(/HTTP\/1\.1 404 /g)).toHaveLength(100);
});

test('strangers who have used their budget up wait, and a peer is answered at once', async () => {
  const api = buildApi({ limits: { piecesPerSecond: 3 } });
  const port = await api.listen();
  const peer = await openRaw(port);
  peer.socket.write(MESSAGE);
  await peer.until(/ 200 OK/);
  const strangers = [await openRaw(port), await openRaw(port)] as const;
  for (const { socket } of strangers) socket.write(get('/livez').repeat(1_000));
  for (let seq = 2; seq <= 20; seq += 1) {
    const body = encodeMessage(envelope({ seq }));
    peer.socket.write(rawPost(PATH, body, signed(PATH, body)));
    await peer.until(new RegExp(`"re":\\{[^}]*"seq":${seq}\\}`));
  }
  expect(api.received).toHaveLength(20);
});

test('reads do not use up the turns of messages, nor messages from elsewhere those from where peers are', async () => {
  let peerAddress = '';
  const api = buildApi({
    limits: { piecesPerSecond: 1, headersMs: 60_000, requestMs: 60_000 },
    isPeerAddress: (address) => address === peerAddress,
  });
  const port = await api.listen();
  const reader = await openRaw(port);
  reader.socket.write(get('/livez').repeat(1_000));
  await reader.until(/"live":true/);
  const first = await openRaw(port);
  first.socket.write(MESSAGE);
  await first.until(/ 200 OK/);
  const forger = await openRaw(port);
  forger.socket.write(rawPost(PATH, BODY, { ...signed('/v1/vote') }).repeat(100));
  peerAddress = '127.0.0.1';
  const peer = await openRaw(port);
  peer.socket.write(MESSAGE);
  await peer.until(/ 200 OK/);
});

test('strangers who connect too often are closed unread, and counted; a peer that connects is heard', async () => {
  let peerAddress = '';
  const api = buildApi({
    limits: { arrivalsAtOnce: 3, arrivalsPerSecond: 0.001 },
    isPeerAddress: (address) => address === peerAddress,
  });
  const port = await api.listen();
  for (let count = 0; count < 3; count += 1) {
    const early = await openRaw(port);
    early.socket.write(get('/livez'));
    await early.until(/"live":true/);
    early.socket.destroy();
  }
  const late = await openRaw(port);
  expect(await late.closed()).toBe('');
  expect(api.rejected).toEqual(['overloaded']);
  peerAddress = '127.0.0.1';
  const peer = await openRaw(port);
  peer.socket.write(MESSAGE);
  await peer.until(/ 200 OK/);
});

test('one that does not read its answer is cut off, and counted', async () => {
  const history = Array.from({ length: 1_000 }, (_, at) => entry(`saturn-${at}`, 'x'.repeat(900)));
  const api = buildApi({ limits: { answerMs: 50, checkMs: 20 }, views: { history: () => history } });
  const stranger = await openRaw(await api.listen());
  stranger.socket.pause();
  stranger.socket.write(get('/v1/history?limit=1000').repeat(50));
  await expect.poll(() => api.rejected).toEqual(['too-slow']);
  stranger.socket.resume();
  await stranger.closed();
});

test('strangers hold a bounded number of bytes in sum; one who sends more is cut off, and counted', async () => {
  const api = buildApi({ limits: { piecesPerSecond: 1, maxHeldBytes: 30_000 } });
  const port = await api.listen();
  const [modest, greedy] = [await openRaw(port), await openRaw(port)];
  modest.socket.write(get('/livez').repeat(100));
  greedy.socket.write(get('/livez').repeat(2_000));
  await greedy.closed();
  expect(api.rejected).toEqual(['overloaded']);
  modest.socket.destroy();
  const late = await openRaw(port);
  late.socket.write(get('/livez'));
  await late.until(/"live":true/);
});

test('a request whose body is refused unread, with a read behind it, does not stop the agent', async () => {
  const history = Array.from({ length: 1_000 }, (_, at) => entry(`saturn-${at}`, 'x'.repeat(900)));
  const api = buildApi({ views: { history: () => history } });
  const port = await api.listen();
  const stranger = await openRaw(port);
  const withBody = get('/v1/history?limit=1000').replace('\r\n\r\n', '\r\ncontent-length: 5000\r\n\r\n');
  stranger.socket.write(`${withBody}${'x'.repeat(5_000)}${get('/v1/history').repeat(3)}${get('/livez')}`);
  await stranger.until(/"live":true/);
  expect(api.faults).toEqual([]);
});

test('an allowance gives its burst at once, and then so many a second', () => {
  let now = 0;
  const allowance = new Allowance({ perSecond: 10, burst: 2 }, { monotonicMs: () => now });
  expect([allowance.take(), allowance.take(), allowance.take()]).toEqual([true, true, false]);
  expect(allowance.waitMs()).toBe(100);
  now = 99;
  expect([allowance.take(), allowance.waitMs()]).toEqual([false, 1]);
  now = 100;
  expect([allowance.take(), allowance.take()]).toEqual([true, false]);
  now = 10_000;
  expect([allowance.take(), allowance.take(), allowance.take()]).toEqual([true, true, false]);
});

test('a lane serves each address in its turn, however many connections of one wait', () => {
  const lane = new Lane<string>(new Allowance({ perSecond: 1, burst: 4 }, { monotonicMs: () => 0 }));
  expect([lane.take(), lane.waitMs()]).toEqual([null, Number.POSITIVE_INFINITY]);
  for (const item of ['a1', 'a2', 'a3']) lane.add('192.0.2.1', item);
  lane.add('192.0.2.2', 'b1');
  lane.add('192.0.2.1', 'a1');
  lane.remove('192.0.2.1', 'a2');
  expect([lane.take(), lane.take(), lane.take()]).toEqual(['a1', 'b1', 'a3']);
  lane.add('192.0.2.1', 'a4');
  lane.add('192.0.2.1', 'a5');
  expect([lane.take(), lane.take(), lane.waitMs()]).toEqual(['a4', null, 1_000]);
});

test('a rationed view is made at most so often, shared by those who wait, and never older than the question', async () => {
  let now = 0;
  let made = 0;
  const passed: (() => void)[] = [];
  const wait = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      passed.push(() => {
        now += ms;
        resolve();
      });
    });
  const make = vi.fn(() => ++made);
  const view = new Rationed(make, { monotonicMs: () => now, wait });
  const first = await Promise.all(Array.from({ length: 8 }, () => view.get()));
  expect(first).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  const late = Array.from({ length: 100 }, () => view.get());
  await Promise.resolve();
  expect(make).toHaveBeenCalledTimes(8);
  passed.shift()?.();
  expect(new Set(await Promise.all(late))).toEqual(new Set([9]));
  now += 250;
  expect(await view.get()).toBe(10);
});

test('a history is written down once, and cut at an entry', () => {
  const entries = ['c', 'b', 'a'].map((id) => entry(id));
  const body = new HistoryBody(entries);
  const text = (limit: number): unknown => JSON.parse(Buffer.concat([...body.newest(limit)]).toString());
  expect([text(1), text(2), text(3), text(1_000)]).toEqual([
    entries.slice(0, 1),
    entries.slice(0, 2),
    entries,
    entries,
  ]);
  expect([body.isOf([...entries]), body.isOf(entries.slice(1)), body.isOf([])]).toEqual([true, false, false]);
  expect(JSON.parse(Buffer.concat([...new HistoryBody([]).newest(5)]).toString())).toEqual([]);
});

test('a history that is too large loses its oldest entries', () => {
  const entries = Array.from({ length: 1_000 }, (_, at) => entry(`${at}`, 'x'.repeat(5_000)));
  const bytes = Buffer.concat([...new HistoryBody(entries).newest(1_000)]);
  expect(bytes.length).toBeLessThanOrEqual(MAX_HISTORY_BYTES + 1);
  const told = JSON.parse(bytes.toString()) as Entry[];
  expect(told.length).toBeGreaterThan(150);
  expect(told[0]?.id).toBe('0');
});

test('the history has 200 entries unless asked for more, and 1,000 at most', async () => {
  const history = Array.from({ length: 1_000 }, (_, at) => entry(`saturn-${at}`));
  const api = buildApi({ views: { history: () => history } });
  const count = async (query: string) =>
    ((await api.app.inject({ url: `/v1/history${query}` })).json() as unknown[]).length;
  expect([await count(''), await count('?limit=3'), await count('?limit=1000')]).toEqual([200, 3, 1_000]);
  for (const query of ['?limit=0', '?limit=1001', '?limit=x', '?limit=1&limit=2', '?limit=']) {
    const response = await api.app.inject({ url: `/v1/history${query}` });
    expect([query, response.statusCode, response.json().error.code]).toEqual([query, 400, 'bad-query']);
  }
});
