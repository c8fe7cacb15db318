import { once } from 'node:events';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Connections, createConnections } from '../src/adapters/aws-connections.ts';

let nowMs = 0;
let connections: Connections;
let opened = 0;
const server = createServer((_request, response) => response.end('ok'));
server.on('connection', () => {
  opened += 1;
});

beforeEach(async () => {
  nowMs = 0;
  opened = 0;
  connections = createConnections(() => nowMs);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(async () => {
  connections.close();
  server.closeAllConnections();
  server.close();
  await once(server, 'close');
});

/** One request; its connection is back in the pool, or closed, when this resolves. */
async function request(): Promise<void> {
  const { port } = server.address() as AddressInfo; // a TCP server's address is never a string
  const asked = get({ port, host: '127.0.0.1', agent: connections.httpAgent });
  const [response] = await once(asked, 'response');
  response.resume();
  await once(asked, 'close');
}

test('a connection is kept and used again', async () => {
  await request();
  expect(connections.kept()).toBe(1);
  await request();
  expect(opened).toBe(1);
});

test('a renewed pool keeps nothing that it had, and keeps on', async () => {
  await request();
  connections.renew(0);
  expect(connections.kept()).toBe(0);
  await request();
  expect(opened).toBe(2);
  expect(connections.kept()).toBe(1);
});

test('after a move nothing is kept for as long as it may take to work', async () => {
  connections.renew(10_000);
  await request();
  expect(connections.kept()).toBe(0);
  nowMs = 10_000;
  await request();
  expect(connections.kept()).toBe(1);
});

test('a shorter renewal does not cut a longer one short', async () => {
  connections.renew(10_000);
  connections.renew(0);
  await request();
  expect(connections.kept()).toBe(0);
});
