import { expect, test } from 'vitest';
import { LocalCheck } from '../src/adapters/local.ts';
import { Prober } from '../src/adapters/prober.ts';
import type { AddressSettings, LocalConfig } from '../src/config/types.ts';
import { answer, listen, networkDependencies, refusedPort } from './support/loopback.ts';

const CHECK = { intervalMs: 1_000, fastIntervalMs: 500, timeoutMs: 1_000, fall: 3, rise: 2 };

function address(ip: string, port: number, expect = [{ from: 200, to: 399 }]): AddressSettings {
  const probe = { ...CHECK, scheme: 'http' as const, host: 'www.example.org', port, path: '/up', expect };
  return { ip, allocationId: null, privateIp: null, home: null, probe };
}

function local(url: string): LocalConfig {
  return { ...CHECK, url, socket: null, command: null, need: 'all' };
}

test('a probe connects to the address itself and answers with its id, and how long it took', async () => {
  const { inbox, ...dependencies } = networkDependencies();
  const listener = await listen((socket) => socket.end(answer(200)));
  const before = dependencies.clock.monotonicMs();
  const prober = new Prober({ addresses: [address('127.0.0.1', listener.port)] }, dependencies);
  prober.probe({ kind: 'probe', probeId: 7, address: '127.0.0.1' });
  const event = await inbox.next();
  expect(event).toMatchObject({ kind: 'probed', probeId: 7, result: { kind: 'ok', status: 200 } });
  if (event.kind !== 'probed') throw new Error('no probe answered');
  expect(before + event.result.durationMs).toBeLessThanOrEqual(dependencies.clock.monotonicMs());
  expect(listener.requests[0]).toMatch(/^GET \/up HTTP\/1\.1\r\n/);
});

test('a probe is judged by the statuses of its own address', async () => {
  const { inbox, ...dependencies } = networkDependencies();
  const { port } = await listen((socket) => socket.end(answer(404)));
  const prober = new Prober(
    { addresses: [address('127.0.0.1', port), address('127.0.0.2', await refusedPort())] },
    dependencies,
  );
  prober.probe({ kind: 'probe', probeId: 1, address: '127.0.0.1' });
  expect(await inbox.next()).toMatchObject({ result: { kind: 'failed', reason: 'status' } });
  prober.probe({ kind: 'probe', probeId: 2, address: '127.0.0.2' });
  expect(await inbox.next()).toMatchObject({ result: { kind: 'failed', reason: 'refused' } });
  prober.reconfigure({ addresses: [address('127.0.0.1', port, [{ from: 404, to: 404 }])] });
  prober.probe({ kind: 'probe', probeId: 3, address: '127.0.0.1' });
  expect(await inbox.next()).toMatchObject({ probeId: 3, result: { kind: 'ok', status: 404 } });
});

test('a probe of an address that is not configured is inconclusive', async () => {
  const { inbox, ...dependencies } = networkDependencies();
  const prober = new Prober({ addresses: [] }, dependencies);
  prober.probe({ kind: 'probe', probeId: 1, address: '127.0.0.1' });
  expect(await inbox.next()).toMatchObject({ kind: 'probed', result: { kind: 'inconclusive' } });
});

test('closing answers the probe under way', async () => {
  const { inbox, ...dependencies } = networkDependencies();
  const { port } = await listen(() => undefined);
  const prober = new Prober({ addresses: [address('127.0.0.1', port)] }, dependencies);
  prober.probe({ kind: 'probe', probeId: 1, address: '127.0.0.1' });
  prober.close();
  expect(await inbox.next()).toMatchObject({ result: { kind: 'inconclusive', detail: 'stopped' } });
});

test('the local check asks its URL, with its credentials, and takes 200 to 399 for fit', async () => {
  const { inbox, ...dependencies } = networkDependencies();
  let status = 204;
  const listener = await listen((socket) => socket.end(answer(status)));
  const url = `http://stats:p%40ss@127.0.0.1:${listener.port}/fit?deep=1`;
  const check = new LocalCheck({ local: local(url) }, dependencies);
  check.check({ kind: 'check-local', checkId: 4 });
  expect(await inbox.next()).toMatchObject({ kind: 'local-checked', checkId: 4, result: { kind: 'ok' } });
  const [request = ''] = listener.requests;
  expect(request).toMatch(/^GET \/fit\?deep=1 HTTP\/1\.1\r\n/);
  expect(request).toContain(`\r\nHost: 127.0.0.1:${listener.port}\r\n`);
  expect(request).toContain(`\r\nAuthorization: Basic ${Buffer.from('stats:p@ss').toString('base64')}\r\n`);
  status = 500;
  check.check({ kind: 'check-local', checkId: 5 });
  expect(await inbox.next()).toMatchObject({ result: { kind: 'failed', reason: 'status' } });
});

test('the local check follows the configuration, and is inconclusive without one', async () => {
  const { inbox, ...dependencies } = networkDependencies();
  const listener = await listen((socket) => socket.end(answer(200)), { tls: true });
  const check = new LocalCheck({ local: null }, dependencies);
  check.check({ kind: 'check-local', checkId: 1 });
  expect(await inbox.next()).toMatchObject({ checkId: 1, result: { kind: 'inconclusive' } });
  check.reconfigure({ local: local(`https://127.0.0.1:${listener.port}/`) });
  check.check({ kind: 'check-local', checkId: 2 });
  expect(await inbox.next()).toMatchObject({ checkId: 2, result: { kind: 'ok' } });
  check.close();
  check.check({ kind: 'check-local', checkId: 3 });
  expect(await inbox.next()).toMatchObject({ checkId: 3, result: { kind: 'inconclusive' } });
});
