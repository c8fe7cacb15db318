import { once } from 'node:events';
import { createServer, get, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedCloud, type Endpoint, startCloud } from '../src/embedded/index.ts';

const ip = '127.54.7.1';
const servers: Server[] = [];
const sockets: Socket[] = [];
let cloud: EmbeddedCloud;
let neptune: Endpoint;
let saturn: Endpoint;

/** A web server that says its name. */
async function webServer(name: string): Promise<Endpoint> {
  const server = createServer((_request, response) => response.end(name));
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It has no port.');
  return { host: '127.0.0.1', port: address.port };
}

beforeEach(async () => {
  neptune = await webServer('neptune');
  saturn = await webServer('saturn');
  cloud = await startCloud({
    instances: [
      { id: 'i-neptune', backend: neptune },
      { id: 'i-saturn', backend: saturn },
    ],
    addresses: [{ publicIp: ip, holder: 'i-neptune' }],
    config: { autoAddressDelayMs: 0 },
  });
});
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await cloud.close();
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

/** What one fresh request to an endpoint comes to: the body, an error's code, or silence for so long. */
function ask({ host, port }: Endpoint, silenceMs = 150, path = '/'): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ host, port, path, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve(`${response.statusCode} ${body.trim()}`.trim()));
    });
    request.setTimeout(silenceMs, () => {
      resolve('silence');
      request.destroy();
    });
    request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Asks until the answer is the one that is waited for; a bound keeps a wrong one from lasting. */
async function askUntil(endpoint: Endpoint, wanted: string): Promise<string> {
  const until = performance.now() + 4_000;
  let answer = await ask(endpoint);
  while (answer !== wanted && performance.now() < until) answer = await ask(endpoint);
  return answer;
}

async function open({ host, port }: Endpoint): Promise<Socket> {
  const socket = connect({ host, port });
  sockets.push(socket);
  await once(socket, 'connect');
  return socket;
}

const world = () => cloud.viewOf(null, ip);
const seenBy = (instanceId: string) => cloud.viewOf(instanceId, ip);

describe('the address', () => {
  it('leads to its holder, for everyone', async () => {
    expect(await ask(world())).toBe('200 neptune');
    expect(await ask(seenBy('i-saturn'))).toBe('200 neptune');
    expect(await ask(seenBy('i-neptune'))).toBe('200 neptune');
    expect(world().host).toBe(ip);
  });

  it('follows the association, and cuts the connections of the old one', async () => {
    const standing = await open(world());
    standing.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(standing, 'data');
    const cut = once(standing, 'error');
    cloud.operatorAssociate(ip, 'i-saturn');
    expect(await cut).toMatchObject([{ code: 'ECONNRESET' }]);
    expect(await ask(world())).toBe('200 saturn');
  });

  it('refuses connections once the holder has no web server, and takes them again', async () => {
    const [first] = servers;
    if (first === undefined) throw new Error('There is no server.');
    first.closeAllConnections();
    first.close();
    expect(await askUntil(world(), 'ECONNREFUSED')).toBe('ECONNREFUSED');
    expect(await ask(seenBy('i-saturn'))).toBe('ECONNREFUSED');
    first.listen(neptune.port, neptune.host);
    expect(await askUntil(world(), '200 neptune')).toBe('200 neptune');
  });

  it('is silent when nobody holds it', async () => {
    cloud.operatorDisassociate(ip);
    expect(await ask(world())).toBe('silence');
  });

  it('takes up a connection that began in silence when its first packet is sent again', async () => {
    cloud.operatorDisassociate(ip);
    const asked = ask(world(), 3_000);
    cloud.operatorAssociate(ip, 'i-saturn');
    expect(await asked).toBe('200 saturn');
  });

  it('falls silent, established connections too, when its holder is off the network', async () => {
    const standing = await open(world());
    standing.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(standing, 'data');
    cloud.setNetwork('i-neptune', 'gone');
    standing.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    expect(await ask(world())).toBe('silence');
    expect(standing.bytesRead).toBeLessThan(400);
    expect(standing.destroyed).toBe(false);
  });

  it('is out of reach for one viewer alone', async () => {
    cloud.setPath('i-saturn', ip, 'blackhole');
    expect(await ask(seenBy('i-saturn'))).toBe('silence');
    expect(await ask(seenBy('i-neptune'))).toBe('200 neptune');
    cloud.setPath('i-saturn', ip, 'refuse');
    expect(await ask(seenBy('i-saturn'))).toBe('ECONNREFUSED');
    cloud.setPath('i-saturn', ip, 'clear');
    expect(await askUntil(seenBy('i-saturn'), '200 neptune')).toBe('200 neptune');
    cloud.setWayOut('i-saturn', 'broken');
    expect(await ask(seenBy('i-saturn'))).toBe('silence');
  });
});

describe('the external-IP service', () => {
  const guard = (instanceId: string, service?: string): Promise<string> => {
    const { hostname, port, pathname } = new URL(cloud.guardUrlFor(instanceId, service));
    return ask({ host: hostname, port: Number(port) }, 150, pathname);
  };

  it('answers the Elastic IP to the holder, and its own address to another', async () => {
    expect(await guard('i-neptune')).toBe(`200 ${ip}`);
    expect(await guard('i-saturn')).toBe('200 203.0.113.2');
    cloud.operatorAssociate(ip, 'i-saturn');
    expect(await guard('i-saturn')).toBe(`200 ${ip}`);
  });

  it('is not reached without a way out', async () => {
    cloud.setWayOut('i-saturn', 'broken');
    expect(await guard('i-saturn')).toBe('silence');
  });

  it.each([
    [{ kind: 'down' }, /^(ECONNREFUSED|ECONNRESET)$/],
    [{ kind: 'hang' }, /^silence$/],
    [{ kind: 'html' }, /^200 <!doctype html>/],
    [{ kind: 'redirect' }, /^302/],
    [{ kind: 'garbage' }, /^200 [^0-9.]*$/],
    [{ kind: 'error' }, /^503/],
    [{ kind: 'wrong', ip: '192.0.2.7' }, /^200 192\.0\.2\.7$/],
  ] as const)('can be %o', async (behaviour, expected) => {
    cloud.setGuard(behaviour);
    expect(await guard('i-saturn')).toMatch(expected);
    cloud.clearGuard();
    expect(await guard('i-saturn')).toBe('200 203.0.113.2');
  });

  it('can fail for one asker, or as one of several services', async () => {
    cloud.setGuard({ kind: 'html' }, { instanceId: 'i-saturn' });
    cloud.setGuard({ kind: 'wrong', ip: '192.0.2.7' }, { service: 'second' });
    expect(await guard('i-saturn')).toMatch(/^200 <!doctype/);
    expect(await guard('i-neptune')).toBe(`200 ${ip}`);
    expect(await guard('i-neptune', 'second')).toBe('200 192.0.2.7');
  });
});

describe('instance metadata', () => {
  const token = async (headers: Record<string, string> = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' }) =>
    fetch(`${cloud.metadataUrlFor('i-saturn')}/latest/api/token`, { method: 'PUT', headers });
  const page = async (path: string): Promise<string> => {
    const headers = { 'x-aws-ec2-metadata-token': await (await token()).text() };
    const response = await fetch(`${cloud.metadataUrlFor('i-saturn')}/latest/${path}`, { headers });
    return response.ok ? response.text() : String(response.status);
  };

  it('wants a session, and one with a lifetime', async () => {
    expect((await fetch(`${cloud.metadataUrlFor('i-saturn')}/latest/meta-data/instance-id`)).status).toBe(
      401,
    );
    expect((await token({})).status).toBe(400);
    expect((await token({ 'x-aws-ec2-metadata-token-ttl-seconds': '21601' })).status).toBe(400);
  });

  it('tells an instance who it is', async () => {
    expect(await page('meta-data/instance-id')).toBe('i-saturn');
    expect(await page('meta-data/placement/region')).toBe('us-east-1');
    expect(await page('meta-data/placement/availability-zone')).toBe('us-east-1b');
    expect(await page('meta-data/local-ipv4')).toBe('10.0.1.12');
    const mac = await page('meta-data/mac');
    expect(await page('meta-data/network/interfaces/macs/')).toBe(`${mac}/`);
    expect(await page(`meta-data/network/interfaces/macs/${mac}/interface-id`)).toBe(
      cloud.state.instances.get('i-saturn')?.interfaces[0].id,
    );
    expect(await page(`meta-data/network/interfaces/macs/${mac}/local-ipv4s`)).toBe('10.0.1.12');
    expect(await page('meta-data/iam/security-credentials/')).toBe('failtome-i-saturn');
    expect(JSON.parse(await page('dynamic/instance-identity/document'))).toMatchObject({
      instanceId: 'i-saturn',
      region: 'us-east-1',
    });
    expect(await page('meta-data/nothing')).toBe('404');
  });

  it('can be down, hang, or fail', async () => {
    const { hostname, port } = new URL(cloud.metadataUrlFor('i-saturn'));
    const endpoint = { host: hostname, port: Number(port) };
    cloud.setMetadata('i-saturn', 'down');
    expect(await ask(endpoint)).toBe('ECONNREFUSED');
    cloud.setMetadata('i-saturn', 'hang');
    expect(await askUntil(endpoint, 'silence')).toBe('silence');
    cloud.setMetadata('i-saturn', 'error');
    expect(await ask(endpoint)).toBe('500');
    cloud.setMetadata('i-saturn', 'up');
    expect(await page('meta-data/instance-id')).toBe('i-saturn');
  });
});

describe('waiting', () => {
  it('resolves with what was waited for, and says what was waited for in vain', async () => {
    const waited = cloud.waitFor('saturn to hold it', () => cloud.holderOf(ip) === 'i-saturn');
    cloud.operatorAssociate(ip, 'i-saturn');
    expect(await waited).toBe(true);
    await expect(cloud.waitFor('a miracle', () => false, 10)).rejects.toThrow(/10 ms in vain for a miracle/);
  });
});

it('frees every port when it is closed', async () => {
  const endpoints = [
    world(),
    seenBy('i-saturn'),
    new URL(cloud.endpointUrl),
    new URL(cloud.guardUrlFor('i-saturn')),
  ];
  await open(world());
  await cloud.close();
  for (const endpoint of endpoints) {
    const host = endpoint instanceof URL ? endpoint.hostname : endpoint.host;
    expect(await ask({ host, port: Number(endpoint.port) })).toBe('ECONNREFUSED');
  }
});
