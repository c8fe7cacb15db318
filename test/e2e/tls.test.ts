/** Real agents that speak TLS: a failover, a certificate that is renewed in the middle of traffic, and strangers at the port. */

import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterAll, expect } from 'vitest';
import { HEARTBEAT_RESULTS } from '../../packages/agent/src/observe/labels.ts';
import { AgentApi } from '../../packages/cluster/src/agent-api.ts';
import { type NodeSpec, settingsIn, type YamlObject } from '../../packages/cluster/src/index.ts';
import { authority, type Issued, issue, writeCertificate } from '../support/certificates.ts';
import { cliOf } from './support/command.ts';
import { HandshakeFlood } from './support/handshake-flood.ts';
import { patienceMs, type ScenarioOptions, type Scene, scenario } from './support/scenario.ts';

const folder = await mkdtemp(join(tmpdir(), 'failtome-certificates-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

const ids = ['saturn', 'neptune'] as const;

/** A cluster whose nodes are known by an authority and their ids; each test has files of its own. */
async function secured(name: string, tls: YamlObject = {}): Promise<Secured> {
  const ca = await authority();
  const files = async (id: string): Promise<YamlObject> => ({
    ...writeCertificate(folder, `${name}-${id}`, await issue({ names: [id], issuer: ca }), ca),
    ...tls,
  });
  const node = async (id: string) => ({ id, settings: { api: { tls: await files(id) } } });
  return { name, ca, options: { scheme: 'https', nodes: [await node(ids[0]), await node(ids[1])] } };
}

interface Secured {
  readonly name: string;
  readonly ca: Issued;
  readonly options: ScenarioOptions;
}

/** Heartbeats of a node that were not answered, by how they ended. */
function missed(scene: Scene, id: string): Promise<readonly number[]> {
  const ends = HEARTBEAT_RESULTS.filter((result) => result !== 'ok');
  return Promise.all(ends.map((result) => scene.metric(id, 'heartbeats_total', { result })));
}

/** The certificate that a new connection is shown. */
function shownBy(scene: Scene, id: string): Promise<X509Certificate> {
  const { hostname, port } = new URL(scene.cluster.node(id).agent.api.url);
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: hostname, port: Number(port), rejectUnauthorized: false });
    socket.on('error', reject);
    socket.on('secureConnect', () => {
      resolve(new X509Certificate(socket.getPeerCertificate().raw));
      socket.destroy();
    });
  });
}

const failing = await secured('failover');
scenario(
  'a pair fails over under TLS, and commands and strangers find what they should',
  failing.options,
  async (scene) => {
    const { cluster } = scene;
    const { agent } = cluster.node('saturn');
    const plain = await new AgentApi(agent.api.url.replace('https:', 'http:')).get('/v1/status');
    expect([plain.status, JSON.parse(plain.body).error.code]).toEqual([400, 'tls']);
    for (const verb of ['status', 'why', 'history'])
      expect([verb, (await scene.command('saturn', verb)).code]).toEqual([verb, 0]);
    const ca = join(folder, 'failover-saturn.ca');
    const named = ['status', '--url', agent.api.url] as const;
    expect(await cliOf(cluster, ...named)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/not trusted/),
    });
    // The authority alone, because the address of a test's cluster stands in no certificate.
    expect((await cliOf(cluster, ...named, '--ca', ca)).stderr).toMatch(/none of its names/);
    expect((await cliOf(cluster, ...named, '--ca', join(folder, 'failover-saturn.crt'))).code).toBe(0);
    const check = await scene.command('saturn', 'check');
    expect(check.stdout).toMatch(/certificate +\S+, valid until/);
    expect(check.stdout).toMatch(/peer neptune: key/);
    expect(await scene.metric('saturn', 'tls_certificate_expiry_timestamp_seconds')).toBeGreaterThan(
      Date.now() / 1_000,
    );
    expect((await scene.command('saturn', 'pause')).code).toBe(0);
    expect((await scene.command('neptune', 'resume')).code).toBe(0);
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
    for (const { agent: each } of cluster.nodes)
      expect(each.log.filter(({ event, level }) => event === 'certificate' && level === 'error')).toEqual([]);
  },
);

const renewed = await secured('renewal');
scenario(
  'a certificate is renewed by SIGHUP without a missed heartbeat, and a bad one changes nothing',
  // A busy machine is late at times; that is no connection lost.
  { ...renewed.options, settings: { gossip: { timeout: '2s', dead: '6s' } } },
  async (scene) => {
    const { cluster } = scene;
    expect(await scene.metric('saturn', 'heartbeats_total', { result: 'ok' })).toBeGreaterThan(0);
    const before = await Promise.all(ids.map((id) => missed(scene, id)));
    const old = await shownBy(scene, 'saturn');
    for (const id of ids) {
      writeCertificate(folder, `renewal-${id}`, await issue({ names: [id], issuer: renewed.ca }), renewed.ca);
      cluster.node(id).agent.reload();
    }
    for (const id of ids) {
      await scene.eventually(`${id} to show its new certificate`, async () => {
        const shown = await shownBy(scene, id);
        return shown.fingerprint256 !== old.fingerprint256 && shown.checkHost(id) === id;
      });
      await scene.probedMore(id, 10);
    }
    const fresh = await shownBy(scene, 'saturn');
    const file = join(folder, 'renewal-saturn.crt');
    const good = await readFile(file);
    await writeFile(file, 'spoilt');
    cluster.node('saturn').agent.reload();
    const line = await scene.logs('saturn', ({ event }) => event === 'reload-refused');
    await writeFile(file, good); // for another try
    expect(line.msg).toMatch(/api\.tls\.certFile: .*holds no PEM certificate.*failtome\.yaml:\d+\)/);
    await scene.probedMore('saturn', 10);
    expect((await shownBy(scene, 'saturn')).fingerprint256).toBe(fresh.fingerprint256);
    expect(await Promise.all(ids.map((id) => missed(scene, id)))).toEqual(before);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);

const changing = await secured('changeover', { plain: 'accept' });
scenario(
  'while a cluster is being changed over, plain HTTP and TLS meet at one port',
  { ...changing.options, scheme: 'http' },
  async (scene) => {
    const { api } = scene.cluster.node('saturn').agent;
    expect((await new AgentApi(api.url.replace('http:', 'https:')).ready()).status).toBe(200);
    await scene.cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

const identities = Object.fromEntries(
  await Promise.all(ids.map(async (id) => [id, await issue({ algorithm: 'ed25519' })] as const)),
);
scenario(
  'with identities a pair fails over on certificates that each node has signed itself',
  {
    scheme: 'https',
    begin: 'at once',
    nodes: [ofIdentity('saturn'), ofIdentity('neptune')],
  },
  async (scene) => {
    const { cluster } = scene;
    for (const { agent, web } of cluster.nodes) {
      await tellKeys(agent.configFile);
      await web.start();
      agent.start();
    }
    await cluster.settled(patienceMs);
    expect((await scene.status('saturn')).peers).toMatchObject([{ id: 'neptune', state: 'alive' }]);
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

function ofIdentity(id: string): NodeSpec {
  const issued = identities[id];
  if (issued === undefined) throw new Error(`${id} has no identity.`);
  const { certFile, keyFile } = writeCertificate(folder, `identity-${id}`, issued);
  return {
    id,
    start: 'later',
    settings: { api: { tls: { certFile, keyFile } }, auth: { identity: keyFile } },
  };
}

/** Everybody's public key into the list of peers, whose URLs are the cluster's. */
async function tellKeys(configFile: string): Promise<void> {
  const config = settingsIn(await readFile(configFile, 'utf8')) as { readonly peers: readonly YamlObject[] }; // as the cluster has written it
  const peers = config.peers.map((peer) => {
    const { publicKey } = identities[String(peer.id)] ?? {};
    return {
      ...peer,
      publicKey: publicKey?.export({ type: 'spki', format: 'der' }).toString('base64') ?? null,
    };
  });
  await writeFile(configFile, JSON.stringify({ ...config, peers }));
}

const flooded = await secured('flood');
scenario(
  'a flood of handshakes keeps no peer from being heard, and no address from moving',
  flooded.options,
  async (scene) => {
    const { cluster } = scene;
    const flood = new HandshakeFlood(cluster.nodes.map(({ agent }) => agent.api.url));
    try {
      await scene.probedMore('saturn', 10, 'ok');
      await scene.probedMore('neptune', 10, 'ok');
      await cluster.node('saturn').web.kill();
      await scene.moved('neptune');
    } finally {
      flood.end();
    }
    for (const { id, agent } of cluster.nodes) {
      const dead = agent.log.filter(({ event, fields }) => event === 'peer' && fields.to === 'dead');
      expect(dead, `${id} called a peer dead`).toEqual([]);
      expect(agent.log.filter(({ event }) => event === 'api-fault' || event === 'crashed')).toEqual([]);
      expect(await scene.metric(id, 'process_resident_memory_bytes')).toBeLessThan(256 * 1_048_576);
    }
    expect(flood.opened).toBeGreaterThan(100);
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);
