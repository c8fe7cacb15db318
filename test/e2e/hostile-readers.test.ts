/** Reading routes that are closed, and on a listener of their own: strangers read nothing, and who has the key all. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { AgentApi } from '../../packages/cluster/src/agent-api.ts';
import { scenario } from './support/scenario.ts';

const closed = [
  '/',
  '/v1/status',
  '/v1/cluster',
  '/v1/events',
  '/v1/history',
  '/v1/why',
  '/v1/holder',
  '/metrics',
  '/openapi.json',
];

scenario(
  'with api.read: peers and api.observe strangers read nothing at either port, and the commands everything',
  {
    begin: 'at once',
    settings: { api: { read: 'peers', observe: '127.0.0.1:0' } },
  },
  async (scene) => {
    const { cluster } = scene;
    const { agent } = cluster.node('saturn');
    const line = await scene.logs('saturn', ({ msg }) => msg.startsWith('the reading routes are on'));
    const observe = new AgentApi(`http://127.0.0.1:${line.fields.port}`);
    await scene.eventually('saturn to be ready', async () => (await observe.get('/readyz')).status === 200);
    for (const api of [agent.api, observe]) {
      for (const path of closed) {
        const { status, body } = await api.get(path);
        expect([path, status, JSON.parse(body).error.code]).toEqual([path, 401, 'unsigned']);
      }
      for (const path of ['/livez', '/readyz']) expect((await api.get(path)).status).toBe(200);
      const evil = await api.send('/v1/status', { method: 'GET', headers: { host: 'attacker.example' } });
      expect([evil.status, JSON.parse(evil.body).error.code]).toEqual([421, 'host']);
    }
    expect((await observe.send('/v1/gossip', { method: 'POST', body: '{}' })).status).toBe(404);
    for (const verb of ['status', 'why', 'history'])
      expect([verb, (await scene.command('saturn', verb)).code]).toEqual([verb, 0]);
    await scene.eventually('saturn to hear neptune', async () => {
      const { stdout } = await scene.command('saturn', 'status', '--json');
      return /"id": "neptune",[^}]*"state": "alive"/s.test(stdout);
    });
    expect((await scene.command('saturn', 'pause', '--reason', 'test')).code).toBe(0);
  },
);

const folder = await mkdtemp(join(tmpdir(), 'failtome-tokens-'));
afterAll(() => rm(folder, { recursive: true, force: true }));
const readTokenFile = join(folder, 'tokens');
await writeFile(readTokenFile, '0123456789abcdef0123456789abcdef\n');

scenario(
  'with api.read: token a token opens what is closed to others',
  { begin: 'at once', settings: { api: { read: 'token', readTokenFile } } },
  async (scene) => {
    const { api } = scene.cluster.node('saturn').agent;
    await scene.eventually('saturn to be ready', async () => (await api.ready()).status === 200);
    const read = (authorization: string) =>
      api.send('/metrics', { method: 'GET', headers: { authorization } });
    expect((await api.get('/metrics')).status).toBe(401);
    expect((await read('Bearer 0123456789abcdef')).status).toBe(401);
    expect((await read('Bearer 0123456789abcdef0123456789abcdef')).status).toBe(200);
    expect((await scene.command('saturn', 'status')).code).toBe(0);
  },
);
