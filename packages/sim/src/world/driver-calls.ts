/**
 * A driver's calls in the words of the model of AWS, and the model's answers in the driver's.
 */
import {
  type AddressView,
  type AwsRequest,
  type AwsResult,
  type InstanceView,
  type InterfaceView,
  type RouteTableView,
  subnetIdOf,
  VPC_ID,
} from '@failtome/cloud/model';
import {
  type AwsCall,
  type AwsOutput,
  type CallOutcome,
  CONNECT_TIMEOUT_CODE,
  type ElasticIp,
  failureOfAnswer,
  interfaceFilter,
  isIpv6,
  type NetworkCard,
  type Place,
  type RouteTable,
  refused,
  TIMED_OUT,
  unknown,
} from '@failtome/ports';
import type { DriverFailure } from '@failtome/protocol';
import type { CallEnd } from './cloud.ts';

/** The request that the model is asked for a call. */
export function requestOf(call: AwsCall): AwsRequest {
  switch (call.kind) {
    case 'addresses':
      return {
        action: 'ec2:DescribeAddresses',
        dryRun: false,
        publicIps: [],
        allocationIds: [],
        filters: filtersOf(call.of),
      };
    case 'places':
      return { action: 'ec2:DescribeInstances', dryRun: false, instanceIds: [call.instanceId], filters: [] };
    case 'associate': {
      const { onto, dryRun, allocationId, privateIp, reassociate } = call;
      return {
        action: 'ec2:AssociateAddress',
        dryRun,
        allocationId,
        publicIp: null,
        instanceId: 'instanceId' in onto ? onto.instanceId : null,
        networkInterfaceId: 'networkInterfaceId' in onto ? onto.networkInterfaceId : null,
        privateIpAddress: privateIp,
        allowReassociation: reassociate,
      };
    }
    case 'disassociate': {
      const { dryRun, associationId } = call;
      return { action: 'ec2:DisassociateAddress', dryRun, associationId, publicIp: null };
    }
    case 'interfaces':
    case 'assign-ip':
    case 'unassign-ip':
      return interfaceRequestOf(call);
    case 'route-tables':
    case 'replace-route':
    case 'create-route':
      return routeRequestOf(call);
    case 'stack-addresses':
      return {
        action: 'opsworks:DescribeElasticIps',
        stackId: null,
        instanceId: 'instanceId' in call.of ? call.of.instanceId : null,
        ips: 'ip' in call.of ? [call.of.ip] : [],
      };
    case 'stack-associate':
      return { action: 'opsworks:AssociateElasticIp', elasticIp: call.ip, instanceId: call.instanceId };
    case 'stack-disassociate':
      return { action: 'opsworks:DisassociateElasticIp', elasticIp: call.ip };
  }
}

function interfaceRequestOf(
  call: Extract<AwsCall, { kind: 'interfaces' | 'assign-ip' | 'unassign-ip' }>,
): AwsRequest {
  switch (call.kind) {
    case 'interfaces':
      return {
        action: 'ec2:DescribeNetworkInterfaces',
        dryRun: false,
        networkInterfaceIds: [],
        filters: [interfaceFilter(call.of)],
      };
    case 'assign-ip': {
      const { ip, networkInterfaceId } = call;
      if (isIpv6(ip)) return { action: 'ec2:AssignIpv6Addresses', networkInterfaceId, ipv6Addresses: [ip] };
      const action = 'ec2:AssignPrivateIpAddresses';
      return { action, networkInterfaceId, privateIpAddresses: [ip], allowReassignment: null };
    }
    case 'unassign-ip': {
      const { ip, networkInterfaceId } = call;
      return isIpv6(ip)
        ? { action: 'ec2:UnassignIpv6Addresses', networkInterfaceId, ipv6Addresses: [ip] }
        : { action: 'ec2:UnassignPrivateIpAddresses', networkInterfaceId, privateIpAddresses: [ip] };
    }
  }
}

function routeRequestOf(
  call: Extract<AwsCall, { kind: 'route-tables' | 'replace-route' | 'create-route' }>,
): AwsRequest {
  if (call.kind === 'route-tables') {
    const { routeTableIds } = call;
    return { action: 'ec2:DescribeRouteTables', dryRun: false, routeTableIds, filters: [] };
  }
  const { kind, ...route } = call;
  const action = kind === 'replace-route' ? 'ec2:ReplaceRoute' : 'ec2:CreateRoute';
  return { action, ...route, instanceId: null };
}

function filtersOf(of: Extract<AwsCall, { kind: 'addresses' }>['of']) {
  if (of === null) return [];
  return 'ip' in of
    ? [{ name: 'public-ip', values: [of.ip] }]
    : [{ name: 'instance-id', values: [of.instanceId] }];
}

/** What the end of a call tells the driver. */
export function outcomeOf(end: CallEnd): CallOutcome {
  return end.kind === 'ok'
    ? { kind: 'ok', output: outputOf(end.result) }
    : { kind: 'failed', failure: failureOf(end) };
}

function failureOf(end: Exclude<CallEnd, { kind: 'ok' }>): DriverFailure {
  switch (end.kind) {
    case 'error':
      return failureOfAnswer(end);
    case 'unsent':
      return refused(CONNECT_TIMEOUT_CODE, 'no connection came about in time');
    case 'timeout':
      return TIMED_OUT;
    case 'reset':
      return unknown('ECONNRESET', 'the connection was reset');
  }
}

function outputOf(result: AwsResult): AwsOutput {
  switch (result.action) {
    case 'ec2:DescribeAddresses':
      return { kind: 'addresses', addresses: result.addresses.map(elasticIp) };
    case 'ec2:DescribeInstances':
      return { kind: 'places', places: result.instances.flatMap(placesOf) };
    case 'ec2:AssociateAddress':
      return { kind: 'associated', associationId: result.associationId };
    case 'ec2:DescribeNetworkInterfaces':
      return { kind: 'interfaces', interfaces: result.interfaces.map(networkCard) };
    case 'ec2:UnassignIpv6Addresses':
      return { kind: 'unassigned', ips: result.ipv6Addresses };
    case 'ec2:DescribeRouteTables':
      return { kind: 'route-tables', tables: result.tables.map(routeTable) };
    case 'opsworks:DescribeElasticIps':
      return { kind: 'stack-addresses', addresses: result.elasticIps };
    default:
      return { kind: 'done' };
  }
}

function elasticIp({ publicIp, allocationId, association }: AddressView): ElasticIp {
  if (association === null) return { ip: publicIp, allocationId, association };
  const { id, instanceId, interfaceId, privateIp } = association;
  return {
    ip: publicIp,
    allocationId,
    association: { id, instanceId, networkInterfaceId: interfaceId, privateIp },
  };
}

function networkCard({ card, instance }: InterfaceView): NetworkCard {
  return {
    networkInterfaceId: card.id,
    instanceId: instance.id,
    subnetId: subnetIdOf(instance),
    vpcId: VPC_ID,
    primary: card.privateIps[0],
    privateIps: [...card.privateIps, ...(card.ipv6s ?? [])],
    // None of the model's stays for good.
    primaryIpv6: null,
    sourceDestCheck: card.sourceDestCheck !== false,
  };
}

function routeTable({ routeTableId, routes }: RouteTableView): RouteTable {
  return {
    routeTableId,
    vpcId: VPC_ID,
    routes: routes.map(({ destination, target }) => ({
      destination,
      instanceId: target?.instanceId ?? null,
      networkInterfaceId: target?.interfaceId ?? null,
      isLocal: target === null,
    })),
  };
}

function placesOf({ instance }: InstanceView): readonly Place[] {
  return instance.interfaces.map(({ id, privateIps }) => ({
    networkInterfaceId: id,
    primary: privateIps[0],
    privateIps,
  }));
}
