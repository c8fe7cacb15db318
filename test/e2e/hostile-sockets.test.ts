/** Connections that are slow, large, many or no HTTP at all: each is cut off, and the node goes on doing its work. */
import { expect } from 'vitest';
import { SIGNATURE_HEADER } from './support/forge.ts';
import { scenario } from './support/scenario.ts';
import { Stranger, statusesIn } from './support/sockets.ts';
import { expectUnchanged, rejected } from './support/unchanged.ts';

const start = 'POST /v1/gossip HTTP/1.1\r\nhost: saturn\r\n';
const signed = `${start}${SIGNATURE_HEADER}: ${'A'.repeat(43)}\r\n`;

function* forever(piece: string): Iterable<string> {
  for (;;) yield piece;
}

interface Rude {
  readonly what: string;
  /** What it is answered with, where it is still there to be answered. */
  readonly status: number;
  readonly reason: string;
  readonly behave: (stranger: Stranger) => unknown;
}

const rude: readonly Rude[] = [
  {
    what: 'headers that never end',
    status: 408,
    reason: 'too-slow',
    behave: (stranger) => stranger.write(start).drip(forever('x-more: 1\r\n'), 200),
  },
  {
    what: 'a body that never comes',
    status: 408,
    reason: 'too-slow',
    behave: (stranger) => stranger.write(`${signed}content-length: 500\r\n\r\n`),
  },
  {
    what: 'a body that drips',
    status: 408,
    reason: 'too-slow',
    behave: (stranger) => stranger.write(`${signed}content-length: 60000\r\n\r\n`).drip(forever('x'), 100),
  },
  {
    what: 'a body too large, and said so',
    status: 413,
    reason: 'too-large',
    behave: (stranger) => stranger.write(`${signed}content-length: 100000000\r\n\r\n${'x'.repeat(1_000)}`),
  },
  {
    what: 'a body too large in chunks',
    status: 413,
    reason: 'too-large',
    behave: (stranger) =>
      stranger
        .write(`${signed}transfer-encoding: chunked\r\n\r\n`)
        .write(Array.from({ length: 20 }, () => `1000\r\n${'x'.repeat(4_096)}\r\n`).join('')),
  },
  {
    what: 'headers too large',
    status: 431,
    reason: 'too-large',
    behave: (stranger) => stranger.write(`${start}x: ${'x'.repeat(20_000)}\r\n\r\n`),
  },
  {
    what: 'no HTTP',
    status: 400,
    reason: 'malformed',
    behave: (stranger) => stranger.write('\u0016\u0003\u0001 hello\r\n\r\n'),
  },
  {
    what: 'two lengths',
    status: 400,
    reason: 'malformed',
    behave: (stranger) => stranger.write(`${signed}content-length: 5\r\ncontent-length: 6\r\n\r\nhello`),
  },
  {
    what: 'a length and chunks',
    status: 400,
    reason: 'malformed',
    behave: (stranger) =>
      stranger.write(`${signed}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
  },
];

scenario(
  'the rude are cut off with the right status, and the peers go on hearing each other',
  {},
  async (scene) => {
    const { cluster } = scene;
    const { api } = cluster.node('saturn').agent;
    await expectUnchanged(scene, 'saturn', async () => {
      const counted = new Map(
        await Promise.all(
          ['too-slow', 'too-large', 'malformed'].map(
            async (reason) => [reason, await rejected(scene, 'saturn', reason)] as const,
          ),
        ),
      );
      const strangers = rude.map(({ what, status, behave }) => {
        const stranger = new Stranger(api.url);
        behave(stranger);
        return { what, status, stranger };
      });
      for (const { what, status, stranger } of strangers) {
        // Who goes on sending may find the connection reset before the answer is read; who sends no more after a
        // refusal is cut off in the end, and told so.
        const answered = statusesIn(await stranger.ended).filter(
          (each, place) => place === 0 || each !== 408,
        );
        expect(answered.length === 0 ? [status] : answered, what).toEqual([status]);
      }
      for (const [reason, before] of counted) {
        const more = rude.filter((each) => each.reason === reason).length;
        expect(await rejected(scene, 'saturn', reason), reason).toBeGreaterThanOrEqual(before + more);
      }
    });
    await scene.calls('neptune', 'saturn', 'alive');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

/** As many as the API holds at once, and some more. */
const crowd = 600;

scenario('a crowd of silent connections keeps out neither the peer nor an operator', {}, async (scene) => {
  const { cluster } = scene;
  const { api } = cluster.node('saturn').agent;
  const before = await rejected(scene, 'saturn', 'overloaded');
  const strangers = Array.from({ length: crowd }, () => new Stranger(api.url));
  try {
    await scene.eventually(
      'the oldest to have made room',
      async () => (await rejected(scene, 'saturn', 'overloaded')) > before,
    );
    await scene.probedMore('saturn', 5, 'ok');
    await scene.calls('neptune', 'saturn', 'alive');
    const { code } = await scene.command('saturn', 'status');
    expect(code).toBe(0);
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
  } finally {
    for (const { socket } of strangers) socket.destroy();
  }
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
});
