/** What `failtome iam` finds out by itself: from metadata, and from AWS with whatever credentials there are. */
import { afterEach, expect, test } from 'vitest';
import { type IamLookup, lookUpForIam } from '../../packages/agent/src/adapters/iam-lookup.ts';
import { Names } from '../../packages/agent/src/adapters/names.ts';
import { type EmbeddedCloud, startCloud } from '../../packages/cloud/src/embedded/index.ts';
import { ADDRESS, actAs, NEPTUNE, SATURN } from './aws-world.ts';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const names = new Names({ monotonicMs: () => performance.now() });

async function cloudOf(): Promise<EmbeddedCloud> {
  const cloud = await startCloud({
    instances: [
      { id: SATURN, privateIps: [['10.0.1.12']] },
      { id: NEPTUNE, privateIps: [['10.0.2.11']] },
    ],
    addresses: [{ publicIp: ADDRESS, allocationId: 'eipalloc-0abc', holder: NEPTUNE }],
  });
  cleanups.push(() => cloud.close());
  actAs(cloud, SATURN, 'static');
  return cloud;
}

function lookUp(cloud: EmbeddedCloud, more: Partial<IamLookup> = {}) {
  const env = cloud.environmentFor(SATURN, 'static');
  const nodeIps = ['10.0.1.12', '10.0.2.11'];
  const all = {
    driver: 'ec2',
    ips: [ADDRESS],
    nodeIps,
    isListed: true,
    region: null,
    opsworksInstanceId: null,
  } as const;
  return lookUpForIam({ ...all, env, ...more }, { names });
}

test('an instance finds its account and region, the addresses, and the profiles and subnets of all nodes', async () => {
  expect(await lookUp(await cloudOf())).toEqual({
    region: 'us-east-1',
    account: '123456789012',
    allocationIds: new Map([[ADDRESS, 'eipalloc-0abc']]),
    profiles: ['arn:aws:iam::123456789012:instance-profile/failtome'],
    subnets: ['subnet-useast1a', 'subnet-useast1b'],
    stackId: null,
    obstacles: [],
  });
});

test('elsewhere the credentials tell the account', async () => {
  const cloud = await cloudOf();
  const env = { ...cloud.environmentFor(SATURN, 'static'), AWS_EC2_METADATA_DISABLED: 'true' };
  const found = await lookUp(cloud, { env, region: 'us-east-1' });
  expect(found).toMatchObject({ account: '123456789012', subnets: ['subnet-useast1a', 'subnet-useast1b'] });
});

test('without one of the nodes no subnet is told, for the address would be stuck there', async () => {
  const found = await lookUp(await cloudOf(), { nodeIps: ['10.0.1.12', '10.0.9.9'] });
  expect(found.subnets).toEqual([]);
  expect(found.obstacles).toEqual(['no instance has the private address 10.0.9.9']);
});

test('a node that its own list of peers leaves out is looked for at its own address', async () => {
  const found = await lookUp(await cloudOf(), { nodeIps: ['10.0.2.11'], isListed: false });
  expect(found.subnets).toEqual(['subnet-useast1a', 'subnet-useast1b']);
});

test('a role that may do nothing yet still knows its own account, region and profile', async () => {
  const cloud = await cloudOf();
  cloud.setPolicy(SATURN, { Version: '2012-10-17', Statement: [] });
  const found = await lookUp(cloud);
  expect(found).toMatchObject({
    region: 'us-east-1',
    account: '123456789012',
    profiles: ['arn:aws:iam::123456789012:instance-profile/failtome'],
    subnets: [],
  });
  expect(found.obstacles.join('\n')).toMatch(/ec2:DescribeAddresses: UnauthorizedOperation/);
});

test('OpsWorks tells the stack', async () => {
  const cloud = await cloudOf();
  const id = cloud.state.instances.get(SATURN)?.opsworksId ?? '';
  const found = await lookUp(cloud, { driver: 'opsworks', opsworksInstanceId: id });
  expect(found.stackId).toBe(cloud.state.config.stackId);
});
