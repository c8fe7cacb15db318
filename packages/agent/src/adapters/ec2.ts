/**
 * The `ec2` driver: a move fenced by the association's id.
 *
 * What it keeps between calls is only what saves a round trip: the allocation id, where the address
 * lands on this instance, and the association it read last. None of it decides anything.
 */
import type {
  AssociationId,
  DriveEffect,
  DriverAnswer,
  DriverFailure,
  DriverOperation,
  InstanceId,
  Ip,
} from '@failtome/protocol';
import type { AddressSettings } from '../config/types.ts';
import type { AwsClients, CallContext, CallOutcome } from './aws-clients.ts';
import { FRESH_AFTER_MOVE_MS } from './connections.ts';
import { answerOnce, type Driver, type Post } from './driver.ts';
import {
  type AddressesOutcome,
  associate,
  type Claim,
  disassociate,
  displacedBy,
  dryAssociate,
  dryDisassociate,
  type ElasticIp,
  isHere,
  MAX_UNFILTERED_ADDRESSES,
  readAllAddresses,
  readInstance,
  readSomeAddresses,
  type Target,
  targetOn,
} from './ec2-calls.ts';

export interface Ec2DriverOptions {
  readonly instanceId: InstanceId;
  readonly addresses: readonly Pick<AddressSettings, 'ip' | 'allocationId' | 'privateIp'>[];
}

export interface Ec2DriverDependencies {
  readonly clients: AwsClients;
  readonly post: Post;
}

/** One contested address, and what was learnt of it. */
interface Contested {
  readonly ip: Ip;
  readonly privateIp: Ip | null;
  allocationId: string | null;
  target: Target;
  /** Null until the first read. */
  seen: { readonly associationId: AssociationId | null; readonly instanceId: InstanceId | null } | null;
}

/** Build the driver. Nothing is sent until the first effect. */
export function createEc2Driver(options: Ec2DriverOptions, dependencies: Ec2DriverDependencies): Driver {
  const { instanceId } = options;
  const { clients, post } = dependencies;
  const contested = new Map<Ip, Contested>(
    options.addresses.map(({ ip, allocationId, privateIp }) => [
      ip,
      { ip, privateIp, allocationId, target: { kind: 'unresolved' }, seen: null },
    ]),
  );
  let manyAddresses = false;

  async function read(address: Contested, context: CallContext): Promise<DriverAnswer> {
    const [addresses] = await Promise.all([readAddresses(address, context), resolveOnce(address, context)]);
    if (addresses.kind === 'failed') return addresses.failure;
    const found = addresses.output.find(({ ip }) => ip === address.ip);
    if (found === undefined) return refused('InvalidAddress.NotFound', absent(address.ip));
    const mismatch = learn(address, found);
    if (mismatch !== null) return mismatch;
    const landing = { instanceId, privateIp: address.privateIp };
    const { association } = found;
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
              self: isHere(association, landing, address.target),
            },
      displaces: displacedBy(addresses.output, address.ip, landing, address.target),
    };
  }

  async function readAddresses(address: Contested, context: CallContext): Promise<AddressesOutcome> {
    const outcome = manyAddresses
      ? await readSomeAddresses(clients, address.ip, instanceId, context)
      : await readAllAddresses(clients, context);
    if (outcome.kind === 'ok') manyAddresses ||= outcome.output.length > MAX_UNFILTERED_ADDRESSES;
    return outcome;
  }

  function learn(address: Contested, found: ElasticIp): DriverFailure | null {
    if (address.allocationId !== null && address.allocationId !== found.allocationId) {
      const told = `${address.ip} has allocation id ${found.allocationId}, not ${address.allocationId}`;
      return refused('AllocationIdMismatch', told);
    }
    address.allocationId = found.allocationId;
    address.seen = {
      associationId: found.association?.id ?? null,
      instanceId: found.association?.instanceId ?? null,
    };
    return null;
  }

  async function resolveOnce(address: Contested, context: CallContext): Promise<void> {
    if (address.target.kind === 'unresolved') await resolve(address, context);
  }

  /** A failure leaves the target as it was: EC2 itself has the last word on where the address lands. */
  async function resolve(address: Contested, context: CallContext): Promise<void> {
    const instance = await readInstance(clients, instanceId, context);
    if (instance.kind === 'ok') address.target = targetOn(instance.output, address.privateIp);
  }

  /** Everything a claim needs, looked up where it isn't known yet. */
  async function claimOf(
    address: Contested,
    reassociate: boolean,
    context: CallContext,
  ): Promise<CallOutcome<Claim>> {
    if (address.allocationId === null) {
      const answer = await read(address, context);
      if (answer.kind === 'refused' || answer.kind === 'unknown') return { kind: 'failed', failure: answer };
    }
    const { allocationId, target } = address;
    if (target.kind === 'impossible') return { kind: 'failed', failure: target.failure };
    if (allocationId === null)
      return { kind: 'failed', failure: refused('NoAllocationId', absent(address.ip)) };
    const landing = { instanceId, privateIp: address.privateIp };
    return { kind: 'ok', output: { allocationId, landing, target, reassociate } };
  }

  /** Both calls of a move as dry runs, and the interfaces anew. An address nobody holds needs no release. */
  async function permit(address: Contested, context: CallContext): Promise<DriverAnswer> {
    if (address.seen === null) {
      const answer = await read(address, context);
      if (answer.kind !== 'read') return answer;
    }
    const claim = await claimOf(address, false, context);
    if (claim.kind === 'failed') {
      await resolve(address, context);
      return claim.failure;
    }
    const associationId = address.seen?.associationId ?? null;
    const [forClaim, forRelease] = await Promise.all([
      dryAssociate(clients, claim.output, context),
      associationId === null ? null : dryDisassociate(clients, associationId, context),
      resolve(address, context),
    ]);
    if (address.target.kind === 'impossible') return address.target.failure;
    return gravest([forClaim, forRelease]) ?? { kind: 'permitted' };
  }

  async function release(
    address: Contested,
    associationId: AssociationId | null,
    context: CallContext,
  ): Promise<DriverAnswer> {
    if (associationId === null) return refused('NoAssociationId', 'a release must name its association');
    const answer = await disassociate(clients, associationId, context);
    const elsewhere = address.seen?.associationId === associationId && address.seen.instanceId !== instanceId;
    // Only the end of an association of its own changes this node's public address.
    if (answer.kind === 'released' && !elsewhere) clients.connections.renew(FRESH_AFTER_MOVE_MS);
    return answer;
  }

  async function take(address: Contested, reassociate: boolean, context: CallContext): Promise<DriverAnswer> {
    const claim = await claimOf(address, reassociate, context);
    if (claim.kind === 'failed') return claim.failure;
    const answer = await associate(clients, claim.output, context);
    if (answer.kind === 'taken' || answer.kind === 'unknown') clients.connections.renew(FRESH_AFTER_MOVE_MS);
    return answer;
  }

  function run(address: Contested, operation: DriverOperation, context: CallContext): Promise<DriverAnswer> {
    switch (operation.op) {
      case 'read':
        return read(address, context);
      case 'permit':
        return permit(address, context);
      case 'release':
        return release(address, operation.associationId, context);
      case 'take':
        return take(address, operation.reassociate, context);
    }
  }

  return {
    drive(effect: DriveEffect) {
      const address = contested.get(effect.address);
      answerOnce(effect, post, async (context) =>
        address === undefined
          ? refused('UnknownAddress', `${effect.address} is not configured`)
          : run(address, effect.operation, context),
      );
    },
  };
}

/** The failure to act on: a definite no before a throttle, and that before not knowing. */
function gravest(outcomes: readonly (DriverFailure | null)[]): DriverFailure | null {
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

function refused(code: string, message: string): DriverFailure {
  return { kind: 'refused', throttled: false, code, message };
}
