/** A pair of agents as whoever starts it would start it, on an embedded cloud, with nothing to do. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type EmbeddedCloud, startCloud } from '../packages/cloud/src/embedded/index.ts';

const publicIp = '127.54.7.1';
export const ids = ['saturn', 'neptune'] as const;

/** A pair at default settings on the embedded cloud, with a web server that answers at once. */
export interface AgentWorld {
  readonly cloud: EmbeddedCloud;
  /** Configuration files. */
  readonly files: Readonly<Record<(typeof ids)[number], string>>;
  readonly close: () => Promise<void>;
  /** Resolves when the next request comes to the web server through the address. */
  readonly nextProbe: () => Promise<void>;
}

export async function openWorld(): Promise<AgentWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-footprint-'));
  let wake = (): void => undefined;
  const web = createServer((request, response) => {
    if (request.url === '/address') wake();
    response.end('ok');
  });
  const port = await listen(web);
  const backend = { host: '127.0.0.1', port };
  const cloud = await startCloud({
    instances: ids.map((id) => ({ id: `i-${id}`, backend })),
    addresses: [{ publicIp, holder: `i-${ids[1]}` }],
  });
  const ports = { saturn: await freePort(), neptune: await freePort() };
  const configure = (id: (typeof ids)[number]): string => {
    const file = join(folder, `${id}.yaml`);
    const keyFile = join(folder, 'cluster.key');
    writeFileSync(keyFile, `${Buffer.alloc(32, 7).toString('base64')}\n`, { mode: 0o600 });
    const config = {
      cluster: 'footprint',
      node: { id },
      api: { listen: `127.0.0.1:${ports[id]}` },
      peers: ids.map((peer) => ({ id: peer, url: `http://127.0.0.1:${ports[peer]}` })),
      auth: { keyFile },
      addresses: [
        { ip: publicIp, probe: { port: cloud.viewOf(`i-${id}`, publicIp).port, path: '/address' } },
      ],
      local: { url: `http://127.0.0.1:${port}/local` },
      guard: { urls: [cloud.guardUrlFor(`i-${id}`)] },
      driver: { kind: 'ec2' },
      stateDir: join(folder, id),
    };
    // JSON is YAML.
    writeFileSync(file, JSON.stringify(config));
    return file;
  };
  return {
    cloud,
    files: { saturn: configure('saturn'), neptune: configure('neptune') },
    async close() {
      web.closeAllConnections();
      web.close();
      await cloud.close();
      rmSync(folder, { recursive: true, force: true });
    },
    nextProbe: () =>
      new Promise((resolve) => {
        wake = resolve;
      }),
  };
}

/** A build of the agent, and what runs it. */
export interface AgentProgram {
  readonly node: string;
  /** What Node itself is told. */
  readonly flags: readonly string[];
  readonly file: string;
  /** Besides what every agent is given. */
  readonly environment?: Readonly<Record<string, string>>;
}

export function spawnAgent(
  { node, flags, file, environment = {} }: AgentProgram,
  { files, cloud }: AgentWorld,
  id: (typeof ids)[number],
): ChildProcess {
  const env = {
    PATH: process.env.PATH ?? '',
    HOME: tmpdir(),
    ...environment,
    ...cloud.environmentFor(`i-${id}`),
  };
  const args = [...flags, file, 'run', '--config', files[id]];
  return spawn(node, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(address === null || typeof address === 'string' ? 0 : address.port);
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}
