import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type EmbeddedCloud, startCloud } from '@failtome/cloud';
import { stringify } from 'yaml';
import {
  apiPort,
  configurationOf,
  Places,
  routeTables,
  sharedAddresses,
  topicArn,
  webPort,
} from './agent-configuration.ts';
import { AgentProcess } from './agent-process.ts';
import { baseEnvironment } from './child.ts';
import { type Closer, Cluster, closeAll } from './cluster.ts';
import { makeFolder } from './folder.ts';
import { Link } from './link.ts';
import { claimLoopback } from './loopback.ts';
import { ClusterNode } from './node.ts';
import type { ClusterOptions, NodeSpec } from './options.ts';
import { installedWebServer, WebServer } from './web-server.ts';

/**
 * Starts a cluster: an embedded cloud, and for each node a web server and an agent, each a process of its own.
 * Resolves when the web servers serve and the agents run; `settled` says when they would fail over.
 *
 * @example
 * const cluster = await startCluster({
 *   agentFile: 'packages/agent/dist/failtome.js',
 *   nodes: [{ id: 'saturn' }, { id: 'neptune' }],
 *   settings: { agreement: { lease: '2s' } },
 *   probe: { interval: '200ms', fastInterval: '100ms', timeout: '300ms' },
 * });
 * try {
 *   await cluster.settled();
 *   const client = cluster.client();
 *   await client.served('saturn');
 *   const sinceMs = Date.now();
 *   await cluster.node('saturn').web.kill();
 *   await cluster.held('neptune');
 *   const { outageMs } = await client.outage({ sinceMs, by: 'neptune' });
 *   await cluster.node('neptune').agent.log.waitFor('notified');
 * } finally {
 *   await cluster.close();
 * }
 */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const opened: Closer[] = [];
  try {
    const cluster = await openCluster(options, opened);
    const starting = options.nodes
      .filter(({ start = 'now' }) => start === 'now')
      .map(({ id }) => cluster.node(id));
    await Promise.all(starting.map(({ web }) => web.start()));
    for (const { agent } of starting) agent.start();
    return cluster;
  } catch (cause) {
    await closeAll(opened);
    throw cause;
  }
}

async function openCluster(options: ClusterOptions, opened: Closer[]): Promise<Cluster> {
  if (!existsSync(options.agentFile))
    throw new Error(`There is no agent at ${options.agentFile}: build it first.`);
  const block = await claimLoopback();
  opened.push(() => block.release());
  const temporary = await makeFolder(options.parentFolder);
  if (options.folder === 'keep') temporary.keep();
  opened.push(() => temporary.remove());
  const folder = temporary.path;
  const places = new Places(block, options);
  const shared = sharedAddresses(options);
  const cloud = await startCloud(cloudOptions(options, places));
  opened.push(() => cloud.close());
  const links = await openLinks(options.nodes, places);
  opened.push(async () => void (await Promise.all(links.map((link) => link.close()))));
  const keyFile = join(folder, 'cluster.key');
  await writeFile(keyFile, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  const nodes = await Promise.all(
    options.nodes.map((spec) => createNode(spec, options, { places, cloud, links, folder, keyFile })),
  );
  opened.push(
    async () => void (await Promise.all(nodes.flatMap(({ agent, web }) => [agent.close(), web.kill()]))),
  );
  const parts = { cloud, temporary, keyFile, links, nodes, opened };
  return new Cluster(
    options,
    parts,
    shared.map((_, index) => places.sharedIp(index)),
  );
}

function cloudOptions(options: ClusterOptions, places: Places): Parameters<typeof startCloud>[0] {
  const isPrivate = options.driver === 'ec2-private-ip';
  const isRoute = options.driver === 'ec2-route';
  return {
    ...options.cloud,
    host: places.cloudHost,
    topics: [topicArn],
    instances: options.nodes.map(({ id, instance }) => ({
      hostname: id,
      ...(isPrivate ? { availabilityZone: 'us-east-1a' } : {}),
      ...(isRoute ? { sourceDestCheck: false } : {}),
      ...(options.privateIps === 'loopback' ? { privateIps: [[places.host(id)] as const] } : {}),
      ...instance,
      id: places.instanceId(id),
      backend: { host: places.host(id), port: webPort },
    })),
    addresses: sharedAddresses(options).map(({ holder, landing, family: _, ...address }, index) => {
      const privateIp = holder === undefined ? undefined : landing?.[holder];
      return {
        ...(isPrivate ? { kind: 'private' as const } : {}),
        ...(isRoute ? { kind: 'route' as const, routeTables } : {}),
        ...address,
        publicIp: places.sharedIp(index),
        ...(holder === undefined ? {} : { holder: places.instanceId(holder) }),
        ...(privateIp === undefined ? {} : { privateIp }),
      };
    }),
  };
}

async function openLinks(nodes: readonly NodeSpec[], places: Places): Promise<readonly Link[]> {
  const ids = nodes.map(({ id }) => id);
  const links = ids.flatMap((from) =>
    ids
      .filter((to) => to !== from)
      .map((to) => {
        const target = { host: places.host(to), port: apiPort };
        return new Link({ from, to, listen: places.link(from, to), target });
      }),
  );
  await Promise.all(links.map((link) => link.open()));
  return links;
}

/** What the nodes of one cluster share. */
interface SharedParts {
  readonly places: Places;
  readonly cloud: EmbeddedCloud;
  readonly links: readonly Link[];
  readonly folder: string;
  readonly keyFile: string;
}

async function createNode(
  spec: NodeSpec,
  options: ClusterOptions,
  { places, cloud, links, folder: parent, keyFile }: SharedParts,
): Promise<ClusterNode> {
  const { id } = spec;
  const folder = join(parent, id);
  const stateDir = join(folder, 'state');
  await mkdir(stateDir, { recursive: true });
  const configFile = join(folder, 'failtome.yaml');
  const files = { keyFile, stateDir };
  await writeFile(configFile, stringify(configurationOf(spec, options, { places, cloud, files })));
  const inbound = links.filter(({ to }) => to === id);
  const outbound = links.filter(({ from }) => from === id);
  const instanceId = places.instanceId(id);
  const host = places.host(id);
  const agent = new AgentProcess(
    {
      agentFile: resolve(options.agentFile),
      configFile,
      logFile: join(folder, 'agent.log'),
      folder,
      url: `${options.scheme ?? 'http'}://${host}:${apiPort}`,
      env: { ...baseEnvironment(folder), ...cloud.environmentFor(instanceId), ...spec.env },
    },
    {
      onListening: (listening) => {
        for (const link of inbound) link.setListening(listening);
      },
    },
  );
  const kind = options.webServer ?? installedWebServer();
  const web = new WebServer({ kind, name: id, endpoint: { host, port: webPort }, folder });
  return new ClusterNode({ id, instanceId, folder }, { cloud, agent, web, inbound, outbound });
}
