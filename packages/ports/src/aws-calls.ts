/**
 * The calls to AWS that drivers are made of, as values: a driver says what is to be asked side by side, and goes on with
 * the answers. Whoever carries the calls out knows the wire (the SDK, or the simulated cloud) and nothing of moves.
 */
import type {
  AssociationId,
  CloudRequest,
  DriverAnswer,
  DriverFailure,
  InstanceId,
  Ip,
  PublishResult,
} from '@failtome/protocol';
import { MALFORMED_CODE, unknown } from './aws-failure.ts';

/**
 * One call. EC2's for Elastic IPs are fenced by ids, those for private addresses by the interface they name; a route is replaced
 * whatever it leads to, and OpsWorks (`stack-…`) has one call that moves an address, whoever has it.
 */
export type AwsCall =
  /** Null: every Elastic IP of the account and region. */
  | {
      readonly kind: 'addresses';
      readonly of: { readonly ip: Ip } | { readonly instanceId: InstanceId } | null;
    }
  | { readonly kind: 'places'; readonly instanceId: InstanceId }
  | ({ readonly kind: 'associate' } & Associate)
  | {
      readonly kind: 'disassociate';
      readonly associationId: AssociationId;
      readonly dryRun: boolean;
      /** The association may be this node's own, so that its end changes the node's public address. */
      readonly own: boolean;
    }
  | {
      readonly kind: 'interfaces';
      readonly of:
        | { readonly privateIp: Ip }
        | { readonly instanceId: InstanceId }
        | { readonly networkInterfaceId: string };
    }
  /** Never with `AllowReassignment`. An IPv6 address has calls of its own. */
  | { readonly kind: 'assign-ip'; readonly ip: Ip; readonly networkInterfaceId: string }
  | { readonly kind: 'unassign-ip'; readonly ip: Ip; readonly networkInterfaceId: string }
  | { readonly kind: 'route-tables'; readonly routeTableIds: readonly string[] }
  | ({ readonly kind: 'replace-route' | 'create-route' } & SetRoute)
  | {
      readonly kind: 'stack-addresses';
      readonly of: { readonly ip: Ip } | { readonly instanceId: InstanceId };
    }
  | { readonly kind: 'stack-associate'; readonly ip: Ip; readonly instanceId: InstanceId }
  | { readonly kind: 'stack-disassociate'; readonly ip: Ip };

/** EC2's AssociateAddress: onto the instance, or onto one of several interfaces. */
export interface Associate {
  readonly dryRun: boolean;
  readonly allocationId: string;
  readonly onto: { readonly instanceId: InstanceId } | { readonly networkInterfaceId: string };
  /** Null: the primary one. */
  readonly privateIp: Ip | null;
  /**
   * Always sent as `AllowReassociation`: what its absence means differs between accounts (EC2 API Reference,
   * AssociateAddress).
   */
  readonly reassociate: boolean;
}

/** EC2's ReplaceRoute, of a route that is there, and CreateRoute, of one that isn't. */
export interface SetRoute {
  readonly dryRun: boolean;
  readonly routeTableId: string;
  /** A CIDR block. */
  readonly destination: string;
  readonly networkInterfaceId: string;
}

/** An Elastic IP as EC2 describes it. */
export interface ElasticIp {
  readonly ip: Ip;
  readonly allocationId: string;
  readonly association: ElasticIpAssociation | null;
}

/** What an Elastic IP is associated with. */
export interface ElasticIpAssociation {
  readonly id: AssociationId;
  /** Null: with an interface that belongs to no instance. */
  readonly instanceId: InstanceId | null;
  readonly networkInterfaceId: string | null;
  readonly privateIp: Ip | null;
}

/** A network interface that an address can land on. */
export interface Place {
  readonly networkInterfaceId: string;
  readonly primary: Ip;
  readonly privateIps: readonly Ip[];
}

/** A network interface, as EC2 describes it by itself. */
export interface NetworkCard {
  readonly networkInterfaceId: string;
  /** Null: it belongs to no instance. */
  readonly instanceId: InstanceId | null;
  readonly subnetId: string;
  readonly vpcId: string;
  /** Null: it is in a subnet of IPv6 alone. */
  readonly primary: Ip | null;
  /** Every address of the subnet that it has, those of IPv6 too; the primary one among them. */
  readonly privateIps: readonly Ip[];
  /** The IPv6 address that stays with it; null: none does. */
  readonly primaryIpv6: Ip | null;
  /** It drops packets to addresses that aren't its own. */
  readonly sourceDestCheck: boolean;
}

/** A route table, as EC2 describes it. */
export interface RouteTable {
  readonly routeTableId: string;
  readonly vpcId: string;
  readonly routes: readonly Route[];
}

/** One route for IPv4. */
export interface Route {
  /** A CIDR block. */
  readonly destination: string;
  /** Null: it leads to no instance, or to one that is gone. */
  readonly instanceId: InstanceId | null;
  readonly networkInterfaceId: string | null;
  /** The VPC's own, which every table has. */
  readonly isLocal: boolean;
}

/** An address as OpsWorks describes it. */
export interface StackAddress {
  readonly ip: Ip;
  readonly instanceId: InstanceId | null;
}

/** What a call that succeeded tells. */
export type AwsOutput =
  | { readonly kind: 'addresses'; readonly addresses: readonly ElasticIp[] }
  | { readonly kind: 'places'; readonly places: readonly Place[] }
  | { readonly kind: 'associated'; readonly associationId: AssociationId }
  | { readonly kind: 'interfaces'; readonly interfaces: readonly NetworkCard[] }
  /** Those of IPv6 that were there, and are no longer. */
  | { readonly kind: 'unassigned'; readonly ips: readonly Ip[] }
  | { readonly kind: 'route-tables'; readonly tables: readonly RouteTable[] }
  | { readonly kind: 'stack-addresses'; readonly addresses: readonly StackAddress[] }
  | { readonly kind: 'done' };

/** How a call ended. */
export type CallOutcome<Output = AwsOutput> =
  | { readonly kind: 'ok'; readonly output: Output }
  | { readonly kind: 'failed'; readonly failure: DriverFailure };

/** One operation of a driver: yields the calls to make side by side, is given their outcomes in the same order. */
export type DriverRun<Answer = DriverAnswer> = Generator<readonly AwsCall[], Answer, readonly CallOutcome[]>;

/** Service and operation of a call, as they stand in metrics and history; a dry run is an operation of its own. */
export function operationOf(call: AwsCall): {
  readonly service: 'ec2' | 'opsworks';
  readonly operation: string;
} {
  const [service] = OPERATIONS[call.kind];
  const action = actionOf(call);
  return { service, operation: 'dryRun' in call && call.dryRun ? `${action}DryRun` : action };
}

/** Whether an address is one of IPv6. */
export function isIpv6(ip: Ip): boolean {
  return ip.includes(':');
}

/** The filter of DescribeNetworkInterfaces that a question is asked by. */
export function interfaceFilter(of: Extract<AwsCall, { kind: 'interfaces' }>['of']): {
  readonly name: string;
  readonly values: readonly [string];
} {
  if ('privateIp' in of) {
    const name = isIpv6(of.privateIp) ? 'ipv6-addresses.ipv6-address' : 'addresses.private-ip-address';
    return { name, values: [of.privateIp] };
  }
  if ('instanceId' in of) return { name: 'attachment.instance-id', values: [of.instanceId] };
  return { name: 'network-interface-id', values: [of.networkInterfaceId] };
}

/** What the API Reference calls it. */
export function actionOf(call: AwsCall): string {
  if (call.kind === 'assign-ip' && isIpv6(call.ip)) return 'AssignIpv6Addresses';
  if (call.kind === 'unassign-ip' && isIpv6(call.ip)) return 'UnassignIpv6Addresses';
  return OPERATIONS[call.kind][1];
}

const OPERATIONS = {
  addresses: ['ec2', 'DescribeAddresses'],
  places: ['ec2', 'DescribeInstances'],
  associate: ['ec2', 'AssociateAddress'],
  disassociate: ['ec2', 'DisassociateAddress'],
  interfaces: ['ec2', 'DescribeNetworkInterfaces'],
  'assign-ip': ['ec2', 'AssignPrivateIpAddresses'],
  'unassign-ip': ['ec2', 'UnassignPrivateIpAddresses'],
  'route-tables': ['ec2', 'DescribeRouteTables'],
  'replace-route': ['ec2', 'ReplaceRoute'],
  'create-route': ['ec2', 'CreateRoute'],
  'stack-addresses': ['opsworks', 'DescribeElasticIps'],
  'stack-associate': ['opsworks', 'AssociateElasticIp'],
  'stack-disassociate': ['opsworks', 'DisassociateElasticIp'],
} as const satisfies Record<AwsCall['kind'], readonly ['ec2' | 'opsworks', string]>;

/** What became of a publication. */
export function publishResultOf(outcome: CallOutcome<unknown>, request: CloudRequest): PublishResult {
  if (outcome.kind === 'ok') return { kind: 'accepted', request };
  const { code, message } = outcome.failure;
  return { kind: 'failed', detail: `${code}: ${message}`, request };
}

/** Whether sending it twice changes nothing. What moves an address is sent once, whatever becomes of it. */
export function isRepeatable(call: AwsCall): boolean {
  switch (call.kind) {
    case 'addresses':
    case 'places':
    case 'interfaces':
    case 'route-tables':
    case 'stack-addresses':
      return true;
    case 'associate':
    case 'disassociate':
    case 'replace-route':
    case 'create-route':
      return call.dryRun;
    case 'assign-ip':
    case 'unassign-ip':
    case 'stack-associate':
    case 'stack-disassociate':
      return false;
  }
}

/** A read is sent at most so many times within its time. */
export const READ_ATTEMPTS = 3;

/** How long a read that failed waits before it is sent again: from so long, doubling, up to so long. */
export const READ_BACKOFF_MS: readonly [least: number, most: number] = [50, 400];

/** The part of its time after which a first read gets a second one beside it, on a fresh connection. */
export const FIRST_READ_SHARE = 0.4;

/** No connection within this: the call is given up, unsent. Leaves room for one lost SYN, which TCP sends again after a second. */
export const CONNECT_TIMEOUT_MS = 1_500;

/** The output of one call, by its kind; another kind is an answer that can't be read. */
export function outputOf<K extends AwsOutput['kind']>(
  outcome: CallOutcome | undefined,
  kind: K,
): CallOutcome<Extract<AwsOutput, { kind: K }>> {
  if (outcome?.kind === 'failed') return outcome;
  const output = outcome?.output;
  if (output !== undefined && isOf(output, kind)) return { kind: 'ok', output };
  return { kind: 'failed', failure: unknown(MALFORMED_CODE, `the answer has no ${kind}`) };
}

function isOf<K extends AwsOutput['kind']>(
  output: AwsOutput,
  kind: K,
): output is Extract<AwsOutput, { kind: K }> {
  return output.kind === kind;
}
