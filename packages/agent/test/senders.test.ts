/** What one who has shown a key may have done at once: more than any honest sender asks for, and no more than that. */
import { type Command, encodeMessage, MAX_REQUESTS_PER_SECOND } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { Identities } from '../src/auth/identities.ts';
import { generateIdentity, parseIdentity } from '../src/auth/identity.ts';
import { REQUESTS_PER_SECOND, SECURE_KIB_PER_SECOND, Senders } from '../src/http/senders.ts';
import { type Api, answerTo, buildApi, envelope, openRaw, rawPost, signed } from './support/api.ts';

const PATH = '/v1/gossip';
const FLOOD = 600;

function message(change: Parameters<typeof envelope>[0], path = PATH): string {
  const body = encodeMessage(envelope(change));
  return rawPost(path, body, signed(path, body));
}

const senders = (now: { ms: number }): Senders =>
  new Senders(
    { requestsPerSecond: REQUESTS_PER_SECOND, secureKibPerSecond: SECURE_KIB_PER_SECOND },
    { monotonicMs: () => now.ms },
  );

const from = (api: Api, id: string): number =>
  api.received.filter(({ message: { from } }) => from === id).length;

test('a node that sends the most that any does waits for nobody, also when a second of it comes at once', () => {
  const now = { ms: 0 };
  const { requests, secureKib } = senders(now).of('saturn');
  for (let second = 0; second < 30; second += 1) {
    for (let one = 0; one < MAX_REQUESTS_PER_SECOND; one += 1) {
      expect(requests.take()).toBe(true);
      expect(secureKib.take(4)).toBe(true);
    }
    now.ms += 1_000;
  }
  for (let one = 0; one < 2 * MAX_REQUESTS_PER_SECOND; one += 1) expect(requests.take()).toBe(true);
});

test('all connections of a sender share what it may do, and no two senders do', () => {
  const all = senders({ ms: 0 });
  while (all.of('pluto').requests.take());
  expect(all.of('pluto').requests.take()).toBe(false);
  expect(all.of('saturn').requests.take()).toBe(true);
});

test('what a sender asks for beyond its allowance waits with strangers, and another is served at once', async () => {
  const api = buildApi({ limits: { requestsPerSecond: 4, piecesPerSecond: 2, requestMs: 60_000 } });
  const port = await api.listen();
  const greedy = await openRaw(port);
  greedy.socket.write(message({ from: 'pluto' }));
  await greedy.until(/ 200 OK/);
  greedy.socket.write(message({ from: 'pluto' }).repeat(FLOOD));
  const honest = await openRaw(port);
  for (let seq = 1; seq <= 4; seq += 1) {
    honest.socket.write(message({ seq }));
    await honest.until(new RegExp(`"re":\\{[^}]*"seq":${seq}\\}`));
  }
  expect(from(api, 'saturn')).toBe(4);
  expect(from(api, 'pluto')).toBeLessThan(FLOOD / 2);
});

test('a connection on which somebody else is spoken for is a stranger’s from then on', async () => {
  const pluto = parseIdentity(generateIdentity().privateKey, 'pluto');
  const identities = new Identities({
    ...{ self: 'neptune', own: null, operators: [] },
    peers: [{ id: 'saturn', publicKeys: [pluto.publicKey] }],
  });
  const api = buildApi({
    identities: () => identities,
    limits: { piecesPerSecond: 2, requestsPerSecond: 1_000_000, requestMs: 60_000 },
  });
  const port = await api.listen();
  const thief = await openRaw(port);
  const command: Command = { kind: 'handover-status', id: 'x' };
  thief.socket.write(
    message({ from: 'operator.1', payload: { version: 0, ack: 0, command } }, '/v1/handover'),
  );
  await thief.until(/ 200 OK/);
  thief.socket.write(message({ from: 'saturn' }).repeat(FLOOD));
  const other = await openRaw(port);
  other.socket.write('GET /livez HTTP/1.1\r\nhost: 192.0.2.1\r\n\r\n');
  await other.until(/"live":true/);
  expect(api.rejected.length).toBeLessThan(FLOOD / 2);
});

test.each([
  ['another cluster', { cluster: 'other' }],
  ['another node', { to: 'pluto' }],
])('a message for %s is refused by the protocol, and nothing of it is verified', async (_what, change) => {
  const identities = new Identities({ self: 'neptune', own: null, peers: [], operators: [] });
  const verified: string[] = [];
  identities.objectionTo = (): null => {
    verified.push('identity');
    return null;
  };
  const api = buildApi({ identities: () => identities, answer: (event) => answerTo(event, 403) });
  const body = encodeMessage(envelope({ ...change, payload: { version: 7, ack: 3 } }));
  const response = await api.app.inject({ method: 'POST', url: PATH, body, headers: signed(PATH, body) });
  expect(response.statusCode).toBe(403);
  expect(api.received.map(({ message: { payload } }) => payload)).toEqual([{ version: 0, ack: 0 }]);
  expect(verified).toEqual([]);
});
