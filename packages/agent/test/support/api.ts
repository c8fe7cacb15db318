/** A real API with a fake protocol behind it, for the tests of the API and of the transport. */
import { createSecretKey } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import {
  type Envelope,
  type Event,
  encodeMessage,
  type RejectReason,
  type ReplyEffect,
} from '@failtome/protocol';
import type { FastifyInstance } from 'fastify';
import { onTestFinished } from 'vitest';
import { type Identities, SHARED_KEY } from '../../src/auth/identities.ts';
import type { ClusterKeys } from '../../src/auth/keys.ts';
import { SIGNATURE_HEADER, signRequest } from '../../src/auth/signature.ts';
import { Tokens } from '../../src/auth/tokens.ts';
import { EVENT_STREAMS, EventStreams, type EventStreamsOptions } from '../../src/http/event-streams.ts';
import type { ServerLimits } from '../../src/http/http-server.ts';
import { Inbox, type InboxOptions } from '../../src/http/inbox.ts';
import type { Readers } from '../../src/http/readers.ts';
import type { RecordingSource } from '../../src/http/recording-routes.ts';
import { createServer } from '../../src/http/server.ts';
import type { ServerTls } from '../../src/http/tls-server.ts';
import type { Views } from '../../src/http/view-routes.ts';

export type Received = Extract<Event, { kind: 'received' }>;

export const KEYS: ClusterKeys = [createSecretKey(Buffer.alloc(32, 1))];
export const OTHER_KEYS: ClusterKeys = [createSecretKey(Buffer.alloc(32, 2))];

export function envelope(change: Partial<Envelope> = {}): Envelope {
  return {
    v: 1,
    cluster: 'web',
    from: 'saturn',
    session: 'AAAAAAAAAAA',
    seq: 1,
    to: 'neptune',
    t: 1000,
    echo: null,
    re: null,
    payload: { version: 1, ack: 0 },
    ...change,
  };
}

export function answerTo({ requestId, message }: Received, status: ReplyEffect['status'] = 200): ReplyEffect {
  const re = { session: message.session, seq: message.seq };
  return { kind: 'reply', requestId, status, message: envelope({ from: 'neptune', to: message.from, re }) };
}

/** A message as its sender would put it on the wire. */
export function signed(path: string, body = encodeMessage(envelope()), keys = KEYS): Record<string, string> {
  return { [SIGNATURE_HEADER]: signRequest(keys, { method: 'POST', path, body }) };
}

const VIEWS: Views = {
  addresses: () => ['192.0.2.1'],
  status: () =>
    ({
      version: '1.0.0',
      cluster: 'web',
      node: { id: 'neptune', role: 'candidate', fit: 'fit' },
      addresses: [
        {
          ip: '192.0.2.1',
          holder: { kind: 'node', node: 'saturn' },
          verdict: 'up',
          ageMs: 300,
          holdDownMs: 0,
        },
      ],
      peers: [{ id: 'saturn', state: 'alive', lastHeardMs: 200 }],
      pause: null,
    }) as unknown as ReturnType<Views['status']>, // what the routes do doesn't depend on its fields
  report() {
    const decisions = [VIEWS.why('192.0.2.1')];
    return { ...VIEWS.status(), decisions, history: [] };
  },
  async cluster() {
    const { history, decisions, ...status } = VIEWS.report();
    const own = { id: 'neptune', role: 'candidate', self: true, url: null, state: null, ageMs: 0 } as const;
    return {
      cluster: 'web',
      at: 1_000_000,
      node: 'neptune',
      nodes: [{ ...own, failure: null, status, decisions, history }],
      stories: [],
    };
  },
  why: (ip) =>
    ({ address: ip, outcome: 'hold', reason: 'address-up', gates: [] }) as unknown as ReturnType<
      Views['why']
    >,
  isHolder: () => false,
  history: () => [],
  ready: () => ({ ready: true, reason: '' }),
  metrics: async () => 'failtome_paused 0\n',
  openApi: () => '{}',
};

/** One recording, of eleven bytes. */
export const RECORDINGS: RecordingSource = {
  list: async () => ({
    node: 'neptune',
    cluster: 'web',
    version: '1.0.0',
    nodejs: 'v20.19.0',
    wall: 1_000_000,
    monotonicMs: 500,
    configuration: { cluster: 'web' },
    recorder: { keepMs: 21_600_000, sizeBytes: 64_000_000, lost: 0 },
    recordings: [{ name: 'one', began: 900_000, bytes: 11 }],
  }),
  read: async (name, from, most) =>
    name === 'one' ? Buffer.from('a recording').subarray(from, from + most) : null,
};

/** Of a node that is known as `test`, too. */
export const READERS: Readers = {
  read: 'anyone',
  tokens: new Tokens([]),
  hosts: new Set(['test']),
  keys: KEYS,
  now: 1_000_000,
};

export interface ApiOptions {
  readonly serves?: 'everything' | 'reading routes';
  readonly keys?: () => ClusterKeys;
  readonly identities?: () => Identities;
  /** What the protocol answers, at once; null: not yet. */
  readonly answer?: (event: Received) => ReplyEffect | null;
  readonly views?: Partial<Views>;
  readonly limits?: Partial<ServerLimits>;
  readonly recordings?: RecordingSource;
  readonly inbox?: InboxOptions;
  readonly readers?: Partial<Readers>;
  readonly streams?: Partial<EventStreamsOptions>;
  readonly isPeerAddress?: (address: string) => boolean;
  /** Absent: plain HTTP. */
  readonly tls?: ServerTls;
}

export interface Api {
  readonly app: FastifyInstance;
  readonly inbox: Inbox;
  readonly received: Received[];
  readonly rejected: RejectReason[];
  readonly faults: Error[];
  readonly streams: EventStreams;
  /** Listen on a free port of the loopback. */
  listen(): Promise<number>;
}

/** Closed when the test ends, however it ends. */
export function buildApi(options: ApiOptions = {}): Api {
  const received: Received[] = [];
  const rejected: RejectReason[] = [];
  const faults: Error[] = [];
  const answer = options.answer ?? answerTo;
  const inbox = new Inbox(options.inbox ?? {}, {
    post(event) {
      if (event.kind !== 'received') throw new Error(`unexpected ${event.kind}`);
      received.push(event);
      const effect = answer(event);
      if (effect !== null) inbox.reply(effect);
    },
  });
  const views = { ...VIEWS, ...options.views };
  const streams = new EventStreams(
    { ...EVENT_STREAMS, ...options.streams },
    {
      status: () => views.status(),
      cluster: () => views.cluster(),
      monotonicMs: () => performance.now(),
      onCut: () => rejected.push('too-slow'),
    },
  );
  const app = createServer(
    { serves: options.serves ?? 'everything', limits: options.limits ?? {} },
    {
      keys: options.keys ?? (() => KEYS),
      identities: options.identities ?? (() => SHARED_KEY),
      receiver: () => ({ cluster: 'web', node: 'neptune' }),
      inbox,
      views,
      recordings: options.recordings ?? RECORDINGS,
      streams,
      readers: () => ({ ...READERS, keys: options.keys?.() ?? KEYS, ...options.readers }),
      isPeerAddress: options.isPeerAddress ?? (() => false),
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      onRejected: (reason) => rejected.push(reason),
      onFault: (error) => faults.push(error),
    },
  );
  onTestFinished(async () => {
    await app.close();
  });
  async function listen(): Promise<number> {
    await app.listen({ host: '127.0.0.1', port: 0 });
    const address = app.server.address();
    if (address === null || typeof address === 'string') throw new Error('not listening on a port');
    return address.port;
  }
  return { app, inbox, received, rejected, faults, streams, listen };
}

export interface RawConnection {
  readonly socket: Socket;
  /** Everything received until it matches. Fails if the connection ends first. */
  until(pattern: RegExp): Promise<string>;
  /** Everything received until the other side closed. */
  closed(): Promise<string>;
}

/** A bare connection; destroyed when the test ends. */
export async function openRaw(port: number): Promise<RawConnection> {
  const socket = connect({ host: '127.0.0.1', port });
  onTestFinished(() => {
    socket.destroy();
  });
  let text = '';
  let ended = false;
  const watchers = new Set<() => void>();
  const notify = (): void => {
    for (const watcher of watchers) watcher();
  };
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    notify();
  });
  socket.on('error', notify); // a reset is a way of closing
  socket.on('close', () => {
    ended = true;
    notify();
  });
  const wait = (done: () => boolean, failed: () => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (done()) resolve(text);
        else if (failed()) reject(new Error(`connection closed after ${JSON.stringify(text)}`));
        else return;
        watchers.delete(look);
      };
      watchers.add(look);
      look();
    });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return {
    socket,
    until: (pattern) =>
      wait(
        () => pattern.test(text),
        () => ended,
      ),
    closed: () =>
      wait(
        () => ended,
        () => false,
      ),
  };
}

/** The text of a POST, by hand. */
export function rawPost(path: string, body: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `POST ${path} HTTP/1.1\r\nhost: test\r\n${lines.join('')}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
