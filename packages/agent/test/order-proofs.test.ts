import {
  decodeMessage,
  type Envelope,
  encodeMessage,
  type HandoverRecord,
  initialState,
  orderText,
  type PauseRecord,
} from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { Identities } from '../src/auth/identities.ts';
import { generateIdentity, parseIdentity, type SigningIdentity } from '../src/auth/identity.ts';
import { Operators, signOrder } from '../src/auth/operators.ts';
import { MAX_PROOFS_AT_ONCE, OrderProofs } from '../src/auth/order-proofs.ts';
import { checkConfig } from '../src/config/load.ts';
import { toProtocolConfig } from '../src/config/to-protocol.ts';
import { PROTOCOL_CONFIG } from './support/protocol-config.ts';

const newIdentity = (): SigningIdentity => parseIdentity(generateIdentity().privateKey, 'a test');
const [ann, bob, node] = [newIdentity(), newIdentity(), newIdentity()];

function identities(operators: readonly SigningIdentity[], own: SigningIdentity | null = null): Identities {
  return new Identities({
    self: 'saturn',
    own,
    peers: [{ id: 'neptune', publicKeys: own === null ? [] : [own.publicKey] }],
    operators: operators.map(({ publicKey }, i) => ({ name: `operator-${i}`, publicKeys: [publicKey] })),
  });
}

function pauseBy(identity: SigningIdentity, version = 1): PauseRecord {
  const order = {
    version,
    signedAt: version,
    by: 'saturn',
    paused: true,
    owner: 'ann',
    reason: '',
    until: null,
  };
  return { ...order, proof: signOrder(identity, orderText('web', { kind: 'pause', order })) };
}

function messageWith(pause: PauseRecord): Envelope {
  return {
    v: 1,
    cluster: 'web',
    from: 'neptune',
    session: 'session-nep',
    seq: 1,
    to: 'saturn',
    t: 1,
    echo: null,
    re: null,
    payload: {
      version: 1,
      ack: 0,
      node: {
        id: 'neptune',
        incarnation: 1,
        role: 'candidate',
        priority: 100,
        instanceId: 'i-1',
        fit: 'fit',
        leaving: false,
        ready: true,
        electorate: '',
        version: '1',
        addresses: [],
        pause,
        handovers: [],
      },
    },
  };
}

const proofIn = ({ payload }: Envelope): string | undefined => payload.node?.pause.proof;

describe('the proof of an order', () => {
  test('holds when an operator of the configuration has signed it, and each time anew', () => {
    const { orders } = identities([ann]);
    const message = messageWith(pauseBy(ann));
    expect(orders.judged(message, 'neptune')).toBe(message);
    expect(orders.judged(message, 'neptune')).toBe(message);
  });

  test("of somebody else's, of a node's or of other words is taken away, also after one that holds", () => {
    const { orders } = identities([ann]);
    const honest = pauseBy(ann);
    expect(proofIn(orders.judged(messageWith(honest), 'neptune'))).toBeDefined();
    for (const pause of [
      pauseBy(bob),
      pauseBy(node),
      { ...honest, version: 2 },
      { ...honest, paused: false },
    ])
      expect(proofIn(orders.judged(messageWith(pause), 'neptune'))).toBeUndefined();
  });

  test('holds however many others were judged since', () => {
    const { orders } = identities([ann]);
    const first = messageWith(pauseBy(ann));
    for (let version = 1; version < 300; version += 1)
      orders.judged(messageWith(pauseBy(ann, version)), 'neptune');
    expect(orders.judged(first, 'neptune')).toBe(first);
  });

  test('is nobody’s business where the shared key alone counts', () => {
    const message = messageWith(pauseBy(bob));
    expect(identities([]).orders.judged(message, 'neptune')).toBe(message);
  });

  test('in the state of a node is disproved when its operator is taken away', () => {
    const state = { ...initialState(PROTOCOL_CONFIG), pause: pauseBy(ann) };
    expect(identities([ann]).orders.disprovedIn(state)).toEqual([]);
    expect(identities([bob]).orders.disprovedIn(state)).toEqual([pauseBy(ann).proof]);
  });
});

describe('of the proofs of orders', () => {
  /** One operator, ann; and how often a proof was verified. */
  function counted() {
    const now = { ms: 0 };
    const count = { verified: 0 };
    const operators = new Operators([{ name: 'ann', publicKeys: [ann.publicKey] }]);
    const counting = {
      orderedBy(text: string, proof: string): string | null {
        count.verified += 1;
        return operators.orderedBy(text, proof);
      },
    };
    return { now, count, orders: new OrderProofs('proven', counting, () => now.ms) };
  }

  const handoverBy = (identity: SigningIdentity, at: number): HandoverRecord => {
    const order = {
      ...{ id: `order-${at}`, address: '192.0.2.1', to: 'neptune', by: 'ann', reason: '' },
      ...{ ordered: at, pause: 0, until: 1 },
    };
    const proof = signOrder(identity, orderText('web', { kind: 'handover', order }));
    return { ...order, state: 'open', detail: '', ttlMs: 1_000, proof };
  };

  function messageOf(pause: PauseRecord, handovers: readonly HandoverRecord[]): Envelope {
    const message = messageWith(pause);
    const { node } = message.payload;
    if (node === undefined) throw new Error('it has a record');
    return { ...message, payload: { ...message.payload, node: { ...node, handovers } } };
  }

  const provenIn = ({ payload }: Envelope): readonly boolean[] => [
    payload.node?.pause.proof !== undefined,
    ...(payload.node?.handovers ?? []).map(({ proof }) => proof !== undefined),
  ];

  test('as many as a message can have are verified at once, and nothing that is repeated again', () => {
    const { count, orders } = counted();
    const most = Array.from({ length: 16 }, (_, at) => handoverBy(ann, at));
    const message = messageOf(pauseBy(ann), most);
    expect(decodeMessage(encodeMessage(message)).kind).toBe('message');
    expect(decodeMessage(encodeMessage(messageOf(pauseBy(ann), [...most, handoverBy(ann, 16)]))).kind).toBe(
      'fault',
    );
    for (let times = 0; times < 100; times += 1)
      for (const sender of ['neptune', 'pluto']) expect(orders.judged(message, sender)).toBe(message);
    expect(count.verified).toBe(17);
    expect(MAX_PROOFS_AT_ONCE).toBeGreaterThanOrEqual(2 * (17 + 1));
  });

  test('none is verified behind the first in a message that does not hold, and the next message goes on from there', () => {
    const { count, orders } = counted();
    const message = messageOf(pauseBy(ann), [handoverBy(bob, 1), handoverBy(bob, 2), handoverBy(ann, 3)]);
    expect(provenIn(orders.judged(message, 'neptune'))).toEqual([true, false, false, false]);
    expect(count.verified).toBe(2);
    expect(provenIn(orders.judged(message, 'neptune'))).toEqual([true, false, false, false]);
    expect(provenIn(orders.judged(message, 'neptune'))).toEqual([true, false, false, true]);
    expect(count.verified).toBe(4);
    orders.judged(message, 'neptune');
    expect(count.verified).toBe(4);
  });

  test('a sender has so many verified a second, whatever it sends, and no other pays for it', () => {
    const { now, count, orders } = counted();
    const flood = (): void => {
      for (let at = 0; at < 200; at += 1) orders.judged(messageWith(pauseBy(bob, now.ms + at)), 'pluto');
    };
    flood();
    expect(count.verified).toBe(MAX_PROOFS_AT_ONCE);
    now.ms += 1_000;
    flood();
    expect(count.verified).toBeLessThanOrEqual(MAX_PROOFS_AT_ONCE + 10);
    expect(proofIn(orders.judged(messageWith(pauseBy(ann)), 'neptune'))).toBeDefined();
  });
});

/** @param auth what stands behind the key file @param peer what stands behind the peer's URL */
function ruleOf(auth: string, peer: string): string {
  const yaml = `cluster: web
node: { id: saturn }
peers: [{ id: neptune, url: "http://10.0.1.11:8741"${peer} }]
auth: { keyFile: /k${auth} }
addresses: [{ ip: 54.173.141.243 }]
driver: { kind: exec, command: [/bin/true] }
`;
  const read = checkConfig('f.yaml', Buffer.from(yaml), {});
  if (read.kind === 'faulty') throw new Error(JSON.stringify(read.faults));
  return toProtocolConfig(read.config, { id: 'saturn', instanceId: '', region: null }, '1').orders;
}

test('an order needs an operator where operators are named, and nobody gives one where only nodes have identities', () => {
  const key = ann.publicKey.text;
  expect(ruleOf('', '')).toBe('any');
  expect(ruleOf(', identity: /i', '')).toBe('any');
  expect(ruleOf(', identity: /i', `, publicKey: ${key}`)).toBe('none');
  expect(ruleOf(`, operators: [{ name: ann, publicKey: ${key} }]`, '')).toBe('proven');
});
