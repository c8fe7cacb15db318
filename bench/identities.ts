/** What each sender's own signature costs: heartbeats and their answers with identities beside those without, in turns. */
import { createSecretKey } from 'node:crypto';
import { PeerTransport } from '../packages/agent/src/adapters/transport.ts';
import { Identities, SHARED_KEY } from '../packages/agent/src/auth/identities.ts';
import { generateIdentity, parseIdentity } from '../packages/agent/src/auth/identity.ts';
import type { ClusterKeys } from '../packages/agent/src/auth/keys.ts';
import { Tokens } from '../packages/agent/src/auth/tokens.ts';
import { EVENT_STREAMS, EventStreams } from '../packages/agent/src/http/event-streams.ts';
import { Inbox } from '../packages/agent/src/http/inbox.ts';
import { createServer } from '../packages/agent/src/http/server.ts';
import type { Views } from '../packages/agent/src/http/view-routes.ts';
import type { Envelope } from '../packages/protocol/src/index.ts';
import { CountingForwarder } from './forwarder.ts';
import type { BenchOptions } from './options.ts';
import { median, type Row, spread } from './table.ts';

const keys: ClusterKeys = [createSecretKey(Buffer.alloc(32, 7))];
const exchangesARound = 200;
const rounds = 7;
const timeoutMs = 10_000;

/** As a quiet pair's are. */
const heartbeat: Envelope = {
  v: 1,
  cluster: 'web',
  from: 'saturn',
  session: 'q3vJx0wEJ2c',
  seq: 12_345,
  to: 'neptune',
  t: 1_234_567,
  echo: { session: 'w0Qy5mNn3Xk', t: 1_234_321 },
  re: null,
  payload: { version: 12, ack: 9 },
};

interface Measured {
  /** Of one exchange, both ways. */
  readonly bytes: number;
  /** Of this process, which is both sides, for one exchange. */
  readonly cpuUs: number;
}

export async function identities({ times, note }: BenchOptions): Promise<readonly Row[]> {
  const [saturn, neptune] = [generateIdentity(), generateIdentity()].map(({ privateKey }) =>
    parseIdentity(privateKey, ''),
  );
  if (saturn === undefined || neptune === undefined) throw new Error('There are two nodes.');
  const peers = [
    { id: 'saturn', publicKeys: [saturn.publicKey] },
    { id: 'neptune', publicKeys: [neptune.publicKey] },
  ];
  const shared = await openPair(SHARED_KEY, SHARED_KEY);
  const signed = await openPair(
    new Identities({ self: 'saturn', own: saturn, peers, operators: [] }),
    new Identities({ self: 'neptune', own: neptune, peers, operators: [] }),
  );
  try {
    const without: Measured[] = [];
    const withThem: Measured[] = [];
    // The first of each warms up.
    for (let round = 0; round <= rounds * times; round += 1) {
      const each = [await shared.measure(), await signed.measure()] as const;
      if (round === 0) continue;
      without.push(each[0]);
      withThem.push(each[1]);
      note(`round ${round}`);
    }
    return [
      rowOf(
        'bytes',
        withThem.map(({ bytes }) => bytes),
        without.map(({ bytes }) => bytes),
        'B',
      ),
      rowOf(
        'CPU of both sides',
        withThem.map(({ cpuUs }) => cpuUs),
        without.map(({ cpuUs }) => cpuUs),
        'µs',
      ),
    ];
  } finally {
    await Promise.all([shared.close(), signed.close()]);
  }
}

function rowOf(what: string, samples: readonly number[], plain: readonly number[], unit: string): Row {
  return {
    what: `a heartbeat and its answer with identities, ${what}`,
    measured: spread(samples, unit),
    yardstick: `with the shared key ${spread(plain, unit)}`,
    ratio: (median(samples) / median(plain)).toFixed(2),
    bound: '',
    ok: null,
  };
}

interface Pair {
  readonly measure: () => Promise<Measured>;
  readonly close: () => Promise<void>;
}

/** Saturn's transport and neptune's API, with a counter of bytes between them. */
async function openPair(saturns: Identities, neptunes: Identities): Promise<Pair> {
  const inbox = new Inbox(
    {},
    {
      post: (event) => {
        if (event.kind !== 'received') return;
        const { requestId, message } = event;
        const re = { session: message.session, seq: message.seq };
        const answer = { ...heartbeat, from: 'neptune', to: 'saturn', re };
        inbox.reply({ kind: 'reply', requestId, status: 200, message: answer });
      },
    },
  );
  const app = createServer(
    {},
    {
      keys: () => keys,
      identities: () => neptunes,
      receiver: () => ({ cluster: 'web', node: 'neptune' }),
      inbox,
      views: noViews,
      recordings: { list: unasked, read: unasked },
      streams: new EventStreams(EVENT_STREAMS, {
        status: unasked,
        cluster: unasked,
        monotonicMs: () => performance.now(),
        onCut: unasked,
      }),
      readers: () => ({ read: 'peers', tokens: new Tokens([]), hosts: new Set(), keys, now: Date.now() }),
      isPeerAddress: () => true,
      onRejected: (reason) => {
        throw new Error(`An honest heartbeat was refused: ${reason}.`);
      },
      onFault: (error) => {
        throw error;
      },
    },
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  if (address === null || typeof address === 'string') throw new Error('The API has no port.');
  const forwarder = new CountingForwarder();
  const { host, port } = await forwarder.open();
  forwarder.aim({ host: '127.0.0.1', port: address.port });
  const waiting = new Map<number, (answered: boolean) => void>();
  const transport = new PeerTransport(
    { peers: [{ id: 'neptune', url: `http://${host}:${port}` }], keys, identities: saturns },
    {
      post: (event) => {
        if (event.kind === 'answered' || event.kind === 'send-failed')
          waiting.get(event.sendId)?.(event.kind === 'answered');
      },
      reply: () => undefined,
    },
  );
  let sent = 0;
  const exchange = async (): Promise<void> => {
    sent += 1;
    const sendId = sent;
    const answered = new Promise<boolean>((resolve) => waiting.set(sendId, resolve));
    const message = { ...heartbeat, seq: sendId };
    transport.send({
      kind: 'send',
      sendId,
      to: 'neptune',
      route: '/v1/gossip',
      message,
      fresh: false,
      timeoutMs,
    });
    if (!(await answered)) throw new Error('A heartbeat was not answered.');
    waiting.delete(sendId);
  };
  return {
    async measure() {
      const before = { bytes: forwarder.requestBytes + forwarder.answerBytes, cpu: process.cpuUsage() };
      for (let count = 0; count < exchangesARound; count += 1) await exchange();
      const { user, system } = process.cpuUsage(before.cpu);
      const bytes = forwarder.requestBytes + forwarder.answerBytes - before.bytes;
      return { bytes: bytes / exchangesARound, cpuUs: (user + system) / exchangesARound };
    },
    async close() {
      transport.close();
      await forwarder.close();
      await app.close();
    },
  };
}

const unasked = (): never => {
  throw new Error('No view is asked for here.');
};

const noViews: Views = {
  addresses: unasked,
  status: unasked,
  report: unasked,
  cluster: unasked,
  why: unasked,
  isHolder: unasked,
  openApi: unasked,
  history: unasked,
  ready: unasked,
  metrics: unasked,
};
