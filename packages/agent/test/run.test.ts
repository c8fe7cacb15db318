import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generateKey } from '../src/auth/keys.ts';
import { checkConfig, type LoadResult } from '../src/config/load.ts';
import type { AgentConfig } from '../src/config/types.ts';
import { createLog, type Log } from '../src/observe/log.ts';
import { type RunningAgent, runAgent } from '../src/run.ts';

interface LogLine {
  readonly event: string;
  readonly level: string;
  readonly msg: string;
}

let folder: string;
let world: { readonly server: Server; readonly port: number };
const agents = new Set<RunningAgent>();
const servers = new Set<Server>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'failtome-run-'));
  writeFileSync(join(folder, 'key'), `${generateKey()}\n`, { mode: 0o600 });
  world = await serve((request, response) => response.end(request.url === '/ip' ? '198.51.100.9' : 'ok'));
});

afterEach(async () => {
  for (const agent of agents) agent.stop();
  await Promise.all(Array.from(agents, ({ ended }) => ended));
  agents.clear();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  servers.clear();
  rmSync(folder, { recursive: true });
});

async function serve(listener: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createServer(listener);
  servers.add(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { server, port: address.port };
}

/** A witness: it needs neither driver nor cloud. Its peer doesn't exist. */
function yaml(change: (text: string) => string = (text) => text): string {
  return change(`
cluster: web
node: { id: pluto, role: witness }
api: { listen: "127.0.0.1:0" }
peers: [{ id: saturn, url: "http://127.0.0.1:9" }, { id: neptune, url: "http://127.0.0.2:9" }]
auth: { keyFile: ${join(folder, 'key')} }
addresses: [{ ip: 127.0.0.1, probe: { port: ${world.port}, interval: 100ms, fastInterval: 100ms } }]
guard: { urls: ["http://127.0.0.1:${world.port}/ip"] }
stateDir: ${join(folder, 'state')}
`);
}

const load = (text: string): LoadResult => checkConfig('failtome.yaml', Buffer.from(text), {});

function configOf(text: string): AgentConfig {
  const result = load(text);
  if (result.kind === 'faulty') throw new Error(JSON.stringify(result.faults));
  return result.config;
}

interface Started {
  readonly agent: RunningAgent;
  readonly url: string;
  readonly lines: readonly LogLine[];
  /** What the next reload reads. */
  readonly file: { text: string };
}

async function start(text: string = yaml(), env: Record<string, string> = {}): Promise<Started> {
  const { log, lines } = logging();
  const file = { text };
  const options = { config: configOf(text), certificate: null, file: 'failtome.yaml', env, version: '1.2.3' };
  const agent = await runAgent(options, { log, load: async () => load(file.text) });
  agents.add(agent);
  return { agent, url: `http://127.0.0.1:${agent.listening.port}`, lines, file };
}

function logging(): { log: Log; lines: readonly LogLine[] } {
  const lines: LogLine[] = [];
  const destination = {
    write: (line: string) => void lines.push(JSON.parse(line)),
    flush: () => undefined,
    end: async () => undefined,
    onLoss: () => undefined,
  };
  return { log: createLog({ level: 'info', format: 'json', colour: false }, destination), lines };
}

const statusOf = async (url: string): Promise<number> => (await fetch(url)).status;

/** Asked again until it is so; a bound for what hangs, and no measure of anything. */
const until = (holds: () => boolean | Promise<boolean>): PromiseLike<void> =>
  expect.poll(holds, { interval: 10, timeout: 50_000 }).toBe(true);

const events = (lines: readonly LogLine[]): readonly string[] => lines.map(({ event }) => event);

test('a node is ready once its probes have run, whatever its peers do', async () => {
  const { url, lines } = await start();
  await until(async () => (await statusOf(`${url}/readyz`)) === 200);
  expect(await (await fetch(`${url}/v1/status`)).json()).toMatchObject({
    version: '1.2.3',
    cluster: 'web',
    node: { id: 'pluto', role: 'witness' },
    addresses: [{ ip: '127.0.0.1', verdict: 'up' }],
    pause: { paused: false },
  });
  const wanted = ['key', 'api-listening', 'identity', 'started', 'agent-ready'];
  expect(events(lines).filter((event) => wanted.includes(event))).toEqual(wanted);
});

test('before the first probe has ended it is not ready, and says why', async () => {
  const hung = await serve(() => undefined);
  const { url } = await start(yaml((text) => text.replace(`port: ${world.port}`, `port: ${hung.port}`)));
  const answers: string[] = [];
  await until(async () => {
    const response = await fetch(`${url}/readyz`);
    answers.push(await response.text());
    return response.status === 200;
  });
  expect(answers.join()).toContain("127.0.0.1 hasn't been probed yet");
});

test('the metrics show the state, the address and the peers', async () => {
  const { url } = await start();
  await until(async () => (await statusOf(`${url}/readyz`)) === 200);
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toContain('failtome_address_up{address="127.0.0.1"} 1');
  expect(text).toContain('failtome_decision_gate{address="127.0.0.1",gate="role"} 0');
  expect(text).toContain('failtome_peer_state{peer="saturn",state="unknown"}');
  expect(text).toMatch(/failtome_probes_total\{address="127.0.0.1",result="ok"\} [1-9]/);
});

test('a message that nobody signed is counted, and told without its content', async () => {
  const { url, lines } = await start();
  await until(async () => (await statusOf(`${url}/readyz`)) === 200);
  expect((await fetch(`${url}/v1/gossip`, { method: 'POST', body: 'from-someone' })).status).toBe(401);
  const text = await (await fetch(`${url}/metrics`)).text();
  expect(text).toContain('failtome_rejected_messages_total{reason="unsigned"} 1');
  expect(events(lines)).toContain('message-rejected');
  expect(JSON.stringify(lines)).not.toContain('from-someone');
});

test('health is answered while nobody knows who this node is, and the start goes on when they do', async () => {
  let known = false;
  const metadata = await serve((request, response) => {
    response.statusCode = known ? 200 : 500;
    response.end(request.method === 'PUT' ? 'token' : 'i-0abc');
  });
  const env = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${metadata.port}` };
  const { url, lines } = await start(
    yaml((text) => text.replace('id: pluto, ', '')),
    env,
  );
  await until(() => events(lines).includes('identity-missing'));
  expect(await statusOf(`${url}/livez`)).toBe(200);
  expect(await statusOf(`${url}/metrics`)).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ ready: false, reason: expect.stringContaining('node.id') });
  const status = await fetch(`${url}/v1/status`);
  expect(status.status).toBe(503);
  expect(await status.json()).toMatchObject({
    error: { code: 'starting', message: expect.stringContaining('node.id') },
  });
  expect(await statusOf(`${url}/v1/gossip`)).toBe(503);
  known = true;
  await until(async () => (await statusOf(`${url}/readyz`)) === 200);
  expect(await (await fetch(`${url}/v1/status`)).json()).toMatchObject({ node: { id: 'i-0abc' } });
});

test('a stop ends it even while nobody knows who it is', async () => {
  const { agent } = await start(
    yaml((text) => text.replace('id: pluto, ', '')),
    { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${(await serve(() => undefined)).port}` },
  );
  agent.stop();
  expect(await agent.ended).toBe(0);
});

test('an id from metadata that makes the configuration impossible ends it with 2, and says why', async () => {
  const metadata = await serve((request, response) =>
    response.end(request.method === 'PUT' ? 'token' : 'saturn'),
  );
  const { agent, lines } = await start(
    yaml((text) => text.replace('id: pluto, ', '')),
    { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${metadata.port}` },
  );
  expect(await agent.ended).toBe(2);
  expect(lines).toContainEqual(
    expect.objectContaining({
      event: 'configuration',
      level: 'error',
      msg: expect.stringContaining('node.role'),
    }),
  );
});

test('after a stop the port is free, the state is on disk, and the next run counts on', async () => {
  const first = await start();
  await until(async () => (await statusOf(`${first.url}/readyz`)) === 200);
  first.agent.stop();
  first.agent.stop();
  expect(await first.agent.ended).toBe(0);
  expect(events(first.lines).at(-1)).toBe('agent-stopped');
  expect(JSON.parse(readFileSync(join(folder, 'state', 'state.json'), 'utf8'))).toMatchObject({
    node: 'pluto',
  });
  await expect(fetch(`${first.url}/livez`)).rejects.toThrow();
  const second = await start();
  await until(() => events(second.lines).includes('started'));
  expect(second.lines.find(({ event }) => event === 'started')).toMatchObject({
    incarnation: 2,
    storage: 'loaded',
  });
});

test('a reload takes over what needs no restart', async () => {
  const { agent, url, lines, file } = await start();
  await until(async () => (await statusOf(`${url}/readyz`)) === 200);
  file.text = yaml((text) =>
    text.replace('addresses: [', 'addresses: [{ ip: 127.0.0.3, probe: { port: 9 } }, '),
  );
  await agent.reload();
  expect(events(lines)).toContain('configured');
  expect(await (await fetch(`${url}/v1/status`)).json()).toMatchObject({
    addresses: [{ ip: '127.0.0.3' }, { ip: '127.0.0.1' }],
  });
});

test('a reload of an unchanged file is accepted', async () => {
  const { agent, lines } = await start();
  await until(() => events(lines).includes('agent-ready'));
  await agent.reload();
  expect(events(lines)).toContain('configured');
  expect(events(lines)).not.toContain('reload-refused');
});

test('a reload that needs a restart, or is faulty, changes nothing', async () => {
  const { agent, url, lines, file } = await start();
  await until(() => events(lines).includes('agent-ready'));
  for (const change of ['cluster: shop', 'clutser: web']) {
    file.text = yaml((text) => text.replace('cluster: web', change));
    await agent.reload();
  }
  const refused = lines.filter(({ event }) => event === 'reload-refused').map(({ msg }) => msg);
  expect(refused[0]).toBe('cluster: changed from "web" to "shop", which takes effect only after a restart');
  expect(refused[1]).toContain('clutser');
  expect(await (await fetch(`${url}/v1/status`)).json()).toMatchObject({ cluster: 'web' });
});

test('without its key it does not start', async () => {
  rmSync(join(folder, 'key'));
  await expect(start()).rejects.toMatchObject({ code: 'KEY_FILE_MISSING' });
});

test('on a port that is taken it does not start, and names the setting', async () => {
  const taken = yaml((text) => text.replace('127.0.0.1:0', `127.0.0.1:${world.port}`));
  await expect(start(taken)).rejects.toMatchObject({
    code: 'API_NOT_LISTENING',
    message: expect.stringContaining(`api.listen: cannot listen on 127.0.0.1:${world.port}`),
  });
});

test('a state directory that can not be used is told, and the node runs on', async () => {
  writeFileSync(join(folder, 'state'), 'a file where the directory should be');
  const { url, lines } = await start();
  await until(async () => (await statusOf(`${url}/readyz`)) === 200);
  expect(lines.find(({ event }) => event === 'state-directory')?.msg).toContain(join(folder, 'state'));
  await until(async () =>
    (await (await fetch(`${url}/metrics`)).text()).includes('failtome_storage_writable 0'),
  );
});

test('the key is never told', async () => {
  const { url, lines } = await start();
  await until(async () => (await statusOf(`${url}/readyz`)) === 200);
  const key = readFileSync(join(folder, 'key'), 'utf8').trim();
  const shown = await Promise.all(
    ['/v1/status', '/metrics', '/'].map(async (path) => (await fetch(url + path)).text()),
  );
  expect([JSON.stringify(lines), ...shown].join('')).not.toContain(key);
});
