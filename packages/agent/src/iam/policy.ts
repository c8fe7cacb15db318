/**
 * The least IAM policy that a configuration needs.
 *
 * Source: Service Authorization Reference, "Actions, resources, and condition keys" for Amazon EC2, AWS OpsWorks, Amazon SNS
 * and Amazon DynamoDB. A call of EC2 is allowed only if each resource it touches is: AssociateAddress asks for the address, the instance and
 * the network interface; DisassociateAddress for the address and the network interface, but not for an instance. Reads of EC2
 * know neither resources nor conditions of their own.
 */
import { isIpv6 } from '@failtome/ports';
import type { Ip } from '@failtome/protocol';

type Condition = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** One statement of a policy. */
export interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
  readonly Condition?: Condition;
}

/** A policy document, as IAM takes it (IAM JSON policy grammar). */
export interface Policy {
  readonly Version: '2012-10-17';
  readonly Statement: readonly Statement[];
}

/** What tells the nodes' instances from all others, so that one may be replaced without another policy. */
export type NodeMark =
  | { readonly kind: 'profile'; readonly arns: readonly string[] }
  | { readonly kind: 'tag'; readonly key: string; readonly value: string };

/** What the driver may do. */
export type DriverGrant =
  | {
      readonly kind: 'ec2';
      /** Absent: the region's. */
      readonly partition?: string;
      readonly region: string;
      readonly account: string;
      readonly addresses: readonly { readonly ip: Ip; readonly allocationId: string | null }[];
      readonly nodes: NodeMark;
      /** The ids of the subnets that the nodes' network interfaces are in. */
      readonly subnets: readonly string[];
    }
  | {
      readonly kind: 'ec2-private-ip';
      readonly region: string;
      readonly account: string;
      /** The ids of the subnets that the nodes' network interfaces are in, and so the addresses. */
      readonly subnets: readonly string[];
      /** Of IPv4, of IPv6, or both. */
      readonly addresses: readonly Ip[];
    }
  | {
      readonly kind: 'ec2-route';
      readonly region: string;
      readonly account: string;
      /** Their ids. */
      readonly routeTables: readonly string[];
    }
  | {
      readonly kind: 'opsworks';
      readonly region: string;
      readonly stackId: string;
      /** OpsWorks's id of an instance is not configured, and searched for. */
      readonly searches: boolean;
    }
  | { readonly kind: 'none' };

/** What an agent needs of AWS. */
export interface Grant {
  readonly driver: DriverGrant;
  readonly topicArn: string | null;
  /** The region of the instances by whose tags peers are found, where the driver's part doesn't cover that. */
  readonly findsPeersIn?: string;
  /** The table of the relay; null: there is none. */
  readonly tableArn: string | null;
  /** The secret of Secrets Manager that `failtome init --key-secret` reads; null: there is none. */
  readonly keySecretArn: string | null;
  /** The role that the driver's calls are made with, where that is another. */
  readonly assumeRoleArn?: string;
}

/** Build it. Without statements there is nothing to allow, and IAM takes no such policy. */
export function leastPolicy({
  driver,
  topicArn,
  findsPeersIn,
  tableArn,
  keySecretArn,
  assumeRoleArn,
}: Grant): Policy {
  return {
    Version: '2012-10-17',
    Statement: [
      ...driverStatements(driver),
      ...(findsPeersIn === undefined ? [] : [findPeersStatement(findsPeersIn)]),
      ...(assumeRoleArn === undefined ? [] : [allow('AssumeTheRole', ['sts:AssumeRole'], [assumeRoleArn])]),
      ...(topicArn === null ? [] : [topicStatement(topicArn)]),
      ...(tableArn === null
        ? []
        : [allow('RelayMessages', ['dynamodb:GetItem', 'dynamodb:PutItem'], [tableArn])]),
      ...(keySecretArn === null
        ? []
        : [allow('ReadTheKey', ['secretsmanager:GetSecretValue'], [keySecretArn])]),
    ],
  };
}

function driverStatements(driver: DriverGrant): readonly Statement[] {
  switch (driver.kind) {
    case 'ec2':
      return ec2Statements(driver);
    case 'ec2-private-ip':
      return privateIpStatements(driver);
    case 'ec2-route':
      return routeStatements(driver);
    case 'opsworks':
      return opsworksStatements(driver);
    case 'none':
      return [];
  }
}

const MOVES = ['ec2:AssociateAddress', 'ec2:DisassociateAddress'] as const;

function ec2Statements(driver: Extract<DriverGrant, { kind: 'ec2' }>): readonly Statement[] {
  const { region, partition = partitionOf(region), account, addresses, nodes, subnets } = driver;
  const arn = (kind: string, id: string) => `arn:${partition}:ec2:${region}:${account}:${kind}/${id}`;
  const known = addresses.flatMap(({ allocationId }) => allocationId ?? []);
  const unknown = addresses.filter(({ allocationId }) => allocationId === null).map(({ ip }) => ip);
  return [
    allow('ReadAddressesAndInstances', ['ec2:DescribeAddresses', 'ec2:DescribeInstances'], ['*'], {
      StringEquals: { 'aws:RequestedRegion': [region] },
    }),
    ...(known.length === 0
      ? []
      : [
          allow(
            'MoveTheseAddresses',
            MOVES,
            known.map((id) => arn('elastic-ip', id)),
          ),
        ]),
    ...(unknown.length === 0
      ? []
      : [
          allow('MoveAddressesByTheirIp', MOVES, [arn('elastic-ip', '*')], {
            StringEquals: { 'ec2:PublicIpAddress': unknown },
          }),
        ]),
    allow('ToTheNodes', ['ec2:AssociateAddress'], [arn('instance', '*')], nodeCondition(nodes)),
    allow('OnInterfacesInTheseSubnets', MOVES, [arn('network-interface', '*')], {
      ArnEquals: { 'ec2:Subnet': subnets.map((id) => arn('subnet', id)) },
    }),
  ];
}

/**
 * Of assigning and unassigning the only resource is the interface, and no condition speaks of the address: any secondary private
 * address of these subnets, or any IPv6 address, may be moved.
 */
function privateIpStatements({
  region,
  account,
  subnets,
  addresses,
}: Extract<DriverGrant, { kind: 'ec2-private-ip' }>): readonly Statement[] {
  const arn = (kind: string, id: string) =>
    `arn:${partitionOf(region)}:ec2:${region}:${account}:${kind}/${id}`;
  const hasIpv6 = addresses.some(isIpv6);
  const hasIpv4 = addresses.some((ip) => !isIpv6(ip));
  const inSubnets = (sid: string, actions: readonly string[]): Statement =>
    allow(sid, actions, [arn('network-interface', '*')], {
      ArnEquals: { 'ec2:Subnet': subnets.map((id) => arn('subnet', id)) },
    });
  // With the subnets `failtome check` sees whether they could have the IPv6 addresses.
  const reads = ['ec2:DescribeNetworkInterfaces', ...(hasIpv6 ? ['ec2:DescribeSubnets'] : [])];
  return [
    allow('ReadNetworkInterfaces', reads, ['*'], { StringEquals: { 'aws:RequestedRegion': [region] } }),
    ...(hasIpv4 ? [inSubnets('MovePrivateAddressesInTheseSubnets', MOVES_PRIVATE)] : []),
    ...(hasIpv6 ? [inSubnets('MoveIpv6AddressesInTheseSubnets', MOVES_IPV6)] : []),
  ];
}

const MOVES_PRIVATE = ['ec2:AssignPrivateIpAddresses', 'ec2:UnassignPrivateIpAddresses'] as const;
const MOVES_IPV6 = ['ec2:AssignIpv6Addresses', 'ec2:UnassignIpv6Addresses'] as const;

/** Of setting a route the only resource is the table, and no condition speaks of the destination or of what it leads to. */
function routeStatements({
  region,
  account,
  routeTables,
}: Extract<DriverGrant, { kind: 'ec2-route' }>): readonly Statement[] {
  const reads = ['ec2:DescribeRouteTables', 'ec2:DescribeNetworkInterfaces'];
  const tables = routeTables.map(
    (id) => `arn:${partitionOf(region)}:ec2:${region}:${account}:route-table/${id}`,
  );
  return [
    allow('ReadRouteTablesAndInterfaces', reads, ['*'], {
      StringEquals: { 'aws:RequestedRegion': [region] },
    }),
    allow('SetRoutesInTheseTables', ['ec2:ReplaceRoute', 'ec2:CreateRoute'], tables),
  ];
}

function nodeCondition(nodes: NodeMark): Condition {
  return nodes.kind === 'profile'
    ? { ArnEquals: { 'ec2:InstanceProfile': nodes.arns } }
    : { StringEquals: { [`aws:ResourceTag/${nodes.key}`]: [nodes.value] } };
}

/** OpsWorks moves the address with the rights of its own service role, so the node needs none of EC2's. */
function opsworksStatements({
  region,
  stackId,
  searches,
}: Extract<DriverGrant, { kind: 'opsworks' }>): readonly Statement[] {
  const actions = [
    'opsworks:AssociateElasticIp',
    'opsworks:DescribeElasticIps',
    'opsworks:DescribeInstances',
  ];
  // A stack's id is unique, and which region its ARN names is OpsWorks's own affair.
  const stack = `arn:${partitionOf(region)}:opsworks:*:*:stack/${stackId}/`;
  return [
    allow('MoveAddressesOfThisStack', actions, [stack]),
    ...(searches ? [allow('FindTheStack', ['opsworks:DescribeStacks'], ['*'])] : []),
  ];
}

/** A describe call takes no resource. */
function findPeersStatement(region: string): Statement {
  return allow('FindThePeers', ['ec2:DescribeInstances'], ['*'], {
    StringEquals: { 'aws:RequestedRegion': [region] },
  });
}

/** Publishing is needed; with the attributes `failtome check` sees that the topic exists. */
function topicStatement(topicArn: string): Statement {
  return allow('TellPeople', ['sns:Publish', 'sns:GetTopicAttributes'], [topicArn]);
}

function allow(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  condition?: Condition,
): Statement {
  const statement = { Sid: sid, Effect: 'Allow', Action: actions, Resource: resources } as const;
  return condition === undefined ? statement : { ...statement, Condition: condition };
}

/** A profile by its name. */
export function instanceProfileArn(region: string, account: string, name: string): string {
  return `arn:${partitionOf(region)}:iam::${account}:instance-profile/${name}`;
}

/** A table by its name. */
export function dynamoTableArn(region: string, account: string, name: string): string {
  return `arn:${partitionOf(region)}:dynamodb:${region}:${account}:table/${name}`;
}

/** The partition that a region belongs to (AWS General Reference, "Amazon Resource Names"). */
function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  if (region.startsWith('us-gov-')) return 'aws-us-gov';
  if (region.startsWith('eusc-')) return 'aws-eusc';
  return 'aws';
}
