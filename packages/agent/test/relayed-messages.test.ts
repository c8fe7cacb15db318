/** What comes out of the store is checked like what comes over the wire, and goes the way that it came. */
import { encodeItem, type Relayed, type RelayNews, type RelayStore } from '@failtome/ports';
import { type Event, encodeMessage, type ReplyEffect } from '@failtome/protocol';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { RelayedMessages } from '../src/adapters/relayed-messages.ts';
import { PeerTransport } from '../src/adapters/transport.ts';
import { SHARED_KEY } from '../src/auth/identities.ts';
import { signRequest, signResponse, verifyResponse } from '../src/auth/signature.ts';
import { Inbox } from '../src/http/inbox.ts';
import { answerTo, envelope, KEYS, OTHER_KEYS, type Received } from './support/api.ts';

/** Fast, so that a test waits for nothing but its turns: a pace of 200 ms. */
const GOSSIP = { intervalMs: 50, deadMs: 400 } as const;

/** A store in memory that shows what a test puts there. */
class Shelf implements RelayStore {
  readonly items: Map<string, { version: number; text: string }> = new Map();

  read: RelayStore['read'] = (key, _timeoutMs, answered) => {
    const item = this.items.get(key);
    setImmediate(() =>
      answered(
        item === undefined
          ? { kind: 'none' }
          : { kind: 'item', version: String(item.version), text: item.text },
      ),
    );
  };

  write: RelayStore['write'] = (key, text, expected, _timeoutMs, answered) => {
    const before = this.items.get(key);
    const fits = (before === undefined ? null : String(before.version)) === expected;
    const version = (before?.version ?? 0) + 1;
    if (fits) this.items.set(key, { version, text });
    setImmediate(() => answered(fits ? { kind: 'written', version: String(version) } : { kind: 'conflict' }));
  };

  put(key: string, ...messages: readonly Relayed[]): void {
    const parcels = messages.map((message, index) => ({ n: index + 1, message }));
    this.items.set(key, { version: 1, text: encodeItem({ run: 'other', read: null, parcels }) });
  }

  written(key: string): readonly Relayed[] {
    const text = this.items.get(key)?.text ?? '{"parcels":[]}';
    return JSON.parse(text).parcels.map(({ message }: { readonly message: Relayed }) => message);
  }
}

let shelf: Shelf;
let posted: Event[];
let rejected: string[];
let news: RelayNews[];

beforeEach(() => {
  shelf = new Shelf();
  posted = [];
  rejected = [];
  news = [];
});

/** Neptune, whose peer saturn is reached at a port where nobody listens. */
function open(): PeerTransport {
  const inbox = new Inbox(
    {},
    {
      post(event) {
        posted.push(event);
        const { requestId, message } = event as Received;
        inbox.reply(answerTo({ kind: 'received', requestId, route: '/v1/gossip', message }));
      },
    },
  );
  const identities = SHARED_KEY;
  const relay = new RelayedMessages(
    { cluster: 'web', self: 'neptune', peers: ['saturn'], gossip: GOSSIP },
    {
      store: shelf,
      run: 'run',
      monotonicMs: () => performance.now(),
      trust: () => ({ keys: KEYS, identities, receiver: { cluster: 'web', node: 'neptune' } }),
      inbox,
      transport: () => transport,
      post: (event) => void posted.push(event),
      onRejected: (reason, from) => void rejected.push(`${reason} ${from}`),
      onNews: (one) => void news.push(one),
    },
  );
  const transport = new PeerTransport(
    { peers: [{ id: 'saturn', url: 'http://127.0.0.1:1' }], keys: KEYS, identities },
    {
      post: (event) => void posted.push(event),
      reply: (effect: ReplyEffect) => inbox.reply(effect),
      beside: relay,
    },
  );
  onTestFinished(() => {
    relay.close();
    transport.close();
    inbox.close();
  });
  return transport;
}

function requestOf(keys = KEYS): Relayed {
  const body = encodeMessage(envelope());
  const signature = signRequest(keys, { method: 'POST', path: '/v1/gossip', body });
  return { kind: 'request', route: '/v1/gossip', body, signature, identity: '' };
}

const received = (): readonly Event[] => posted.filter(({ kind }) => kind === 'received');

test('a request in the store is handed in, and its answer, bound to it, goes the same way', async () => {
  const request = requestOf();
  shelf.put('web/saturn/neptune', request);
  open();
  await vi.waitFor(() => expect(shelf.written('web/neptune/saturn')).toHaveLength(1));
  const [answer] = shelf.written('web/neptune/saturn');
  if (answer?.kind !== 'answer') throw new Error('no answer');
  expect(received()).toHaveLength(1);
  const signed = {
    method: 'POST',
    path: '/v1/gossip',
    status: answer.status,
    requestSignature: request.signature,
  };
  expect(verifyResponse(KEYS, { ...signed, body: answer.body }, answer.signature)).toBe(true);
  expect(answer.re).toBe(request.signature);
});

test('a request that another key has signed, or that was changed, is counted and goes no further', async () => {
  const changed = { ...requestOf(), body: encodeMessage(envelope({ seq: 2 })) };
  shelf.put('web/saturn/neptune', requestOf(OTHER_KEYS), changed);
  open();
  await vi.waitFor(() => expect(rejected).toEqual(['signature saturn', 'signature saturn']));
  expect(received()).toEqual([]);
});

test('a message for somebody else is handed in empty, to be refused', async () => {
  const body = encodeMessage(envelope({ to: 'pluto', payload: { version: 5, ack: 3 } }));
  const signature = signRequest(KEYS, { method: 'POST', path: '/v1/gossip', body });
  shelf.put('web/saturn/neptune', { kind: 'request', route: '/v1/gossip', body, signature, identity: '' });
  open();
  await vi.waitFor(() => expect(received()).toHaveLength(1));
  expect(received()[0]).toMatchObject({ message: { payload: { version: 0, ack: 0 } } });
});

test('where nobody listens the request goes through the store, and only its own authentic answer is posted', async () => {
  const transport = open();
  const message = envelope({ from: 'neptune', to: 'saturn', seq: 7 });
  const send = (sendId: number): void =>
    transport.send({
      kind: 'send',
      sendId,
      to: 'saturn',
      route: '/v1/gossip',
      message,
      fresh: false,
      timeoutMs: 50,
    });
  send(1);
  await vi.waitFor(() =>
    expect(posted).toContainEqual({ kind: 'send-failed', sendId: 1, reason: 'refused' }),
  );
  let sendId = 1;
  await vi.waitFor(() => {
    sendId += 1;
    send(sendId);
    expect(shelf.written('web/neptune/saturn').length).toBeGreaterThan(0);
  });
  expect(news).toContainEqual({ kind: 'path', peer: 'saturn', relaying: true });
  const [request] = shelf.written('web/neptune/saturn');
  if (request?.kind !== 'request') throw new Error('no request');

  const body = encodeMessage(
    envelope({ from: 'saturn', to: 'neptune', re: { session: message.session, seq: message.seq } }),
  );
  const answer = (keys = KEYS, re = request.signature): Relayed => {
    const signed = { method: 'POST', path: '/v1/gossip', status: 200, requestSignature: re, body };
    const signature = signResponse(keys, signed);
    return {
      kind: 'answer',
      route: '/v1/gossip',
      status: 200,
      re: request.signature,
      body,
      signature,
      identity: '',
    };
  };
  const unasked: Relayed = { ...answer(), re: 'of another run' } as Relayed;
  shelf.put('web/saturn/neptune', answer(OTHER_KEYS), answer(KEYS, 'another request'), unasked, answer());
  await vi.waitFor(() => expect(posted.some(({ kind }) => kind === 'answered')).toBe(true));
  expect(rejected).toEqual(['signature saturn', 'signature saturn']);
  expect(posted.filter(({ kind }) => kind === 'answered')).toHaveLength(1);
});
