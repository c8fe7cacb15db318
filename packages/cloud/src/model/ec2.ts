import { ec2Errors } from './errors.ts';
import type { Caller } from './names.ts';
import {
  addressOnTarget,
  associate,
  autoIp,
  disassociate,
  elasticIps,
  ipv6sOf,
  primaryElasticAddress,
  privateIpsOf,
  type Target,
} from './network.ts';
import { type Applied, done, refused, unchanged } from './outcome.ts';
import type {
  AddressView,
  AssociateAddress,
  AwsError,
  AwsOutcome,
  DescribeAddresses,
  DescribeInstanceStatus,
  DescribeInstances,
  DisassociateAddress,
  Filter,
  InstanceView,
} from './requests.ts';
import type { AwsState, ElasticAddress, Facts, Instance, NetworkInterface } from './state.ts';

/** EC2 API Reference, DescribeAddresses: an id that doesn't exist is an error, a filter that matches nothing isn't. */
export function describeAddresses(facts: Facts, request: DescribeAddresses): AwsOutcome {
  const all = elasticIps(facts);
  for (const ip of request.publicIps) {
    if (!all.some(({ publicIp }) => publicIp === ip)) return refused(ec2Errors.addressNotFound(ip));
  }
  for (const id of request.allocationIds) {
    if (!all.some((address) => address.allocationId === id)) return refused(ec2Errors.allocationNotFound(id));
  }
  const unknown = request.filters.find((filter) => !addressFilters.has(filter.name));
  if (unknown !== undefined)
    return refused(ec2Errors.parameterValue(`The filter '${unknown.name}' is invalid`));
  const addresses = all
    .filter((address) => isListed(request.publicIps, address.publicIp))
    .filter((address) => isListed(request.allocationIds, address.allocationId))
    .filter((address) => request.filters.every((filter) => addressPasses(address, filter)))
    .map(addressView);
  return done({ action: request.action, addresses });
}

type AddressField = (address: ElasticAddress) => string | undefined;

const addressFilters: ReadonlyMap<string, AddressField> = new Map<string, AddressField>([
  ['allocation-id', (address) => address.allocationId],
  ['association-id', (address) => address.association?.id],
  ['domain', () => 'vpc'],
  ['instance-id', (address) => address.association?.instanceId],
  ['network-interface-id', (address) => address.association?.interfaceId],
  ['private-ip-address', (address) => address.association?.privateIp],
  ['public-ip', (address) => address.publicIp],
]);

function addressPasses(address: ElasticAddress, filter: Filter): boolean {
  const value = addressFilters.get(filter.name)?.(address);
  return value !== undefined && filter.values.includes(value);
}

function isListed(list: readonly string[], value: string): boolean {
  return list.length === 0 || list.includes(value);
}

/** What a read shows of an address. */
export function addressView(address: ElasticAddress): AddressView {
  return { publicIp: address.publicIp, allocationId: address.allocationId, association: address.association };
}

/** EC2 API Reference, AssociateAddress. */
export function associateAddress(
  state: AwsState,
  request: AssociateAddress,
  by: Caller,
  atMs: number,
): Applied {
  const address = addressToAssociate(state, request);
  if (address.kind === 'error') return unchanged(state, address);
  const target = targetOf(state, request);
  if (target.kind === 'error') return unchanged(state, target);
  const { association, allocationId, publicIp } = address.address;
  const { interfaceId, privateIp } = target.target;
  if (association?.interfaceId === interfaceId && association.privateIp === privateIp) {
    // "This is an idempotent operation": the association stays the one it is.
    return unchanged(state, done({ action: request.action, associationId: association.id }));
  }
  if (!(request.allowReassociation ?? state.config.allowReassociationDefault)) {
    if (association !== null) {
      return unchanged(state, refused(ec2Errors.alreadyAssociated(allocationId, association.id)));
    }
    const occupant = addressOnTarget(state, interfaceId, privateIp);
    if (occupant !== undefined && state.config.occupiedTarget === 'refuse') {
      return unchanged(state, refused(ec2Errors.targetOccupied(interfaceId, privateIp, occupant.publicIp)));
    }
  }
  const change = associate(state, publicIp, target.target, by, atMs);
  const associationId = change.state.addresses.get(publicIp)?.association?.id ?? '';
  return { ...change, outcome: done({ action: request.action, associationId }) };
}

type AddressChoice =
  | { readonly kind: 'address'; readonly address: ElasticAddress }
  | { readonly kind: 'error'; readonly error: AwsError };

function addressToAssociate(state: AwsState, { allocationId, publicIp }: AssociateAddress): AddressChoice {
  if (allocationId !== null && publicIp !== null) {
    const sentence = 'You may specify public IP or allocation id, but not both in the same call';
    return refused(ec2Errors.parameterCombination(sentence));
  }
  if (publicIp !== null) {
    const address = elasticIps(state).find((each) => each.publicIp === publicIp);
    if (address === undefined) return refused(ec2Errors.addressNotFound(publicIp));
    return { kind: 'address', address };
  }
  if (allocationId === null) {
    return refused(ec2Errors.missingParameter('Either public IP or allocation id must be specified'));
  }
  const address = elasticIps(state).find((each) => each.allocationId === allocationId);
  if (address === undefined) return refused(ec2Errors.allocationNotFound(allocationId));
  return { kind: 'address', address };
}

type TargetChoice =
  | { readonly kind: 'target'; readonly target: Target }
  | { readonly kind: 'error'; readonly error: AwsError };

function targetOf(state: AwsState, request: AssociateAddress): TargetChoice {
  const { instanceId, networkInterfaceId, privateIpAddress } = request;
  if (instanceId !== null && networkInterfaceId !== null) {
    const sentence = 'You may specify instanceId or networkInterfaceId, but not both in the same call';
    return refused(ec2Errors.parameterCombination(sentence));
  }
  if (instanceId !== null) return targetOnInstance(state, instanceId, privateIpAddress);
  if (networkInterfaceId !== null) return targetOnInterface(state, networkInterfaceId, privateIpAddress);
  return refused(ec2Errors.missingParameter('Either instanceId or networkInterfaceId must be specified'));
}

function targetOnInstance(state: AwsState, instanceId: string, privateIp: string | null): TargetChoice {
  const instance = state.instances.get(instanceId);
  if (instance === undefined) return refused(ec2Errors.instanceNotFound(instanceId));
  if (instance.interfaces.length > 1) return refused(ec2Errors.severalInterfaces(instanceId));
  // A stopped instance keeps and may be given addresses; the others can't be.
  if (instance.state !== 'running' && instance.state !== 'stopped') {
    return refused(ec2Errors.instanceNotRunning(instanceId, instance.state));
  }
  return landing(instance, instance.interfaces[0].id, privateIp);
}

function targetOnInterface(state: AwsState, interfaceId: string, privateIp: string | null): TargetChoice {
  for (const instance of state.instances.values()) {
    if (!instance.interfaces.some((each) => each.id === interfaceId)) continue;
    if (instance.state !== 'running' && instance.state !== 'stopped') {
      return refused(ec2Errors.interfaceNotReady(interfaceId, instance.state));
    }
    return landing(instance, interfaceId, privateIp);
  }
  return refused(ec2Errors.interfaceNotFound(interfaceId));
}

function landing(instance: Instance, interfaceId: string, privateIp: string | null): TargetChoice {
  const privateIps: readonly string[] =
    instance.interfaces.find((each) => each.id === interfaceId)?.privateIps ?? [];
  const landed = privateIp ?? privateIps[0];
  if (landed === undefined || !privateIps.includes(landed)) {
    const sentence = `Private IP address '${privateIp}' is not assigned to interface '${interfaceId}'`;
    return refused(ec2Errors.parameterValue(sentence));
  }
  return { kind: 'target', target: { instanceId: instance.id, interfaceId, privateIp: landed } };
}

/** EC2 API Reference, DisassociateAddress, by the association's id: it ends that association and no other. */
export function disassociateAddress(
  state: AwsState,
  request: DisassociateAddress,
  by: Caller,
  atMs: number,
): Applied {
  const { associationId, publicIp } = request;
  if (associationId === null) {
    const error =
      publicIp === null
        ? ec2Errors.missingParameter('Either public IP or association id must be specified')
        : ec2Errors.parameterValue(
            'You must specify an association id when unmapping an address from a VPC instance',
          );
    return unchanged(state, refused(error));
  }
  const address = elasticIps(state).find((each) => each.association?.id === associationId);
  if (address === undefined) {
    return unchanged(
      state,
      state.config.staleDisassociate === 'success'
        ? done({ action: request.action })
        : refused(ec2Errors.associationNotFound(associationId)),
    );
  }
  const change = disassociate(state, address.publicIp, 'disassociated', by, atMs);
  return { ...change, outcome: done({ action: request.action }) };
}

/** EC2 API Reference, DescribeInstances. */
export function describeInstances(facts: Facts, request: DescribeInstances, atMs: number): AwsOutcome {
  const missing = request.instanceIds.find((id) => !facts.instances.has(id));
  if (missing !== undefined) return refused(ec2Errors.instanceNotFound(missing));
  const unknown = request.filters.find(({ name }) => !instanceFilters.has(name) && !name.startsWith('tag:'));
  if (unknown !== undefined)
    return refused(ec2Errors.parameterValue(`The filter '${unknown.name}' is invalid`));
  const instances = [...facts.instances.values()]
    .filter((instance) => isListed(request.instanceIds, instance.id))
    .map((instance) => instanceView(facts, instance, atMs))
    .filter((view) => request.filters.every((filter) => instancePasses(view, filter)));
  return done({ action: request.action, instances });
}

type InstanceField = (view: InstanceView) => readonly string[];

const instanceFilters: ReadonlyMap<string, InstanceField> = new Map<string, InstanceField>([
  ['instance-id', ({ instance }) => [instance.id]],
  ['instance-state-name', ({ instance }) => [instance.state]],
  ['ip-address', ({ publicIp }) => (publicIp === null ? [] : [publicIp])],
  ['private-ip-address', ({ instance }) => [instance.interfaces[0].privateIps[0]]],
  ['network-interface.network-interface-id', ({ instance }) => instance.interfaces.map((each) => each.id)],
  [
    'network-interface.addresses.private-ip-address',
    ({ instance }) => instance.interfaces.flatMap((i) => i.privateIps),
  ],
  ['tag:Name', ({ instance }) => [instance.hostname]],
  [
    'tag-key',
    ({ instance }) => ['Name', 'opsworks:instance', 'opsworks:stack', ...Object.keys(instance.tags ?? {})],
  ],
]);

function tagValues({ instance: { tags = {} } }: InstanceView, name: string): readonly string[] {
  const value = tags[name.replace(/^tag:/, '')];
  return value === undefined ? [] : [value];
}

function instancePasses(view: InstanceView, filter: Filter): boolean {
  const values = instanceFilters.get(filter.name)?.(view) ?? tagValues(view, filter.name);
  return values.some((value) => filter.values.includes(value));
}

/** What a read shows of an instance. */
export function instanceView(facts: Facts, instance: Instance, atMs: number): InstanceView {
  const addresses = elasticIps(facts)
    .filter((address) => address.association?.instanceId === instance.id)
    .map(addressView);
  const publicIp = primaryElasticAddress(facts, instance)?.publicIp ?? autoIp(instance.autoAddress, atMs);
  return { instance: withAssigned(facts, instance, atMs), addresses, publicIp };
}

/** An instance with the addresses that its interfaces have now. */
export function withAssigned(facts: Facts, instance: Instance, atMs: number): Instance {
  const [primary, ...others] = instance.interfaces;
  const now = (card: NetworkInterface): NetworkInterface => {
    const ipv6s = ipv6sOf(facts, card, atMs);
    return {
      ...card,
      privateIps: privateIpsOf(facts, card, atMs),
      ...(ipv6s.length === 0 ? {} : { ipv6s }),
    };
  };
  return { ...instance, interfaces: [now(primary), ...others.map(now)] };
}

/** EC2 API Reference, DescribeInstanceStatus: running instances only, unless it asks for all. */
export function describeInstanceStatus(facts: Facts, request: DescribeInstanceStatus): AwsOutcome {
  const missing = request.instanceIds.find((id) => !facts.instances.has(id));
  if (missing !== undefined) return refused(ec2Errors.instanceNotFound(missing));
  const statuses = [...facts.instances.values()]
    .filter((instance) => isListed(request.instanceIds, instance.id))
    .filter((instance) => request.includeAllInstances || instance.state === 'running')
    .map(({ id, availabilityZone, state, network }) => ({
      instanceId: id,
      availabilityZone,
      state,
      reachability:
        state !== 'running'
          ? ('not-applicable' as const)
          : network === 'gone'
            ? ('impaired' as const)
            : ('ok' as const),
    }));
  return done({ action: request.action, statuses });
}
