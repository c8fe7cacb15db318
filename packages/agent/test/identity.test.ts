import { expect, test } from 'vitest';
import {
  InstanceMetadata,
  type ResolvedIdentity,
  resolveIdentity,
} from '../src/adapters/instance-metadata.ts';
import type { AgentConfig, DriverSettings } from '../src/config/types.ts';
import type { AgentError } from '../src/errors.ts';
import {
  answer,
  type Behaviour,
  type Listener,
  listen,
  networkDependencies,
  refusedPort,
} from './support/loopback.ts';

const TOKEN = 'AQAEAtoken==';

const VALUES: Readonly<Record<string, string>> = {
  '/latest/meta-data/instance-id': 'i-0abc',
  '/latest/meta-data/placement/region': 'eu-west-1',
  '/latest/meta-data/mac': '0e:49:61:0f:c3:11',
};

/** Metadata version 2: a token is put, and every question carries it. */
const service: Behaviour = (socket, _index, request) => {
  const [method, path = ''] = request.split(' ');
  if (method === 'PUT' && path === '/latest/api/token' && /token-ttl-seconds: \d+\r\n/i.test(request)) {
    return void socket.end(answer(200, TOKEN));
  }
  if (!request.includes(`X-aws-ec2-metadata-token: ${TOKEN}\r\n`)) return void socket.end(answer(401));
  const value = VALUES[path];
  socket.end(value === undefined ? answer(404) : answer(200, value));
};

type Env = Record<string, string | undefined>;

function metadataAt(port: number, env: Env = {}): InstanceMetadata {
  const { names } = networkDependencies();
  const own = { AWS_EC2_METADATA_SERVICE_ENDPOINT: `http://127.0.0.1:${port}`, ...env };
  return new InstanceMetadata({ env: own, requestTimeoutMs: 300 }, { names });
}

type Wanted = Pick<AgentConfig, 'node' | 'driver'> & Partial<Pick<AgentConfig, 'store'>>;

function config(
  id: string | null,
  driver: DriverSettings | null,
  role: AgentConfig['node']['role'] = 'candidate',
): Wanted {
  return { node: { id, role, priority: 100 }, driver };
}

const ec2 = (instanceId: string | null, region: string | null): DriverSettings => ({
  kind: 'ec2',
  networkInterfaceId: null,
  instanceId,
  region,
  assumeRole: null,
  displace: 'refuse',
});

async function resolved(
  wanted: Wanted,
  env: Env = {},
): Promise<{ identity: ResolvedIdentity; listener: Listener }> {
  const listener = await listen(service);
  const identity = await resolveIdentity(wanted, { env, metadata: metadataAt(listener.port) });
  return { identity, listener };
}

async function failure(promise: Promise<unknown>): Promise<AgentError> {
  return promise.then(
    () => Promise.reject(new Error('it succeeded')),
    (error: AgentError) => error,
  );
}

test('what the configuration lacks comes from instance metadata, with one token', async () => {
  const { identity, listener } = await resolved(config(null, ec2(null, null)));
  expect(identity).toEqual({
    id: 'i-0abc',
    instanceId: 'i-0abc',
    region: 'eu-west-1',
    ec2InstanceId: 'i-0abc',
  });
  expect(listener.requests.map((request) => request.split(' ', 2).join(' '))).toEqual([
    'PUT /latest/api/token',
    'GET /latest/meta-data/instance-id',
    'GET /latest/meta-data/placement/region',
  ]);
});

test.each([
  ['everything is configured', config('saturn', ec2('i-1', 'us-east-1')), {}, 'i-1', 'us-east-1'],
  [
    'the region is in the environment',
    config('saturn', ec2('i-1', null)),
    { AWS_REGION: 'us-west-2' },
    'i-1',
    'us-west-2',
  ],
  [
    'the driver is a program',
    config('saturn', { kind: 'exec', command: ['/bin/true'], displace: 'refuse' }),
    {},
    'saturn',
    null,
  ],
  ['a witness is given a driver', config('pluto', ec2(null, null), 'witness'), {}, '', null],
  ['a member has none', config('pluto', null, 'member'), {}, '', null],
])('nothing is asked where %s', async (_, wanted, env, instanceId, region) => {
  const { identity, listener } = await resolved(wanted, env);
  expect(identity).toEqual({ id: wanted.node.id, instanceId, region, ec2InstanceId: null });
  expect(listener.requests).toEqual([]);
});

test('a witness without id takes the instance id', async () => {
  const { identity } = await resolved(config(null, null, 'witness'));
  expect(identity).toMatchObject({ id: 'i-0abc', instanceId: '' });
});

test("OpsWorks's own instance id is left to the driver, with EC2's to look it up by", async () => {
  const opsworks = { ...ec2(null, 'us-east-1'), kind: 'opsworks' as const };
  const { identity } = await resolved(config('saturn', opsworks as DriverSettings));
  expect(identity).toEqual({ id: 'saturn', instanceId: '', region: 'us-east-1', ec2InstanceId: 'i-0abc' });
});

test('any other value can be asked for', async () => {
  const { port } = await listen(service);
  expect(await metadataAt(port).get('mac')).toBe('0e:49:61:0f:c3:11');
});

test('metadata that is switched off is not asked, and the sentence says what to configure', async () => {
  const listener = await listen(service);
  const metadata = metadataAt(listener.port, { AWS_EC2_METADATA_DISABLED: 'true' });
  const error = await failure(resolveIdentity(config(null, ec2(null, null)), { env: {}, metadata }));
  expect(error.code).toBe('METADATA_DISABLED');
  expect(error.message).toBe(
    'node.id and driver.instanceId are not configured, and instance metadata is switched off by AWS_EC2_METADATA_DISABLED; set node.id and driver.instanceId',
  );
  expect(listener.requests).toEqual([]);
});

test('an answer that comes at the second try is taken', async () => {
  const { port, requests } = await listen((socket, index, request) =>
    index === 0
      ? void socket.end(answer(503))
      : index === 2
        ? void socket.resetAndDestroy()
        : service(socket, index, request),
  );
  expect(await metadataAt(port).instanceId()).toBe('i-0abc');
  expect(requests).toHaveLength(4);
});

test('a service that cannot be reached says so, after three tries', async () => {
  const error = await failure(metadataAt(await refusedPort()).instanceId());
  expect(error).toMatchObject({
    code: 'METADATA_UNREACHABLE',
    message: expect.stringContaining('ECONNREFUSED'),
  });
  const { port, requests } = await listen(() => undefined);
  const late = await failure(metadataAt(port).instanceId());
  expect(late).toMatchObject({
    code: 'METADATA_UNREACHABLE',
    message: expect.stringContaining('within 300 ms'),
  });
  expect(requests).toHaveLength(3);
});

test.each([
  [403, 'METADATA_REFUSED', 'it is disabled for this instance'],
  [404, 'METADATA_REFUSED', 'this is no instance metadata service version 2'],
])('status %i is final, and explained', async (status, code, hint) => {
  const { port, requests } = await listen((socket) => socket.end(answer(status)));
  expect(await failure(metadataAt(port).instanceId())).toMatchObject({
    code,
    message: expect.stringContaining(hint),
  });
  expect(requests).toHaveLength(1);
});

test.each([
  ['HTML', '<html>\n<body>'],
  ['nothing', ''],
  ['too much', 'x'.repeat(10_000)],
])('%s is no value', async (_, text) => {
  const { port } = await listen((socket) => socket.end(answer(200, text)));
  expect(await failure(metadataAt(port).instanceId())).toMatchObject({ code: 'METADATA_MALFORMED' });
});

test('an endpoint that is no URL is refused, and the token stays out of every error', async () => {
  const bad = metadataAt(1, { AWS_EC2_METADATA_SERVICE_ENDPOINT: 'not a url' });
  expect(await failure(bad.instanceId())).toMatchObject({ code: 'METADATA_ENDPOINT' });
  const { port } = await listen(service);
  const error = await failure(metadataAt(port).get('unknown'));
  expect(error).toMatchObject({ code: 'METADATA_REFUSED', message: expect.not.stringContaining(TOKEN) });
});

test('a node that calls AWS for its store alone learns the region from instance metadata, unless the store names one', async () => {
  const witness = config('pluto', null, 'witness');
  const table = { kind: 'dynamodb', table: 'failtome', region: null } as const;
  const { identity } = await resolved({ ...witness, store: table });
  expect(identity).toMatchObject({ id: 'pluto', instanceId: '', region: 'eu-west-1' });
  const named = await resolved({ ...witness, store: { ...table, region: 'us-east-1' } });
  expect(named.identity.region).toBe(null);
  expect(named.listener.requests).toEqual([]);
});
