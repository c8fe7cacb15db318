/** A real etcd, on free ports of this machine, with a folder of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EtcdSettings } from '../../packages/agent/src/adapters/etcd-store.ts';

/** Settings without TLS, and without a user. */
export function etcdSettings(...endpoints: string[]): EtcdSettings {
  return {
    kind: 'etcd',
    endpoints,
    prefix: '/failtome/',
    caFile: null,
    certFile: null,
    keyFile: null,
    login: null,
  };
}

/** One that serves. */
export interface Etcd {
  readonly endpoint: string;
  /** Stop it as a machine does that loses its power, and start it again on the same folder. */
  restart(): Promise<void>;
  /** The same with an empty folder: nothing is left, and it counts from the beginning. */
  lose(): Promise<void>;
  /** Stand still, as one that is cut off does. */
  freeze(): void;
  thaw(): void;
  close(): Promise<void>;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port is free');
  return address.port;
}

/** The user that `withUsers` makes. */
export const USER = 'failtome';

/** What its gateway answers to a request about users. */
async function askAuth(
  { endpoint }: Pick<Etcd, 'endpoint'>,
  path: string,
  body: object,
  token = '',
): Promise<unknown> {
  const answer = await fetch(`${endpoint}/v3/auth/${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: token === '' ? {} : { Authorization: token },
  });
  if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`);
  return answer.json();
}

/** Let it ask for users: one that may read and write what begins with `/failtome/`. */
export async function withUsers(etcd: Pick<Etcd, 'endpoint'>, password: string): Promise<void> {
  const [key, rangeEnd] = ['/failtome/', '/failtome0'].map((text) => Buffer.from(text).toString('base64'));
  await askAuth(etcd, 'user/add', { name: 'root', password: 'root' });
  await askAuth(etcd, 'role/add', { name: 'root' });
  await askAuth(etcd, 'user/grant', { user: 'root', role: 'root' });
  await askAuth(etcd, 'role/add', { name: USER });
  await askAuth(etcd, 'role/grant', {
    name: USER,
    perm: { permType: 'READWRITE', key, range_end: rangeEnd },
  });
  await askAuth(etcd, 'user/add', { name: USER, password });
  await askAuth(etcd, 'user/grant', { user: USER, role: USER });
  await askAuth(etcd, 'enable', {});
}

/** Give that user another password; every token of his is forgotten. */
export async function changePassword(etcd: Pick<Etcd, 'endpoint'>, password: string): Promise<void> {
  const root = await askAuth(etcd, 'authenticate', { name: 'root', password: 'root' });
  const { token } = root as { token: string }; // as api/v3's rpc.proto has it
  await askAuth(etcd, 'user/changepw', { name: USER, password }, token);
}

/** @param more arguments, such as a quota */
export async function startEtcd(more: readonly string[] = []): Promise<Etcd> {
  const folder = await mkdtemp(join(tmpdir(), 'failtome-etcd-'));
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const args = [
    ...['--name', 'one', '--data-dir', folder, '--logger', 'zap', '--log-level', 'error'],
    ...['--listen-client-urls', client, '--advertise-client-urls', client],
    ...[
      '--listen-peer-urls',
      peer,
      '--initial-advertise-peer-urls',
      peer,
      '--initial-cluster',
      `one=${peer}`,
    ],
    ...more,
  ];
  let child = await run(args, client);
  return {
    endpoint: client,
    async restart() {
      await end(child, 'SIGKILL');
      child = await run(args, client);
    },
    async lose() {
      await end(child, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
      child = await run(args, client);
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async close() {
      await end(child, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Resolves once it answers as a healthy member. */
async function run(args: readonly string[], client: string): Promise<ChildProcess> {
  const child = spawn('etcd', args, { stdio: 'ignore' });
  await once(child, 'spawn');
  const until = Date.now() + 30_000;
  for (;;) {
    const isHealthy = await fetch(`${client}/health`).then(
      async (answer) => (await answer.text()).includes('"true"'),
      () => false,
    );
    if (isHealthy) return child;
    if (child.exitCode !== null || Date.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`etcd doesn't serve: exit code ${child.exitCode}`);
    }
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  await ended;
}
