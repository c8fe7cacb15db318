/**
 * The calls of the `ec2` driver: a move fenced by the association's id.
 *
 * What it keeps between operations is only what saves a round trip: the allocation id, where the address
 * lands on this instance, and the association it read last. None of it decides anything.
 */
import type {
  AssociationId,
  DriverAnswer,
  DriverFailure,
  DriverOperation,
  InstanceId,
  Ip,
} from '@failtome/protocol';
import {
  type AwsCall,
  actionOf,
  type CallOutcome,
  type DriverRun,
  type ElasticIp,
  type ElasticIpAssociation,
  outputOf,
  type Place,
} from './aws-calls.ts';
import { isHeldByAnother, isPermitted, isStaleAssociation, refused } from './aws-failure.ts';
import type { OwnSpec } from './own-card.ts';

/** An address to move, and what is known of it beforehand. */
export interface Ec2Address {
  readonly ip: Ip;
  /** Null: read with the address. */
  readonly allocationId: string | null;
  /** The private address to put it on; null: the primary one of the only interface. */
  readonly privateIp: Ip | null;
  /** Left out: asked of EC2 with the first read. */
  readonly target?: Target;
}

/** For which instance and which addresses EC2 is called. */
export interface Ec2Options extends OwnSpec {
  readonly addresses: readonly Ec2Address[];
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
  | { readonly kind: 'impossible'; readonly failure: DriverFailure };

/** This instance, and the interface and the private address it was told to put an address on, if any. */
export interface Landing extends OwnSpec {
  readonly privateIp: Ip | null;
}

/** What AssociateAddress needs to know. */
export interface AssociateRequest {
  readonly allocationId: string;
  readonly landing: Landing;
  readonly target: Exclude<Target, { kind: 'impossible' }>;
  readonly reassociate: boolean;
}

/** Runs operations; those of one address share what was learnt of it. */
export interface Ec2Calls {
  run(ip: Ip, operation: DriverOperation): DriverRun;
}

/**
 * Up to so many addresses in the account and region, one request reads them all: the contested one and
 * whatever else sits on this instance, as of the same moment. Beyond, two filtered requests side by side.
 */
const MAX_UNFILTERED_ADDRESSES = 50;

interface Contested extends Landing {
  readonly ip: Ip;
  allocationId: string | null;
  target: Target;
  /** Null until the first read. */
  seen: { readonly associationId: AssociationId | null; readonly instanceId: InstanceId | null } | null;
}

/** The driver's calls, with nothing learnt yet. */
export function createEc2Calls({ instanceId, networkInterfaceId, addresses }: Ec2Options): Ec2Calls {
  const contested = new Map<Ip, Contested>(
    addresses.map(({ ip, allocationId, privateIp, target = { kind: 'unresolved' } }) => [
      ip,
      { ip, instanceId, networkInterfaceId, privateIp, allocationId, target, seen: null },
    ]),
  );
  const account = { manyAddresses: false };
  return {
    *run(ip, operation) {
      const address = contested.get(ip);
      if (address === undefined) return refused('UnknownAddress', `${ip} is not configured`);
      switch (operation.op) {
        case 'read':
          return yield* read(address, account);
        case 'permit':
          return yield* permit(address, account);
        case 'release':
          return yield* release(address, operation.associationId);
        case 'take':
          return yield* take(address, operation.reassociate, account);
      }
    },
  };
}

function* read(address: Contested, account: { manyAddresses: boolean }): DriverRun {
  const { ip, instanceId } = address;
  const asked: AwsCall[] = account.manyAddresses
    ? [
        { kind: 'addresses', of: { ip } },
        { kind: 'addresses', of: { instanceId } },
      ]
    : [{ kind: 'addresses', of: null }];
  const resolving = address.target.kind === 'unresolved';
  const outcomes = yield resolving ? [...asked, { kind: 'places', instanceId }] : asked;
  if (resolving) resolve(address, outcomes.at(-1));
  const all: ElasticIp[] = [];
  for (const outcome of outcomes.slice(0, asked.length)) {
    const shown = outputOf(outcome, 'addresses');
    if (shown.kind === 'failed') return shown.failure;
    all.push(...shown.output.addresses);
  }
  account.manyAddresses ||= all.length > MAX_UNFILTERED_ADDRESSES;
  return associationIn(address, all);
}

function associationIn(address: Contested, all: readonly ElasticIp[]): DriverAnswer {
  const found = all.find(({ ip }) => ip === address.ip);
  if (found === undefined) return refused('InvalidAddress.NotFound', absent(address.ip));
  if (address.allocationId !== null && address.allocationId !== found.allocationId) {
    const told = `${address.ip} has allocation id ${found.allocationId}, not ${address.allocationId}`;
    return refused('AllocationIdMismatch', told);
  }
  const { association } = found;
  address.allocationId = found.allocationId;
  address.seen = {
    associationId: association?.id ?? null,
    instanceId: association?.instanceId ?? null,
  };
  return {
    kind: 'read',
    association:
      association === null
        ? { kind: 'none' }
        : {
            kind: 'associated',
            associationId: association.id,
            instanceId: association.instanceId,
            node: null,
            self: isHere(association, address, address.target),
          },
    displaces: displacedBy(all, address.ip, address, address.target),
  };
}

/** A failure leaves the target as it was: EC2 itself has the last word on where the address lands. */
function resolve(address: Contested, outcome: CallOutcome | undefined): void {
  const shown = outputOf(outcome, 'places');
  if (shown.kind === 'ok') address.target = targetOn(shown.output.places, address);
}

/** Everything that an associate needs, looked up where it isn't known yet. */
function* associateRequest(
  address: Contested,
  reassociate: boolean,
  account: { manyAddresses: boolean },
): DriverRun<AssociateRequest | DriverFailure> {
  if (address.allocationId === null) {
    const answer = yield* read(address, account);
    if (answer.kind === 'refused' || answer.kind === 'unknown') return answer;
  }
  const { allocationId, target } = address;
  if (target.kind === 'impossible') return target.failure;
  if (allocationId === null) return refused('NoAllocationId', absent(address.ip));
  return { allocationId, landing: address, target, reassociate };
}

/** Both calls of a move as dry runs, and the interfaces anew. An address nobody holds needs no release. */
function* permit(address: Contested, account: { manyAddresses: boolean }): DriverRun {
  const { instanceId } = address;
  if (address.seen === null) {
    const answer = yield* read(address, account);
    if (answer.kind !== 'read') return answer;
  }
  const request = yield* associateRequest(address, false, account);
  if ('kind' in request) {
    const [places] = yield [{ kind: 'places', instanceId }];
    resolve(address, places);
    return request;
  }
  const dryRuns = dryRunsOf(request, address.seen?.associationId ?? null);
  const outcomes = yield [...dryRuns, { kind: 'places', instanceId }];
  resolve(address, outcomes.at(-1));
  if (address.target.kind === 'impossible') return address.target.failure;
  return gravest(dryRuns.map((call, index) => refusalIn(call, outcomes[index]))) ?? { kind: 'permitted' };
}

/** Both calls of a move, to be judged and not carried out. `associationId` null: nobody holds it, nothing to end. */
export function dryRunsOf(
  request: AssociateRequest,
  associationId: AssociationId | null,
): readonly [AwsCall, ...AwsCall[]] {
  const take = associateCall(request, true);
  return associationId === null
    ? [take]
    : [take, { kind: 'disassociate', associationId, dryRun: true, own: false }];
}

/** Why a dry run shows no permission; null where it shows one. */
export function refusalIn(call: AwsCall, outcome: CallOutcome | undefined): DriverFailure | null {
  if (outcome?.kind !== 'failed' || isPermitted(outcome.failure)) return null;
  const { failure } = outcome;
  return { ...failure, message: `${actionOf(call)}: ${failure.message}` };
}

function* release(address: Contested, associationId: AssociationId | null): DriverRun {
  if (associationId === null) return refused('NoAssociationId', 'a release must name its association');
  const { seen, instanceId } = address;
  const elsewhere = seen?.associationId === associationId && seen.instanceId !== instanceId;
  const [outcome] = yield [{ kind: 'disassociate', associationId, dryRun: false, own: !elsewhere }];
  if (outcome?.kind !== 'failed') return { kind: 'released' };
  return isStaleAssociation(outcome.failure) ? { kind: 'stale' } : outcome.failure;
}

function* take(address: Contested, reassociate: boolean, account: { manyAddresses: boolean }): DriverRun {
  const request = yield* associateRequest(address, reassociate, account);
  if ('kind' in request) return request;
  const [outcome] = yield [associateCall(request, false)];
  const taken = outputOf(outcome, 'associated');
  if (taken.kind === 'ok') return { kind: 'taken', associationId: taken.output.associationId };
  return isHeldByAnother(taken.failure) ? { kind: 'held' } : taken.failure;
}

function associateCall(request: AssociateRequest, dryRun: boolean): AwsCall {
  const { allocationId, landing, target, reassociate } = request;
  const claim = { kind: 'associate', dryRun, allocationId, reassociate } as const;
  if (target.kind === 'interface' && !target.only)
    return { ...claim, onto: { networkInterfaceId: target.networkInterfaceId }, privateIp: target.privateIp };
  const { instanceId, networkInterfaceId, privateIp } = landing;
  return { ...claim, onto: networkInterfaceId === null ? { instanceId } : { networkInterfaceId }, privateIp };
}

/**
 * Where an address lands on an instance. By the instance alone EC2 takes the primary private address of
 * the only interface; with several, the interface has to be named, and which one only the operator knows.
 */
export function targetOn(
  places: readonly Place[],
  { networkInterfaceId, privateIp }: Pick<Landing, 'networkInterfaceId' | 'privateIp'>,
): Target {
  const [first, second] = places;
  if (first === undefined) return { kind: 'unresolved' };
  if (networkInterfaceId !== null) return namedTarget(places, networkInterfaceId, privateIp);
  const only = second === undefined;
  if (privateIp === null) {
    const told = `this instance has ${places.length} network interfaces, and neither driver.networkInterfaceId nor a privateIp of the address chooses one`;
    if (!only) return { kind: 'impossible', failure: refused('SeveralInterfaces', told) };
    return {
      kind: 'interface',
      networkInterfaceId: first.networkInterfaceId,
      privateIp: first.primary,
      only,
    };
  }
  const place = places.find(({ privateIps }) => privateIps.includes(privateIp));
  if (place === undefined) {
    const told = `no network interface of this instance has ${privateIp}`;
    return { kind: 'impossible', failure: refused('PrivateIpNotFound', told) };
  }
  return { kind: 'interface', networkInterfaceId: place.networkInterfaceId, privateIp, only };
}

function namedTarget(places: readonly Place[], networkInterfaceId: string, privateIp: Ip | null): Target {
  const place = places.find((each) => each.networkInterfaceId === networkInterfaceId);
  if (place === undefined) {
    const told = `this instance has no network interface ${networkInterfaceId}`;
    return { kind: 'impossible', failure: refused('InterfaceNotFound', told) };
  }
  if (privateIp !== null && !place.privateIps.includes(privateIp)) {
    const told = `${networkInterfaceId} has no private address ${privateIp}`;
    return { kind: 'impossible', failure: refused('PrivateIpNotFound', told) };
  }
  return { kind: 'interface', networkInterfaceId, privateIp: privateIp ?? place.primary, only: false };
}

/** Whether an association is exactly where this node would make it. */
function isHere(association: ElasticIpAssociation, landing: Landing, target: Target): boolean {
  if (target.kind === 'interface') {
    return (
      association.networkInterfaceId === target.networkInterfaceId &&
      association.privateIp === target.privateIp
    );
  }
  if (association.instanceId !== landing.instanceId) return false;
  if (landing.networkInterfaceId !== null && association.networkInterfaceId !== landing.networkInterfaceId)
    return false;
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

/** The failure to act on: a definite no before a throttle, and that before not knowing. */
export function gravest(outcomes: readonly (DriverFailure | null)[]): DriverFailure | null {
  const failures = outcomes.filter((each) => each !== null);
  return (
    failures.find((each) => each.kind === 'refused' && !each.throttled) ??
    failures.find((each) => each.kind === 'refused') ??
    failures[0] ??
    null
  );
}

function absent(ip: Ip): string {
  return `${ip} is no Elastic IP of this account in this region`;
}
