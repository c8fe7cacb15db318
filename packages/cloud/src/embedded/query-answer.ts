import {
  type AwsConfig,
  type AwsError,
  type AwsResult,
  type AwsService,
  type InstanceState,
  type InstanceStatusView,
  type InstanceView,
  instanceProfileArn,
  operationOf,
  subnetIdOf,
  VPC_ID,
} from '../model/index.ts';
import type { AccessKey } from './credentials.ts';
import { cardItem, interfaceItem, ipv6Lines, subnetItem } from './interface-items.ts';
import { routeTableItem } from './route-items.ts';
import { element, items, optional, type Xml, xmlDocument } from './xml.ts';

const ec2Namespace = 'http://ec2.amazonaws.com/doc/2016-11-15/';
const snsNamespace = 'http://sns.amazonaws.com/doc/2010-03-31/';
const stsNamespace = 'https://sts.amazonaws.com/doc/2011-06-15/';

/** What the Query services answer; the others speak JSON. */
export type QueryResult = Exclude<
  AwsResult,
  { readonly action: `opsworks:${string}` | `secretsmanager:${string}` }
>;

/** Gives out the key of a role that was assumed. */
export type KeyFor = (assumed: Extract<AwsResult, { readonly action: 'sts:AssumeRole' }>) => AccessKey;

/** Writes a success in the shape of the service (EC2, SNS and STS API References). */
export function queryAnswer(
  result: QueryResult,
  requestId: string,
  config: AwsConfig,
  keyFor: KeyFor,
): string {
  const root = `${operationOf(result.action)}Response`;
  switch (result.action) {
    case 'ec2:DescribeAddresses':
    case 'ec2:AssociateAddress':
    case 'ec2:DisassociateAddress':
    case 'ec2:DescribeInstances':
    case 'ec2:DescribeInstanceStatus':
    case 'ec2:DescribeNetworkInterfaces':
    case 'ec2:AssignPrivateIpAddresses':
    case 'ec2:UnassignPrivateIpAddresses':
    case 'ec2:AssignIpv6Addresses':
    case 'ec2:UnassignIpv6Addresses':
    case 'ec2:DescribeSubnets':
    case 'ec2:DescribeRouteTables':
    case 'ec2:ReplaceRoute':
    case 'ec2:CreateRoute':
      return xmlDocument(root, ec2Namespace, element('requestId', requestId), ...ec2Body(result, config));
    case 'sns:Publish':
      return xmlDocument(
        root,
        snsNamespace,
        element('PublishResult', element('MessageId', result.messageId)),
        element('ResponseMetadata', element('RequestId', requestId)),
      );
    case 'sns:GetTopicAttributes':
      return xmlDocument(
        root,
        snsNamespace,
        element('GetTopicAttributesResult', element('Attributes', ...topicAttributes(result))),
        element('ResponseMetadata', element('RequestId', requestId)),
      );
    case 'sts:AssumeRole':
      return xmlDocument(
        root,
        stsNamespace,
        element('AssumeRoleResult', ...assumedRole(result.arn, keyFor(result))),
        element('ResponseMetadata', element('RequestId', requestId)),
      );
    case 'sts:GetCallerIdentity':
      return xmlDocument(
        root,
        stsNamespace,
        element(
          'GetCallerIdentityResult',
          element('Arn', result.arn),
          element('UserId', result.userId),
          element('Account', result.account),
        ),
        element('ResponseMetadata', element('RequestId', requestId)),
      );
  }
}

function assumedRole(
  arn: string,
  { accessKeyId, secretAccessKey, sessionToken, expiresAtMs }: AccessKey,
): Xml[] {
  return [
    element('AssumedRoleUser', element('Arn', arn), element('AssumedRoleId', `AROA:${arn}`)),
    element(
      'Credentials',
      element('AccessKeyId', accessKeyId),
      element('SecretAccessKey', secretAccessKey),
      element('SessionToken', sessionToken ?? ''),
      element('Expiration', new Date(expiresAtMs).toISOString()),
    ),
  ];
}

/** A map of the Query protocol: an entry for each attribute. */
function topicAttributes({ topicArn, owner }: { readonly topicArn: string; readonly owner: string }): Xml[] {
  const attributes = [
    ['TopicArn', topicArn],
    ['Owner', owner],
    ['DisplayName', ''],
    ['SubscriptionsConfirmed', '0'],
    ['SubscriptionsPending', '0'],
    ['SubscriptionsDeleted', '0'],
  ] as const;
  return attributes.map(([key, value]) => element('entry', element('key', key), element('value', value)));
}

/** Writes an error: EC2 has a shape of its own ("Error codes for the Amazon EC2 API"), SNS and STS share another. */
export function queryError(
  service: Exclude<AwsService, 'opsworks' | 'secretsmanager'>,
  error: AwsError,
  requestId: string,
): string {
  const code = element('Code', error.code);
  const message = element('Message', error.message);
  if (service === 'ec2') {
    const errors = element('Errors', element('Error', code, message));
    return xmlDocument('Response', null, errors, element('RequestID', requestId));
  }
  const type = element('Type', error.status >= 500 ? 'Receiver' : 'Sender');
  return xmlDocument(
    'ErrorResponse',
    service === 'sns' ? snsNamespace : stsNamespace,
    element('Error', type, code, message),
    element('RequestId', requestId),
  );
}

type Ec2Result = Extract<QueryResult, { readonly action: `ec2:${string}` }>;

function ec2Body(result: Ec2Result, config: AwsConfig): readonly Xml[] {
  switch (result.action) {
    case 'ec2:DescribeAddresses':
      return [
        items(
          'addressesSet',
          result.addresses.map((address) => addressItem(address, config)),
        ),
      ];
    case 'ec2:AssociateAddress':
      return [element('return', true), element('associationId', result.associationId)];
    case 'ec2:DisassociateAddress':
      return [element('return', true)];
    case 'ec2:DescribeInstances':
      return [
        items(
          'reservationSet',
          result.instances.map((view) => reservationItem(view, config)),
        ),
      ];
    case 'ec2:DescribeInstanceStatus':
      return [items('instanceStatusSet', result.statuses.map(statusItem))];
    case 'ec2:DescribeNetworkInterfaces':
      return [
        items(
          'networkInterfaceSet',
          result.interfaces.map((view) => cardItem(view, config)),
        ),
      ];
    case 'ec2:AssignPrivateIpAddresses':
      return [
        element('return', true),
        element('networkInterfaceId', result.networkInterfaceId),
        items(
          'assignedPrivateIpAddressesSet',
          result.privateIpAddresses.map((ip) => [element('privateIpAddress', ip)]),
        ),
      ];
    case 'ec2:AssignIpv6Addresses':
    case 'ec2:UnassignIpv6Addresses':
      return ipv6Lines(result);
    case 'ec2:DescribeSubnets':
      return [items('subnetSet', result.subnets.map(subnetItem))];
    case 'ec2:DescribeRouteTables':
      return [
        items(
          'routeTableSet',
          result.tables.map((view) => routeTableItem(view, config)),
        ),
      ];
    case 'ec2:UnassignPrivateIpAddresses':
    case 'ec2:ReplaceRoute':
    case 'ec2:CreateRoute':
      return [element('return', true)];
  }
}

function addressItem(
  { publicIp, allocationId, association }: InstanceView['addresses'][number],
  config: AwsConfig,
): readonly (Xml | null)[] {
  return [
    element('publicIp', publicIp),
    element('allocationId', allocationId),
    element('domain', 'vpc'),
    optional('instanceId', association?.instanceId),
    optional('associationId', association?.id),
    optional('networkInterfaceId', association?.interfaceId),
    association === null ? null : element('networkInterfaceOwnerId', config.accountId),
    optional('privateIpAddress', association?.privateIp),
    element('publicIpv4Pool', 'amazon'),
    element('networkBorderGroup', config.region),
  ];
}

function reservationItem(view: InstanceView, config: AwsConfig): readonly (Xml | null)[] {
  return [
    element('reservationId', `r-${view.instance.id.replace(/^i-/, '')}`),
    element('ownerId', config.accountId),
    element('groupSet'),
    items('instancesSet', [instanceItem(view, config)]),
  ];
}

function instanceItem(view: InstanceView, config: AwsConfig): readonly (Xml | null)[] {
  const { instance } = view;
  const tags = [
    ['Name', instance.hostname],
    ['opsworks:instance', instance.hostname],
    ['opsworks:stack', config.stackId],
    ...Object.entries(instance.tags ?? {}),
  ] as const;
  return [
    element('instanceId', instance.id),
    stateElement(instance.state),
    element('instanceType', 't3.micro'),
    element(
      'placement',
      element('availabilityZone', instance.availabilityZone),
      element('tenancy', 'default'),
    ),
    element('subnetId', subnetIdOf(instance)),
    element('vpcId', VPC_ID),
    element('iamInstanceProfile', element('arn', instanceProfileArn(config, instance))),
    element('privateIpAddress', instance.interfaces[0].privateIps[0]),
    optional('ipAddress', view.publicIp),
    items(
      'networkInterfaceSet',
      instance.interfaces.map((each, index) => interfaceItem(each, index, view, config)),
    ),
    items(
      'tagSet',
      tags.map(([key, value]) => [element('key', key), element('value', value)]),
    ),
  ];
}

function statusItem(status: InstanceStatusView): readonly Xml[] {
  const reachability = element(
    'details',
    element(
      'item',
      element('name', 'reachability'),
      element('status', status.reachability === 'impaired' ? 'failed' : 'passed'),
    ),
  );
  const summary = [element('status', status.reachability), reachability];
  return [
    element('instanceId', status.instanceId),
    element('availabilityZone', status.availabilityZone),
    stateElement(status.state),
    element('systemStatus', ...summary),
    element('instanceStatus', ...summary),
  ];
}

function stateElement(state: InstanceState): Xml {
  return element('instanceState', element('code', stateCode(state)), element('name', state));
}

/** EC2 API Reference, InstanceState. */
function stateCode(state: InstanceState): number {
  switch (state) {
    case 'pending':
      return 0;
    case 'running':
      return 16;
    case 'shutting-down':
      return 32;
    case 'terminated':
      return 48;
    case 'stopping':
      return 64;
    case 'stopped':
      return 80;
  }
}
