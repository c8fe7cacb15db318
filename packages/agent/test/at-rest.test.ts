/** What the API does while nobody asks anything of it: nothing. */
import { encodeMessage } from '@failtome/protocol';
import { expect, onTestFinished, test, vi } from 'vitest';
import { buildApi, envelope, openRaw, rawPost, signed } from './support/api.ts';

const PATH = '/v1/gossip';
const READ = 'GET /metrics HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n';

/** The intervals that the API's own code has running; Node's are none of them. */
function countIntervals(): () => number {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  return () => vi.getTimerCount();
}

test('slow readers are looked for only while an answer is under way', async () => {
  const running = countIntervals();
  let answer = (): void => undefined;
  const metrics = (): Promise<string> =>
    new Promise((resolve) => {
      answer = () => resolve('failtome_paused 0\n');
    });
  const api = buildApi({ views: { metrics } });
  const port = await api.listen();
  expect(running()).toBe(0);
  const [first, second] = [await openRaw(port), await openRaw(port)];
  first.socket.write(READ);
  await expect.poll(running).toBe(1);
  second.socket.write('GET /livez HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n');
  await second.until(/"live":true/);
  expect(running()).toBe(1);
  answer();
  await first.until(/failtome_paused 0/);
  await expect.poll(running).toBe(0);
});

test('a peer that waits for each answer has its connection never paused', async () => {
  const api = buildApi();
  const pauses: number[] = [];
  api.app.server.on('connection', (socket) => socket.on('pause', () => pauses.push(api.received.length)));
  const peer = await openRaw(await api.listen());
  for (let seq = 1; seq <= 5; seq += 1) {
    const body = encodeMessage(envelope({ seq }));
    peer.socket.write(rawPost(PATH, body, signed(PATH, body)));
    await peer.until(new RegExp(`"re":\\{[^}]*"seq":${seq}\\}`));
  }
  // The first message comes from one who has shown nothing yet, and waits for its turn.
  expect(pauses.filter((received) => received > 0)).toEqual([]);
});
