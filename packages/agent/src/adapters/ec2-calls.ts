/**
 * The EC2 calls that a move is made of, and what their answers mean. Without state: the driver and the
 * preflight share them.
 */
import {
  type Address,
  AssociateAddressCommand,
  type AssociateAddressCommandInput,
  DescribeAddressesCommand,
  DescribeInstancesCommand,
  DisassociateAddressCommand,
  type Instance,
} from '@aws-sdk/client-ec2';
import type { AssociationId, DriverAnswer, DriverFailure, InstanceId, Ip } from '@failtome/protocol';
import {
  type AwsClients,
  type CallContext,
  type CallOutcome,
  callAws,
  DRY_RUN_PASSED,
  readAws,
} from './aws-clients.ts';
import { MALFORMED_CODE } from './aws-failure.ts';

/** An Elastic IP as EC2 describes it. */
export interface ElasticIp {
  readonly ip: Ip;
  readonly allocationId: string;
  readonly association: ElasticIpAssociation | null;
}

export interface ElasticIpAssociation {
  readonly id: AssociationId;
  /** Null: with an interface that belongs to no instance. */
  readonly instanceId: InstanceId | null;
  readonly networkInterfaceId: string | null;
  readonly privateIp: Ip | null;
}

/**
 * Where an address would land on this instance.
 * `unresolved`: EC2 has not said yet which interfaces there are; it will refuse if they are several.
 */
export type Target =
  | {
      readonly kind: 'interface';
      readonly networkInterfaceId: string;
      readonly privateIp: Ip;
      readonly only: boolean;
    }
  | { readonly kind: 'unresolved' }
  | { readonly kind: 'impossible'; readonly failure: Refusal };

export type Refusal = Extract<DriverFailure, { kind: 'refused' }>;

/** This instance, and the private address it was told to put an address on, if any. */
export interface Landing {
  readonly instanceId: InstanceId;
  readonly privateIp: Ip | null;
}

/**
 * Up to so many addresses in the account and region, one request reads them all: the contested one and
 * whatever else sits on this instance, as of the same moment. Beyond, two filtered requests side by side.
 */
export const MAX_UNFILTERED_ADDRESSES = 50;

export type AddressesOutcome = CallOutcome<readonly ElasticIp[]>;

/** Every Elastic IP of the account and region. */
export async function readAllAddresses(clients: AwsClients, context: CallContext): Promise<AddressesOutcome> {
  return readAddresses(clients, {}, context);
}

/** The contested address, and those on this instance. */
export async function readSomeAddresses(
  clients: AwsClients,
  ip: Ip,
  instanceId: InstanceId,
  context: CallContext,
): Promise<AddressesOutcome> {
  const filter = (Name: string, value: string) => ({ Filters: [{ Name, Values: [value] }] });
  const [contested, here] = await Promise.all([
    readAddresses(clients, filter('public-ip', ip), context),
    readAddresses(clients, filter('instance-id', instanceId), context),
  ]);
  if (contested.kind === 'failed') return contested;
  if (here.kind === 'failed') return here;
  const others = here.output.filter((address) => address.ip !== ip);
  return { kind: 'ok', output: [...contested.output, ...others] };
}

async function readAddresses(
  clients: AwsClients,
  input: { readonly Filters?: { Name: string; Values: string[] }[] },
  context: CallContext,
): Promise<AddressesOutcome> {
  const outcome = await readAws(
    clients,
    {
      service: 'ec2',
      operation: 'DescribeAddresses',
      send: (options) => clients.ec2.send(new DescribeAddressesCommand(input), options),
    },
    context,
  );
  if (outcome.kind === 'failed') return outcome;
  const { Addresses } = outcome.output;
  // An answer without the list isn't one without addresses.
  if (Addresses === undefined) return malformed('DescribeAddresses answered without addresses');
  return { kind: 'ok', output: Addresses.flatMap((address) => elasticIp(address) ?? []) };
}

function elasticIp(address: Address): ElasticIp | null {
  const { PublicIp, AllocationId, AssociationId, InstanceId, NetworkInterfaceId, PrivateIpAddress } = address;
  if (!PublicIp || !AllocationId) return null;
  const association = AssociationId
    ? {
        id: AssociationId,
        instanceId: InstanceId || null,
        networkInterfaceId: NetworkInterfaceId || null,
        privateIp: PrivateIpAddress || null,
      }
    : null;
  return { ip: PublicIp, allocationId: AllocationId, association };
}

/** Ask EC2 for this instance's network interfaces. */
export async function readInstance(
  clients: AwsClients,
  instanceId: InstanceId,
  context: CallContext,
): Promise<CallOutcome<Instance>> {
  const outcome = await readAws(
    clients,
    {
      service: 'ec2',
      operation: 'DescribeInstances',
      send: (options) =>
        clients.ec2.send(new DescribeInstancesCommand({ InstanceIds: [instanceId] }), options),
    },
    context,
  );
  if (outcome.kind === 'failed') return outcome;
  const instances = (outcome.output.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []);
  const found = instances.find(({ InstanceId }) => InstanceId === instanceId);
  if (found === undefined) return malformed(`DescribeInstances answered without ${instanceId}`);
  return { kind: 'ok', output: found };
}

/**
 * Where an address lands on an instance. By `InstanceId` alone EC2 takes the primary private address of
 * the only interface; with several, the interface has to be named, and which one only the operator knows.
 */
export function targetOn(instance: Instance, privateIp: Ip | null): Target {
  const places = (instance.NetworkInterfaces ?? []).flatMap((each) => {
    const privateIps = (each.PrivateIpAddresses ?? []).map(({ PrivateIpAddress }) => PrivateIpAddress);
    const primary = each.PrivateIpAddress;
    return each.NetworkInterfaceId && primary
      ? [{ networkInterfaceId: each.NetworkInterfaceId, primary, privateIps: [primary, ...privateIps] }]
      : [];
  });
  const [first, second] = places;
  if (first === undefined) return { kind: 'unresolved' };
  const only = second === undefined;
  if (privateIp === null) {
    if (!only) return impossible('SeveralInterfaces', severalInterfaces(places.length));
    return {
      kind: 'interface',
      networkInterfaceId: first.networkInterfaceId,
      privateIp: first.primary,
      only,
    };
  }
  const place = places.find(({ privateIps }) => privateIps.includes(privateIp));
  if (place === undefined) {
    return impossible('PrivateIpNotFound', `no network interface of this instance has ${privateIp}`);
  }
  return { kind: 'interface', networkInterfaceId: place.networkInterfaceId, privateIp, only };
}

function severalInterfaces(count: number): string {
  return `this instance has ${count} network interfaces, and the address has no privateIp to choose by`;
}

function impossible(code: string, message: string): Target {
  return { kind: 'impossible', failure: { kind: 'refused', throttled: false, code, message } };
}

/** Whether an association is exactly where this node would make it. */
export function isHere(association: ElasticIpAssociation, landing: Landing, target: Target): boolean {
  if (target.kind === 'interface') {
    return (
      association.networkInterfaceId === target.networkInterfaceId &&
      association.privateIp === target.privateIp
    );
  }
  if (association.instanceId !== landing.instanceId) return false;
  return landing.privateIp === null || association.privateIp === landing.privateIp;
}

/** The other Elastic IP that taking `ip` would throw off. */
export function displacedBy(
  addresses: readonly ElasticIp[],
  ip: Ip,
  landing: Landing,
  target: Target,
): Ip | null {
  const occupant = addresses.find(
    (each) => each.ip !== ip && each.association !== null && isHere(each.association, landing, target),
  );
  return occupant?.ip ?? null;
}

/** One claim of an address, dry or not. */
export interface Claim {
  readonly allocationId: string;
  readonly landing: Landing;
  readonly target: Exclude<Target, { kind: 'impossible' }>;
  readonly reassociate: boolean;
}

/**
 * AssociateAddress. `AllowReassociation` is always sent: what its absence means differs between accounts
 * (EC2 API Reference, AssociateAddress).
 */
export async function associate(
  clients: AwsClients,
  claim: Claim,
  context: CallContext,
): Promise<DriverAnswer> {
  const outcome = await callAws(
    clients,
    {
      service: 'ec2',
      operation: 'AssociateAddress',
      send: (options) => clients.ec2.send(new AssociateAddressCommand(associateInput(claim)), options),
    },
    context,
  );
  if (outcome.kind === 'ok') {
    const { AssociationId } = outcome.output;
    if (AssociationId) return { kind: 'taken', associationId: AssociationId };
    return malformed('AssociateAddress answered without an association').failure;
  }
  return isHeldByAnother(outcome.failure) ? { kind: 'held' } : outcome.failure;
}

function associateInput({ allocationId, landing, target, reassociate }: Claim): AssociateAddressCommandInput {
  const claim = { AllocationId: allocationId, AllowReassociation: reassociate };
  if (target.kind === 'interface' && !target.only) {
    return { ...claim, NetworkInterfaceId: target.networkInterfaceId, PrivateIpAddress: target.privateIp };
  }
  const byInstance = { ...claim, InstanceId: landing.instanceId };
  return landing.privateIp === null ? byInstance : { ...byInstance, PrivateIpAddress: landing.privateIp };
}

const ALREADY_ASSOCIATED = 'Resource.AlreadyAssociated';

/** The same code also says that the interface is taken (by another address); then it names the interface. */
function isHeldByAnother({ code, message }: DriverFailure): boolean {
  return code === ALREADY_ASSOCIATED && !/\beni-[0-9a-f]+/.test(message);
}

const STALE_ASSOCIATION = 'InvalidAssociationID.NotFound';

/** DisassociateAddress: ends that association and no other. */
export async function disassociate(
  clients: AwsClients,
  associationId: AssociationId,
  context: CallContext,
): Promise<DriverAnswer> {
  const outcome = await callAws(
    clients,
    {
      service: 'ec2',
      operation: 'DisassociateAddress',
      send: (options) =>
        clients.ec2.send(new DisassociateAddressCommand({ AssociationId: associationId }), options),
    },
    context,
  );
  if (outcome.kind === 'ok') return { kind: 'released' };
  return outcome.failure.code === STALE_ASSOCIATION ? { kind: 'stale' } : outcome.failure;
}

/** Null: the caller may. These codes come only after that was decided, and speak of the moment. */
export type DryRunOutcome = DriverFailure | null;

const BEYOND_PERMISSION: ReadonlySet<string> = new Set([
  DRY_RUN_PASSED,
  ALREADY_ASSOCIATED,
  STALE_ASSOCIATION,
]);

/** Ask whether this node may associate the address here. */
export async function dryAssociate(
  clients: AwsClients,
  claim: Claim,
  context: CallContext,
): Promise<DryRunOutcome> {
  const command = new AssociateAddressCommand({ ...associateInput(claim), DryRun: true });
  return dryRun(
    clients,
    'AssociateAddress',
    (abortSignal) => clients.ec2.send(command, { abortSignal }),
    context,
  );
}

/** Ask whether this node may end the association. Only a live one is sure to be judged by the address's own rules. */
export async function dryDisassociate(
  clients: AwsClients,
  associationId: AssociationId,
  context: CallContext,
): Promise<DryRunOutcome> {
  const command = new DisassociateAddressCommand({ AssociationId: associationId, DryRun: true });
  return dryRun(
    clients,
    'DisassociateAddress',
    (abortSignal) => clients.ec2.send(command, { abortSignal }),
    context,
  );
}

async function dryRun(
  clients: AwsClients,
  operation: string,
  send: (abortSignal: AbortSignal) => Promise<unknown>,
  context: CallContext,
): Promise<DryRunOutcome> {
  const outcome = await readAws(
    clients,
    {
      service: 'ec2',
      operation: `${operation}DryRun`,
      send: ({ abortSignal }) => send(abortSignal),
    },
    context,
  );
  if (outcome.kind === 'ok' || BEYOND_PERMISSION.has(outcome.failure.code)) return null;
  return { ...outcome.failure, message: `${operation}: ${outcome.failure.message}` };
}

function malformed(message: string): { readonly kind: 'failed'; readonly failure: DriverFailure } {
  return { kind: 'failed', failure: { kind: 'unknown', code: MALFORMED_CODE, message } };
}
