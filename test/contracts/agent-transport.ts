/** The agent's transport, and a peer on the loopback. Time passes only when it is told to. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { expect, vi } from 'vitest';
import { PeerTransport } from '../../packages/agent/src/adapters/transport.ts';
import { SHARED_KEY } from '../../packages/agent/src/auth/identities.ts';
import { SIGNATURE_HEADER, signResponse } from '../../packages/agent/src/auth/signature.ts';
import { envelope, KEYS } from '../../packages/agent/test/support/api.ts';
import {
  decodeMessage,
  type Event,
  encodeMessage,
  type ReplyEffect,
} from '../../packages/protocol/src/index.ts';
import type { PeerBehaviour, TransportWorld } from './transport-contract.ts';

/** For what needs no time of the world's, on a loaded machine. */
const PATIENT_MS = 10_000;

type Answer = (status: ReplyEffect['status']) => void;

export async function openTransport(): Promise<TransportWorld> {
  let behaviour: PeerBehaviour = 'answers';
  const received: TransportWorld['received'][number][] = [];
  const answers: Answer[] = [];
  const sockets = new Set<Socket>();
  const dead = new Set<Socket>();

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk;
    if (dead.has(request.socket)) return;
    const decoded = decodeMessage(body);
    if (decoded.kind === 'fault') throw new Error(decoded.detail);
    const { message } = decoded;
    const route = request.url ?? '';
    received.push({ route, message });
    const answer: Answer = (status) => {
      const re = { session: message.session, seq: message.seq };
      const text = encodeMessage(envelope({ from: 'neptune', to: message.from, re }));
      const requestSignature = String(request.headers[SIGNATURE_HEADER]);
      const signed = { method: 'POST', path: route, status, requestSignature, body: text };
      response.writeHead(status, { [SIGNATURE_HEADER]: signResponse(KEYS, signed) }).end(text);
    };
    answers.push(answer);
    if (behaviour === 'breaks') request.socket.destroy();
    else if (behaviour !== 'silent') answer(200);
  }

  const server = createServer((request, response) => void take(request, response));
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  const stop = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };

  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const posted: Event[] = [];
  const transport = new PeerTransport(
    {
      peers: [{ id: 'neptune', url: `http://127.0.0.1:${address.port}` }],
      keys: KEYS,
      identities: SHARED_KEY,
    },
    { post: (event) => posted.push(event), reply: () => undefined },
  );
  return {
    posted,
    received,
    send: (effect) => transport.send(effect),
    async peer(next) {
      behaviour = next;
      if (next === 'refuses') await stop();
      if (next === 'forgets') for (const socket of sockets) dead.add(socket);
    },
    answer: (index, status = 200) => answers[index]?.(status),
    until: (holds) => expect.poll(holds, { timeout: PATIENT_MS, interval: 5 }).toBe(true),
    pass: async (ms) => void (await vi.advanceTimersByTimeAsync(ms)),
    async close() {
      transport.close();
      vi.useRealTimers();
      await stop();
    },
  };
}
