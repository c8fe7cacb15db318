/** What is wrong with the keys of addresses, and of what watches, moves and tells of them: one mistake makes one line. */
import { describe, expect, test } from 'vitest';
import { GOOD, linesOf, warningsOf, withSection } from './support/faulty-config.ts';

const singleFaults: readonly (readonly [section: string, line: string])[] = [
  ['addresses:', 'addresses: found nothing, expected a list of at least one { ip, probe }'],
  [
    'addresses: [{ ip: www.example.org }]',
    ip('"www.example.org"', 'a host name cannot be moved, its address can'),
  ],
  [
    'addresses: [{ ip: 54.173.141.243/32 }]',
    ip('"54.173.141.243/32"', 'write the address alone, without a prefix length'),
  ],
  [
    'addresses: [{ ip: 54.173.141.256 }]',
    ip('"54.173.141.256"', 'an IPv4 address has four decimal numbers from 0 to 255, without leading zeros'),
  ],
  [
    'addresses: [{ probe: { port: 80 } }]',
    'addresses[0].ip: found nothing, expected an IPv4 or IPv6 address',
  ],
  [
    'addresses: [{ ip: 54.173.141.243 }, { ip: 54.173.141.243 }]',
    'addresses[1].ip: found "54.173.141.243", expected each address once; addresses[0].ip is the same (f.yaml:7)',
  ],
  [
    'addresses: [{ ip: "2001:db8::1" }, { ip: "2001:DB8:0::1" }]',
    'addresses[1].ip: found "2001:DB8:0::1", expected each address once; addresses[0].ip is the same (f.yaml:7)',
  ],
  [
    'addresses: [{ ip: 54.173.141.243, privateIp: "fd00::1" }]',
    'addresses[0].privateIp: found "fd00::1", expected an IPv4 address, like the ip beside it (f.yaml:7)',
  ],
  [
    'addresses: [{ ip: 54.173.141.243, privateIp: 54.173.141.243 }]',
    'addresses[0].privateIp: found "54.173.141.243", expected the network interface\'s own address, not the one that moves (f.yaml:7)',
  ],
  [
    'addresses: [{ ip: 54.173.141.243, allocationId: eipassoc-0abc }]',
    'addresses[0].allocationId: found "eipassoc-0abc", expected an allocation id such as eipalloc-0abc (f.yaml:7)',
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { fall: 0 } }]',
    probe('fall', '0', 'a whole number from 1 to 100', ''),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { rise: 0 } }]',
    probe('rise', '0', 'a whole number from 1 to 100', ''),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { port: 0 } }]',
    probe('port', '0', 'a whole number from 1 to 65535', ''),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { path: index.html } }]',
    probe('path', '"index.html"', 'a path that begins with / and holds no space and no #', ''),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { host: "http://www.example.org/" } }]',
    probe(
      'host',
      '"http://www.example.org/"',
      'a host name or an address, without scheme, port and path',
      '',
    ),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { scheme: tcp } }]',
    probe('scheme', '"tcp"', 'http or https', ''),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { interval: 1s, fastInterval: 2s } }]',
    probe('fastInterval', '2s', 'at most the interval of 1s', 'it is for when something looks wrong'),
  ],
  [
    'addresses: [{ ip: 54.173.141.243, probe: { expect: 399-200 } }]',
    expectRange('"399-200"', 'write 200-399'),
  ],
  ['addresses: [{ ip: 54.173.141.243, probe: { expect: 2xx } }]', expectRange('"2xx"', 'write 200-299')],
  ['addresses: [{ ip: 54.173.141.243, probe: { expect: 200-700 } }]', expectRange('"200-700"', '')],
  ['addresses: [{ ip: 54.173.141.243, probe: { expect: ok } }]', expectRange('"ok"', '')],
  [
    'local: { url: 127.0.0.1 }',
    'local.url: found "127.0.0.1", expected an http or https URL, or none; did you mean http://127.0.0.1? (f.yaml:9)',
  ],
  [
    'local: { url: none }',
    'local.url: found none, expected a page, or beside it local.socket or local.command (f.yaml:9)',
  ],
  [
    'local: { socket: admin.sock }',
    'local.socket: found "admin.sock", expected the whole path of a socket (f.yaml:9)',
  ],
  ['local: { need: some }', 'local.need: found "some", expected all or any (f.yaml:9)'],
  [
    'local: { interval: 100ms, fastInterval: 200ms }',
    'local.fastInterval: found 200ms, expected at most the interval of 100ms; it is for when something looks wrong (f.yaml:9)',
  ],
  [
    'driver:',
    'driver.kind: found nothing, expected ec2, ec2-private-ip, ec2-route, opsworks or exec, because node.role is candidate; a node that never takes an address has role: witness',
  ],
  [
    'driver: { region: us-east-1 }',
    'driver.kind: found nothing, expected ec2, ec2-private-ip, ec2-route, opsworks or exec',
  ],
  [
    'driver: { kind: EC2 }',
    'driver.kind: found "EC2", expected ec2, ec2-private-ip, ec2-route, opsworks or exec; did you mean ec2? (f.yaml:8)',
  ],
  [
    'driver: { kind: exec }',
    'driver.command: found nothing, expected the program and its arguments, because driver.kind is exec',
  ],
  [
    'driver: { kind: ec2, command: [/usr/local/bin/move-ip] }',
    'driver.command: found a command, expected none, because driver.kind is ec2; did you mean driver.kind: exec? (f.yaml:8)',
  ],
  [
    'driver: { kind: exec, command: [/usr/local/bin/move-ip], region: us-east-1 }',
    'driver.region: found "us-east-1", expected none, because driver.kind is exec (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2, instanceId: 45ef378d-b87c-42be-a1b9-b67c48edafd4 }',
    'driver.instanceId: found "45ef378d-b87c-42be-a1b9-b67c48edafd4", expected an EC2 instance id such as i-0abc, because driver.kind is ec2 (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2-private-ip, instanceId: 45ef378d-b87c-42be-a1b9-b67c48edafd4 }',
    'driver.instanceId: found "45ef378d-b87c-42be-a1b9-b67c48edafd4", expected an EC2 instance id such as i-0abc, because driver.kind is ec2-private-ip (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2-private-ip, networkInterfaceId: eth0 }',
    'driver.networkInterfaceId: found "eth0", expected the id of a network interface such as eni-0abc (f.yaml:8)',
  ],
  [
    'driver: { kind: opsworks, networkInterfaceId: eni-0abc }',
    'driver.networkInterfaceId: found "eni-0abc", expected none, because driver.kind is opsworks (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2-route }',
    'driver.routeTables: found nothing, expected a list of 1 to 16, each the id of a route table such as rtb-0abc, because driver.kind is ec2-route',
  ],
  [
    'driver: { kind: ec2-route, routeTables: [main] }',
    'driver.routeTables: found "main" at position 0, expected a list of 1 to 16, each the id of a route table such as rtb-0abc (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2-route, routeTables: [rtb-0a, rtb-0b, rtb-0a] }',
    'driver.routeTables: found "rtb-0a" twice, expected each table once (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2, routeTables: [rtb-0a] }',
    'driver.routeTables: found route tables, expected none, because driver.kind is ec2; did you mean driver.kind: ec2-route? (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2, assumeRole: mover }',
    'driver.assumeRole: found "mover", expected the ARN of an IAM role such as arn:aws:iam::123456789012:role/mover (f.yaml:8)',
  ],
  [
    'driver: { kind: exec, command: [/usr/local/bin/move-ip], assumeRole: "arn:aws:iam::123456789012:role/mover" }',
    'driver.assumeRole: found "arn:aws:iam::123456789012:role/mover", expected none, because driver.kind is exec (f.yaml:8)',
  ],
  [
    'driver: { kind: ec2, region: us-east-1a }',
    'driver.region: found "us-east-1a", expected an AWS region such as us-east-1 (not a zone such as us-east-1a); did you mean us-east-1? (f.yaml:8)',
  ],
  [
    'notify: { sns: {} }',
    'notify.sns.topicArn: found nothing, expected the ARN of a standard SNS topic such as arn:aws:sns:us-east-1:123456789012:failover',
  ],
  [
    'notify: { sns: { topicArn: failover } }',
    'notify.sns.topicArn: found "failover", expected the ARN of a standard SNS topic such as arn:aws:sns:us-east-1:123456789012:failover (f.yaml:9)',
  ],
  ['stateDir: [/var]', 'stateDir: found a list, expected the path of a directory (f.yaml:9)'],
];

function ip(found: string, hint: string): string {
  return `addresses[0].ip: found ${found}, expected an IPv4 or IPv6 address${hint === '' ? '' : `; ${hint}`} (f.yaml:7)`;
}

function probe(key: string, found: string, expected: string, hint: string): string {
  const end = hint === '' ? '' : `; ${hint}`;
  return `addresses[0].probe.${key}: found ${found}, expected ${expected}${end} (f.yaml:7)`;
}

function expectRange(found: string, hint: string): string {
  return probe(
    'expect',
    found,
    'HTTP status codes from 100 to 599, such as 200-399 or 200,204,301-302',
    hint,
  );
}

describe('one mistake makes one line', () => {
  test.each(singleFaults)('%s', (section, line) => {
    expect(linesOf(withSection(section))).toEqual([line]);
  });
});

describe('an address that is no Elastic IP', () => {
  const moving = (address: string, driver = 'kind: ec2-private-ip'): string =>
    GOOD.replace(/^addresses:.*\n( .*\n)*/m, `addresses: [${address}]\n`).replace(
      '{ kind: ec2 }',
      `{ ${driver} }`,
    );
  const ROUTE = 'kind: ec2-route, routeTables: [rtb-0a]';

  test.each([
    [
      '{ ip: 10.0.1.100, allocationId: eipalloc-0abc }',
      'addresses[0].allocationId: found "eipalloc-0abc", expected none, because driver.kind is ec2-private-ip; it is said of Elastic IPs (f.yaml:6)',
    ],
    [
      '{ ip: 10.0.1.100, privateIp: 10.0.1.12 }',
      'addresses[0].privateIp: found "10.0.1.12", expected none, because driver.kind is ec2-private-ip; it is said of Elastic IPs (f.yaml:6)',
    ],
    [
      '{ ip: "fe80::1" }',
      'addresses[0].ip: found "fe80::1", expected an address of a subnet, because driver.kind is ec2-private-ip; a link-local one never leaves its machine (f.yaml:6)',
    ],
    [
      '{ ip: "fd00::1", allocationId: eipalloc-0abc }',
      'addresses[0].allocationId: found "eipalloc-0abc", expected none, because driver.kind is ec2-private-ip; it is said of Elastic IPs (f.yaml:6)',
    ],
  ])('%s is refused', (address, line) => {
    expect(linesOf(moving(address))).toEqual([line]);
  });

  test.each([
    [
      '{ ip: 10.9.0.5, allocationId: eipalloc-0abc }',
      'addresses[0].allocationId: found "eipalloc-0abc", expected none, because driver.kind is ec2-route; it is said of Elastic IPs (f.yaml:6)',
    ],
    [
      '{ ip: "fd00::1" }',
      'addresses[0].ip: found "fd00::1", expected an IPv4 address, because driver.kind is ec2-route; ec2-private-ip moves IPv6 addresses of network interfaces (f.yaml:6)',
    ],
  ])('%s is refused for routes, too', (address, line) => {
    expect(linesOf(moving(address, ROUTE))).toEqual([line]);
  });

  test('led to by routes is taken as it is, and a public one with a warning', () => {
    const two = moving('{ ip: 10.9.0.5 }, { ip: 10.9.0.6 }', ROUTE);
    expect(linesOf(two)).toEqual([]);
    expect(warningsOf(two).filter((line) => line.startsWith('addresses'))).toEqual([]);
    expect(warningsOf(moving('{ ip: 54.173.141.243 }', ROUTE))).toContain(
      'addresses[0].ip: 54.173.141.243 is a public address, and driver.kind ec2-route is for addresses within a VPC',
    );
  });

  test('may be one of IPv6, also beside one of IPv4 and public, and is taken in its canonical form', () => {
    const both = moving('{ ip: 10.0.1.100 }, { ip: "2600:1F18:0:1::0100" }');
    expect(linesOf(both)).toEqual([]);
    expect(warningsOf(both).filter((line) => line.startsWith('addresses'))).toEqual([]);
    const twice = moving('{ ip: "2600:1f18:0:1::100" }, { ip: "2600:1F18:0:1:0:0:0:100" }');
    expect(linesOf(twice)).toHaveLength(1);
  });

  test('is taken as it is, two of them without a word, and a public one with a warning', () => {
    const two = moving('{ ip: 10.0.1.100 }, { ip: 10.0.1.101 }');
    expect(linesOf(two)).toEqual([]);
    expect(warningsOf(two).filter((line) => line.startsWith('addresses'))).toEqual([]);
    expect(warningsOf(moving('{ ip: 54.173.141.243 }'))).toContain(
      'addresses[0].ip: 54.173.141.243 is a public address, and driver.kind ec2-private-ip is for addresses of a subnet',
    );
  });
});
