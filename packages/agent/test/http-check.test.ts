import { Worker } from 'node:worker_threads';
import type { CheckResult } from '@failtome/protocol';
import { expect, onTestFinished, test } from 'vitest';
import {
  CheckRunner,
  checkTarget,
  type HttpCheck,
  MAX_BODY_BYTES,
  MAX_CHECKS,
} from '../src/adapters/http-check.ts';
import { failureOf, MAX_HEADER_BYTES, type Stage } from '../src/adapters/http-exchange.ts';
import { Names, type NamesDependencies } from '../src/adapters/names.ts';
import {
  answer,
  deferred,
  hasIpv6,
  type Listener,
  listen,
  networkDependencies,
  refusedPort,
} from './support/loopback.ts';

type Parts = Partial<Parameters<typeof checkTarget>[0]> & { readonly timeoutMs?: number };

function checkOf(port: number, parts: Parts = {}): HttpCheck {
  const { timeoutMs = 300, ...rest } = parts;
  const target = checkTarget({
    secure: false,
    connectTo: '127.0.0.1',
    port,
    path: '/',
    host: 'www.example.org',
    ...rest,
  });
  return { target, expect: [{ from: 200, to: 399 }], timeoutMs };
}

function run(check: HttpCheck, resolve?: NamesDependencies['resolve']): Promise<CheckResult> {
  const { clock, names } = networkDependencies();
  const own = resolve === undefined ? names : new Names({ monotonicMs: clock.monotonicMs, resolve });
  return new Promise((done) => new CheckRunner({ clock, names: own }).run(check, done));
}

/** Waits until the other side has seen every connection end. */
async function allClosed(listener: Listener): Promise<void> {
  await Promise.all(
    [...listener.open].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
  );
}

test('a service that answers is ok, asked with the header, the path and a connection of its own', async () => {
  const listener = await listen((socket) => socket.end(answer(200, 'hello')));
  const check = checkOf(listener.port, { path: '/health?a=1' });
  expect(await run(check)).toMatchObject({ kind: 'ok', status: 200 });
  expect(await run(check)).toMatchObject({ kind: 'ok' });
  expect(listener.requests).toHaveLength(2);
  const [request = ''] = listener.requests;
  expect(request.startsWith('GET /health?a=1 HTTP/1.1\r\n')).toBe(true);
  expect(request).toContain('\r\nHost: www.example.org\r\n');
  expect(request).toContain('\r\nConnection: close\r\n');
});

test.each([
  ['www.example.org:8080', 'www.example.org:8080'],
  ['192.0.2.1', '192.0.2.1'],
  ['2001:db8::1', '[2001:db8::1]'],
])('the host %s is sent as %s', (host, header) => {
  expect(checkOf(8080, { host }).target.headers.Host).toBe(header);
});

test('a redirect is judged by its status and not followed', async () => {
  const listener = await listen((socket) => socket.end(answer(302, '', ['Location: /elsewhere'])));
  const check = checkOf(listener.port);
  expect(await run(check)).toMatchObject({ kind: 'ok', status: 302 });
  const strict = { ...check, expect: [{ from: 200, to: 200 }] };
  expect(await run(strict)).toMatchObject({ kind: 'failed', reason: 'status' });
  expect(listener.requests).toHaveLength(2);
});

test('a whole answer with another status fails at once', async () => {
  const listener = await listen((socket) => socket.end(answer(503, 'no server is available')));
  const result = await run(checkOf(listener.port, { timeoutMs: 20_000 }));
  expect(result).toMatchObject({ kind: 'failed', reason: 'status', detail: 'answered with status 503' });
  expect(listener.requests).toHaveLength(1);
});

test('a refused connection fails at once', async () => {
  const result = await run(checkOf(await refusedPort(), { timeoutMs: 20_000 }));
  expect(result).toMatchObject({ kind: 'failed', reason: 'refused' });
});

test('a service that hangs is asked three times, fails when time is up, and no connection stays', async () => {
  const listener = await listen(() => undefined);
  const result = await run(checkOf(listener.port));
  expect(result).toMatchObject({
    kind: 'failed',
    reason: 'timeout',
    detail: 'connected, but no answer within 300 ms',
  });
  expect(result.durationMs).toBeGreaterThanOrEqual(299);
  expect(listener.requests).toHaveLength(3);
  await allClosed(listener);
});

test('an answer that drips slower than the time allows fails when time is up', async () => {
  const listener = await listen((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
    const drip = setInterval(() => socket.write('x'), 10);
    socket.once('close', () => clearInterval(drip));
  });
  expect(await run(checkOf(listener.port))).toMatchObject({
    kind: 'failed',
    reason: 'timeout',
    detail: 'the answer did not end within 300 ms',
  });
});

test('the second attempt succeeds where the first was swallowed', async () => {
  const listener = await listen((socket, index) => (index === 0 ? undefined : socket.end(answer(200))));
  const result = await run(checkOf(listener.port, { timeoutMs: 1_000 }));
  expect(result).toMatchObject({ kind: 'ok', status: 200 });
  expect(result.durationMs).toBeGreaterThanOrEqual(299);
  expect(listener.requests).toHaveLength(2);
  await allClosed(listener);
});

test('the first attempt still succeeds after the second was started', async () => {
  const listener = await listen((socket, index) => {
    if (index === 0) return;
    for (const first of [...listener.open].slice(0, 1)) first.end(answer(204));
    socket.pause();
  });
  expect(await run(checkOf(listener.port, { timeoutMs: 1_000 }))).toMatchObject({ kind: 'ok', status: 204 });
});

test('a reset is tried again, and fails once every attempt was reset', async () => {
  const listener = await listen((socket) => socket.resetAndDestroy());
  const result = await run(checkOf(listener.port));
  expect(result).toMatchObject({ kind: 'failed', reason: 'reset' });
  expect(listener.requests).toHaveLength(3);
});

test('an attempt after a reset may succeed', async () => {
  const listener = await listen((socket, index) =>
    index < 2 ? socket.resetAndDestroy() : socket.end(answer(200)),
  );
  expect(await run(checkOf(listener.port))).toMatchObject({ kind: 'ok' });
});

test.each([
  ['an answer that ends before its length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc', 'reset'],
  ['a connection closed without an answer', '', 'reset'],
  [
    'a switch of protocols that nobody asked for',
    'HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
    'reset',
  ],
  ['something that is not HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 'protocol'],
  ['headers beyond the bound', `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(MAX_HEADER_BYTES)}\r\n\r\n`, 'protocol'],
])('%s fails', async (_, text, reason) => {
  const listener = await listen((socket) => socket.end(text));
  expect(await run(checkOf(listener.port))).toMatchObject({ kind: 'failed', reason });
});

test('a body without length that ends with the connection is whole', async () => {
  const listener = await listen((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\nabc'));
  expect(await run(checkOf(listener.port))).toMatchObject({ kind: 'ok' });
});

test('an endless body counts as whole at the bound', async () => {
  const listener = await listen((socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    const more = (): void => {
      for (let room = true; room && !socket.destroyed; )
        room = socket.write(Buffer.alloc(MAX_BODY_BYTES / 4));
    };
    socket.on('drain', more);
    more();
  });
  expect(await run(checkOf(listener.port, { timeoutMs: 20_000 }))).toMatchObject({ kind: 'ok' });
  await allClosed(listener);
});

test('over TLS any certificate will do, and the host is asked for by name, without its port', async () => {
  const listener = await listen((socket) => socket.end(answer(200)), { tls: true });
  const check = checkOf(listener.port, { secure: true, host: 'www.example.org:8443' });
  expect(await run(check)).toMatchObject({ kind: 'ok' });
  expect(await run(checkOf(listener.port, { secure: true, host: '127.0.0.1' }))).toMatchObject({
    kind: 'ok',
  });
  expect(listener.serverNames).toEqual(['www.example.org', false]);
});

test('a server that does not speak TLS fails as such', async () => {
  const { port } = await listen((socket) => socket.end('hello'), {
    greeting: 'HTTP/1.1 400 Bad Request\r\n\r\n',
  });
  expect(await run(checkOf(port, { secure: true }))).toMatchObject({ kind: 'failed', reason: 'tls' });
});

test('a TLS handshake that does not finish fails when time is up', async () => {
  const { port } = await listen(() => undefined);
  expect(await run(checkOf(port, { secure: true }))).toMatchObject({
    kind: 'failed',
    reason: 'timeout',
    detail: 'connected, but the TLS handshake did not finish within 300 ms',
  });
});

test.skipIf(!(await hasIpv6()))('an IPv6 address is connected to', async () => {
  const listener = await listen((socket) => socket.end(answer(200)), { host: '::1' });
  const check = checkOf(listener.port, { connectTo: '::1', host: '::1' });
  expect(await run(check)).toMatchObject({ kind: 'ok' });
  expect(listener.requests[0]).toContain('\r\nHost: [::1]\r\n');
});

test('a name that does not resolve fails as such', async () => {
  const check = checkOf(80, { connectTo: 'haproxy.test' });
  const fails: NamesDependencies['resolve'] = (_name, _options, callback) =>
    callback(Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' }), []);
  expect(await run(check, fails)).toMatchObject({ kind: 'failed', reason: 'name' });
  const hangs = (): void => undefined;
  expect(await run(check, hangs)).toMatchObject({ kind: 'failed', reason: 'name' });
});

test('a name with several addresses is refused only when each of them refuses', async () => {
  const listener = await listen((socket) => socket.end(answer(200)), { host: '127.0.0.2' });
  const check = checkOf(listener.port, { connectTo: 'haproxy.test', timeoutMs: 2_000 });
  const both: NamesDependencies['resolve'] = (_name, _options, callback) =>
    callback(null, [
      { address: '127.0.0.1', family: 4 },
      { address: '127.0.0.2', family: 4 },
    ]);
  expect(await run(check, both)).toMatchObject({ kind: 'ok' });
  await listener.close();
  expect(await run(check, both)).toMatchObject({ kind: 'failed', reason: 'refused' });
});

test.each([
  ['ECONNREFUSED', 'connect', 'failed', 'refused'],
  ['EHOSTUNREACH', 'connect', 'failed', 'unreachable'],
  ['ENETUNREACH', 'connect', 'failed', 'unreachable'],
  ['ETIMEDOUT', 'connect', 'failed', 'timeout'],
  ['EPIPE', 'answer', 'failed', 'reset'],
  ['ENOTFOUND', 'name', 'failed', 'name'],
  ['EAI_FAIL', 'name', 'failed', 'name'],
  ['EPROTO', 'tls', 'failed', 'tls'],
  ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', 'failed', 'tls'],
  ['HPE_INVALID_CONSTANT', 'answer', 'failed', 'protocol'],
  ['EMFILE', 'connect', 'inconclusive', undefined],
  ['ENOBUFS', 'connect', 'inconclusive', undefined],
  ['EADDRNOTAVAIL', 'connect', 'inconclusive', undefined],
] as const)('%s while in %s is %s %s', (code, stage: Stage, kind, reason) => {
  const end = failureOf(Object.assign(new Error('it broke'), { code }), stage);
  expect(end).toEqual(
    reason === undefined ? { kind, detail: 'it broke' } : { kind, reason, detail: 'it broke' },
  );
});

test('a check that could not be run is inconclusive', async () => {
  const check = checkOf(80, { path: '/a\nb' });
  expect(await run(check)).toMatchObject({ kind: 'inconclusive' });
});

test('a check that times out after an attempt that could not be run is inconclusive', async () => {
  const { port } = await listen(() => undefined);
  let lookups = 0;
  const runsShort: NamesDependencies['resolve'] = (_name, _options, callback) => {
    lookups += 1;
    if (lookups > 1) return callback(null, [{ address: '127.0.0.1', family: 4 }]);
    callback(Object.assign(new Error('too many open files'), { code: 'EMFILE' }), []);
  };
  const result = await run(checkOf(port, { connectTo: 'haproxy.test' }), runsShort);
  expect(result).toMatchObject({ kind: 'inconclusive', detail: 'too many open files' });
});

test('closing ends what is under way and what comes later, as inconclusive', async () => {
  const { clock, names } = networkDependencies();
  const runner = new CheckRunner({ clock, names });
  const seen = deferred();
  const listener = await listen(() => seen.resolve());
  const pending = new Promise<CheckResult>((done) =>
    runner.run(checkOf(listener.port, { timeoutMs: 20_000 }), done),
  );
  await seen.promise;
  runner.close();
  expect(await pending).toMatchObject({ kind: 'inconclusive', detail: 'stopped' });
  await allClosed(listener);
  const later = await new Promise<CheckResult>((done) => runner.run(checkOf(listener.port), done));
  expect(later).toMatchObject({ kind: 'inconclusive', detail: 'stopped' });
});

test('no more checks than the bound run at once', async () => {
  const { clock, names } = networkDependencies();
  const runner = new CheckRunner({ clock, names });
  onTestFinished(() => runner.close());
  const listener = await listen(() => undefined);
  for (let count = 0; count < MAX_CHECKS; count += 1)
    runner.run(checkOf(listener.port, { timeoutMs: 20_000 }), () => undefined);
  const beyond = await new Promise<CheckResult>((done) => runner.run(checkOf(listener.port), done));
  expect(beyond).toMatchObject({ kind: 'inconclusive' });
});

/** Stops this thread, as a machine that is short of time does. */
function stall(durationMs: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
}

test('a time-out seen late tells how long it really took', async () => {
  const seen = deferred();
  const listener = await listen(() => seen.resolve());
  const pending = run(checkOf(listener.port, { timeoutMs: 100 }));
  await seen.promise;
  stall(400);
  const result = await pending;
  expect(result).toMatchObject({ kind: 'failed', reason: 'timeout' });
  expect(result.durationMs).toBeGreaterThanOrEqual(400);
});

test('an answer that arrived in time counts, though the event loop came late to read it', async () => {
  const worker = new Worker(
    `const { createServer } = require('node:net');
     const { parentPort } = require('node:worker_threads');
     const server = createServer((socket) => {
       socket.on('error', () => undefined);
       // Long enough for the other thread to have stopped, and far less than it stops.
       socket.once('data', () => {
         parentPort.postMessage('asked');
         setTimeout(() => socket.end('HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok'), 50);
       });
     });
     server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));`,
    { eval: true },
  );
  onTestFinished(async () => void (await worker.terminate()));
  const port = await new Promise<number>((resolve) => worker.once('message', resolve));
  const asked = new Promise((resolve) => worker.once('message', resolve));
  const pending = run(checkOf(port, { timeoutMs: 400 }));
  await asked;
  stall(600);
  const result = await pending;
  expect(result).toMatchObject({ kind: 'ok' });
  expect(result.durationMs).toBeGreaterThanOrEqual(600);
});
