/**
 * Whoever an agent asks answers without an end: AWS, the external-IP service, instance metadata, the probed service. The
 * agent stays small, its peer goes on hearing it, and it moves the address when it is answered again.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { type Scene, scenario } from './support/scenario.ts';
import { ENDLESS, type Endless, Torrent } from './support/torrent.ts';

const KINDS = Object.keys(ENDLESS) as readonly Endless[]; // the keys of a constant

/** What the service unit allows an agent. */
const memoryBytes = 256 * 1_048_576;
/** Taken of one answer: what an agent reads at most, and what is in the buffers of two sockets when it lets go. */
const takenBytes = 24 * 1_048_576;

/** It was poured at so often, and did no worse for it. */
async function expectCalm(scene: Scene, id: string, torrent: Torrent, times: number): Promise<void> {
  const before = { poured: torrent.poured, bytes: torrent.bytes };
  await scene.eventually(`${id} to ask ${times} times`, () => torrent.poured >= before.poured + times);
  const { agent } = scene.cluster.node(id);
  expect((await agent.api.get('/livez')).status).toBe(200);
  expect(await scene.metric(id, 'process_resident_memory_bytes')).toBeLessThan(memoryBytes);
  expect(agent.log.filter(({ event }) => event === 'api-fault' || event === 'crashed')).toEqual([]);
  const answers = torrent.poured - before.poured;
  expect((torrent.bytes - before.bytes) / answers).toBeLessThan(takenBytes);
}

function expectHeard(scene: Scene): void {
  for (const { id, agent } of scene.cluster.nodes) {
    const dead = agent.log.filter(({ event, fields }) => event === 'peer' && fields.to === 'dead');
    expect(dead, `${id} called a peer dead`).toEqual([]);
  }
}

/** Starts a node's agent anew, with other services than it had. */
async function startWith(
  scene: Scene,
  id: string,
  env: Readonly<Record<string, string>>,
  urls: readonly (readonly [from: string, to: string])[] = [],
): Promise<void> {
  const { agent } = scene.cluster.node(id);
  await agent.stop();
  let text = await readFile(agent.configFile, 'utf8');
  for (const [from, to] of urls) {
    expect(text).toContain(from);
    text = text.replace(from, to);
  }
  await writeFile(agent.configFile, text);
  agent.start(env);
}

scenario(
  'a standby whose external-IP service and whose AWS answer without an end takes over when they end',
  { begin: 'ready', settings: { notify: { blockedAfter: '10m' } } },
  async (scene) => {
    const { cluster } = scene;
    const { instanceId } = cluster.node('neptune');
    const guardUrl = cluster.cloud.guardUrlFor(instanceId);
    const [guard, aws] = await Promise.all([Torrent.open(guardUrl), Torrent.open(cluster.cloud.endpointUrl)]);
    try {
      await startWith(scene, 'neptune', { AWS_ENDPOINT_URL: aws.url }, [[guardUrl, guard.url]]);
      await cluster.settled(60_000);
      const since = cluster.node('neptune').agent.log.position;
      await cluster.node('saturn').web.kill();
      for (const kind of KINDS) {
        guard.set(kind);
        await expectCalm(scene, 'neptune', guard, 2);
      }
      expect(cluster.moves()).toBe(0);
      aws.set('nested XML');
      guard.set(null);
      await scene.sees('neptune', 'down');
      for (const kind of KINDS) {
        aws.set(kind);
        await expectCalm(scene, 'neptune', aws, 2);
      }
      expect(cluster.moves()).toBe(0);
      aws.set(null);
      await scene.moved('neptune');
      const unheard = cluster
        .node('neptune')
        .agent.log.lines.slice(since)
        .filter(({ event, fields }) => event === 'peer' && fields.to === 'dead');
      expect(unheard).toEqual([]);
    } finally {
      await Promise.all([guard.close(), aws.close()]);
    }
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario('a holder whose web server answers without an end loses the address', {}, async (scene) => {
  const { cluster } = scene;
  const { web, agent } = cluster.node('saturn');
  await web.kill();
  const torrent = await Torrent.open(web.url, web.endpoint);
  torrent.set('informational responses');
  try {
    await expectCalm(scene, 'saturn', torrent, 3);
    await scene.moved('neptune');
    expectHeard(scene);
    expect(agent.running).toBe(true);
  } finally {
    await torrent.close();
  }
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
});

scenario(
  'an agent whose instance metadata answers without an end starts when it ends',
  { begin: 'ready' },
  async (scene) => {
    const { cluster } = scene;
    const { agent, instanceId } = cluster.node('neptune');
    const { AWS_EC2_METADATA_SERVICE_ENDPOINT: url = '' } = cluster.cloud.environmentFor(instanceId);
    const metadata = await Torrent.open(url);
    try {
      metadata.set('a body');
      await startWith(scene, 'neptune', { AWS_EC2_METADATA_SERVICE_ENDPOINT: `${metadata.url}/` });
      await scene.logs('neptune', ({ event }) => event === 'identity-missing');
      for (const kind of ['headers', 'informational responses'] as const) {
        metadata.set(kind);
        const before = metadata.poured;
        await scene.eventually('neptune to ask again', () => metadata.poured > before);
        expect((await agent.api.get('/livez')).status).toBe(200);
        expect((await agent.api.ready()).status).toBe(503);
      }
      expect(metadata.bytes / metadata.poured).toBeLessThan(takenBytes);
      metadata.set(null);
      await cluster.settled(60_000);
      await cluster.node('saturn').web.kill();
      await scene.moved('neptune');
    } finally {
      await metadata.close();
    }
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);
