/** `failtome iam`: what it has to be told, what it looks up and refuses, and the formats that it prints. */
import { readFileSync } from 'node:fs';
import { parseToObject } from 'hcl2-parser';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { FoundForIam } from '../src/adapters/iam-lookup.ts';
import { type DriverGrant, dynamoTableArn, leastPolicy } from '../src/iam/policy.ts';
import { CONFIG, cli } from './support/cli.ts';
import { ALL_GIVEN, policy } from './support/iam.ts';

const FOUND: FoundForIam = {
  region: 'eu-west-1',
  account: '210987654321',
  allocationIds: new Map([['54.173.141.243', 'eipalloc-0abc']]),
  profiles: ['arn:aws:iam::210987654321:instance-profile/lb/haproxy'],
  subnets: ['subnet-1', 'subnet-2'],
  stackId: '11111111-2222-4333-8444-555555555555',
  obstacles: [],
};

test('what was neither given nor found is asked for, all of it at once, and nothing is printed', async () => {
  const silent = CONFIG.replace(/^notify.*\n/m, '');
  const { code, out, err } = await cli(['iam', '-c', 'x.yaml'], { files: { 'x.yaml': silent } });
  expect({ code, out }).toEqual({ code: 2, out: '' });
  for (const option of ['--region', '--account', '--subnet', '--instance-profile', '--tag'])
    expect(err).toContain(`${option} `);
  expect(err).toContain('(looked up in vain: instance metadata cannot be reached)');
});

test('the account is the one of the topic where nothing else tells it', async () => {
  const { code, err } = await cli(['iam']);
  expect(code).toBe(2);
  expect(err).not.toContain('--account');
});

test('what is found completes the policy, and what is given counts before it', async () => {
  const found = await cli(['iam'], { lookUpForIam: async () => FOUND });
  expect(found.code).toBe(0);
  for (const text of [
    'eipalloc-0abc',
    'subnet/subnet-2',
    'instance-profile/lb/haproxy',
    ':210987654321:',
    'eu-west-1',
  ])
    expect(found.out).toContain(text);
  const given = await cli(['iam', ...ALL_GIVEN.slice(2)], { lookUpForIam: async () => FOUND });
  for (const text of ['subnet/subnet-0a', 'instance-profile/haproxy', 'us-east-1'])
    expect(given.out).toContain(text);
  for (const text of ['subnet/subnet-2', 'lb/haproxy', 'eu-west-1']) expect(given.out).not.toContain(text);
});

test('nothing is looked up where everything is given', async () => {
  const lookUpForIam = async (): Promise<FoundForIam> => {
    throw new Error('asked');
  };
  expect((await cli(['iam', ...ALL_GIVEN], { lookUpForIam })).code).toBe(0);
});

test.each([
  ['--account', '1234'],
  ['--region', 'us-east-1a'],
  ['--subnet', '10.0.1.0/24'],
  ['--subnet', 'subnet-*'],
  ['--instance-profile', 'a/b'],
  ['--instance-profile', '*'],
  ['--tag', 'failtome'],
  ['--tag', 'failtome=*'],
  ['--tag', `failtome=\${aws:username}`],
  ['--stack', 'web'],
  ['--format', 'yaml'],
])('%s %s is refused', async (option, value) => {
  expect((await cli(['iam', option, value])).code).toBe(2);
});

describe('its formats', () => {
  test('CloudFormation holds the same policy, and its references lead to what it has', async () => {
    const whole = await policy(ALL_GIVEN);
    const { out } = await cli(['iam', ...ALL_GIVEN, '--format', 'cloudformation']);
    const template: unknown = parse(out, { strict: true });
    expect(template).toMatchObject({
      AWSTemplateFormatVersion: '2010-09-09',
      Resources: {
        FailtomePolicy: { Type: 'AWS::IAM::ManagedPolicy', Properties: { PolicyDocument: whole } },
      },
      Outputs: { FailtomePolicyArn: { Value: { Ref: 'FailtomePolicy' } } },
    });
    expect(parse(out).Resources.FailtomePolicy.Properties.PolicyDocument).toEqual(whole);
    // Read as a date or a number, they would be something else.
    expect(out).not.toMatch(/[&*]a\d/);
    expect(out).toMatch(/^AWSTemplateFormatVersion: "?2010-09-09"?$/m);
  });

  test('Terraform holds the same policy, and its references lead to what it has', async () => {
    const whole = await policy(ALL_GIVEN);
    const { out } = await cli(['iam', ...ALL_GIVEN, '--format', 'terraform']);
    const [parsed] = parseToObject(out);
    const [document] = parsed.data.aws_iam_policy_document.failtome;
    const statements = document.statement.map(
      ({ sid, effect, actions, resources, condition = [] }: HclStatement) => ({
        Sid: sid,
        Effect: effect,
        Action: actions,
        Resource: resources,
        ...(condition.length === 0
          ? {}
          : {
              Condition: Object.fromEntries(
                condition.map(({ test, variable, values }) => [test, { [variable]: values }]),
              ),
            }),
      }),
    );
    expect({ Version: '2012-10-17', Statement: statements }).toEqual(whole);
    const references = out.match(/(?:data\.)?aws_iam_\w+\.\w+/g) ?? [];
    expect(references).toEqual(['data.aws_iam_policy_document.failtome', 'aws_iam_policy.failtome']);
    expect(parsed.resource.aws_iam_policy.failtome).toHaveLength(1);
  });
});

interface HclStatement {
  readonly sid: string;
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly condition?: readonly {
    readonly test: string;
    readonly variable: string;
    readonly values: readonly string[];
  }[];
}

const EC2: DriverGrant = {
  kind: 'ec2',
  region: 'REGION',
  account: 'ACCOUNT_ID',
  addresses: [{ ip: '', allocationId: 'ALLOCATION_ID' }],
  nodes: { kind: 'profile', arns: ['arn:aws:iam::ACCOUNT_ID:instance-profile/INSTANCE_PROFILE'] },
  subnets: ['SUBNET_ID_1', 'SUBNET_ID_2'],
};

test.each([
  ['ec2-policy.json', { driver: EC2, topicArn: null, tableArn: null, keySecretArn: null }],
  [
    'private-ip-policy.json',
    {
      driver: {
        kind: 'ec2-private-ip',
        region: 'REGION',
        account: 'ACCOUNT_ID',
        subnets: ['SUBNET_ID_1', 'SUBNET_ID_2'],
        addresses: ['10.0.1.100'],
      },
      topicArn: null,
      tableArn: null,
      keySecretArn: null,
    },
  ],
  [
    'ipv6-policy.json',
    {
      driver: {
        kind: 'ec2-private-ip',
        region: 'REGION',
        account: 'ACCOUNT_ID',
        subnets: ['SUBNET_ID_1', 'SUBNET_ID_2'],
        addresses: ['2001:db8::100'],
      },
      topicArn: null,
      tableArn: null,
      keySecretArn: null,
    },
  ],
  [
    'route-policy.json',
    {
      driver: {
        kind: 'ec2-route',
        region: 'REGION',
        account: 'ACCOUNT_ID',
        routeTables: ['ROUTE_TABLE_ID_1', 'ROUTE_TABLE_ID_2'],
      },
      topicArn: null,
      tableArn: null,
      keySecretArn: null,
    },
  ],
  [
    'opsworks-policy.json',
    {
      driver: { kind: 'opsworks', region: 'REGION', stackId: 'STACK_ID', searches: true },
      topicArn: null,
      tableArn: null,
      keySecretArn: null,
    },
  ],
  [
    'sns-policy.json',
    { driver: { kind: 'none' }, topicArn: 'TOPIC_ARN', tableArn: null, keySecretArn: null },
  ],
  [
    'key-policy.json',
    { driver: { kind: 'none' }, topicArn: null, tableArn: null, keySecretArn: 'SECRET_ARN' },
  ],
  [
    'store-policy.json',
    {
      driver: { kind: 'none' },
      topicArn: null,
      tableArn: dynamoTableArn('REGION', 'ACCOUNT_ID', 'TABLE'),
      keySecretArn: null,
    },
  ],
] as const)('deploy/iam/%s is what the command prints, with names in capitals', (file, grant) => {
  const text = readFileSync(new URL(`../deploy/iam/${file}`, import.meta.url), 'utf8');
  expect(JSON.parse(text)).toEqual(leastPolicy(grant));
});
