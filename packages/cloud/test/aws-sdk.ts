import { createRequire } from 'node:module';

/** What the tests look at in an answer. */
export interface Answer {
  readonly Addresses?: readonly { readonly InstanceId?: string }[];
  readonly AssignedPrivateIpAddresses?: readonly object[];
  readonly Arn?: string;
  readonly AssociationId?: string;
  readonly AssumedRoleUser?: { readonly Arn?: string };
  readonly Credentials?: {
    readonly AccessKeyId?: string;
    readonly SecretAccessKey?: string;
    readonly SessionToken?: string;
    readonly Expiration?: Date;
  };
  readonly ElasticIps?: readonly object[];
  readonly InstanceStatuses?: readonly object[];
  readonly Instances?: readonly { readonly Ec2InstanceId?: string; readonly InstanceId?: string }[];
  readonly MessageId?: string;
  readonly NetworkInterfaceId?: string;
  readonly NetworkInterfaces?: readonly object[];
  readonly RouteTables?: readonly object[];
  readonly Subnets?: readonly object[];
  readonly Reservations?: readonly { readonly Instances?: readonly object[] }[];
}

/** A request as the SDK is about to send it. */
export interface SentRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

type Next = (args: { readonly request: SentRequest }) => Promise<unknown>;

/** A client of the SDK. */
export interface Client {
  readonly config: { readonly credentials: object };
  readonly middlewareStack: { add(middleware: (next: Next) => Next, options: object): void };
  send(command: object, options?: { readonly abortSignal: AbortSignal }): Promise<Answer>;
}

type Clients = Readonly<
  Record<'EC2Client' | 'OpsWorksClient' | 'SNSClient' | 'STSClient', new (s: object) => Client>
>;
type Commands<Name extends string> = Readonly<Record<`${Name}Command`, new (input: object) => object>>;

// The SDK is the agent's dependency, not the simulator's: the tests borrow it from there, and with it go the types of
// what they use of it.
const agentRequire = createRequire(new URL('../../agent/package.json', import.meta.url));

export const ec2Sdk: Pick<Clients, 'EC2Client'> &
  Commands<
    | 'AssignIpv6Addresses'
    | 'AssignPrivateIpAddresses'
    | 'AssociateAddress'
    | 'CreateRoute'
    | 'DescribeAddresses'
    | 'DescribeInstances'
    | 'DescribeInstanceStatus'
    | 'DescribeNetworkInterfaces'
    | 'DescribeRouteTables'
    | 'DescribeSubnets'
    | 'DisassociateAddress'
    | 'ReplaceRoute'
    | 'UnassignIpv6Addresses'
    | 'UnassignPrivateIpAddresses'
  > = agentRequire('@aws-sdk/client-ec2');

export const opsworksSdk: Pick<Clients, 'OpsWorksClient'> &
  Commands<'AssociateElasticIp' | 'DescribeElasticIps' | 'DescribeInstances' | 'DisassociateElasticIp'> &
  Readonly<Record<'ResourceNotFoundException' | 'ValidationException', new () => Error>> =
  agentRequire('@aws-sdk/client-opsworks');

export const snsSdk: Pick<Clients, 'SNSClient'> & Commands<'Publish'> = agentRequire('@aws-sdk/client-sns');

export const stsSdk: Pick<Clients, 'STSClient'> & Commands<'AssumeRole' | 'GetCallerIdentity'> =
  agentRequire('@aws-sdk/client-sts');
