/** Messages that no peer has sent, at a real agent's port: each refused, counted, and without an effect. */

import { expect } from 'vitest';
import {
  type Command,
  type Envelope,
  encodeMessage,
  OPERATOR_PREFIX,
} from '../../packages/protocol/src/index.ts';
import { type Forged, type Forger, forgerOf, SIGNATURE_HEADER, strangersKeys } from './support/forge.ts';
import { type Scene, scenario } from './support/scenario.ts';
import { expectUnchanged, rejected } from './support/unchanged.ts';

type Api = Scene['cluster']['nodes'][number]['agent']['api'];

/** One hostile request, what it is answered with, and the reason it is counted by. */
interface Attack {
  readonly what: string;
  readonly status: number;
  readonly reason: string;
  readonly send: (api: Api, forger: Forger) => Promise<Forged>;
}

const POST = 'POST';
const operator = `${OPERATOR_PREFIX}mallory`;

/** A message that would take the address away from its holder, if it were believed. */
const ballot: Envelope['payload'] = {
  version: 1,
  ack: 0,
  ballots: [
    {
      address: '192.0.2.1',
      epoch: 900,
      candidate: 'neptune',
      mode: 'takeover',
      electorate: 'x',
      ask: 0,
      fit: true,
    },
  ],
};

const pause: Envelope['payload'] = {
  version: 0,
  ack: 0,
  command: { kind: 'pause', forMs: null, reason: 'because I can', owner: 'mallory' },
};

const attacks: readonly Attack[] = [
  {
    what: 'without a signature',
    status: 401,
    reason: 'unsigned',
    send: (api, forger) => api.send('/v1/gossip', { method: POST, body: encodeMessage(forger.message()) }),
  },
  {
    what: 'with a signature that is none',
    status: 401,
    reason: 'signature',
    send: (api, forger) =>
      api.send('/v1/gossip', {
        method: POST,
        headers: { [SIGNATURE_HEADER]: 'A'.repeat(43) },
        body: encodeMessage(forger.message()),
      }),
  },
  {
    what: "with a signature under a stranger's key",
    status: 401,
    reason: 'signature',
    send: (api, forger) =>
      forger.post(api, '/v1/vote', encodeMessage(forger.message({ payload: ballot })), strangersKeys),
  },
  {
    what: 'of an operator without the key',
    status: 401,
    reason: 'signature',
    send: (api, forger) =>
      forger.post(
        api,
        '/v1/pause',
        encodeMessage(forger.message({ from: operator, payload: pause })),
        strangersKeys,
      ),
  },
  {
    what: 'of another cluster that has the same key',
    status: 403,
    reason: 'cluster',
    send: (api, forger) => forger.send(api, '/v1/vote', { cluster: 'shop', payload: ballot }),
  },
  {
    what: 'of a node that nobody has configured',
    status: 403,
    reason: 'unknown-sender',
    send: (api, forger) => forger.send(api, '/v1/vote', { from: 'mallory', payload: ballot }),
  },
  {
    what: 'for another node',
    status: 403,
    reason: 'not-for-me',
    send: (api, forger) => forger.send(api, '/v1/gossip', { to: 'neptune', from: 'pluto' }),
  },
  {
    what: 'in its own name',
    status: 403,
    reason: 'reflected',
    send: (api, forger) => forger.send(api, '/v1/gossip', { from: 'saturn', to: 'neptune' }),
  },
  {
    what: 'that is an answer, though nobody asked',
    status: 403,
    reason: 'reflected',
    send: (api, forger) => forger.send(api, '/v1/vote', { re: { session: 'forgedforge', seq: 1 } }),
  },
  {
    what: 'of a session that has not introduced itself',
    status: 409,
    reason: 'session',
    send: (api, forger) => forger.send(api, '/v1/vote', { payload: ballot }),
  },
  {
    what: 'that echoes a session that never was',
    status: 409,
    reason: 'session',
    send: (api, forger) =>
      forger.send(api, '/v1/vote', { echo: { session: 'AAAAAAAAAAA', t: 10 }, payload: ballot }),
  },
  ...[
    ['no JSON', 'gossip'],
    ['JSON of something else', '{"cluster":"web"}'],
    ['nothing', ''],
    ['a list without an end', '['.repeat(4_000)],
    ['a key twice, with a prototype', '{"v":1,"v":1,"__proto__":{"cluster":"web"}}'],
  ].map(
    ([what, body = '']): Attack => ({
      what: `that is ${what}, rightly signed`,
      status: 400,
      reason: 'malformed',
      send: (api, forger) => forger.post(api, '/v1/gossip', body),
    }),
  ),
  {
    what: 'with a field of the wrong kind, rightly signed',
    status: 400,
    reason: 'malformed',
    send: (api, forger) =>
      forger.post(api, '/v1/gossip', JSON.stringify({ ...forger.message(), seq: 'first' })),
  },
  {
    what: 'with an address that is a script, rightly signed',
    status: 400,
    reason: 'malformed',
    send: (api, forger) =>
      forger.post(
        api,
        '/v1/vote',
        JSON.stringify({
          ...forger.message(),
          payload: { ...ballot, ballots: ballot.ballots?.map((each) => ({ ...each, address: '<script>' })) },
        }),
      ),
  },
  {
    what: 'that is too large, rightly signed',
    status: 413,
    reason: 'too-large',
    send: (api, forger) => forger.post(api, '/v1/gossip', ' '.repeat(65_537)),
  },
];

scenario(
  'whatever is forged is refused with its status, counted by its reason, and changes nothing',
  {},
  async (scene) => {
    const { cluster } = scene;
    const forger = await forgerOf(cluster);
    const { api } = cluster.node('saturn').agent;
    await expectUnchanged(scene, 'saturn', async () => {
      for (const { what, status, reason, send } of attacks) {
        const before = await rejected(scene, 'saturn', reason);
        const answer = await send(api, forger);
        expect({ what, status: answer.status }).toEqual({ what, status });
        expect(await rejected(scene, 'saturn', reason), what).toBeGreaterThanOrEqual(before + 1);
        expect(answer.body, what).not.toContain('    at ');
      }
    });
    scene.expectOutcome({ holder: 'saturn', moves: 0 });

    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario('an operator who guesses at the proof of freshness changes nothing', {}, async (scene) => {
  const { cluster } = scene;
  const forger = await forgerOf(cluster);
  const { api } = cluster.node('saturn').agent;
  const told = { reason: 'because I can', owner: 'mallory' };
  const orders: readonly (readonly [route: string, command: Command])[] = [
    ['/v1/pause', { kind: 'pause', forMs: null, ...told }],
    ['/v1/resume', { kind: 'resume', ...told }],
    ['/v1/handover', { kind: 'handover', address: null, to: 'neptune', ...told }],
  ];
  await expectUnchanged(scene, 'saturn', async () => {
    for (const [route, command] of orders) {
      const payload = { version: 0, ack: 0, command };
      for (const echo of [null, { session: 'AAAAAAAAAAA', t: 5 }]) {
        expect((await forger.send(api, route, { from: operator, echo, payload })).status).toBe(409);
      }
      // No peer's name gives orders, and no order goes by another one's route.
      expect([403, 409]).toContain((await forger.send(api, route, { payload })).status);
      expect((await forger.send(api, '/v1/gossip', { from: operator, payload })).status).toBe(403);
    }
  });
  scene.expectOutcome({ holder: 'saturn', moves: 0 });
});

scenario(
  'a challenge answered for one order does not serve for a second with the same number',
  {},
  async (scene) => {
    const { cluster } = scene;
    const forger = await forgerOf(cluster);
    const { api } = cluster.node('saturn').agent;
    const payload: Envelope['payload'] = {
      version: 0,
      ack: 0,
      command: { kind: 'resume', reason: '', owner: 'ann' },
    };
    const first = await forger.send(api, '/v1/resume', { from: operator, payload });
    const challenge: Envelope = JSON.parse(first.body);
    const order = encodeMessage(
      forger.message({ from: operator, echo: { session: challenge.session, t: challenge.t }, payload }),
    );
    expect((await forger.post(api, '/v1/resume', order)).status).toBe(200);
    await expectUnchanged(scene, 'saturn', async () => {
      const again = await forger.post(api, '/v1/resume', order);
      expect([again.status, JSON.parse(again.body).payload.refused]).toEqual([409, 'replayed']);
    });
  },
);
