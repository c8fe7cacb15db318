/**
 * Strangers who ask for all they can, at every node, before, during and after a failover. The nodes go on hearing each
 * other, stay small, and move the address.
 */
import { expect } from 'vitest';
import { Flood, type Wave } from './support/flood.ts';
import { SIGNATURE_HEADER } from './support/forge.ts';
import { type Scene, scenario } from './support/scenario.ts';

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`;

/** Fifty kilobytes of requests in one write. */
const pipelined = (path: string): string => get(path).repeat(1_500);

const forged = (bytes: number): string =>
  `POST /v1/gossip HTTP/1.1\r\nhost: saturn\r\n${SIGNATURE_HEADER}: ${'A'.repeat(43)}\r\n` +
  `content-length: ${bytes}\r\n\r\n${'x'.repeat(bytes)}`;

const reads: readonly Wave[] = [
  { connections: 2, text: pipelined('/metrics') },
  { connections: 2, text: pipelined('/v1/history') },
  { connections: 2, text: pipelined('/v1/status') },
  { connections: 1, text: pipelined('/v1/why') },
  { connections: 4, text: pipelined('/v1/history?limit=1000'), deaf: true },
];

const odds: readonly Wave[] = [
  { connections: 2, text: get('/v1/none').repeat(2_000) },
  { connections: 4, text: forged(60_000) },
  { connections: 4, text: forged(10).repeat(300) },
  { connections: 2, text: get('/metrics').replace('GET', 'HEAD').repeat(1_500) },
  { connections: 2, text: get('/%zz').repeat(1_500) },
  { connections: 2, text: get('/livez').replace('\r\n\r\n', '\r\nexpect: tea\r\n\r\n') },
  {
    connections: 2,
    text: get('/livez').replace('\r\n\r\n', '\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'),
  },
  { connections: 2, text: `GARBAGE${'\0'.repeat(500)}\r\n\r\n` },
  { connections: 30, text: get('/v1/status').replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n') },
];

/** What the service unit allows an agent. */
const memoryBytes = 256 * 1_048_576;

async function expectCalm(scene: Scene, flood: Flood): Promise<void> {
  for (const { id, agent } of scene.cluster.nodes) {
    const dead = agent.log.filter(({ event, fields }) => event === 'peer' && fields.to === 'dead');
    expect(dead, `${id} called a peer dead`).toEqual([]);
    expect(agent.log.filter(({ event }) => event === 'api-fault' || event === 'crashed')).toEqual([]);
    expect(await scene.metric(id, 'process_resident_memory_bytes')).toBeLessThan(memoryBytes);
  }
  expect(flood.opened).toBeGreaterThan(0);
}

for (const [what, waves] of [
  ['pipelined reads', reads],
  ['forged, refused, deaf and broken requests', odds],
] as const) {
  scenario(
    `${what} at every node keep no peer from being heard, and no address from moving`,
    {},
    async (scene) => {
      const { cluster } = scene;
      const flood = new Flood(
        cluster.nodes.map(({ agent }) => agent.api.url),
        waves,
      );
      try {
        await scene.probedMore('saturn', 10, 'ok');
        await scene.probedMore('neptune', 10, 'ok');
        await expectCalm(scene, flood);
        await cluster.node('saturn').web.kill();
        await scene.moved('neptune');
        await expectCalm(scene, flood);
      } finally {
        flood.end();
      }
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    },
  );
}

scenario('a flood that begins in the middle of a failover does not end it', {}, async (scene) => {
  const { cluster } = scene;
  await cluster.node('saturn').web.kill();
  await scene.sees('neptune', 'down');
  const flood = new Flood(
    cluster.nodes.map(({ agent }) => agent.api.url),
    [...reads, ...odds],
  );
  try {
    await scene.moved('neptune');
    await expectCalm(scene, flood);
  } finally {
    flood.end();
  }
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
});
