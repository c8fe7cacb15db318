/** Routes that move: EC2's calls through its own SDK, its refusals, and what the address leads to while tables differ. */
import { afterEach, expect, test } from 'vitest';
import { type CloudOptions, type EmbeddedCloud, startCloud } from '../src/embedded/index.ts';
import { checkPolicy, isAllowed, routeOf, VPC_CIDR, VPC_ID } from '../src/model/index.ts';
import { ec2Sdk } from './aws-sdk.ts';

const IP = '10.9.0.5';
const DESTINATION = `${IP}/32`;
const [ONE, TWO] = ['rtb-0a', 'rtb-0b'];
let cloud: EmbeddedCloud | undefined;
afterEach(() => cloud?.close());

async function open(more: Partial<CloudOptions> = {}): Promise<EmbeddedCloud> {
  cloud = await startCloud({
    instances: [
      { id: 'i-neptune', sourceDestCheck: false },
      { id: 'i-saturn', sourceDestCheck: false },
    ],
    addresses: [{ kind: 'route', publicIp: IP, routeTables: [ONE, TWO], holder: 'i-neptune' }],
    ...more,
  });
  return cloud;
}

function clientOf(of: EmbeddedCloud) {
  const { accessKeyId, secretAccessKey } = of.accessKeyFor('i-saturn');
  const credentials = { accessKeyId, secretAccessKey };
  return new ec2Sdk.EC2Client({ endpoint: of.endpointUrl, region: 'us-east-1', maxAttempts: 1, credentials });
}

function cardOf({ state }: EmbeddedCloud, instanceId: string): string {
  return state.instances.get(instanceId)?.interfaces[0].id ?? '';
}

const replace = (RouteTableId: string, target: object, DestinationCidrBlock: string = DESTINATION) =>
  new ec2Sdk.ReplaceRouteCommand({ RouteTableId, DestinationCidrBlock, ...target });
const create = (RouteTableId: string, target: object, more: object = {}) =>
  new ec2Sdk.CreateRouteCommand({ RouteTableId, DestinationCidrBlock: DESTINATION, ...target, ...more });

test('a read shows each table with its routes, and where they lead', async () => {
  const there = await open();
  const command = new ec2Sdk.DescribeRouteTablesCommand({ RouteTableIds: [TWO] });
  const { RouteTables } = await clientOf(there).send(command);
  expect(RouteTables).toMatchObject([
    {
      RouteTableId: TWO,
      VpcId: VPC_ID,
      Routes: [
        { DestinationCidrBlock: VPC_CIDR, GatewayId: 'local' },
        {
          DestinationCidrBlock: DESTINATION,
          InstanceId: 'i-neptune',
          NetworkInterfaceId: cardOf(there, 'i-neptune'),
          State: 'active',
        },
      ],
    },
  ]);
  await expect(
    clientOf(there).send(new ec2Sdk.DescribeRouteTablesCommand({ RouteTableIds: ['rtb-0c'] })),
  ).rejects.toMatchObject({ name: 'InvalidRouteTableID.NotFound' });
});

test('it leads to nobody while its tables differ, and to the other once they agree', async () => {
  const there = await open();
  const sdk = clientOf(there);
  const saturn = cardOf(there, 'i-saturn');
  await sdk.send(replace(ONE, { NetworkInterfaceId: saturn }));
  expect(there.holderOf(IP)).toBeNull();
  expect(routeOf(there.state, IP, there.nowMs())).toMatchObject({ kind: 'nowhere', why: 'unassociated' });
  await sdk.send(replace(TWO, { InstanceId: 'i-saturn' }));
  expect(there.holderOf(IP)).toBe('i-saturn');
  const before = there.associationLog.length;
  await sdk.send(replace(TWO, { NetworkInterfaceId: saturn }));
  expect(there.associationLog, 'a route that leads there already is no move').toHaveLength(before);
});

test('only a route that is there is replaced, and only one that is not is created', async () => {
  const there = await open({
    addresses: [{ kind: 'route', publicIp: IP, routeTables: [ONE] }],
  });
  const sdk = clientOf(there);
  const target = { NetworkInterfaceId: cardOf(there, 'i-saturn') };
  await expect(sdk.send(replace(ONE, target))).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message: expect.stringMatching(/There is no route defined for '10\.9\.0\.5\/32' in the route table/),
  });
  await expect(sdk.send(create(ONE, target, { DryRun: true }))).rejects.toMatchObject({
    name: 'DryRunOperation',
  });
  expect(there.holderOf(IP)).toBeNull();
  await sdk.send(create(ONE, target));
  expect(there.holderOf(IP)).toBe('i-saturn');
  await expect(sdk.send(create(ONE, target))).rejects.toMatchObject({ name: 'RouteAlreadyExists' });
});

test.each([
  ['a table that is not there', 'rtb-0c', { InstanceId: 'i-saturn' }, 'InvalidRouteTableID.NotFound'],
  [
    'an interface that is not there',
    ONE,
    { NetworkInterfaceId: 'eni-0' },
    'InvalidNetworkInterfaceID.NotFound',
  ],
  ['an instance that is not there', ONE, { InstanceId: 'i-0' }, 'InvalidInstanceID.NotFound'],
  ['no target', ONE, {}, 'InvalidParameterCombination'],
] as const)('%s is refused', async (_, table, target, name) => {
  const there = await open();
  await expect(clientOf(there).send(replace(table, target))).rejects.toMatchObject({ name });
});

test('another destination is refused', async () => {
  const there = await open();
  const command = replace(ONE, { InstanceId: 'i-saturn' }, '10.9.0.6/32');
  await expect(clientOf(there).send(command)).rejects.toMatchObject({ name: 'InvalidParameterValue' });
});

test('an interface with its source/destination check on drops what is led to it', async () => {
  const there = await open({ instances: [{ id: 'i-neptune' }, { id: 'i-saturn' }] });
  expect(routeOf(there.state, IP, there.nowMs())).toMatchObject({ kind: 'nowhere', why: 'filtered' });
});

test('routes to an instance that was terminated stay, and lead nowhere', async () => {
  const there = await open();
  there.setInstanceState('i-neptune', 'terminated');
  expect(there.holderOf(IP)).toBeNull();
  const { RouteTables } = await clientOf(there).send(new ec2Sdk.DescribeRouteTablesCommand({}));
  expect(RouteTables).toMatchObject([
    { Routes: [{}, { NetworkInterfaceId: cardOf(there, 'i-neptune'), State: 'blackhole' }] },
    {},
  ]);
  expect(JSON.stringify(RouteTables)).not.toContain('i-neptune');
});

test('a policy is asked for the table that the call names', async () => {
  const there = await open();
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['ec2:ReplaceRoute'],
        Resource: [`arn:aws:ec2:us-east-1:123456789012:route-table/${ONE}`],
      },
    ],
  };
  checkPolicy(policy);
  const may = (action: 'ec2:ReplaceRoute' | 'ec2:CreateRoute', routeTableId: string) => {
    const onto = {
      destination: DESTINATION,
      networkInterfaceId: cardOf(there, 'i-saturn'),
      instanceId: null,
    };
    return isAllowed(policy, there.state, { action, dryRun: false, routeTableId, ...onto });
  };
  expect(may('ec2:ReplaceRoute', ONE)).toBe(true);
  expect(may('ec2:ReplaceRoute', TWO)).toBe(false);
  expect(may('ec2:CreateRoute', ONE)).toBe(false);
});
