/** What an instance finds out of the stack that it belongs to: from metadata, from tags, and from OpsWorks. */
import { createServer, type Server } from 'node:http';
import { afterEach, expect, test, vi } from 'vitest';
import { Names } from '../../packages/agent/src/adapters/names.ts';
import { lookUpStack } from '../../packages/agent/src/adapters/stack-lookup.ts';
import { startCloud } from '../../packages/cloud/src/embedded/index.ts';
import { ADDRESS, actAs, NEPTUNE, SATURN } from './aws-world.ts';

const cleanups: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const names = new Names({ monotonicMs: () => performance.now() });

function lookUp(env: Readonly<Record<string, string>>) {
  return lookUpStack({ ips: [ADDRESS], env, agentFile: null }, { names });
}

async function cloudOf() {
  const cloud = await startCloud({
    instances: [
      { id: SATURN, hostname: 'saturn' },
      { id: NEPTUNE, hostname: 'neptune' },
    ],
    addresses: [{ publicIp: ADDRESS, holder: NEPTUNE }],
  });
  cleanups.push(() => cloud.close());
  actAs(cloud, SATURN, 'static');
  return cloud;
}

test('an instance without tags finds itself and its layer through OpsWorks', async () => {
  const cloud = await cloudOf();
  const found = await lookUp(cloud.environmentFor(SATURN, 'static'));
  expect(found).toMatchObject({
    region: 'us-east-1',
    ec2InstanceId: SATURN,
    hostname: 'saturn',
    obstacle: null,
  });
  expect(found.opsworksInstanceId).toMatch(/^[0-9a-f-]{36}$/);
  expect(found.peers).toEqual([{ hostname: 'neptune', privateIp: expect.stringMatching(/^\d+(\.\d+){3}$/) }]);
});

test('an instance that OpsWorks does not tell of still finds itself, and says what was in the way', async () => {
  const cloud = await cloudOf();
  cloud.setPermission(SATURN, 'opsworks:DescribeElasticIps', 'revoked');
  const found = await lookUp(cloud.environmentFor(SATURN, 'static'));
  expect(found).toMatchObject({ region: 'us-east-1', ec2InstanceId: SATURN, peers: [] });
  expect(found.obstacle).toMatch(/^the layer: OpsWorks: \w+: /);
});

test('a machine that is no instance finds nothing, and says so', async () => {
  const found = await lookUp({ AWS_EC2_METADATA_DISABLED: 'true' });
  expect(found).toMatchObject({ region: null, ec2InstanceId: null, hostname: null, peers: [] });
  expect(found.obstacle).toMatch(/^nothing could be looked up: /);
});

function item(id: string, hostname: string, privateIp: string): string {
  const tags = [
    ['opsworks:stack', 'My Stack'],
    ['opsworks:layer:lb', 'HAProxy'],
    ['opsworks:instance', hostname],
  ].map(([key, value]) => `<item><key>${key}</key><value>${value}</value></item>`);
  return `<item><instancesSet><item><instanceId>${id}</instanceId><privateIpAddress>${privateIp}</privateIpAddress><tagSet>${tags.join('')}</tagSet></item></instancesSet></item>`;
}

/** EC2 as it answers for instances that OpsWorks launched. */
async function taggedEc2(): Promise<{ readonly url: string; readonly asked: URLSearchParams[] }> {
  const asked: URLSearchParams[] = [];
  const server: Server = createServer((request, response) => {
    let body = '';
    request.on('data', (part) => {
      body += part;
    });
    request.on('end', () => {
      const form = new URLSearchParams(body);
      asked.push(form);
      const own = item(SATURN, 'saturn', '10.0.1.12');
      const items = form.has('InstanceId.1') ? own : own + item(NEPTUNE, 'neptune', '10.0.1.11');
      response.setHeader('content-type', 'text/xml');
      response.end(
        `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId>r</requestId><reservationSet>${items}</reservationSet></DescribeInstancesResponse>`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanups.push(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return { url: `http://127.0.0.1:${address.port}`, asked };
}

test('the tags of OpsWorks tell the layer after OpsWorks is gone', async () => {
  const cloud = await cloudOf();
  const ec2 = await taggedEc2();
  vi.stubEnv('AWS_ENDPOINT_URL_EC2', ec2.url);
  const found = await lookUp(cloud.environmentFor(SATURN, 'static'));
  expect(found).toMatchObject({
    stackName: 'My Stack',
    hostname: 'saturn',
    peers: [{ hostname: 'neptune', privateIp: '10.0.1.11' }],
    obstacle: null,
  });
  expect(ec2.asked[1]?.get('Filter.1.Name')).toBe('tag:opsworks:stack');
  expect(ec2.asked[1]?.get('Filter.2.Value.1')).toBe('opsworks:layer:lb');
});
