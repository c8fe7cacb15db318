import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Link, type LinkCondition } from '../src/link.ts';

/** Long enough for anything on loopback to arrive that is going to. */
const silenceMs = 150;

let target: Server;
let link: Link;
const sockets: Socket[] = [];

beforeEach(async () => {
  target = createServer((request, response) => response.end(`answer to ${request.url}`));
  target.listen(0, '127.0.0.1');
  await once(target, 'listening');
  const { port } = target.address() as AddressInfo; // it listens on TCP
  link = new Link({
    from: 'saturn',
    to: 'neptune',
    listen: { host: '127.0.0.1', port: 0 },
    target: { host: '127.0.0.1', port },
  });
  await link.open();
  link.setListening(true);
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await link.close();
  target.closeAllConnections();
  target.close();
});

/** What one request on a connection of its own comes to. */
function ask(path = '/', timeoutMs = silenceMs): Promise<string> {
  return new Promise((resolve) => {
    const request = get(`${link.url}${path}`, { agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve(body));
    });
    request.setTimeout(timeoutMs, () => {
      resolve('silence');
      request.destroy();
    });
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Asks until the answer is the one that is waited for; a port takes a moment to open or shut. */
async function askUntil(wanted: string): Promise<string> {
  let answer = '';
  for (let attempt = 0; attempt < 100 && answer !== wanted; attempt += 1) answer = await ask();
  return answer;
}

async function connection(): Promise<Socket> {
  const { hostname, port } = new URL(link.url);
  const socket = connect({ host: hostname, port: Number(port) });
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

/** One request on a connection that stays. */
async function askOn(socket: Socket, path: string): Promise<string> {
  socket.write(`GET ${path} HTTP/1.1\r\nhost: neptune\r\n\r\n`);
  const [chunk] = await once(socket, 'data');
  return String(chunk).split('\r\n\r\n')[1] ?? '';
}

describe('the way between two nodes', () => {
  test('open, it passes requests and answers', async () => {
    expect(await ask('/one')).toBe('answer to /one');
  });

  test.each<LinkCondition>([{ kind: 'drop' }, { kind: 'drop-answers' }])(
    '$kind: there is silence, also on a connection that stands',
    async (condition) => {
      const standing = await connection();
      expect(await askOn(standing, '/before')).toBe('answer to /before');
      link.set(condition);
      const first = await Promise.race([askOn(standing, '/standing'), ask('/fresh')]);
      expect(first).toBe('silence');
    },
  );

  test('dropped answers: the requests arrive all the same', async () => {
    link.set({ kind: 'drop-answers' });
    const arrived = once(target, 'request');
    const answer = ask('/heard');
    const [request] = await arrived;
    expect(request.url).toBe('/heard');
    expect(await answer).toBe('silence');
  });

  test('dropped requests do not arrive', async () => {
    const urls: string[] = [];
    target.on('request', (request) => urls.push(request.url ?? ''));
    link.set({ kind: 'drop' });
    expect(await ask('/lost')).toBe('silence');
    expect(await ask('/while-it-hangs-up')).toBe('silence');
    link.set({ kind: 'open' });
    expect(await ask('/next')).toBe('answer to /next');
    expect(urls).not.toContain('/lost');
  });

  test('what was dropped arrives when the way is open again, as TCP has it', async () => {
    const standing = await connection();
    link.set({ kind: 'drop' });
    const answer = askOn(standing, '/late');
    const fresh = ask('/fresh', 5_000);
    expect(await ask('/probe')).toBe('silence');
    link.set({ kind: 'open' });
    expect(await answer).toBe('answer to /late');
    expect(await fresh).toBe('answer to /fresh');
  });

  test('refused: new connections are refused, standing ones reset; open again, it works again', async () => {
    const standing = await connection();
    await askOn(standing, '/');
    const reset = once(standing, 'error');
    link.set({ kind: 'refuse' });
    expect((await reset)[0]).toMatchObject({ code: 'ECONNRESET' });
    expect(await askUntil('ECONNREFUSED')).toBe('ECONNREFUSED');
    link.set({ kind: 'open' });
    expect(await askUntil('answer to /')).toBe('answer to /');
  });

  test('delayed, an exchange takes twice the delay longer', async () => {
    link.set({ kind: 'delay', ms: 60 });
    const startedAt = performance.now();
    expect(await ask('/slow', 5_000)).toBe('answer to /slow');
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(118);
  });

  test('where nothing listens, connections are refused; to a machine that is gone there is silence', async () => {
    link.setListening(false);
    expect(await askUntil('ECONNREFUSED')).toBe('ECONNREFUSED');
    link.setMachine('to', 'gone');
    expect(await askUntil('silence')).toBe('silence');
    link.setMachine('to', 'present');
    link.setListening(true);
    expect(await askUntil('answer to /')).toBe('answer to /');
  });

  test('opened and shut in one go, it ends as it was told last', async () => {
    for (const kind of ['refuse', 'open', 'refuse', 'open', 'refuse'] as const) link.set({ kind });
    expect(await askUntil('ECONNREFUSED')).toBe('ECONNREFUSED');
    expect(await ask()).toBe('ECONNREFUSED');
  });
});
