import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { Child } from '../src/child.ts';
import { Client } from '../src/client.ts';
import { makeFolder } from '../src/folder.ts';
import { LogBook } from '../src/log-book.ts';
import { claimLoopback } from '../src/loopback.ts';
import { until, WaitError } from '../src/wait.ts';
import { installedWebServer, WebServer, type WebServerKind } from '../src/web-server.ts';
import { merge } from '../src/yaml-object.ts';

async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'failtome-parts-'));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function fetchText(url: string, timeoutMs: number): Promise<string> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(timeoutMs),
      headers: { connection: 'close' },
    });
    return await response.text();
  } catch (error) {
    return error instanceof DOMException ? 'silence' : 'refused';
  }
}

const kinds: readonly WebServerKind[] = installedWebServer() === 'haproxy' ? ['haproxy', 'node'] : ['node'];

describe.each(kinds)('a web server on %s', (kind) => {
  test('says its name, is killed, hung and brought back', async () => {
    const block = await claimLoopback();
    const endpoint = { host: block.ip(10), port: 8080 };
    const web = new WebServer({ kind, name: 'saturn', endpoint, folder: await folder() });
    onTestFinished(async () => {
      await web.kill();
      await block.release();
    });
    await web.start();
    expect(await fetchText(web.url, 5_000)).toBe('saturn');
    web.hang();
    expect(await fetchText(web.url, 150)).toBe('silence');
    web.resume();
    expect(await fetchText(web.url, 5_000)).toBe('saturn');
    await web.kill();
    expect(await fetchText(web.url, 5_000)).toBe('refused');
    await web.start();
    expect(await fetchText(web.url, 5_000)).toBe('saturn');
  });
});

test('two clusters never get the same block of addresses', async () => {
  const [one, other] = await Promise.all([claimLoopback(), claimLoopback()]);
  onTestFinished(async () => {
    await Promise.all([one.release(), other.release()]);
  });
  expect(one.ip(1)).not.toBe(other.ip(1));
});

test('a folder goes at the end, unless it is to be kept', async () => {
  const parent = await folder();
  const [gone, kept] = await Promise.all([makeFolder(parent), makeFolder(parent)]);
  kept.keep();
  await Promise.all([gone.remove(), kept.remove()]);
  expect([existsSync(gone.path), existsSync(kept.path)]).toEqual([false, true]);
});

describe('a process', () => {
  test('is given nothing of this process’s own environment', async () => {
    process.env.AWS_PROFILE = 'somebody';
    onTestFinished(() => {
      delete process.env.AWS_PROFILE;
    });
    const script = 'console.log(JSON.stringify(process.env))';
    const child = new Child({
      command: process.execPath,
      args: ['-e', script],
      env: { A: '1' },
      cwd: tmpdir(),
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    expect(await child.ended).toEqual({ code: 0, signal: null });
    expect(JSON.parse(output)).toEqual({ A: '1' });
  });

  test('that is stopped is killed all the same', async () => {
    const args = ['-e', 'setInterval(() => 1, 1000); console.log("up")'];
    const child = new Child({ command: process.execPath, args, env: {}, cwd: tmpdir() });
    await once(child.stdout, 'data');
    child.stderr.resume();
    child.signal('SIGSTOP');
    await child.kill();
    expect(await child.ended).toEqual({ code: null, signal: 'SIGKILL' });
  });

  test('that does not exist rejects with its name', async () => {
    const child = new Child({ command: '/nowhere/program', args: [], env: {}, cwd: tmpdir() });
    await expect(child.ended).rejects.toThrow('/nowhere/program');
  });
});

describe('waiting', () => {
  test('a look that throws is repeated, and what it finds is handed over', async () => {
    let looks = 0;
    const found = await until('the third look', () => {
      looks += 1;
      if (looks < 3) throw new Error('not yet');
      return looks;
    });
    expect(found).toBe(3);
  });

  test('in vain, it says for what, and what was seen instead', async () => {
    const wait = until('a miracle', () => false, { withinMs: 1, seen: () => 'nothing of the kind' });
    await expect(wait).rejects.toThrow(/a miracle\. Seen: nothing of the kind/);
  });

  test('it ends at once when a look sees that there is nothing to wait for', async () => {
    const look = (): never => {
      throw new WaitError('it is over');
    };
    await expect(until('a miracle', look)).rejects.toThrow('it is over');
  });
});

describe('a log', () => {
  async function book() {
    const log = new LogBook(join(await folder(), 'agent.log'));
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    log.read({ stdout, stderr });
    onTestFinished(() => log.close());
    return { log, stdout, stderr };
  }
  const line = (event: string, more: object = {}): string =>
    `${JSON.stringify({ level: 'info', time: '2026-01-02T03:04:05.678Z', event, msg: `about ${event}`, ...more })}\n`;

  test('finds a line that was there before, and one that comes later', async () => {
    const { log, stdout } = await book();
    stdout.write(line('verdict', { to: 'down' }));
    const verdict = await log.waitFor('verdict');
    expect(verdict).toMatchObject({ atMs: Date.parse('2026-01-02T03:04:05.678Z'), fields: { to: 'down' } });
    const later = log.waitFor('guard');
    stdout.write(line('guard', { passed: true }));
    expect((await later).fields.passed).toBe(true);
  });

  test('looks only at what came since a position', async () => {
    const { log, stdout } = await book();
    stdout.write(line('verdict', { to: 'down' }));
    await log.waitFor('verdict');
    const next = log.waitFor('verdict', { since: log.position });
    stdout.write(line('verdict', { to: 'up' }));
    expect((await next).fields.to).toBe('up');
  });

  test('in vain, it shows the newest lines', async () => {
    const { log, stdout } = await book();
    stdout.write(line('verdict'));
    await log.waitFor('verdict');
    await expect(log.waitFor('guard', { withinMs: 1 })).rejects.toThrow(/the event guard.*about verdict/s);
  });

  test('keeps what is not JSON: last words on standard error', async () => {
    const { log, stderr } = await book();
    stderr.write('auth.keyFile: no such file\n');
    expect(await log.waitFor('output')).toMatchObject({ level: 'error', msg: 'auth.keyFile: no such file' });
  });
});

test('settings: objects are merged, lists and values replaced, null takes out', () => {
  const base = {
    local: { interval: '1s', fall: 2 },
    peers: [{ id: 'a' }],
    notify: { sns: { topicArn: 'x' } },
  };
  const override = { local: { fall: 3 }, peers: [{ id: 'b' }], notify: null };
  expect(merge(base, override)).toEqual({ local: { interval: '1s', fall: 3 }, peers: [{ id: 'b' }] });
});

describe('the client', () => {
  test('measures an outage from the first failed request to the first answer of another server', async () => {
    let behaviour: 'saturn' | 'neptune' | 'fail' = 'saturn';
    const server = createServer((_request, response) => {
      if (behaviour === 'fail') response.socket?.resetAndDestroy();
      else response.end(`${behaviour}\n`);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const client = new Client({ endpoint: () => ({ host: '127.0.0.1', port }), everyMs: 10 });
    onTestFinished(() => {
      client.stop();
      server.close();
    });
    client.start();
    await client.served('saturn');
    const sinceMs = Date.now();
    expect(client.outageSince(sinceMs)).toBeNull();
    behaviour = 'fail';
    await until('a request to fail', () => client.requests.some(({ servedBy }) => servedBy === null));
    expect(client.outageSince(sinceMs)).toBeNull();
    behaviour = 'neptune';
    const outage = await client.outage({ sinceMs, by: 'neptune' });
    expect(outage).toMatchObject({ from: 'saturn', to: 'neptune', failures: ['ECONNRESET'] });
    expect(outage.outageMs).toBe(outage.recoveredAt - outage.firstFailureAt);
    expect(outage.failed).toBeGreaterThan(0);
    const ends = client.requests
      .filter(({ servedBy }) => servedBy === 'saturn')
      .map(({ endedAt }) => endedAt);
    expect(client.longestGapMs()).toBeGreaterThanOrEqual(outage.recoveredAt - Math.max(...ends));
    expect(client.servedBy).toBe('neptune');
  });

  test('a server that does not answer in time has failed', async () => {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo; // it listens on TCP
    const client = new Client({ endpoint: () => ({ host: '127.0.0.1', port }), timeoutMs: 20 });
    onTestFinished(() => {
      client.stop();
      server.closeAllConnections();
      server.close();
    });
    client.start();
    const [first] = await until('a request to end', () => client.requests.length > 0 && client.requests);
    expect(first).toMatchObject({ servedBy: null, failure: 'time-out' });
  });
});
