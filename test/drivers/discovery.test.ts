/** Peers are found by the tags of their instances: against the embedded cloud, through the SDK. */
import { afterEach, expect, test } from 'vitest';
import { contextFor } from '../../packages/agent/src/adapters/aws-clients.ts';
import { Names } from '../../packages/agent/src/adapters/names.ts';
import { preflightDiscovery } from '../../packages/agent/src/adapters/preflight-discovery.ts';
import { readTagged } from '../../packages/agent/src/adapters/tagged-instances.ts';
import { checkConfig } from '../../packages/agent/src/config/load.ts';
import { findIdentity } from '../../packages/agent/src/find-identity.ts';
import { leastPolicy } from '../../packages/agent/src/iam/policy.ts';
import { type AwsWorld, NEPTUNE, openAws, SATURN } from './aws-world.ts';

const TAG = 'failtome-web';
const NEW = 'i-0000000000000b003';
const STRANGER = 'i-0000000000000c004';

let aws: AwsWorld;
afterEach(() => aws.close());

async function open(): Promise<AwsWorld> {
  const tagged = (id: string, node: string, ip: string) => ({
    id,
    privateIps: [[ip] as const],
    tags: { [TAG]: node, other: 'neptune' },
  });
  aws = await openAws({
    cloud: {
      instances: [
        tagged(SATURN, 'saturn', '10.0.1.12'),
        tagged(NEPTUNE, 'neptune', '10.0.1.11'),
        tagged(NEW, 'neptune', '10.0.1.99'),
        { id: STRANGER },
      ],
    },
  });
  aws.cloud.setInstanceState(NEW, 'stopped');
  return aws;
}

const context = () => contextFor(3_000, () => undefined);

function configOf(node: string, peers = '[{ id: saturn }, { id: neptune }]') {
  const yaml = `cluster: web
${node}
peers: { from: { ec2Tag: ${TAG} }, nodes: ${peers} }
auth: { keyFile: /k }
addresses: [{ ip: 198.51.100.7 }]
driver: { kind: ec2, region: us-east-1 }
`;
  const read = checkConfig('f.yaml', Buffer.from(yaml), {});
  if (read.kind === 'faulty') throw new Error(JSON.stringify(read.faults));
  return read.config;
}

const SELF = { id: 'saturn', region: 'us-east-1' };

async function linesOf(config = configOf('node: { id: saturn }')): Promise<readonly string[]> {
  const { lines } = await preflightDiscovery(config, SELF);
  return lines.map(({ name, state, found }) => `${state} ${name}: ${found}`);
}

test('instances that carry the tag and run are read, with their private addresses', async () => {
  const { clients, cloud } = await open();
  const read = async () => {
    const outcome = await readTagged(clients, TAG, context());
    return outcome.kind === 'ok' ? outcome.output.map(({ node, address }) => `${node} ${address}`) : outcome;
  };
  expect(await read()).toEqual(['saturn 10.0.1.12', 'neptune 10.0.1.11']);
  cloud.setInstanceState(NEPTUNE, 'terminated');
  cloud.setInstanceState(NEW, 'running');
  expect(await read()).toEqual(['saturn 10.0.1.12', 'neptune 10.0.1.99']);
});

test('a throttle is one call, and an answer that means nothing', async () => {
  const { clients, cloud } = await open();
  cloud.fault.arm({ action: 'ec2:DescribeInstances', effect: { kind: 'throttle' } });
  const before = cloud.calls.length;
  expect(await readTagged(clients, TAG, context())).toMatchObject({
    kind: 'failed',
    failure: { code: 'RequestLimitExceeded' },
  });
  expect(cloud.calls.length - before).toBe(1);
});

test('the check says where each peer is, and names what it could be taken for', async () => {
  const { cloud } = await open();
  expect(await linesOf()).toEqual([`ok discovery neptune: 10.0.1.11 (${NEPTUNE})`]);
  cloud.setInstanceState(NEW, 'running');
  expect(await linesOf()).toEqual([
    `fail discovery neptune: ${NEPTUNE}, ${NEW} all have the tag ${TAG}=neptune: none is believed`,
  ]);
  for (const id of [NEPTUNE, NEW]) cloud.setInstanceState(id, 'terminated');
  expect(await linesOf()).toEqual([`fail discovery neptune: no running instance has the tag ${TAG}=neptune`]);
  const pluto = configOf(
    'node: { id: saturn }',
    '[{ id: pluto }, { id: neptune, url: "http://10.0.1.11:8741" }]',
  );
  cloud.setInstanceState(NEPTUNE, 'running');
  expect(await linesOf(pluto)).toEqual([
    `fail discovery pluto: no running instance has the tag ${TAG}=pluto`,
  ]);
  const alone = configOf('node: { id: saturn }', '[{ id: pluto, url: "http://10.0.3.10:8741" }]');
  expect(await linesOf(alone)).toEqual([]);
});

test('an instance that is tagged as a node that is not configured is a warning', async () => {
  await open();
  const config = configOf('node: { id: pluto }', '[{ id: pluto }, { id: saturn }]');
  const { lines, addresses } = await preflightDiscovery(config, { id: 'pluto', region: 'us-east-1' });
  expect(lines.map(({ state, found }) => [state, found])).toEqual([
    ['ok', `10.0.1.12 (${SATURN})`],
    ['warn', `${NEPTUNE} has the tag ${TAG}=neptune, which is not configured: ignored`],
  ]);
  expect(addresses).toEqual(new Map([['saturn', '10.0.1.12']]));
});

test('the statement that the policy has for it is enough, and without it the check fails', async () => {
  const { cloud } = await open();
  const nothing = { driver: { kind: 'none' }, topicArn: null, tableArn: null, keySecretArn: null } as const;
  cloud.setPolicy(SATURN, leastPolicy({ ...nothing, findsPeersIn: 'us-east-1' }));
  expect(await linesOf()).toEqual([`ok discovery neptune: 10.0.1.11 (${NEPTUNE})`]);
  cloud.setPolicy(SATURN, leastPolicy({ ...nothing, findsPeersIn: 'eu-west-1' }));
  expect((await linesOf()).join()).toMatch(/^fail discovery: UnauthorizedOperation/);
});

async function idOf(node: string): Promise<string> {
  const reasons: string[] = [];
  const search = new AbortController();
  const found = await findIdentity(configOf(node), {
    env: process.env,
    names: new Names({ monotonicMs: () => 0 }),
    signal: search.signal,
    onMissing(reason) {
      reasons.push(reason);
      search.abort();
    },
  });
  found?.clients?.close();
  return found === null ? reasons.join() : `${found.id} on ${found.instanceId}`;
}

test('a node that the configuration does not name has its id from its own tag', async () => {
  await open();
  expect(await idOf('')).toBe(`saturn on ${SATURN}`);
  expect(await idOf('node: { id: neptune }')).toBe(`neptune on ${SATURN}`);
});

test('a witness, which needs no AWS else, is asked for its region where it looks for peers', async () => {
  await open();
  const yaml = (peers: string) => `cluster: web
node: { id: pluto, role: witness }
peers: ${peers}
auth: { keyFile: /k }
addresses: [{ ip: 198.51.100.7 }]
`;
  const regionOf = async (peers: string): Promise<string | null> => {
    const read = checkConfig('f.yaml', Buffer.from(yaml(peers)), {});
    if (read.kind === 'faulty') throw new Error(JSON.stringify(read.faults));
    const found = await findIdentity(read.config, {
      env: process.env,
      names: new Names({ monotonicMs: () => 0 }),
      signal: new AbortController().signal,
      onMissing: (reason) => expect.fail(reason),
    });
    expect(found?.clients).toBeNull();
    return found?.region ?? null;
  };
  expect(await regionOf(`{ from: { ec2Tag: ${TAG} }, nodes: [{ id: saturn }] }`)).toBe('us-east-1');
  expect(await regionOf('[{ id: saturn, url: "http://10.0.1.12:8741" }]')).toBeNull();
});

test('without the tag it says so, and waits for it', async () => {
  aws = await openAws();
  expect(await idOf('')).toBe(`node.id is not configured, and ${SATURN} has no tag ${TAG}; set node.id`);
});
