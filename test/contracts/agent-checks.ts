/** The agent's checks and its external IP, and services on the loopback. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { createClock } from '../../packages/agent/src/adapters/clock.ts';
import { ExternalIp } from '../../packages/agent/src/adapters/external-ip.ts';
import { LocalCheck } from '../../packages/agent/src/adapters/local.ts';
import { Names } from '../../packages/agent/src/adapters/names.ts';
import { Prober } from '../../packages/agent/src/adapters/prober.ts';
import { collectPosts } from '../drivers/aws-world.ts';
import type { CheckWorld, ExternalIpWorld, IpServiceBehaviour, ServiceBehaviour } from './checks-contract.ts';

/** Long enough for what answers, on a loaded machine; what never answers ends by it. */
const TIMEOUT_MS = 600;

interface Service {
  readonly port: number;
  behave(behaviour: ServiceBehaviour, body?: string): void;
  close(): Promise<void>;
}

async function startService(): Promise<Service> {
  let behaviour: ServiceBehaviour = 'up';
  let text = '';
  let requests = 0;
  const sockets = new Set<Socket>();
  const server: Server = createServer((_request, response) => {
    requests += 1;
    if (behaviour === 'hung' || behaviour === 'slow' || (behaviour === 'lossy' && requests === 1)) return;
    response.writeHead(behaviour === 'error' ? 503 : 200).end(text);
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening on a port');
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return {
    port: address.port,
    close,
    async behave(next, body = '') {
      behaviour = next;
      text = body;
      requests = 0;
      if (next === 'dead') await close();
    },
  };
}

function dependencies() {
  const clock = createClock();
  const posts = collectPosts();
  return { clock, names: new Names({ monotonicMs: clock.monotonicMs }), ...posts };
}

export async function openProber(): Promise<CheckWorld> {
  const service = await startService();
  const { posted, next, ...rest } = dependencies();
  const probe = {
    scheme: 'http',
    host: 'www.example.org',
    port: service.port,
    path: '/',
    expect: [{ from: 200, to: 399 }],
    intervalMs: 2_000,
    fastIntervalMs: 1_000,
    timeoutMs: TIMEOUT_MS,
    fall: 3,
    rise: 2,
  } as const;
  const prober = new Prober(
    { addresses: [{ ip: '127.0.0.1', allocationId: null, privateIp: null, home: null, probe }] },
    rest,
  );
  return {
    posted,
    next,
    check: (probeId, of) =>
      prober.probe({ kind: 'probe', probeId, address: of === undefined ? '127.0.0.1' : '127.0.0.2' }),
    service: (behaviour) => service.behave(behaviour),
    async close() {
      prober.close();
      await service.close();
    },
  };
}

export async function openLocalCheck(): Promise<CheckWorld> {
  const service = await startService();
  const { posted, next, ...rest } = dependencies();
  const local = { url: `http://127.0.0.1:${service.port}/`, timeoutMs: TIMEOUT_MS };
  const alone = { socket: null, command: null, need: 'all' } as const;
  const checker = new LocalCheck(
    { local: { ...local, ...alone, intervalMs: 2_000, fastIntervalMs: 1_000, fall: 3, rise: 2 } },
    rest,
  );
  return {
    posted,
    next,
    check: (checkId) => checker.check({ kind: 'check-local', checkId }),
    service: (behaviour) => service.behave(behaviour),
    async close() {
      checker.close();
      await service.close();
    },
  };
}

const OWN = '203.0.113.7';
const LIE = '203.0.113.250';

/** Two services; what goes wrong goes wrong with both, but for what they disagree about. */
export async function openExternalIp(): Promise<ExternalIpWorld> {
  const services = await Promise.all([startService(), startService()]);
  const { posted, next, ...rest } = dependencies();
  const urls = services.map(({ port }) => `http://127.0.0.1:${port}/`);
  const externalIp = new ExternalIp({ urls }, rest);
  const behaviours: Readonly<Record<IpServiceBehaviour, readonly [ServiceBehaviour, ...string[]]>> = {
    up: ['up', OWN, OWN],
    hung: ['hung'],
    down: ['dead'],
    html: ['up', '<html>', '<html>'],
    lies: ['up', LIE, LIE],
    disagree: ['up', OWN, LIE],
    lossy: ['lossy', OWN, OWN],
  };
  return {
    posted,
    next,
    own: OWN,
    lie: LIE,
    ask: (askId) =>
      externalIp.ask({
        kind: 'ask-external-ip',
        askId,
        purpose: 'guard',
        address: '198.51.100.7',
        timeoutMs: TIMEOUT_MS,
      }),
    async service(behaviour) {
      const [how, ...texts] = behaviours[behaviour];
      for (const [index, service] of services.entries()) await service.behave(how, texts[index]);
    },
    async close() {
      externalIp.close();
      for (const service of services) await service.close();
    },
  };
}
