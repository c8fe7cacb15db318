/** What `failtome init` finds out on an instance: the instances that share its tag, and the address that they share. */
import { afterEach, expect, test } from 'vitest';
import { lookUpCluster } from '../../packages/agent/src/adapters/cluster-lookup.ts';
import { Names } from '../../packages/agent/src/adapters/names.ts';
import {
  type CloudOptions,
  type EmbeddedCloud,
  startCloud,
} from '../../packages/cloud/src/embedded/index.ts';
import { ADDRESS, actAs, NEPTUNE, SATURN } from './aws-world.ts';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const names = new Names({ monotonicMs: () => performance.now() });
const tags = { failtome: 'shop' };
const PLUTO = 'i-0000000000000c003';

async function cloudOf(options: Partial<CloudOptions> = {}): Promise<EmbeddedCloud> {
  const cloud = await startCloud({
    instances: [
      { id: SATURN, hostname: 'saturn', privateIps: [['10.0.1.12']], tags },
      { id: NEPTUNE, hostname: 'a name with spaces', privateIps: [['10.0.2.11']], tags },
      {
        id: PLUTO,
        hostname: 'pluto',
        privateIps: [['10.0.3.10']],
        tags: { ...tags, 'failtome:role': 'witness' },
      },
      { id: 'i-0000000000000d004', hostname: 'other', tags: { failtome: 'another' } },
    ],
    addresses: [{ publicIp: ADDRESS, holder: NEPTUNE }, { publicIp: '198.51.100.8' }],
    ...options,
  });
  cleanups.push(() => cloud.close());
  actAs(cloud, SATURN, 'static');
  return cloud;
}

function lookUp(cloud: EmbeddedCloud, more: Readonly<Record<string, string>> = {}) {
  return lookUpCluster({ ...cloud.environmentFor(SATURN, 'static'), ...more }, { names });
}

test('instances that share the tag are the nodes, and the address that one of them holds is theirs', async () => {
  expect(await lookUp(await cloudOf())).toEqual({
    cluster: 'shop',
    ips: [ADDRESS],
    nodes: [
      { id: NEPTUNE, role: 'candidate', address: '10.0.2.11' },
      { id: 'pluto', role: 'witness', address: '10.0.3.10' },
      { id: 'saturn', role: 'candidate', address: '10.0.1.12' },
    ],
    obstacles: [],
  });
});

test('without the tag the instance finds itself alone, and says why', async () => {
  const instances: CloudOptions['instances'] = [
    { id: SATURN, hostname: 'saturn', privateIps: [['10.0.1.12']] },
  ];
  const cloud = await cloudOf({ instances, addresses: [] });
  const found = await lookUp(cloud);
  expect(found).toMatchObject({ cluster: null, ips: [], nodes: [{ id: 'saturn', address: '10.0.1.12' }] });
  expect(found.obstacles.join('\n')).toContain('no tag failtome');
});

test('of two addresses that the nodes hold none is guessed', async () => {
  const cloud = await cloudOf({
    addresses: [
      { publicIp: ADDRESS, holder: NEPTUNE },
      { publicIp: '198.51.100.8', holder: SATURN },
    ],
  });
  const found = await lookUp(cloud);
  expect(found.ips).toEqual([]);
  expect(found.obstacles).toEqual(['no Elastic IP has the tag failtome, and these instances hold 2']);
});

test('a role that may not look, and a machine that is no instance, find nothing and say so', async () => {
  const cloud = await cloudOf();
  cloud.setPolicy(SATURN, { Version: '2012-10-17', Statement: [] });
  const forbidden = await lookUp(cloud);
  expect(forbidden).toMatchObject({ cluster: null, ips: [], nodes: [] });
  expect(forbidden.obstacles).toEqual([
    expect.stringMatching(/^ec2:DescribeInstances: UnauthorizedOperation/),
  ]);
  const elsewhere = await lookUp(cloud, { AWS_EC2_METADATA_DISABLED: 'true' });
  expect(elsewhere).toMatchObject({
    nodes: [],
    obstacles: [expect.stringContaining('AWS_EC2_METADATA_DISABLED')],
  });
});
