import type { AwsAction, Caller } from './names.ts';
import type { Association, Instance, InstanceState, NetworkInterface } from './state.ts';

/** One `Filter.N` of an EC2 read: the values are alternatives. */
export interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

/** EC2 API Reference, DescribeAddresses. */
export interface DescribeAddresses {
  readonly action: 'ec2:DescribeAddresses';
  readonly dryRun: boolean;
  readonly publicIps: readonly string[];
  readonly allocationIds: readonly string[];
  readonly filters: readonly Filter[];
}

/** EC2 API Reference, AssociateAddress. `null` is a parameter that wasn't sent. */
export interface AssociateAddress {
  readonly action: 'ec2:AssociateAddress';
  readonly dryRun: boolean;
  readonly allocationId: string | null;
  readonly publicIp: string | null;
  readonly instanceId: string | null;
  readonly networkInterfaceId: string | null;
  readonly privateIpAddress: string | null;
  readonly allowReassociation: boolean | null;
}

/** EC2 API Reference, DisassociateAddress. */
export interface DisassociateAddress {
  readonly action: 'ec2:DisassociateAddress';
  readonly dryRun: boolean;
  readonly associationId: string | null;
  readonly publicIp: string | null;
}

/** EC2 API Reference, DescribeInstances. */
export interface DescribeInstances {
  readonly action: 'ec2:DescribeInstances';
  readonly dryRun: boolean;
  readonly instanceIds: readonly string[];
  readonly filters: readonly Filter[];
}

/** EC2 API Reference, DescribeInstanceStatus. */
export interface DescribeInstanceStatus {
  readonly action: 'ec2:DescribeInstanceStatus';
  readonly dryRun: boolean;
  readonly instanceIds: readonly string[];
  readonly includeAllInstances: boolean;
}

/** EC2 API Reference, DescribeNetworkInterfaces. */
export interface DescribeNetworkInterfaces {
  readonly action: 'ec2:DescribeNetworkInterfaces';
  readonly dryRun: boolean;
  readonly networkInterfaceIds: readonly string[];
  readonly filters: readonly Filter[];
}

/** EC2 API Reference, AssignPrivateIpAddresses, with the addresses named. It knows no dry run. */
export interface AssignPrivateIpAddresses {
  readonly action: 'ec2:AssignPrivateIpAddresses';
  readonly networkInterfaceId: string | null;
  readonly privateIpAddresses: readonly string[];
  readonly allowReassignment: boolean | null;
}

/** EC2 API Reference, UnassignPrivateIpAddresses. It knows no dry run. */
export interface UnassignPrivateIpAddresses {
  readonly action: 'ec2:UnassignPrivateIpAddresses';
  readonly networkInterfaceId: string | null;
  readonly privateIpAddresses: readonly string[];
}

/** EC2 API Reference, AssignIpv6Addresses and UnassignIpv6Addresses, with the addresses named. Neither knows a dry run, nor a reassignment. */
export interface SetIpv6Addresses {
  readonly action: 'ec2:AssignIpv6Addresses' | 'ec2:UnassignIpv6Addresses';
  readonly networkInterfaceId: string | null;
  readonly ipv6Addresses: readonly string[];
}

/** EC2 API Reference, DescribeSubnets. */
export interface DescribeSubnets {
  readonly action: 'ec2:DescribeSubnets';
  readonly dryRun: boolean;
  readonly subnetIds: readonly string[];
  readonly filters: readonly Filter[];
}

/** EC2 API Reference, DescribeRouteTables. */
export interface DescribeRouteTables {
  readonly action: 'ec2:DescribeRouteTables';
  readonly dryRun: boolean;
  readonly routeTableIds: readonly string[];
  readonly filters: readonly Filter[];
}

/** EC2 API Reference, ReplaceRoute and CreateRoute, onto an interface or an instance. */
export interface SetRoute {
  readonly action: 'ec2:ReplaceRoute' | 'ec2:CreateRoute';
  readonly dryRun: boolean;
  readonly routeTableId: string | null;
  readonly destination: string | null;
  readonly networkInterfaceId: string | null;
  readonly instanceId: string | null;
}

/** OpsWorks API Reference, AssociateElasticIp. It moves the address, whoever has it. */
export interface OpsworksAssociateElasticIp {
  readonly action: 'opsworks:AssociateElasticIp';
  readonly elasticIp: string;
  readonly instanceId: string | null;
}

/** OpsWorks API Reference, DisassociateElasticIp. */
export interface OpsworksDisassociateElasticIp {
  readonly action: 'opsworks:DisassociateElasticIp';
  readonly elasticIp: string;
}

/** OpsWorks API Reference, DescribeElasticIps: one resource-identifying parameter at most. */
export interface OpsworksDescribeElasticIps {
  readonly action: 'opsworks:DescribeElasticIps';
  readonly instanceId: string | null;
  readonly stackId: string | null;
  readonly ips: readonly string[];
}

/** OpsWorks API Reference, DescribeInstances: exactly one of stack, layer and instances. */
export interface OpsworksDescribeInstances {
  readonly action: 'opsworks:DescribeInstances';
  readonly stackId: string | null;
  readonly layerId: string | null;
  readonly instanceIds: readonly string[];
}

/** Secrets Manager API Reference, GetSecretValue: the current version. */
export interface GetSecretValue {
  readonly action: 'secretsmanager:GetSecretValue';
  /** An ARN. */
  readonly secretId: string;
}

/** SNS API Reference, Publish. */
export interface Publish {
  readonly action: 'sns:Publish';
  readonly topicArn: string;
  readonly subject: string | null;
  readonly message: string;
}

/** SNS API Reference, GetTopicAttributes. */
export interface GetTopicAttributes {
  readonly action: 'sns:GetTopicAttributes';
  readonly topicArn: string;
}

/** STS API Reference, GetCallerIdentity. It needs no permission. */
export interface GetCallerIdentity {
  readonly action: 'sts:GetCallerIdentity';
}

/** STS API Reference, AssumeRole. */
export interface AssumeRole {
  readonly action: 'sts:AssumeRole';
  readonly roleArn: string;
  readonly sessionName: string;
  readonly durationMs: number;
}

/** A call as the model understands it, whatever protocol carried it. */
export type AwsRequest =
  | DescribeAddresses
  | AssociateAddress
  | DisassociateAddress
  | DescribeInstances
  | DescribeInstanceStatus
  | DescribeNetworkInterfaces
  | AssignPrivateIpAddresses
  | UnassignPrivateIpAddresses
  | SetIpv6Addresses
  | DescribeSubnets
  | DescribeRouteTables
  | SetRoute
  | OpsworksAssociateElasticIp
  | OpsworksDisassociateElasticIp
  | OpsworksDescribeElasticIps
  | OpsworksDescribeInstances
  | GetSecretValue
  | Publish
  | GetTopicAttributes
  | AssumeRole
  | GetCallerIdentity;

/** One address as a read shows it. */
export interface AddressView {
  readonly publicIp: string;
  readonly allocationId: string;
  readonly association: Association | null;
}

/** One instance as a read shows it, with the addresses that map to its interfaces. */
export interface InstanceView {
  readonly instance: Instance;
  /** The address that the world sees on its primary private address, if any. */
  readonly publicIp: string | null;
  readonly addresses: readonly AddressView[];
}

/** One line of DescribeInstanceStatus. */
export interface InstanceStatusView {
  readonly instanceId: string;
  readonly availabilityZone: string;
  readonly state: InstanceState;
  readonly reachability: 'ok' | 'impaired' | 'not-applicable';
}

/** One network interface as a read shows it, with every private address that it has now. */
export interface InterfaceView {
  readonly card: NetworkInterface;
  readonly instance: Instance;
}

/** One subnet as a read shows it, as far as IPv6 is concerned. */
export interface SubnetView {
  readonly subnetId: string;
  readonly availabilityZone: string;
  readonly ipv6Blocks: readonly string[];
}

/** One route as a read shows it. */
export interface RouteView {
  readonly destination: string;
  /** Null: the VPC's own route, which every table has. An interface outlives an instance that was terminated as an id only. */
  readonly target: { readonly instanceId: string | null; readonly interfaceId: string } | null;
  /** `blackhole`: its target takes no packets. */
  readonly state: 'active' | 'blackhole';
}

/** One route table as a read shows it. */
export interface RouteTableView {
  readonly routeTableId: string;
  readonly routes: readonly RouteView[];
}

/** One address as OpsWorks shows it; the instance id is OpsWorks's own. */
export interface OpsworksElasticIpView {
  readonly ip: string;
  readonly instanceId: string | null;
}

/** What a call answers when it succeeds. */
export type AwsResult =
  | { readonly action: 'ec2:DescribeAddresses'; readonly addresses: readonly AddressView[] }
  | { readonly action: 'ec2:AssociateAddress'; readonly associationId: string }
  | { readonly action: 'ec2:DisassociateAddress' }
  | { readonly action: 'ec2:DescribeInstances'; readonly instances: readonly InstanceView[] }
  | { readonly action: 'ec2:DescribeInstanceStatus'; readonly statuses: readonly InstanceStatusView[] }
  | { readonly action: 'ec2:DescribeNetworkInterfaces'; readonly interfaces: readonly InterfaceView[] }
  | {
      readonly action: 'ec2:AssignPrivateIpAddresses';
      readonly networkInterfaceId: string;
      readonly privateIpAddresses: readonly string[];
    }
  | { readonly action: 'ec2:UnassignPrivateIpAddresses' }
  | {
      readonly action: SetIpv6Addresses['action'];
      readonly networkInterfaceId: string;
      /** Those that were assigned, or unassigned. */
      readonly ipv6Addresses: readonly string[];
    }
  | { readonly action: 'ec2:DescribeSubnets'; readonly subnets: readonly SubnetView[] }
  | { readonly action: 'ec2:DescribeRouteTables'; readonly tables: readonly RouteTableView[] }
  | { readonly action: 'ec2:ReplaceRoute' | 'ec2:CreateRoute' }
  | { readonly action: 'opsworks:AssociateElasticIp' }
  | { readonly action: 'opsworks:DisassociateElasticIp' }
  | { readonly action: 'opsworks:DescribeElasticIps'; readonly elasticIps: readonly OpsworksElasticIpView[] }
  | { readonly action: 'opsworks:DescribeInstances'; readonly instances: readonly InstanceView[] }
  | { readonly action: 'secretsmanager:GetSecretValue'; readonly arn: string; readonly text: string }
  | { readonly action: 'sns:Publish'; readonly messageId: string }
  | { readonly action: 'sns:GetTopicAttributes'; readonly topicArn: string; readonly owner: string }
  | {
      readonly action: 'sts:AssumeRole';
      /** Who calls with the keys that are given out. */
      readonly caller: Extract<Caller, { readonly kind: 'instance' }>;
      readonly arn: string;
      readonly durationMs: number;
    }
  | {
      readonly action: 'sts:GetCallerIdentity';
      readonly arn: string;
      readonly account: string;
      readonly userId: string;
    };

/** An error as AWS answers it: its code, its sentence, and the HTTP status. */
export interface AwsError {
  readonly code: string;
  readonly message: string;
  readonly status: number;
}

/** A call that was carried out, or refused. */
export type AwsOutcome =
  | { readonly kind: 'ok'; readonly result: AwsResult }
  | { readonly kind: 'error'; readonly error: AwsError };

/** Whether a call changes anything; what doesn't may see stale facts. */
export function isRead(action: AwsAction): boolean {
  switch (action) {
    case 'ec2:DescribeAddresses':
    case 'ec2:DescribeInstances':
    case 'ec2:DescribeInstanceStatus':
    case 'ec2:DescribeNetworkInterfaces':
    case 'ec2:DescribeRouteTables':
    case 'ec2:DescribeSubnets':
    case 'opsworks:DescribeElasticIps':
    case 'opsworks:DescribeInstances':
    case 'secretsmanager:GetSecretValue':
    case 'sns:GetTopicAttributes':
    case 'sts:AssumeRole':
    case 'sts:GetCallerIdentity':
      return true;
    case 'ec2:AssociateAddress':
    case 'ec2:DisassociateAddress':
    case 'ec2:AssignPrivateIpAddresses':
    case 'ec2:UnassignPrivateIpAddresses':
    case 'ec2:AssignIpv6Addresses':
    case 'ec2:UnassignIpv6Addresses':
    case 'ec2:ReplaceRoute':
    case 'ec2:CreateRoute':
    case 'opsworks:AssociateElasticIp':
    case 'opsworks:DisassociateElasticIp':
    case 'sns:Publish':
      return false;
  }
}

/** Whether a call only asks for permission (EC2's `DryRun`; the other services have none). */
export function isDryRun(request: AwsRequest): boolean {
  return 'dryRun' in request && request.dryRun;
}
