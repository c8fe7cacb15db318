/** `failtome-sim cloud` with private addresses, and with addresses that routes lead to. */
import { CloudFlagError, hasIpv6Loopback, type RunCloudOptions } from '@failtome/cloud';
import { describe, expect, test } from 'vitest';
import { ip, start, stateFile, steer, view, type Where } from './running-cloud.ts';

describe('with other targets than Elastic IPs', () => {
  const privateIp = '127.54.0.2';
  const routedIp = '127.54.0.3';
  const others: Partial<RunCloudOptions> = {
    addresses: [],
    privateAddresses: [`${privateIp}:0=i-saturn`],
    routedAddresses: [`${routedIp}:0=i-saturn`],
    routeTables: ['rtb-0a', 'rtb-0b'],
  };

  test('says of each what it is and which driver moves it, and has a view of it for every instance', async () => {
    const told: Where = JSON.parse((await start(others)).first);
    expect(told.addresses).toMatchObject([
      { publicIp: privateIp, kind: 'private', subnetId: 'subnet-useast1a', holder: 'i-saturn' },
      { publicIp: routedIp, kind: 'route', routeTables: ['rtb-0a', 'rtb-0b'], holder: 'i-saturn' },
    ]);
    expect(told.instances.map(({ views }) => views.length)).toEqual([2, 2]);
    const text = (await start({ ...others, json: false })).lines.join('\n');
    for (const part of [
      `${privateIp}, a private address of subnet-useast1a, held by i-saturn, for the world at http://${privateIp}:`,
      '(driver.kind: ec2-private-ip)',
      `${routedIp}, which routes lead to, held by i-saturn, for the world at http://${routedIp}:`,
      '(driver.kind: ec2-route, driver.routeTables: [rtb-0a, rtb-0b])',
    ])
      expect(text).toContain(part);
  });

  test('tells of their moves by what moves', async () => {
    const { lines } = await start({ ...others, json: false });
    const [, control = ''] = /control +(\S+)/.exec(lines.join('\n')) ?? [];
    const toldOf = async (command: object): Promise<readonly string[]> => {
      const before = lines.length;
      await steer(control, command);
      return lines.slice(before).map((line) => line.replace(/^\S+ +/, ''));
    };
    expect(await toldOf({ do: 'associate', publicIp: privateIp, instanceId: 'i-neptune' })).toEqual([
      expect.stringMatching(
        `^${privateIp} is no longer assigned to i-saturn \\(eni-\\w+\\): moved, by the operator$`,
      ),
      expect.stringMatching(`^${privateIp} is assigned to i-neptune \\(eni-\\w+\\), by the operator$`),
    ]);
    expect(await toldOf({ do: 'associate', publicIp: routedIp, instanceId: 'i-neptune' })).toEqual([
      expect.stringMatching(
        `^the routes to ${routedIp} no longer all lead to i-saturn \\(eni-\\w+\\): moved`,
      ),
      expect.stringMatching(`^the routes to ${routedIp} lead to i-neptune \\(eni-\\w+\\), by the operator$`),
    ]);
  });

  test('goes on with a state file where each of them is and leads, and refuses one in which an address is something else', async () => {
    const state = stateFile();
    const before = await start({ ...others, state });
    const { control }: Where = JSON.parse(before.first);
    for (const publicIp of [privateIp, routedIp])
      await steer(control, { do: 'associate', publicIp, instanceId: 'i-neptune' });
    const { addresses } = await view(control);
    await before.stop();
    const after = await start({ ...others, state });
    const told: Where = JSON.parse(after.first);
    expect(told.addresses.map(({ holder }) => holder)).toEqual(['i-neptune', 'i-neptune']);
    expect((await view(told.control)).addresses).toEqual(addresses);
    await after.stop();
    const elastic = { ...others, addresses: others.privateAddresses ?? [], privateAddresses: [] };
    await expect(start({ ...elastic, state, addresses: [`${privateIp}:0`] })).rejects.toThrow(
      `${privateIp} of subnet-useast1a`,
    );
    await expect(start({ ...others, state, routeTables: ['rtb-0a'] })).rejects.toThrow(
      `${routedIp} by rtb-0a and rtb-0b`,
    );
  });

  test('takes IPv6 addresses of interfaces, in their canonical form, and tells where to ask over IPv6', async () => {
    const { first } = await start({ addresses: [], privateAddresses: ['2001:DB8:0:1::0100=i-saturn'] });
    const told: Where = JSON.parse(first);
    expect((await view(told.control)).addresses).toMatchObject([
      { publicIp: '2001:db8:0:1::100', association: { instanceId: 'i-saturn' } },
    ]);
    const { guards = [] } = told.instances[0] ?? {};
    expect(guards.slice(1)).toEqual(hasIpv6Loopback() ? [expect.stringContaining('http://[::1]:')] : []);
  });

  test.skipIf(!hasIpv6Loopback())('lets ::1 take connections, and writes it in brackets', async () => {
    const { lines } = await start({ addresses: [], privateAddresses: ['[::1]:0=i-saturn'], json: false });
    expect(lines.join('\n')).toContain('held by i-saturn, for the world at http://[::1]:');
  });

  test.each<[string, Partial<RunCloudOptions>, string]>([
    ['an Elastic IP of IPv6', { addresses: ['2001:db8::1'] }, '2001:db8::1 is not an IPv4 address'],
    ['an IPv4 address in one of IPv6', { privateAddresses: ['::ffff:10.0.1.100'] }, 'is not an IP address'],
    [
      'a name instead of an address',
      { privateAddresses: ['shared'] },
      '--private-addresses: shared is not an IP address',
    ],
    [
      'a port that there is none of',
      { routedAddresses: ['10.9.0.5:99999'] },
      '--routed-addresses: 10.9.0.5:99999 is not host:port',
    ],
    ['nobody as a holder', { privateAddresses: ['10.0.1.100='] }, 'names no holder'],
    [
      'an unknown holder',
      { privateAddresses: ['10.0.1.100=i-pluto'] },
      "10.0.1.100 is held by i-pluto, which doesn't exist",
    ],
    [
      'an address that is there twice',
      { privateAddresses: [ip], addresses: [ip] },
      `The address ${ip} is there twice`,
    ],
    [
      "an interface's own address",
      { privateAddresses: ['10.0.1.12'] },
      "10.0.1.12 is an address of i-neptune's own",
    ],
    ['a route within the VPC', { routedAddresses: ['10.0.9.5'] }, "within the VPC's own 10.0.0.0/16"],
    ['tables that lead to nothing', { routeTables: ['rtb-0a'] }, 'no --routed-addresses are given'],
    [
      'what is no table',
      { routedAddresses: ['10.9.0.5'], routeTables: ['0a'] },
      '0a is not the id of a route table',
    ],
    [
      'a table that is there twice',
      { routedAddresses: ['10.9.0.5'], routeTables: ['rtb-0a', 'rtb-0a'] },
      'rtb-0a is there twice',
    ],
  ])('refuses %s', async (_, other, message) => {
    const refusal = start({ addresses: [], ...other });
    await expect(refusal).rejects.toThrow(CloudFlagError);
    await expect(refusal).rejects.toThrow(message);
  });
});
