import type { Socket } from 'node:net';
import type { ExternalIpResult } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { ExternalIp, MAX_ANSWER_BYTES, MAX_GRACE_MS } from '../src/adapters/external-ip.ts';
import { Names } from '../src/adapters/names.ts';
import { isPublic } from '../src/config/public-address.ts';
import {
  answer,
  type Behaviour,
  hasIpv6,
  type Listener,
  listen,
  networkDependencies,
  refusedPort,
} from './support/loopback.ts';

const ipv6 = await hasIpv6();

const says =
  (text: string): Behaviour =>
  (socket) =>
    socket.end(answer(200, text));

const hangs: Behaviour = () => undefined;

async function services(
  ...behaviours: readonly Behaviour[]
): Promise<{ readonly urls: string[]; readonly listeners: Listener[] }> {
  const listeners = await Promise.all(behaviours.map((behave) => listen(behave)));
  return { listeners, urls: listeners.map(({ port }) => `http://127.0.0.1:${port}/`) };
}

async function ask(
  urls: readonly string[],
  timeoutMs = 300,
  address = '192.0.2.10',
  allowPrivate = false,
): Promise<ExternalIpResult> {
  const { inbox, ...dependencies } = networkDependencies();
  new ExternalIp({ urls, allowPrivate }, dependencies).ask({
    kind: 'ask-external-ip',
    purpose: 'way-out',
    askId: 3,
    address,
    timeoutMs,
  });
  const event = await inbox.next();
  if (event.kind !== 'external-ip' || event.askId !== 3) throw new Error('another question was answered');
  expect(inbox.events).toHaveLength(1);
  return event.result;
}

test('the trimmed answer of one service is the address', async () => {
  const { urls } = await services(says('203.0.113.7\n'));
  expect(await ask(urls, 20_000)).toMatchObject({ kind: 'address', ip: '203.0.113.7' });
});

test.each([
  ['HTML', answer(200, '<html>203.0.113.7</html>'), 'not-an-address'],
  ['two addresses', answer(200, '203.0.113.7\n203.0.113.8'), 'not-an-address'],
  ['nothing', answer(200, ''), 'not-an-address'],
  [
    'an address and more than the bound',
    answer(200, `203.0.113.7${' '.repeat(MAX_ANSWER_BYTES)}`),
    'not-an-address',
  ],
  ['an address with a zone', answer(200, 'fe80::1%eth0'), 'not-an-address'],
  ['an address of the other family', answer(200, '2001:db8::7'), 'wrong-family'],
  ['a redirect', answer(302, '203.0.113.7', ['Location: http://127.0.0.1/']), 'redirect'],
  ['an error', answer(500, '203.0.113.7'), 'status'],
  ['another success', answer(202, '203.0.113.7'), 'status'],
])('%s is refused at once, and asked for once', async (_, text, reason) => {
  const { urls, listeners } = await services((socket) => socket.end(text));
  expect(await ask(urls, 20_000)).toMatchObject({ kind: 'failed', reason });
  expect(listeners[0]?.requests).toHaveLength(1);
});

test('a service that hangs is asked three times and times out', async () => {
  const { urls, listeners } = await services(hangs);
  expect(await ask(urls)).toMatchObject({ kind: 'failed', reason: 'timeout' });
  expect(listeners[0]?.requests).toHaveLength(3);
});

test('a refused connection and a reset one have their reasons', async () => {
  expect(await ask([`http://127.0.0.1:${await refusedPort()}/`], 20_000)).toMatchObject({
    reason: 'refused',
  });
  const { urls } = await services((socket) => socket.resetAndDestroy());
  expect(await ask(urls)).toMatchObject({ kind: 'failed', reason: 'unreachable' });
});

test('a further attempt answers where the first was swallowed', async () => {
  const { urls } = await services((socket, index) =>
    index === 0 ? undefined : socket.end(answer(200, '203.0.113.7')),
  );
  expect(await ask(urls)).toMatchObject({ kind: 'address', ip: '203.0.113.7' });
});

test('services that agree are one answer, and a failed one does not matter', async () => {
  const { urls } = await services(says('203.0.113.7'), says('<html>'), says('203.0.113.7'));
  expect(await ask(urls, 20_000)).toMatchObject({ kind: 'address', ip: '203.0.113.7' });
});

test('services that disagree are no answer', async () => {
  const { urls } = await services(says('203.0.113.7'), says('203.0.113.8'));
  expect(await ask(urls, 20_000)).toMatchObject({
    kind: 'failed',
    reason: 'disagree',
    detail: '127.0.0.1 says 203.0.113.7, 127.0.0.1 says 203.0.113.8',
  });
});

test('a service that is a little later is still heard', async () => {
  const asked: Socket[] = [];
  const bothAsked = (): void => {
    const [first, second] = asked;
    if (first === undefined || second === undefined) return;
    first.end(answer(200, '203.0.113.7'), () => setImmediate(() => second.end(answer(200, '203.0.113.8'))));
  };
  const waits: Behaviour = (socket) => {
    asked.push(socket);
    bothAsked();
  };
  const { urls } = await services(waits, waits);
  expect(await ask(urls, 20_000)).toMatchObject({ kind: 'failed', reason: 'disagree' });
});

test('a service that hangs holds the answer of another up by the grace alone', async () => {
  const { urls } = await services(hangs, says('203.0.113.7'));
  const result = await ask(urls, 20_000);
  expect(result).toMatchObject({ kind: 'address', ip: '203.0.113.7' });
  expect(result.durationMs).toBeLessThan(MAX_GRACE_MS + 2_000);
});

test('where all fail, the first configured gives the reason, and each its detail', async () => {
  const { urls } = await services(hangs, says('<html>'));
  const result = await ask(urls);
  expect(result).toMatchObject({ kind: 'failed', reason: 'timeout' });
  if (result.kind === 'failed') expect(result.detail).toMatch(/no answer within 300 ms; .*"<html>"/);
});

test('nothing of a long answer but its beginning is told', async () => {
  const { urls } = await services(says(`secret-${'x'.repeat(200)}`));
  const result = await ask(urls);
  if (result.kind !== 'failed') throw new Error('it passed');
  expect(result.detail.length).toBeLessThan(80);
});

test('only the family of the contested address is asked for and connected to', async () => {
  const { inbox, clock } = networkDependencies();
  const asked: unknown[] = [];
  const listener = await listen(says('203.0.113.7'));
  const names = new Names({
    monotonicMs: clock.monotonicMs,
    resolve: (name, { family }, callback) => {
      asked.push([name, family]);
      if (family === 4) return callback(null, [{ address: '127.0.0.1', family: 4 }]);
      callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), []);
    },
  });
  const guard = new ExternalIp(
    { urls: [`http://checkip.test:${listener.port}/`] },
    { clock, names, post: inbox.post },
  );
  guard.ask({
    kind: 'ask-external-ip',
    purpose: 'way-out',
    askId: 1,
    address: '192.0.2.10',
    timeoutMs: 20_000,
  });
  expect(await inbox.next()).toMatchObject({ result: { kind: 'address' } });
  expect(listener.requests[0]).toContain(`\r\nHost: checkip.test:${listener.port}\r\n`);
  guard.ask({
    kind: 'ask-external-ip',
    purpose: 'way-out',
    askId: 2,
    address: '2001:db8::10',
    timeoutMs: 300,
  });
  expect(await inbox.next()).toMatchObject({ askId: 2, result: { kind: 'failed', reason: 'unreachable' } });
  expect(asked[0]).toEqual(['checkip.test', 4]);
  expect(asked[1]).toEqual(['checkip.test', 6]);
});

test.skipIf(!ipv6)('over IPv6 the answer has one form, however it was written', async () => {
  const a = await listen(says('2001:DB8:0:0::7'), { host: '::1' });
  const b = await listen(says('2001:db8::7'), { host: '::1' });
  const urls = [`http://[::1]:${a.port}/`, `http://[::1]:${b.port}/`];
  expect(await ask(urls, 20_000, '2001:db8::10')).toMatchObject({ kind: 'address', ip: '2001:db8::7' });
  expect(await ask(urls, 20_000, '192.0.2.10')).toMatchObject({ kind: 'failed', reason: 'wrong-family' });
});

test('over TLS a certificate that nobody vouches for is no answer', async () => {
  const listener = await listen(says('203.0.113.7'), { tls: true });
  expect(await ask([`https://127.0.0.1:${listener.port}/`])).toMatchObject({
    kind: 'failed',
    reason: 'unreachable',
    detail: expect.stringContaining('self-signed'),
  });
});

test('closing answers the question under way, and refuses later ones', async () => {
  const { inbox, ...dependencies } = networkDependencies();
  const { urls } = await services(hangs);
  const guard = new ExternalIp({ urls }, dependencies);
  guard.ask({
    kind: 'ask-external-ip',
    purpose: 'way-out',
    askId: 1,
    address: '192.0.2.10',
    timeoutMs: 20_000,
  });
  guard.close();
  expect(await inbox.next()).toMatchObject({ askId: 1, result: { kind: 'failed', detail: 'stopped' } });
  guard.ask({
    kind: 'ask-external-ip',
    purpose: 'way-out',
    askId: 2,
    address: '192.0.2.10',
    timeoutMs: 20_000,
  });
  expect(await inbox.next()).toMatchObject({ askId: 2, result: { kind: 'failed', detail: 'stopped' } });
});

test.each([
  '10.0.0.7',
  '172.16.0.7',
  '192.168.1.7',
  '100.64.0.7',
  '127.0.0.1',
  '169.254.169.254',
  '203.0.113.7',
  '0.0.0.0',
  '255.255.255.255',
])('%s, told by a service on the internet, is no proof of a way out', async (told) => {
  const { listeners } = await services(says(told));
  const url = `http://localhost:${listeners[0]?.port}/`;
  expect(await ask([url], 20_000, '3.120.0.1')).toMatchObject({ kind: 'failed', reason: 'not-public' });
  // The cluster is none of the internet's.
  expect(await ask([url], 20_000, '10.0.0.1')).toMatchObject({ kind: 'address', ip: told });
});

test('a service of the own network, configured by its address, may tell an address of that network', async () => {
  const { urls } = await services(says('10.0.0.7'));
  expect(await ask(urls, 20_000, '3.120.0.1')).toMatchObject({ kind: 'address', ip: '10.0.0.7' });
});

test('with guard.allowPrivate a service that is asked by name may tell an address of the own network', async () => {
  const { listeners } = await services(says('10.0.0.7'));
  const url = `http://localhost:${listeners[0]?.port}/`;
  expect(await ask([url], 20_000, '3.120.0.1', true)).toMatchObject({ kind: 'address', ip: '10.0.0.7' });
});

test('a public address is one whatever the service', async () => {
  const { listeners } = await services(says('3.120.0.9'));
  const url = `http://localhost:${listeners[0]?.port}/`;
  expect(await ask([url], 20_000, '3.120.0.1')).toMatchObject({ kind: 'address', ip: '3.120.0.9' });
});

test.each([
  ['2a01:4f8::1', true],
  ['2600:1f14::1', true],
  ['fd00:ec2::254', false],
  ['fe80::1', false],
  ['::1', false],
  ['2001:db8::7', false],
  ['64:ff9b::1', false],
  ['::ffff:10.0.0.1', false],
  ['::ffff:3.120.0.1', true],
  ['3.120.0.1', true],
])('%s is public: %s', (ip, expected) => {
  expect(isPublic(ip)).toBe(expected);
});
