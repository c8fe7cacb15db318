import { type Envelope, initialState, orderText, type PauseRecord } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { Identities } from '../src/auth/identities.ts';
import { generateIdentity, parseIdentity, type SigningIdentity } from '../src/auth/identity.ts';
import { signOrder } from '../src/auth/operators.ts';
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
  const order = { version, by: 'saturn', paused: true, owner: 'ann', reason: '', until: null };
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
    expect(orders.judged(message)).toBe(message);
    expect(orders.judged(message)).toBe(message);
  });

  test("of somebody else's, of a node's or of other words is taken away, also after one that holds", () => {
    const { orders } = identities([ann]);
    const honest = pauseBy(ann);
    expect(proofIn(orders.judged(messageWith(honest)))).toBeDefined();
    for (const pause of [
      pauseBy(bob),
      pauseBy(node),
      { ...honest, version: 2 },
      { ...honest, paused: false },
    ])
      expect(proofIn(orders.judged(messageWith(pause)))).toBeUndefined();
  });

  test('holds however many others were judged since', () => {
    const { orders } = identities([ann]);
    const first = messageWith(pauseBy(ann));
    for (let version = 1; version < 300; version += 1) orders.judged(messageWith(pauseBy(ann, version)));
    expect(orders.judged(first)).toBe(first);
  });

  test('is nobody’s business where the shared key alone counts', () => {
    const message = messageWith(pauseBy(bob));
    expect(identities([]).orders.judged(message)).toBe(message);
  });

  test('in the state of a node is disproved when its operator is taken away', () => {
    const state = { ...initialState(PROTOCOL_CONFIG), pause: pauseBy(ann) };
    expect(identities([ann]).orders.disprovedIn(state)).toEqual([]);
    expect(identities([bob]).orders.disprovedIn(state)).toEqual([pauseBy(ann).proof]);
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
