import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { type CheckLine, preflightCloud } from '../../packages/agent/src/adapters/preflight.ts';
import type { AgentConfig, DriverSettings } from '../../packages/agent/src/config/types.ts';
import { longId } from '../../packages/cloud/src/model/index.ts';
import {
  ADDRESS,
  type AwsWorld,
  type AwsWorldOptions,
  NEPTUNE,
  openAws,
  SATURN,
  TOPIC,
} from './aws-world.ts';

const OTHER_ADDRESS = '198.51.100.8';

const EC2 = {
  kind: 'ec2',
  region: null,
  instanceId: SATURN,
  networkInterfaceId: null,
  assumeRole: null,
  displace: 'refuse',
} as const satisfies DriverSettings;

interface Settings {
  readonly driver?: DriverSettings;
  readonly topicArn?: string | null;
  readonly privateIp?: string | null;
  readonly allocationId?: string | null;
  readonly role?: AgentConfig['node']['role'];
}

function configOf({
  driver = EC2,
  topicArn = TOPIC,
  privateIp = null,
  allocationId = null,
  role = 'candidate',
}: Settings): AgentConfig {
  const check = { intervalMs: 1000, fastIntervalMs: 500, timeoutMs: 1000, fall: 3, rise: 2 };
  return {
    cluster: 'web',
    node: { id: 'saturn', role, priority: 100 },
    api: {
      listen: { host: '127.0.0.1', port: 8741 },
      advertise: null,
      hosts: [],
      read: 'anyone',
      readTokenFile: null,
      observe: null,
      tls: null,
    },
    peers: [],
    discovery: null,
    auth: { keyFile: '/nonexistent', identity: null, operators: [] },
    addresses: [
      {
        ip: ADDRESS,
        allocationId,
        privateIp,
        home: null,
        probe: {
          ...check,
          scheme: 'http',
          host: ADDRESS,
          port: 80,
          path: '/',
          expect: [{ from: 200, to: 399 }],
        },
      },
    ],
    local: null,
    gossip: { intervalMs: 500, timeoutMs: 400, deadMs: 3000, fanout: 3 },
    agreement: { silentPeer: 'takeover', arbiter: false, leaseMs: 10_000 },
    guard: { urls: [], timeoutMs: 3000, allowPrivate: false },
    driver,
    store: null,
    notify: {
      sns: topicArn === null ? null : { topicArn, events: ['taken', 'blocked'] },
      webhooks: [],
      exec: null,
      blockedAfterMs: 60_000,
    },
    holdDownMs: 60_000,
    flap: { moves: 4, withinMs: 600_000 },
    failback: null,
    handover: { on: ['shutdown'] },
    stateDir: '/nonexistent',
    recorder: null,
    log: { level: 'info' },
  };
}

describe('the cloud part of the check', () => {
  let aws: AwsWorld | undefined;
  afterEach(() => aws?.close());

  async function check(
    settings: Settings = {},
    options: AwsWorldOptions = {},
    prepare: (world: AwsWorld) => void = () => undefined,
  ): Promise<readonly CheckLine[]> {
    aws = await openAws({
      ...options,
      cloud: { addresses: [{ publicIp: ADDRESS, holder: NEPTUNE }], ...options.cloud },
    });
    prepare(aws);
    const region = 'us-east-1';
    return preflightCloud(
      configOf(settings),
      { id: 'saturn', instanceId: SATURN, region },
      aws.clients,
      3000,
    );
  }

  const lineOf = (lines: readonly CheckLine[], name: string) =>
    lines.find((line) => line.name.startsWith(name));

  test('fails nothing where a move would succeed, and moves nothing', async () => {
    const lines = await check();
    expect(lines.filter(({ state }) => state === 'fail')).toEqual([]);
    expect(lineOf(lines, 'AWS identity')).toMatchObject({ found: expect.stringContaining(`/${SATURN}`) });
    expect(lineOf(lines, `address ${ADDRESS}`)).toMatchObject({
      found: expect.stringContaining(`held by ${NEPTUNE}`),
    });
    expect(lineOf(lines, `landing of ${ADDRESS}`)).toMatchObject({ state: 'ok' });
    expect(lineOf(lines, 'permission ec2:DisassociateAddress')).toMatchObject({ found: 'granted (dry run)' });
    expect(aws?.cloud.holderOf(ADDRESS)).toBe(NEPTUNE);
  });

  test('has a fix for every line that is not ok, and none for the others', async () => {
    const lines = await check({}, {}, ({ cloud }) => cloud.setPermission(SATURN, 'ec2:*', 'revoked'));
    for (const { state, fix } of lines) expect(fix === '').toBe(state === 'ok');
  });

  test.each([
    ['ec2:AssociateAddress', 'permission ec2:AssociateAddress', 'elastic-ip/'],
    ['ec2:DisassociateAddress', 'permission ec2:DisassociateAddress', 'elastic-ip/'],
    ['ec2:DescribeAddresses', 'Elastic IP addresses', '*'],
    ['ec2:DescribeInstances', 'EC2 instance', '*'],
  ] as const)('names %s and its resource when it is not allowed', async (action, name, resource) => {
    const lines = await check({}, {}, ({ cloud }) => cloud.setPermission(SATURN, action, 'revoked'));
    const line = lineOf(lines, name);
    expect(line).toMatchObject({ state: 'fail', found: expect.stringContaining('UnauthorizedOperation') });
    expect(line?.fix).toContain(`Allow ${action} on `);
    expect(line?.fix).toContain(resource);
  });

  test('says beforehand what taking the address would throw off', async () => {
    const addresses = [
      { publicIp: ADDRESS, holder: NEPTUNE },
      { publicIp: OTHER_ADDRESS, holder: SATURN },
    ];
    const lines = await check({}, { cloud: { addresses } });
    expect(lineOf(lines, 'displaced by')).toMatchObject({
      state: 'fail',
      found: expect.stringContaining(OTHER_ADDRESS),
    });
  });

  test('only warns of what would be thrown off where that is allowed', async () => {
    const addresses = [{ publicIp: ADDRESS }, { publicIp: OTHER_ADDRESS, holder: SATURN }];
    const lines = await check({ driver: { ...EC2, displace: 'allow' } }, { cloud: { addresses } });
    expect(lineOf(lines, 'displaced by')).toMatchObject({ state: 'warn' });
  });

  test('names the private addresses to choose from where there are two interfaces', async () => {
    const instances = [
      { id: SATURN, privateIps: [['10.0.1.12'], ['10.0.2.12']] as [[string], [string]] },
      { id: NEPTUNE },
    ];
    const lines = await check({}, { cloud: { instances } });
    const line = lineOf(lines, 'landing of');
    expect(line).toMatchObject({ state: 'fail', fix: expect.stringContaining('10.0.1.12, 10.0.2.12') });
  });

  test('takes the interface that is named, and names those to choose from for one that is not there', async () => {
    const instances = [
      { id: SATURN, privateIps: [['10.0.1.12'], ['10.0.2.12']] as [[string], [string]] },
      { id: NEPTUNE },
    ];
    const second = longId('eni', 17);
    const named = { driver: { ...EC2, networkInterfaceId: second } };
    expect(lineOf(await check(named, { cloud: { instances } }), 'landing of')).toMatchObject({
      state: 'ok',
      found: `10.0.2.12 on ${second}`,
    });
    const missing = { driver: { ...EC2, networkInterfaceId: 'eni-0abc' } };
    expect(lineOf(await check(missing, { cloud: { instances } }), 'landing of')).toMatchObject({
      state: 'fail',
      fix: `Set driver.networkInterfaceId to one of ${longId('eni', 16)}, ${second}, or leave it out.`,
    });
  });

  test.each([
    ['an address that is none of the account', {}, { addresses: [{ publicIp: OTHER_ADDRESS }] }],
    ['an allocation id of another address', { allocationId: 'eipalloc-00000000000000bad' }, {}],
  ])('fails %s', async (_what, settings, cloud) => {
    expect(lineOf(await check(settings, { cloud }), `address ${ADDRESS}`)).toMatchObject({ state: 'fail' });
  });

  test('fails expired credentials', async () => {
    const lines = await check({}, {}, ({ cloud }) =>
      cloud.fault.arm({ action: '*', effect: { kind: 'expired' } }),
    );
    expect(lineOf(lines, 'AWS identity')).toMatchObject({
      state: 'fail',
      fix: expect.stringContaining('instance profile'),
    });
  });

  test('only warns when STS is away', async () => {
    const effect = { kind: 'server-error', status: 503 } as const;
    const lines = await check({}, {}, ({ cloud }) => cloud.fault.arm({ action: 'sts:*', effect }));
    expect(lineOf(lines, 'AWS identity')).toMatchObject({ state: 'warn' });
    expect(lines.filter(({ state }) => state === 'fail')).toEqual([]);
  });

  test('fails a topic that is no ARN, and says that publishing cannot be proven', async () => {
    expect(lineOf(await check({ topicArn: 'failover' }), 'SNS topic')).toMatchObject({ state: 'fail' });
    await aws?.close();
    expect(lineOf(await check(), 'permission sns:Publish')).toMatchObject({ state: 'warn' });
  });

  test('answers in time when AWS never does', async () => {
    const lines = await check({}, {}, ({ cloud }) =>
      cloud.fault.arm({ action: '*', effect: { kind: 'hang' }, dryRun: 'include' }),
    );
    expect(lineOf(lines, 'EC2 instance')).toMatchObject({
      state: 'fail',
      fix: expect.stringContaining('way out'),
    });
  });

  test.each([
    ['as which role the driver calls', null, { state: 'ok', found: 'arn:aws:iam::123456789012:role/mover' }],
    [
      'that this role cannot be assumed, and what would have to change',
      [],
      {
        state: 'fail',
        found: expect.stringContaining('AccessDenied'),
        fix: expect.stringContaining('sts:AssumeRole on arn:aws:iam::123456789012:role/mover'),
      },
    ],
  ])('says %s', async (_, Statement, line) => {
    const role = 'arn:aws:iam::123456789012:role/mover';
    aws = await openAws({ cloud: { addresses: [{ publicIp: ADDRESS, holder: NEPTUNE }] }, role });
    if (Statement !== null) aws.cloud.setPolicy(SATURN, { Version: '2012-10-17', Statement });
    const config = configOf({ driver: { ...EC2, assumeRole: role } });
    const identity = { id: 'saturn', instanceId: SATURN, region: 'us-east-1' };
    expect(lineOf(await preflightCloud(config, identity, aws.clients, 3000), 'AWS role')).toMatchObject(line);
  });

  test('says of OpsWorks that its permission cannot be proven', async () => {
    aws = await openAws({ cloud: { addresses: [{ publicIp: ADDRESS, holder: NEPTUNE }] } });
    const instanceId = aws.cloud.state.instances.get(SATURN)?.opsworksId ?? '';
    const driver: DriverSettings = { ...EC2, kind: 'opsworks' };
    const lines = await preflightCloud(
      configOf({ driver }),
      { id: 'saturn', instanceId, region: 'us-east-1' },
      aws.clients,
      3000,
    );
    expect(lineOf(lines, 'permission opsworks:AssociateElasticIp')).toMatchObject({ state: 'warn' });
    expect(lineOf(lines, `address ${ADDRESS}`)).toMatchObject({
      state: 'ok',
      found: expect.stringContaining('held by'),
    });
  });

  test('asks a witness for nothing', async () => {
    expect(await check({ role: 'witness' })).toEqual([]);
    expect(aws?.cloud.calls).toEqual([]);
  });
});

test('shows what a command of the operator’s answers to a read', async () => {
  const driver: DriverSettings = { kind: 'exec', command: ['/bin/sh', '-c', 'exit 2'], displace: 'refuse' };
  const config = configOf({ driver, topicArn: null });
  const lines = await preflightCloud(
    config,
    { id: 'saturn', instanceId: 'saturn', region: null },
    null,
    3000,
  );
  expect(lines[0]).toMatchObject({ state: 'fail', found: expect.stringContaining('Misconfigured') });
});

const GRANTED = {
  ec2: ['AssociateAddress', 'DescribeAddresses', 'DescribeInstances', 'DisassociateAddress'],
  opsworks: ['AssociateElasticIp', 'DescribeElasticIps', 'DescribeInstances', 'DescribeStacks'],
  sns: ['GetTopicAttributes', 'Publish'],
};

test.each(Object.entries(GRANTED))(
  'the shipped policy for %s grants what is called, and no more',
  async (service, operations) => {
    const url = new URL(`../../packages/agent/deploy/iam/${service}-policy.json`, import.meta.url);
    const { Statement }: { Statement: { Action: string | string[] }[] } = JSON.parse(
      await readFile(url, 'utf8'),
    );
    const actions = new Set(Statement.flatMap(({ Action }) => Action));
    expect([...actions].sort()).toEqual(operations.map((operation) => `${service}:${operation}`));
  },
);
