/** The AWS services that an agent may call (docs: the contract's list). */
export type AwsService = 'ec2' | 'opsworks' | 'secretsmanager' | 'sns' | 'sts';

/** Every operation of the model, under the name that IAM policies give it. */
export const awsActions = [
  'ec2:DescribeAddresses',
  'ec2:AssociateAddress',
  'ec2:DisassociateAddress',
  'ec2:DescribeInstances',
  'ec2:DescribeInstanceStatus',
  'ec2:DescribeNetworkInterfaces',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
  'ec2:AssignIpv6Addresses',
  'ec2:UnassignIpv6Addresses',
  'ec2:DescribeSubnets',
  'ec2:DescribeRouteTables',
  'ec2:ReplaceRoute',
  'ec2:CreateRoute',
  'opsworks:AssociateElasticIp',
  'opsworks:DisassociateElasticIp',
  'opsworks:DescribeElasticIps',
  'opsworks:DescribeInstances',
  'secretsmanager:GetSecretValue',
  'sns:Publish',
  'sns:GetTopicAttributes',
  'sts:AssumeRole',
  'sts:GetCallerIdentity',
] as const;

/** One operation of the model, `service:Operation`. */
export type AwsAction = (typeof awsActions)[number];

/** One operation, every operation of a service, or all of them. */
export type AwsActionPattern = AwsAction | `${AwsService}:*` | '*';

/** EC2's id of an instance, `i-…`. */
export type InstanceId = string;
/** An Elastic IP, as dotted decimal, or another address that moves; one of IPv6 in its canonical form (RFC 5952). */
export type PublicIp = string;

/** A role that was assumed, and the name that was given to that session. */
export interface AssumedRole {
  readonly name: string;
  readonly session: string;
}

/** Who makes a call: an instance through its own role or, where `role` names it, through one that it has assumed; or a person at the console. */
export type Caller =
  | { readonly kind: 'instance'; readonly instanceId: InstanceId; readonly role?: AssumedRole }
  | { readonly kind: 'operator'; readonly name: string };

/** The service part of an action. */
export function serviceOf(action: AwsAction): AwsService {
  const service = action.slice(0, action.indexOf(':'));
  switch (service) {
    case 'ec2':
    case 'opsworks':
    case 'secretsmanager':
    case 'sns':
    case 'sts':
      return service;
    default:
      throw new Error(`The action ${action} names no service of the model.`);
  }
}

/** The operation part of an action, as it stands in the request. */
export function operationOf(action: AwsAction): string {
  return action.slice(action.indexOf(':') + 1);
}

/** Whether a pattern of `FaultSpec` or of IAM covers an action. */
export function coversAction(pattern: AwsActionPattern, action: AwsAction): boolean {
  return pattern === '*' || pattern === action || pattern === `${serviceOf(action)}:*`;
}
