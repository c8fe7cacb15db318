/** Whose word counts at a node, by its configuration: over the API that takes messages, and the transport that takes answers. */
import { type Command, type Envelope, encodeMessage, type SendEffect } from '@failtome/protocol';
import { describe, expect, onTestFinished, test } from 'vitest';
import { PeerTransport } from '../src/adapters/transport.ts';
import { authModeOf, IDENTITY_HEADER, Identities, type IdentitiesOptions } from '../src/auth/identities.ts';
import {
  generateIdentity,
  isSignedBy,
  parseIdentity,
  type SigningIdentity,
  signAs,
} from '../src/auth/identity.ts';
import { proofOf } from '../src/auth/operators.ts';
import { requestBytes, responseBytes, SIGNATURE_HEADER, signRequest } from '../src/auth/signature.ts';
import { type Api, answerTo, buildApi, envelope, KEYS, OTHER_KEYS } from './support/api.ts';

function made(): SigningIdentity {
  return parseIdentity(generateIdentity().privateKey, 'test.key');
}

const [SATURN, NEPTUNE, PLUTO, ANN] = [made(), made(), made(), made()];

/** A peer's entry; without keys where none are given. */
const peer = (id: string, ...keys: readonly SigningIdentity[]) => ({
  id,
  publicKeys: keys.map(({ publicKey }) => publicKey),
});

/** Of the node neptune, whose peers are saturn and the witness pluto. */
function identities(change: Partial<IdentitiesOptions> = {}): Identities {
  return new Identities({
    self: 'neptune',
    own: NEPTUNE,
    peers: [peer('saturn', SATURN), peer('pluto', PLUTO)],
    operators: [{ name: 'ann', publicKeys: [ANN.publicKey] }],
    ...change,
  });
}

const SHARED = { own: null, peers: [peer('saturn'), peer('pluto')], operators: [] };

const [pause, question]: readonly Command[] = [
  { kind: 'pause', forMs: null, reason: '', owner: 'ann' },
  { kind: 'handover-status', id: 'x' },
];
const ordering = (command: Command | undefined): Partial<Envelope> => ({
  from: 'operator.1',
  payload: { version: 0, ack: 0, ...(command === undefined ? {} : { command }) },
});

interface Sent {
  readonly change?: Partial<Envelope>;
  readonly by?: SigningIdentity | null;
  readonly proven?: boolean;
  readonly keys?: typeof KEYS;
  readonly path?: string;
}

async function post(api: Api, { change, by = null, proven = false, keys = KEYS, path = '/v1/gossip' }: Sent) {
  const body = encodeMessage(envelope(change));
  const request = { method: 'POST', path, body };
  const bytes = requestBytes(request);
  const own = by === null ? {} : { [IDENTITY_HEADER]: proven ? proofOf(by, bytes) : signAs(by, bytes) };
  const headers = { [SIGNATURE_HEADER]: signRequest(keys, request), ...own };
  const response = await api.app.inject({ method: 'POST', url: path, body, headers });
  return { response, requestSignature: headers[SIGNATURE_HEADER] ?? '' };
}

describe('the mode', () => {
  test.each<readonly [string, readonly (readonly SigningIdentity[])[], boolean]>([
    ['shared-key', [[], []], false],
    ['mixed', [[], []], true],
    ['mixed', [[SATURN], []], true],
    ['mixed', [[SATURN], [PLUTO]], false],
    ['identities', [[SATURN], [PLUTO]], true],
    ['mixed', [], true],
  ])('is %s', (mode, keys, signs) => {
    expect(
      authModeOf(
        keys.map((each) => peer('x', ...each)),
        signs,
      ),
    ).toBe(mode);
  });
});

describe('a message of a peer', () => {
  const cases: readonly (readonly [string, Partial<IdentitiesOptions>, Sent, 200 | 401])[] = [
    ['in its own name', {}, { by: SATURN }, 200],
    ['without a signature of its own', {}, {}, 401],
    ["in another's name, by a witness", {}, { by: PLUTO }, 401],
    ["in the receiver's own name, by a witness", {}, { by: PLUTO, change: { from: 'neptune' } }, 401],
    [
      "in the receiver's own name, by a second run of it",
      {},
      { by: NEPTUNE, change: { from: 'neptune' } },
      200,
    ],
    ['in its own name, with a key of another cluster', {}, { by: SATURN, keys: OTHER_KEYS }, 401],
    ['before its key is known here', { peers: [peer('saturn'), peer('pluto')] }, { by: SATURN }, 200],
    ['before it signs, where nobody checks', { peers: [peer('saturn'), peer('pluto', PLUTO)] }, {}, 200],
    [
      'by its next key, which is known beside the present one',
      { peers: [peer('saturn', made(), SATURN), peer('pluto', PLUTO)] },
      { by: SATURN },
      200,
    ],
    ['that nobody has a key for, as the protocol will refuse it', {}, { change: { from: 'eris' } }, 200],
    ["in the receiver's own name, with the shared key alone", SHARED, { change: { from: 'neptune' } }, 200],
    [
      'without a signature, where this node has no identity and yet the keys of the others',
      { own: null },
      {},
      401,
    ],
  ];
  test.each(cases)('%s', async (_, change, sent, status) => {
    const api = buildApi({ identities: () => identities(change) });
    const { response } = await post(api, sent);
    expect(response.statusCode).toBe(status);
    expect(api.received).toHaveLength(status === 200 ? 1 : 0);
    expect(api.rejected).toEqual(status === 200 ? [] : ['signature']);
  });

  test('is refused with a sentence that names the sender and the header', async () => {
    const { response } = await post(buildApi({ identities: () => identities() }), { by: PLUTO });
    expect(response.json()).toEqual({
      error: { code: 'signature', message: `saturn did not sign this (${IDENTITY_HEADER})` },
    });
  });

  test('is one request: its signature is none of another body, path or of a response', async () => {
    const api = buildApi({ identities: () => identities() });
    const body = encodeMessage(envelope());
    const request = { method: 'POST', path: '/v1/gossip', body };
    const response = { ...request, status: 200, requestSignature: '' };
    for (const bytes of [
      requestBytes({ ...request, path: '/v1/vote' }),
      requestBytes({ ...request, body: encodeMessage(envelope({ seq: 2 })) }),
      responseBytes(response),
      Buffer.from(body),
    ]) {
      const headers = {
        [SIGNATURE_HEADER]: signRequest(KEYS, request),
        [IDENTITY_HEADER]: signAs(SATURN, bytes),
      };
      const { statusCode } = await api.app.inject({ method: 'POST', url: request.path, body, headers });
      expect(statusCode).toBe(401);
    }
    expect(api.received).toEqual([]);
  });
});

describe("an operator's command", () => {
  const cases: readonly (readonly [string, Partial<IdentitiesOptions>, Sent, string | null])[] = [
    ['signed by an operator', {}, { by: ANN, proven: true }, null],
    [
      "signed by a node's key",
      {},
      { by: SATURN, proven: true },
      'not signed by an operator that auth.operators names',
    ],
    ['without a signature', {}, {}, "name the operator's identity with --identity"],
    ['where none is named', { operators: [] }, { by: ANN, proven: true }, 'name them in auth.operators'],
    ['without a signature, on the way to identities', { ...SHARED, own: NEPTUNE }, {}, null],
    ['without a signature, with the shared key alone', SHARED, {}, null],
    [
      'without a signature, where operators are named beside the shared key',
      { ...SHARED, operators: [{ name: 'ann', publicKeys: [ANN.publicKey] }] },
      {},
      '--identity',
    ],
  ];
  test.each(cases)('%s', async (_, change, sent, objection) => {
    const api = buildApi({ identities: () => identities(change) });
    const { response } = await post(api, { ...sent, change: ordering(pause), path: '/v1/pause' });
    expect(response.statusCode).toBe(objection === null ? 200 : 403);
    if (objection !== null)
      expect(response.json().error).toEqual({
        code: 'operator',
        message: expect.stringContaining(objection),
      });
    expect(api.rejected).toEqual(objection === null ? [] : ['signature']);
  });

  test('that only asks how a handover stands needs the key that reading needs', async () => {
    const api = buildApi({ identities: () => identities() });
    const { response } = await post(api, { change: ordering(question), path: '/v1/handover' });
    expect(response.statusCode).toBe(200);
  });
});

describe('an answer', () => {
  test("carries the node's own signature, bound to the request", async () => {
    const api = buildApi({ identities: () => identities() });
    const { response, requestSignature } = await post(api, { by: SATURN });
    const answer = {
      method: 'POST',
      path: '/v1/gossip',
      status: 200,
      requestSignature,
      body: response.rawPayload,
    };
    const signature = String(response.headers[IDENTITY_HEADER]);
    expect(isSignedBy([NEPTUNE.publicKey], responseBytes(answer), signature)).toBe(true);
    const other = responseBytes({ ...answer, requestSignature: 'x'.repeat(43) });
    expect(isSignedBy([NEPTUNE.publicKey], other, signature)).toBe(false);
  });

  test('has no such header where the node has no identity', async () => {
    const { response } = await post(buildApi(), {});
    expect(response.headers).not.toHaveProperty(IDENTITY_HEADER);
  });

  /** What saturn makes of the answer of a node that it asked as neptune. */
  async function outcome(asked: Identities, asking: Identities, from = 'neptune'): Promise<string> {
    const answer = (event: Parameters<typeof answerTo>[0]) => {
      const effect = answerTo(event);
      return { ...effect, message: { ...effect.message, from } };
    };
    const api = buildApi({ identities: () => asked, answer });
    const url = `http://127.0.0.1:${await api.listen()}`;
    return new Promise((resolve) => {
      const transport = new PeerTransport(
        { peers: [{ id: 'neptune', url }], keys: KEYS, identities: asking },
        {
          post: (event) => resolve(event.kind === 'send-failed' ? event.reason : event.kind),
          reply: () => undefined,
        },
      );
      onTestFinished(() => transport.close());
      const effect: SendEffect = {
        kind: 'send',
        sendId: 1,
        to: 'neptune',
        route: '/v1/gossip',
        message: envelope(),
        fresh: false,
        timeoutMs: 5_000,
      };
      transport.send(effect);
    });
  }

  const saturns = (...keys: readonly SigningIdentity[]) =>
    identities({ self: 'saturn', own: SATURN, peers: [peer('neptune', ...keys), peer('pluto', PLUTO)] });

  test.each<readonly [string, Identities, Identities, string, string]>([
    ['of the peer that was asked', identities(), saturns(NEPTUNE), 'neptune', 'answered'],
    ['of the peer by its next key', identities(), saturns(made(), NEPTUNE), 'neptune', 'answered'],
    ['of a node that does not sign', identities({ own: null }), saturns(NEPTUNE), 'neptune', 'unauthentic'],
    [
      'of a node that does not sign, where nobody checks',
      identities({ own: null }),
      saturns(),
      'neptune',
      'answered',
    ],
    [
      "of a witness in the peer's place",
      identities({ own: PLUTO }),
      saturns(NEPTUNE),
      'neptune',
      'unauthentic',
    ],
    [
      "of a witness in the asker's own name",
      identities({ own: PLUTO }),
      saturns(NEPTUNE),
      'saturn',
      'unauthentic',
    ],
    [
      "of a second run in the asker's own name, which the protocol is to know of",
      identities({ own: SATURN }),
      saturns(NEPTUNE),
      'saturn',
      'answered',
    ],
  ])('%s', async (_, asked, asking, from, result) => {
    expect(await outcome(asked, asking, from)).toBe(result);
  });

  test('is of its own name or of nobody, as the protocol holds it against whom it asked', async () => {
    expect(await outcome(identities({ own: PLUTO }), saturns(NEPTUNE), 'pluto')).toBe('answered');
  });
});

describe('a change of keys, one node and one step at a time', () => {
  test('has no moment in which two nodes refuse each other', async () => {
    const next = made();
    const state = {
      saturn: { own: null as SigningIdentity | null, peers: [peer('saturn'), peer('neptune')] },
      neptune: { own: null as SigningIdentity | null, peers: [peer('saturn'), peer('neptune')] },
    };
    const of = (self: 'saturn' | 'neptune') => new Identities({ self, ...state[self], operators: [] });
    const steps: readonly (() => void)[] = [
      () => (state.saturn = { ...state.saturn, own: SATURN }),
      () => (state.neptune = { ...state.neptune, own: NEPTUNE }),
      ...(['saturn', 'neptune'] as const).map((node) => () => {
        state[node] = { ...state[node], peers: [peer('saturn', SATURN), peer('neptune', NEPTUNE)] };
      }),
      ...(['saturn', 'neptune'] as const).map((node) => () => {
        state[node] = { ...state[node], peers: [peer('saturn', SATURN, next), peer('neptune', NEPTUNE)] };
      }),
      () => (state.saturn = { ...state.saturn, own: next }),
      ...(['saturn', 'neptune'] as const).map((node) => () => {
        state[node] = { ...state[node], peers: [peer('saturn', next), peer('neptune', NEPTUNE)] };
      }),
    ];
    for (const step of steps) {
      step();
      for (const [from, to] of [
        ['saturn', 'neptune'],
        ['neptune', 'saturn'],
      ] as const) {
        const api = buildApi({ identities: () => of(to) });
        const { own } = state[from];
        const { response } = await post(api, { by: own, change: { from, to } });
        expect(response.statusCode).toBe(200);
      }
    }
    expect([of('saturn').mode, of('neptune').mode]).toEqual(['identities', 'identities']);
  });
});
