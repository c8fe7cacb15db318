/** IPv6 addresses of interfaces: EC2's calls through its own SDK, its refusals, the subnet, and who asks over IPv6. */
import { afterEach, expect, test } from 'vitest';
import { type CloudOptions, type EmbeddedCloud, hasIpv6Loopback, startCloud } from '../src/embedded/index.ts';
import { canonicalIpv6, createAws, ipv6Beside, ipv6BlockOf } from '../src/model/index.ts';
import { ec2Sdk } from './aws-sdk.ts';

const IP = '2001:db8:0:1::100';
let cloud: EmbeddedCloud | undefined;
afterEach(() => cloud?.close());

async function open(more: Partial<CloudOptions> = {}): Promise<EmbeddedCloud> {
  cloud = await startCloud({
    instances: [
      { id: 'i-neptune', availabilityZone: 'us-east-1a' },
      { id: 'i-saturn', availabilityZone: 'us-east-1a' },
      { id: 'i-pluto', availabilityZone: 'us-east-1b' },
    ],
    addresses: [
      { kind: 'private', publicIp: IP, holder: 'i-neptune' },
      { kind: 'private', publicIp: '10.0.1.100', holder: 'i-neptune' },
    ],
    ...more,
  });
  return cloud;
}

function clientOf(of: EmbeddedCloud) {
  const { accessKeyId, secretAccessKey } = of.accessKeyFor('i-saturn');
  const credentials = { accessKeyId, secretAccessKey };
  return new ec2Sdk.EC2Client({
    endpoint: of.endpointUrl,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials,
  });
}

function cardOf({ state }: EmbeddedCloud, instanceId: string): string {
  return state.instances.get(instanceId)?.interfaces[0].id ?? '';
}

const assign = (NetworkInterfaceId: string, ip: string = IP) =>
  new ec2Sdk.AssignIpv6AddressesCommand({ NetworkInterfaceId, Ipv6Addresses: [ip] });
const unassign = (NetworkInterfaceId: string) =>
  new ec2Sdk.UnassignIpv6AddressesCommand({ NetworkInterfaceId, Ipv6Addresses: [IP] });
const describeIt = () =>
  new ec2Sdk.DescribeNetworkInterfacesCommand({
    Filters: [{ Name: 'ipv6-addresses.ipv6-address', Values: [IP] }],
  });

test("a read shows the interface that has it, beside the interface's own, and apart from those of IPv4", async () => {
  const there = await open();
  const { NetworkInterfaces } = await clientOf(there).send(describeIt());
  expect(NetworkInterfaces).toMatchObject([
    {
      NetworkInterfaceId: cardOf(there, 'i-neptune'),
      Ipv6Addresses: [
        { Ipv6Address: '2001:db8:0:1::a01', IsPrimaryIpv6: false },
        { Ipv6Address: IP, IsPrimaryIpv6: false },
      ],
      PrivateIpAddresses: [{ Primary: true }, { PrivateIpAddress: '10.0.1.100' }],
    },
  ]);
});

test('it moves in two calls, of which the second fails while an interface has it', async () => {
  const there = await open();
  const sdk = clientOf(there);
  const [neptune, saturn] = [cardOf(there, 'i-neptune'), cardOf(there, 'i-saturn')];
  await expect(sdk.send(assign(saturn))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  await expect(sdk.send(unassign(saturn))).rejects.toMatchObject({ name: 'InvalidParameterValue' });
  expect(await sdk.send(unassign(neptune))).toMatchObject({ UnassignedIpv6Addresses: [IP] });
  expect(there.holderOf(IP)).toBeNull();
  expect(await sdk.send(assign(saturn))).toMatchObject({ AssignedIpv6Addresses: [IP] });
  expect(there.holderOf(IP)).toBe('i-saturn');
  expect(there.holderOf('10.0.1.100')).toBe('i-neptune');
});

test('where taking away what is not there succeeds, the answer lists nothing', async () => {
  const there = await open({ config: { unassignAbsentIpv6: 'success' } });
  const answer = await clientOf(there).send(unassign(cardOf(there, 'i-saturn')));
  expect(answer).toMatchObject({ UnassignedIpv6Addresses: [] });
  expect(there.holderOf(IP)).toBe('i-neptune');
});

test.each([
  ['in another subnet', 'i-pluto', {}, 'InvalidParameterValue'],
  ['that has no room', 'i-saturn', { privateIpsPerInterface: 1 }, 'PrivateIpAddressLimitExceeded'],
] as const)('an interface %s is refused', async (_, instanceId, config, name) => {
  const there = await open({ config });
  const sdk = clientOf(there);
  await sdk.send(unassign(cardOf(there, 'i-neptune')));
  await expect(sdk.send(assign(cardOf(there, instanceId)))).rejects.toMatchObject({ name });
});

test('neither IP version is moved by the calls of the other', async () => {
  const there = await open();
  const saturn = cardOf(there, 'i-saturn');
  await expect(clientOf(there).send(assign(saturn, '10.0.1.100'))).rejects.toMatchObject({
    message: expect.stringMatching(/does not fall within/),
  });
});

test("a read of the subnet shows the CIDR block that its address needs, and none of the others'", async () => {
  const there = await open();
  const sdk = clientOf(there);
  const shown = async (id: string) =>
    (await sdk.send(new ec2Sdk.DescribeSubnetsCommand({ SubnetIds: [id] }))).Subnets;
  expect(await shown('subnet-useast1a')).toMatchObject([
    {
      SubnetId: 'subnet-useast1a',
      Ipv6CidrBlockAssociationSet: [
        { Ipv6CidrBlock: '2001:db8:0:1::/64', Ipv6CidrBlockState: { State: 'associated' } },
      ],
    },
  ]);
  expect(await shown('subnet-useast1b')).toMatchObject([{ Ipv6CidrBlockAssociationSet: [] }]);
  await expect(shown('subnet-0abc')).rejects.toMatchObject({ name: 'InvalidSubnetID.NotFound' });
});

test.skipIf(!hasIpv6Loopback())(
  'who asks for the external IP over IPv6 is told its own IPv6 address, holder or not',
  async () => {
    const there = await open();
    const answers = await Promise.all(
      ['i-neptune', 'i-saturn'].map(async (id) => {
        const [, overIpv6 = ''] = there.guardUrlsFor(id);
        return (await (await fetch(overIpv6)).text()).trim();
      }),
    );
    expect(answers).toEqual(['2001:db8:0:1::a01', '2001:db8:0:1::a02']);
  },
);

test('without an address of IPv6 nothing listens over IPv6, and no instance has one', async () => {
  const there = await open({ addresses: [{ publicIp: '198.51.100.7' }] });
  expect(there.guardUrlsFor('i-saturn')).toHaveLength(1);
  expect(there.state.instances.get('i-saturn')?.interfaces[0].ipv6s).toBeUndefined();
});

test("metadata tells an interface's IPv6 addresses", async () => {
  const there = await open();
  const base = there.metadataUrlFor('i-neptune');
  const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': '60' };
  const token = await (await fetch(`${base}/latest/api/token`, { method: 'PUT', headers })).text();
  const { mac } = there.state.instances.get('i-neptune')?.interfaces[0] ?? {};
  const page = await fetch(`${base}/latest/meta-data/network/interfaces/macs/${mac}/ipv6s`, {
    headers: { 'x-aws-ec2-metadata-token': token },
  });
  expect((await page.text()).split('\n')).toEqual(['2001:db8:0:1::a01', IP]);
});

test("an instance's own IPv6 address is none that moves", () => {
  const spec = {
    instances: [{ id: 'i-1' }],
    addresses: ['2001:db8::100', '2001:db8::a01'].map((publicIp) => ({ kind: 'private', publicIp }) as const),
  };
  expect(() => createAws(spec)).toThrow("2001:db8::a01 is an address of i-1's own");
});

test.each([
  ['2001:db8:0:1::100', '2001:db8:0:1::/64', '2001:db8:0:1::a'],
  ['::1', '::/64', '::a'],
  ['fd00::1:0:0:1', 'fd00::/64', 'fd00::a'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1:2::a'],
  ['2001:0:0:1::1', '2001:0:0:1::/64', '2001:0:0:1::a'],
])('%s is in %s, and beside %s', (ip, block, beside) => {
  expect(ipv6BlockOf(ip)).toBe(block);
  expect(ipv6Beside(ip, 10)).toBe(beside);
  expect(canonicalIpv6(ip.toUpperCase())).toBe(ip);
});
