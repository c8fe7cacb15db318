/** The driver `ec2-private-ip` over the SDK, where the account is other than it should be, and what the check says of it. */
import { afterEach, describe, expect, test } from 'vitest';
import { preflightPrivateIp } from '../../packages/agent/src/adapters/preflight-private-ip.ts';
import type { CloudOptions } from '../../packages/cloud/src/embedded/index.ts';
import { openPrivateIp } from '../contracts/agent-drivers.ts';
import { drive, releaseOf } from '../contracts/driver-world.ts';
import { IPV6_ADDRESS, ZONE } from '../contracts/sim-drivers.ts';
import { ADDRESS, NEPTUNE, SATURN } from './aws-world.ts';

type World = Awaited<ReturnType<typeof openPrivateIp>>;

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function open(cloud: Partial<CloudOptions> = {}): Promise<World> {
  world = await openPrivateIp({ cloud });
  return world;
}

const read = { op: 'read' } as const;
const take = { op: 'take', reassociate: false } as const;

/** The last but one call of a move works and the last doesn't: its code is what people read while nobody has the address. */
test('an interface without room refuses with a code that says so', async () => {
  const there = await open({ config: { privateIpsPerInterface: 1 } });
  expect((await drive(there, take)).answer).toMatchObject({
    kind: 'refused',
    code: 'PrivateIpAddressLimitExceeded',
  });
});

test('an address that this node has already is taken, also where EC2 refuses to assign it again', async () => {
  const there = await open({ config: { assignAgain: 'refuse' } });
  await there.move('us');
  expect((await drive(there, take)).answer).toEqual({ kind: 'taken', associationId: null });
});

test('of a holder whose instance was terminated nothing is left to release', async () => {
  const there = await open();
  await there.move('them');
  const { answer } = await drive(there, read);
  there.cloud.setInstanceState(NEPTUNE, 'terminated');
  expect((await drive(there, releaseOf(answer))).answer).toEqual({ kind: 'stale' });
  expect((await drive(there, read)).answer).toMatchObject({ association: { kind: 'none' } });
  expect((await drive(there, take)).answer).toMatchObject({ kind: 'taken' });
});

test('an address of a stopped holder is released from there', async () => {
  const there = await open();
  await there.move('them');
  there.cloud.setInstanceState(NEPTUNE, 'stopped');
  const { answer } = await drive(there, read);
  expect((await drive(there, releaseOf(answer))).answer).toEqual({ kind: 'released' });
});

/** EC2 doesn't say whether taking away what isn't there is an error. */
test.each(['refuse', 'success'] as const)(
  'where EC2 answers the release of an IPv6 address that is gone with %s, it is stale',
  async (unassignAbsentIpv6) => {
    const options = { cloud: { config: { unassignAbsentIpv6 } } };
    world = await openPrivateIp(options, 'ec2-private-ip over IPv6');
    await world.move('them');
    const { answer } = await drive(world, read);
    await world.move('nobody');
    expect((await drive(world, releaseOf(answer))).answer).toEqual({ kind: 'stale' });
  },
);

test('an IPv6 address that this node has already is taken, also where EC2 refuses to assign it again', async () => {
  const options = { cloud: { config: { assignAgain: 'refuse' } } } as const;
  world = await openPrivateIp(options, 'ec2-private-ip over IPv6');
  await world.move('us');
  expect((await drive(world, take)).answer).toEqual({ kind: 'taken', associationId: null });
});

describe('the check', () => {
  async function check(there: World, networkInterfaceId: string | null = null) {
    const { clients } = there;
    const place = {
      clients,
      instanceId: SATURN,
      networkInterfaceId,
      account: '123456789012',
      timeoutMs: 5_000,
    };
    return preflightPrivateIp(place, [{ ip: ADDRESS }]);
  }

  function cardOf({ cloud }: World, instanceId: string): string {
    return cloud.state.instances.get(instanceId)?.interfaces[0].id ?? '';
  }

  test('names the interface and the holder, says what has no dry run, and moves nothing', async () => {
    const there = await open();
    await there.move('them');
    const lines = await check(there);
    expect(lines.map(({ name, state, found }) => [name, state, found])).toEqual([
      ['network interface', 'ok', `${cardOf(there, SATURN)} in subnet-useast1a`],
      [`address ${ADDRESS}`, 'ok', `held by ${NEPTUNE}`],
      ['permission ec2:AssignPrivateIpAddresses', 'warn', 'not proven: EC2 has no dry run of it'],
    ]);
    expect(await there.holder()).toBe('them');
  });

  test('fails where the address is in another subnet than this node', async () => {
    const instances = [
      { id: SATURN, availabilityZone: 'us-east-1b' },
      { id: NEPTUNE, availabilityZone: ZONE },
    ];
    const addresses = [
      { kind: 'private', publicIp: ADDRESS, subnetId: 'subnet-useast1a', holder: NEPTUNE },
    ] as const;
    const there = await open({ instances, addresses });
    const line = (await check(there)).find(({ name }) => name === `address ${ADDRESS}`);
    expect(line).toMatchObject({ state: 'fail', found: expect.stringMatching(/never leaves its subnet/) });
    expect(line?.fix).toContain('subnet-useast1b');
  });

  test.each([
    ['of another instance', (there: World) => cardOf(there, NEPTUNE), /not to i-0000000000000a001/],
    ['that there is none of', () => 'eni-0abc', /has none that EC2 shows/],
  ])('fails for a named interface %s', async (_, named, found) => {
    const there = await open();
    expect((await check(there, named(there)))[0]).toMatchObject({
      state: 'fail',
      found: expect.stringMatching(found),
      fix: expect.stringContaining('driver.networkInterfaceId'),
    });
  });

  test('fails for two interfaces of which none is named, and not where one is', async () => {
    const two = { id: SATURN, availabilityZone: ZONE, privateIps: [['10.0.1.12'], ['10.0.1.13']] } as const;
    const there = await open({ instances: [two, { id: NEPTUNE, availabilityZone: ZONE }] });
    expect((await check(there))[0]).toMatchObject({
      state: 'fail',
      found: expect.stringMatching(/has 2 network interfaces/),
    });
    expect((await check(there, cardOf(there, SATURN)))[0]).toMatchObject({ state: 'ok' });
  });

  test('names the permission that a read lacks', async () => {
    const there = await open();
    there.cloud.setPermission(SATURN, 'ec2:DescribeNetworkInterfaces', 'revoked');
    const [line] = await check(there);
    expect(line).toMatchObject({
      state: 'fail',
      fix: expect.stringMatching(/^Allow ec2:DescribeNetworkInterfaces on \*/),
    });
  });

  describe('of an IPv6 address', () => {
    const IPV6 = IPV6_ADDRESS;

    async function ipv6Check(cloud: Partial<CloudOptions>, ips: readonly string[] = [IPV6]) {
      world = await openPrivateIp({ cloud }, 'ec2-private-ip over IPv6');
      const { clients } = world;
      const lines = await preflightPrivateIp(
        { clients, instanceId: SATURN, networkInterfaceId: null, account: null, timeoutMs: 5_000 },
        ips.map((ip) => ({ ip })),
      );
      return lines.map(({ name, state, found }) => [name, state, found]);
    }

    test('names the holder, the subnet with its IPv6 CIDR block, and the calls that have no dry run', async () => {
      expect(await ipv6Check({})).toEqual([
        ['network interface', 'ok', expect.stringMatching(/in subnet-useast1a$/)],
        [`address ${IPV6}`, 'ok', 'held by nobody'],
        ['subnet subnet-useast1a', 'ok', 'has 2001:db8::/64'],
        ['permission ec2:AssignIpv6Addresses', 'warn', 'not proven: EC2 has no dry run of it'],
      ]);
    });

    test('beside one of IPv4 names the calls of both', async () => {
      const addresses = [IPV6, ADDRESS].map((publicIp) => ({ kind: 'private', publicIp }) as const);
      const lines = await ipv6Check({ addresses }, [IPV6, ADDRESS]);
      expect(lines.map(([name]) => name).slice(-2)).toEqual([
        'permission ec2:AssignPrivateIpAddresses',
        'permission ec2:AssignIpv6Addresses',
      ]);
    });

    test.each([
      ['has no IPv6 CIDR block', [{ kind: 'private', publicIp: ADDRESS }], 'has no IPv6 CIDR block'],
      [
        'has another IPv6 CIDR block',
        [{ kind: 'private', publicIp: '2001:db8:0:9::1' }],
        'has 2001:db8:0:9::/64',
      ],
    ] as const)('fails where nobody has it and the subnet %s', async (_, addresses, has) => {
      expect(await ipv6Check({ addresses })).toContainEqual([
        'subnet subnet-useast1a',
        'fail',
        `${has}, and ${IPV6} can't be in it`,
      ]);
    });

    /** A move doesn't need it. */
    test('warns where it may not see the subnet', async () => {
      const there = await open();
      there.cloud.setPermission(SATURN, 'ec2:DescribeSubnets', 'revoked');
      const { clients } = there;
      const lines = await preflightPrivateIp(
        { clients, instanceId: SATURN, networkInterfaceId: null, account: null, timeoutMs: 5_000 },
        [{ ip: IPV6 }],
      );
      expect(lines.find(({ name }) => name.startsWith('subnet'))).toMatchObject({
        state: 'warn',
        fix: expect.stringMatching(/^Allow ec2:DescribeSubnets on \*/),
      });
    });
  });
});
