/** `failtome iam`: what its policy allows, for each driver and for what else calls AWS. */
import { describe, expect, test } from 'vitest';
import { CONFIG, cli } from './support/cli.ts';
import { ALL_GIVEN, GIVEN, policy } from './support/iam.ts';

test('the nodes may be replaced: no statement names an instance or a network interface', async () => {
  const { Statement } = await policy(ALL_GIVEN);
  const named = Object.fromEntries(Statement.map(({ Sid, ...rest }) => [Sid, rest]));
  expect(named.ToTheNodes).toEqual({
    Effect: 'Allow',
    Action: ['ec2:AssociateAddress'],
    Resource: ['arn:aws:ec2:us-east-1:123456789012:instance/*'],
    Condition: {
      ArnEquals: { 'ec2:InstanceProfile': ['arn:aws:iam::123456789012:instance-profile/haproxy'] },
    },
  });
  expect(named.OnInterfacesInTheseSubnets?.Condition).toEqual({
    ArnEquals: {
      'ec2:Subnet': [
        'arn:aws:ec2:us-east-1:123456789012:subnet/subnet-0a',
        'arn:aws:ec2:us-east-1:123456789012:subnet/subnet-0b',
      ],
    },
  });
});

test('an address without a known allocation id is named by its ip', async () => {
  const { Statement } = await policy(ALL_GIVEN);
  expect(Statement.find(({ Sid }) => Sid === 'MoveAddressesByTheirIp')).toMatchObject({
    Resource: ['arn:aws:ec2:us-east-1:123456789012:elastic-ip/*'],
    Condition: { StringEquals: { 'ec2:PublicIpAddress': ['54.173.141.243'] } },
  });
  const known = CONFIG.replace(
    '{ ip: 54.173.141.243 }',
    '{ ip: 54.173.141.243, allocationId: eipalloc-0abc }',
  );
  const named = await policy(ALL_GIVEN, known);
  expect(named.Statement.find(({ Sid }) => Sid === 'MoveTheseAddresses')).toMatchObject({
    Resource: ['arn:aws:ec2:us-east-1:123456789012:elastic-ip/eipalloc-0abc'],
  });
  expect(JSON.stringify(named)).not.toContain('elastic-ip/*');
});

test('a tag tells the nodes instead of their profile', async () => {
  const { Statement } = await policy([...GIVEN, '--tag', 'failtome=web']);
  expect(Statement.find(({ Sid }) => Sid === 'ToTheNodes')?.Condition).toEqual({
    StringEquals: { 'aws:ResourceTag/failtome': ['web'] },
  });
});

test('the topic is allowed where there is one, and only it', async () => {
  const { Statement } = await policy(ALL_GIVEN);
  expect(Statement.at(-1)).toMatchObject({
    Action: ['sns:Publish', 'sns:GetTopicAttributes'],
    Resource: ['arn:aws:sns:us-east-1:123456789012:failover'],
  });
  const silent = await policy(ALL_GIVEN, CONFIG.replace(/^notify.*\n/m, ''));
  expect(silent.Statement.map(({ Sid }) => Sid)).not.toContain('TellPeople');
});

test('OpsWorks needs nothing of EC2, and its stack', async () => {
  const opsworks = CONFIG.replace(
    'kind: ec2',
    'kind: opsworks, instanceId: 0f1e2d3c-1111-4222-8333-444455556666',
  );
  const stack = ['--region', 'us-east-1', '--stack', '11111111-2222-4333-8444-555555555555'];
  const { Statement } = await policy(stack, opsworks);
  expect(Statement.map(({ Sid }) => Sid)).toEqual(['MoveAddressesOfThisStack', 'TellPeople']);
  const searching = await policy(stack, CONFIG.replace('kind: ec2', 'kind: opsworks'));
  expect(searching.Statement.map(({ Sid }) => Sid)).toContain('FindTheStack');
  const unknown = await cli(['iam', '-c', 'x.yaml'], { files: { 'x.yaml': opsworks } });
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain('--stack ID');
});

test('exec needs its topic alone, and without one no policy at all', async () => {
  const exec = CONFIG.replace('{ kind: ec2 }', '{ kind: exec, command: [/usr/local/bin/move-ip] }');
  expect((await policy([], exec)).Statement.map(({ Sid }) => Sid)).toEqual(['TellPeople']);
  const silent = exec.replace(/^notify.*\n/m, '');
  const { code, out, err } = await cli(['iam', '-c', 'x.yaml'], { files: { 'x.yaml': silent } });
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toContain('needs no policy');
});

test('a witness needs no policy', async () => {
  const witness = CONFIG.replace('id: saturn', 'id: saturn, role: witness');
  const { code, err } = await cli(['iam', '-c', 'x.yaml'], { files: { 'x.yaml': witness } });
  expect({ code, err }).toEqual({ code: 1, err: 'A witness never calls AWS: it needs no policy.\n' });
});

test.each([
  ['cn-north-1', 'arn:aws-cn:'],
  ['us-gov-west-1', 'arn:aws-us-gov:'],
  ['eusc-de-east-1', 'arn:aws-eusc:'],
])('in %s every ARN begins with %s', async (region, prefix) => {
  const { Statement } = await policy(
    [...ALL_GIVEN.filter((word) => word !== 'us-east-1'), region].flatMap((word) =>
      word === '--region' ? [] : word === region ? ['--region', region] : [word],
    ),
    CONFIG.replace(/^notify.*\n/m, ''),
  );
  const arns = JSON.stringify(Statement).match(/arn:[a-z-]+:/g) ?? [];
  expect(new Set(arns)).toEqual(new Set([prefix]));
});

const PRIVATE_IP = CONFIG.replace('54.173.141.243', '10.0.1.100').replace(
  'kind: ec2',
  'kind: ec2-private-ip',
);

test('for private addresses the interfaces of the subnets are named, and nothing of Elastic IPs or instances', async () => {
  const { Statement } = await policy(GIVEN, PRIVATE_IP);
  expect(Statement.map(({ Sid, Action }) => [Sid, Action])).toEqual([
    ['ReadNetworkInterfaces', ['ec2:DescribeNetworkInterfaces']],
    [
      'MovePrivateAddressesInTheseSubnets',
      ['ec2:AssignPrivateIpAddresses', 'ec2:UnassignPrivateIpAddresses'],
    ],
    ['TellPeople', ['sns:Publish', 'sns:GetTopicAttributes']],
  ]);
  expect(Statement[1]).toMatchObject({
    Resource: ['arn:aws:ec2:us-east-1:123456789012:network-interface/*'],
    Condition: {
      ArnEquals: { 'ec2:Subnet': expect.arrayContaining([expect.stringContaining('subnet-0b')]) },
    },
  });
  const { code, err } = await cli(['iam', '-c', 'x.yaml'], { files: { 'x.yaml': PRIVATE_IP } });
  expect(code).toBe(2);
  expect(err).toContain('--subnet ID');
  expect(err).not.toContain('--instance-profile');
});

test.each([
  ['an IPv6 address alone', '{ ip: "2001:db8::100" }', ['MoveIpv6AddressesInTheseSubnets']],
  [
    'one of each IP version',
    '{ ip: 10.0.1.100 }, { ip: "2001:db8::100" }',
    ['MovePrivateAddressesInTheseSubnets', 'MoveIpv6AddressesInTheseSubnets'],
  ],
])('for %s the calls of that IP version are allowed, and to see the subnet', async (_, addresses, moves) => {
  const { Statement } = await policy(GIVEN, PRIVATE_IP.replace('{ ip: 10.0.1.100 }', addresses));
  expect(Statement.map(({ Sid }) => Sid)).toEqual(['ReadNetworkInterfaces', ...moves, 'TellPeople']);
  expect(Statement[0]?.Action).toEqual(['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets']);
  expect(Statement.find(({ Sid }) => Sid === 'MoveIpv6AddressesInTheseSubnets')).toMatchObject({
    Action: ['ec2:AssignIpv6Addresses', 'ec2:UnassignIpv6Addresses'],
    Resource: ['arn:aws:ec2:us-east-1:123456789012:network-interface/*'],
    Condition: {
      ArnEquals: { 'ec2:Subnet': expect.arrayContaining([expect.stringContaining('subnet-0b')]) },
    },
  });
});

const ROUTE = CONFIG.replace('54.173.141.243', '10.9.0.5').replace(
  'kind: ec2',
  'kind: ec2-route, routeTables: [rtb-0a, rtb-0b]',
);

test('for routes the tables of the configuration are named, and no subnet or profile has to be given', async () => {
  const { Statement } = await policy(['--account', '123456789012', '--region', 'us-east-1'], ROUTE);
  expect(Statement.map(({ Sid, Action }) => [Sid, Action])).toEqual([
    ['ReadRouteTablesAndInterfaces', ['ec2:DescribeRouteTables', 'ec2:DescribeNetworkInterfaces']],
    ['SetRoutesInTheseTables', ['ec2:ReplaceRoute', 'ec2:CreateRoute']],
    ['TellPeople', ['sns:Publish', 'sns:GetTopicAttributes']],
  ]);
  expect(Statement[1]?.Resource).toEqual([
    'arn:aws:ec2:us-east-1:123456789012:route-table/rtb-0a',
    'arn:aws:ec2:us-east-1:123456789012:route-table/rtb-0b',
  ]);
});

const SECRET = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:failtome/web-AbCdEf';

test('the secret of the key is read by whoever has one, a witness too, and its ARN has to be whole', async () => {
  const { Statement } = await policy([...ALL_GIVEN, '--key-secret', SECRET]);
  const statement = {
    Sid: 'ReadTheKey',
    Effect: 'Allow',
    Action: ['secretsmanager:GetSecretValue'],
    Resource: [SECRET],
  };
  expect(Statement.at(-1)).toEqual(statement);
  const witness = CONFIG.replace('{ id: saturn }', '{ id: saturn, role: witness }')
    .replace('driver: { kind: ec2 }\n', '')
    .replace(/notify: .*\n/, '');
  expect((await policy(['--key-secret', SECRET], witness)).Statement).toEqual([statement]);
  const refused = await cli(['iam', '-c', 'x.yaml', '--key-secret', 'failtome/web'], {
    files: { 'x.yaml': CONFIG },
  });
  expect(refused.code).toBe(2);
  expect(refused.err).toContain('whole ARN');
});

test('a table of the relay may be read and written by every voter, a witness too, and it has to be known whose it is', async () => {
  const withStore = `${CONFIG}store: { kind: dynamodb, table: relay }\n`;
  const { Statement } = await policy(ALL_GIVEN, withStore);
  const statement = {
    Sid: 'RelayMessages',
    Effect: 'Allow',
    Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
    Resource: ['arn:aws:dynamodb:us-east-1:123456789012:table/relay'],
  };
  expect(Statement.at(-1)).toEqual(statement);
  const witness = withStore
    .replace('{ id: saturn }', '{ id: saturn, role: witness }')
    .replace('driver: { kind: ec2 }\n', '')
    .replace(/notify: .*\n/, '');
  const given = ['--region', 'us-east-1', '--account', '123456789012'];
  expect((await policy(given, witness)).Statement).toEqual([statement]);
  const unknown = await cli(['iam', '-c', 'x.yaml'], { files: { 'x.yaml': witness } });
  expect(unknown.code).toBe(2);
  expect(unknown.err).toContain('--account ID: the AWS account that the table is in');
});

describe('with a role to assume', () => {
  const ROLE = 'arn:aws:iam::123456789012:role/failover/mover';
  const ASSUMES = CONFIG.replace(/driver: \{ kind: ec2/, `driver: { kind: ec2, assumeRole: "${ROLE}"`);

  test("the nodes may assume it and do what is not the driver's, which needs nothing looked up", async () => {
    const { Statement } = await policy([], ASSUMES);
    expect(Statement.map(({ Sid }) => Sid)).not.toContain('ToTheNodes');
    expect(Statement.find(({ Sid }) => Sid === 'AssumeTheRole')).toEqual({
      Sid: 'AssumeTheRole',
      Effect: 'Allow',
      Action: ['sts:AssumeRole'],
      Resource: [ROLE],
    });
  });

  test('the role may do what the driver does, and no more', async () => {
    const own = await policy(ALL_GIVEN);
    const { Statement } = await policy([...ALL_GIVEN, '--assumed'], ASSUMES);
    expect(Statement).toEqual(own.Statement.filter(({ Sid }) => Sid !== 'TellPeople'));
  });

  test('without one there is no such policy', async () => {
    const argv = ['iam', '-c', 'x.yaml', ...ALL_GIVEN, '--assumed'];
    const { code, err } = await cli(argv, { files: { 'x.yaml': CONFIG } });
    expect([code, err]).toEqual([2, expect.stringContaining('driver.assumeRole')]);
  });
});

test('who finds peers by their tags may read instances, a witness too, and nobody does twice', async () => {
  const sought = CONFIG.replace(
    /peers:[\s\S]*?\nauth/,
    'peers: { from: { ec2Tag: t }, nodes: [{ id: neptune }] }\nauth',
  );
  const statement = {
    Sid: 'FindThePeers',
    Effect: 'Allow',
    Action: ['ec2:DescribeInstances'],
    Resource: ['*'],
    Condition: { StringEquals: { 'aws:RequestedRegion': ['us-east-1'] } },
  };
  const sids = (await policy(ALL_GIVEN, sought)).Statement.map(({ Sid }) => Sid);
  expect(sids).toEqual((await policy(ALL_GIVEN)).Statement.map(({ Sid }) => Sid));
  const witness = sought
    .replace('{ id: saturn }', '{ id: saturn, role: witness }')
    .replace('driver: { kind: ec2 }\n', '')
    .replace(/notify: .*\n/, '');
  expect((await policy(['--region', 'us-east-1'], witness)).Statement).toEqual([statement]);
  const unknown = await cli(['iam', '-c', 'x.yaml'], { files: { 'x.yaml': witness } });
  expect(unknown).toMatchObject({ code: 2 });
  expect(unknown.err).toContain('--region NAME: the AWS region that the nodes are in');
  const assumed = sought.replace(
    'kind: ec2',
    'kind: ec2, assumeRole: "arn:aws:iam::123456789012:role/mover"',
  );
  expect((await policy(ALL_GIVEN, assumed)).Statement).toContainEqual(statement);
});
