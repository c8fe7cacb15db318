/** Secondary private addresses: EC2's calls through its own SDK, its refusals, and what the address leads to. */
import { afterEach, expect, test } from 'vitest';
import { type CloudOptions, type EmbeddedCloud, startCloud } from '../src/embedded/index.ts';
import { checkPolicy, isAllowed, subnetIdOf } from '../src/model/index.ts';
import { ec2Sdk } from './aws-sdk.ts';

const IP = '10.0.1.100';
let cloud: EmbeddedCloud | undefined;
afterEach(() => cloud?.close());

async function open(more: Partial<CloudOptions> = {}): Promise<EmbeddedCloud> {
  cloud = await startCloud({
    instances: [
      { id: 'i-neptune', availabilityZone: 'us-east-1a' },
      { id: 'i-saturn', availabilityZone: 'us-east-1a' },
      { id: 'i-pluto', availabilityZone: 'us-east-1b' },
    ],
    addresses: [{ kind: 'private', publicIp: IP, holder: 'i-neptune' }, { publicIp: '198.51.100.7' }],
    ...more,
  });
  return cloud;
}

function client({ endpointUrl, accessKeyFor }: Pick<EmbeddedCloud, 'endpointUrl' | 'accessKeyFor'>) {
  const { accessKeyId, secretAccessKey } = accessKeyFor('i-saturn');
  const credentials = { accessKeyId, secretAccessKey };
  return new ec2Sdk.EC2Client({ endpoint: endpointUrl, region: 'us-east-1', maxAttempts: 1, credentials });
}

function cardOf({ state }: EmbeddedCloud, instanceId: string): string {
  return state.instances.get(instanceId)?.interfaces[0].id ?? '';
}

const clientOf = (of: EmbeddedCloud) =>
  client({ endpointUrl: of.endpointUrl, accessKeyFor: (id) => of.accessKeyFor(id) });

const assign = (NetworkInterfaceId: string, AllowReassignment?: boolean) =>
  new ec2Sdk.AssignPrivateIpAddressesCommand({
    NetworkInterfaceId,
    PrivateIpAddresses: [IP],
    ...(AllowReassignment === undefined ? {} : { AllowReassignment }),
  });
const unassign = (NetworkInterfaceId: string, ip: string = IP) =>
  new ec2Sdk.UnassignPrivateIpAddressesCommand({ NetworkInterfaceId, PrivateIpAddresses: [ip] });
const describeIt = () =>
  new ec2Sdk.DescribeNetworkInterfacesCommand({
    Filters: [{ Name: 'addresses.private-ip-address', Values: [IP] }],
  });

test('a read shows the interface that has the address, whose it is and where', async () => {
  const there = await open();
  const { NetworkInterfaces } = await clientOf(there).send(describeIt());
  expect(NetworkInterfaces).toMatchObject([
    {
      NetworkInterfaceId: cardOf(there, 'i-neptune'),
      SubnetId: subnetIdOf({ availabilityZone: 'us-east-1a' }),
      Attachment: { InstanceId: 'i-neptune' },
      PrivateIpAddresses: [{ Primary: true }, { PrivateIpAddress: IP, Primary: false }],
    },
  ]);
});

test('it moves in two calls, of which the second fails while an interface has it', async () => {
  const there = await open();
  const sdk = clientOf(there);
  const [neptune, saturn] = [cardOf(there, 'i-neptune'), cardOf(there, 'i-saturn')];
  await expect(sdk.send(assign(saturn))).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message: `[${IP}] assigned, but move is not allowed.`,
  });
  await expect(sdk.send(unassign(saturn))).rejects.toMatchObject({
    name: 'InvalidParameterValue',
    message: `Some of the specified addresses are not assigned to interface ${saturn}`,
  });
  await sdk.send(unassign(neptune));
  expect(there.holderOf(IP)).toBeNull();
  const answer = await sdk.send(assign(saturn));
  expect(answer).toMatchObject({
    NetworkInterfaceId: saturn,
    AssignedPrivateIpAddresses: [{ PrivateIpAddress: IP }],
  });
  expect(there.holderOf(IP)).toBe('i-saturn');
  await sdk.send(assign(neptune, true));
  expect(there.holderOf(IP)).toBe('i-neptune');
});

test('for a while after it was taken away EC2 counts it as where it was', async () => {
  const there = await open({ config: { unassignSettleMs: 200 } });
  const sdk = clientOf(there);
  await sdk.send(unassign(cardOf(there, 'i-neptune')));
  expect(there.holderOf(IP)).toBeNull();
  expect((await sdk.send(describeIt())).NetworkInterfaces).toHaveLength(1);
  const saturn = cardOf(there, 'i-saturn');
  await expect(sdk.send(assign(saturn))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  await expect.poll(async () => (await sdk.send(describeIt())).NetworkInterfaces?.length).toBe(0);
  await sdk.send(assign(saturn));
  expect(there.holderOf(IP)).toBe('i-saturn');
});

test.each([
  ['in another subnet', 'i-pluto', {}, 'InvalidParameterValue', /does not fall within the subnet/],
  ['that has no room', 'i-saturn', { privateIpsPerInterface: 1 }, 'PrivateIpAddressLimitExceeded', /limit/],
] as const)('an interface %s is refused', async (_, instanceId, config, name, message) => {
  const there = await open({ config });
  const sdk = clientOf(there);
  await sdk.send(unassign(cardOf(there, 'i-neptune')));
  const failure = expect(sdk.send(assign(cardOf(there, instanceId)))).rejects;
  await failure.toMatchObject({ name, message: expect.stringMatching(message) });
});

test('an interface keeps its primary address, and one that is gone has none', async () => {
  const there = await open();
  const sdk = clientOf(there);
  const primary = there.state.instances.get('i-neptune')?.interfaces[0].privateIps[0] ?? '';
  const neptune = cardOf(there, 'i-neptune');
  await expect(sdk.send(unassign(neptune, primary))).rejects.toMatchObject({
    message: expect.stringMatching(/primary IP address of an interface cannot be unassigned/),
  });
  there.setInstanceState('i-neptune', 'terminated');
  expect(there.holderOf(IP)).toBeNull();
  await expect(sdk.send(unassign(neptune))).rejects.toMatchObject({
    name: 'InvalidNetworkInterfaceID.NotFound',
  });
});

test('it is no Elastic IP: neither reads nor calls of those know it', async () => {
  const there = await open();
  const sdk = clientOf(there);
  const { Addresses } = await sdk.send(new ec2Sdk.DescribeAddressesCommand({}));
  expect(Addresses).toMatchObject([{ PublicIp: '198.51.100.7' }]);
  await expect(
    sdk.send(new ec2Sdk.AssociateAddressCommand({ PublicIp: IP, InstanceId: 'i-saturn' })),
  ).rejects.toMatchObject({ name: 'InvalidAddress.NotFound' });
  expect(there.externalIpOf('i-neptune')).toMatchObject({ kind: 'auto' });
});

test('a policy is asked for the interface that the call names', async () => {
  const there = await open();
  const at = (zone: string) =>
    `arn:aws:ec2:us-east-1:123456789012:subnet/${subnetIdOf({ availabilityZone: zone })}`;
  const policy = {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['ec2:AssignPrivateIpAddresses'],
        Resource: ['arn:aws:ec2:us-east-1:123456789012:network-interface/*'],
        Condition: { ArnEquals: { 'ec2:Subnet': [at('us-east-1a')] } },
      },
    ],
  };
  checkPolicy(policy);
  const may = (action: 'ec2:AssignPrivateIpAddresses' | 'ec2:UnassignPrivateIpAddresses', id: string) => {
    const named = { networkInterfaceId: cardOf(there, id), privateIpAddresses: [IP] };
    return isAllowed(policy, there.state, { action, ...named, allowReassignment: null });
  };
  expect(may('ec2:AssignPrivateIpAddresses', 'i-saturn')).toBe(true);
  expect(may('ec2:AssignPrivateIpAddresses', 'i-pluto')).toBe(false);
  expect(may('ec2:UnassignPrivateIpAddresses', 'i-saturn')).toBe(false);
});
