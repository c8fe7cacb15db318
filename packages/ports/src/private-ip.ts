/**
 * The calls of the driver `ec2-private-ip`: a secondary private address, or an IPv6 address, that is taken from the network interface on
 * which it was read, and assigned to this node's without reassignment (docs/decisions/0064-other-targets.md and
 * 0067-ipv6-addresses-move-by-the-same-rule.md).
 *
 * An assignment has no id of its own. What a release names is the holder that a read has shown; on which of its interfaces the
 * address was then is kept here from read to release, and so is from where it was taken last, which a read that lags may still show.
 */
import type { DriverAnswer, DriverFailure, DriverOperation, InstanceId, Ip } from '@failtome/protocol';
import { type AwsCall, type DriverRun, isIpv6, type NetworkCard, outputOf } from './aws-calls.ts';
import { isAssignedAlready, isGoneFromInterface, mayBeAboutHolder, refused, unknown } from './aws-failure.ts';
import { type Own, type OwnSpec, ownCallOf, resolve, resolvedCard } from './own-card.ts';

/** For which network interface and which addresses EC2 is called. */
export interface PrivateIpOptions extends OwnSpec {
  readonly addresses: readonly { readonly ip: Ip }[];
}

/** Runs operations; those of one address share what was learnt of it. */
export interface PrivateIpCalls {
  run(ip: Ip, operation: DriverOperation): DriverRun;
}

/**
 * So many reads in a row may show the interface that the address was taken from. Then it is believed: somebody has put it back.
 * With the rests of a duty that is a quarter of a minute on average.
 */
const MAX_LAGGING_READS = 8;

interface Left {
  readonly networkInterfaceId: string;
  /** So many reads have been taken for ones that lag. */
  reads: number;
  /** EC2 has answered a claim since: where that found the address held, others than the interface it was taken from are believed. */
  isClaimed: boolean;
}

interface Contested {
  readonly ip: Ip;
  /** By holder, the interface on which a read has shown the address last. */
  readonly shownOn: Map<InstanceId, string>;
  /** The interface that the address was taken from, until a read shows it elsewhere; null: none. */
  left: Left | null;
}

/** The driver's calls, with nothing learnt yet. */
export function createPrivateIpCalls(options: PrivateIpOptions): PrivateIpCalls {
  const contested = new Map<Ip, Contested>(
    options.addresses.map(({ ip }) => [ip, { ip, shownOn: new Map(), left: null }]),
  );
  const own: Own = { spec: options, card: { kind: 'unresolved' } };
  return {
    *run(ip, operation) {
      const address = contested.get(ip);
      if (address === undefined) return refused('UnknownAddress', `${ip} is not configured`);
      switch (operation.op) {
        case 'read':
          return yield* read(address, own, own.card.kind === 'unresolved');
        case 'permit':
          return yield* permit(address, own);
        case 'release':
          return yield* release(address, operation.instanceId);
        case 'take':
          return yield* take(address, own);
      }
    },
  };
}

const byAddress = (ip: Ip): AwsCall => ({ kind: 'interfaces', of: { privateIp: ip } });

/** @param resolves this node's own interface is asked for beside it */
function* read(address: Contested, own: Own, resolves: boolean): DriverRun {
  const asked = byAddress(address.ip);
  const outcomes = yield resolves ? [asked, ownCallOf(own.spec)] : [asked];
  if (resolves) resolve(own, outcomes[1]);
  const shown = outputOf(outcomes[0], 'interfaces');
  if (shown.kind === 'failed') return shown.failure;
  const found = cardWith(address.ip, shown.output.interfaces, own);
  if (found !== null && 'kind' in found) return found;
  const lag = found === null ? null : lagOf(address, found, own);
  if (lag !== null) return lag;
  if (found === null || found.networkInterfaceId !== address.left?.networkInterfaceId) address.left = null;
  if (found !== null) address.shownOn.set(holderOf(found), found.networkInterfaceId);
  return { kind: 'read', association: associationOn(found, own), displaces: null };
}

/** The interface that has the address in this node's network; another network may have the same addresses. Null: none has it. */
function cardWith(ip: Ip, all: readonly NetworkCard[], { card }: Own): NetworkCard | DriverFailure | null {
  const here = card.kind === 'card' ? all.filter(({ vpcId }) => vpcId === card.card.vpcId) : all;
  const [found, second] = here.filter(({ privateIps }) => privateIps.includes(ip));
  if (found === undefined) return null;
  if (second !== undefined) {
    const both = `${found.networkInterfaceId} and ${second.networkInterfaceId}`;
    return unknown('SeveralHolders', `${ip} is shown on ${both}`);
  }
  if (found.primary === ip || found.primaryIpv6 === ip) {
    const kind = isIpv6(ip) ? 'IPv6' : 'private';
    const told = `${ip} is the primary ${kind} address of ${found.networkInterfaceId}, which never leaves it`;
    return refused('PrimaryPrivateIp', told);
  }
  if (card.kind === 'card' && card.card.subnetId !== found.subnetId) {
    const told = `${ip} is in ${found.subnetId}, and this node's ${card.card.networkInterfaceId} in ${card.card.subnetId}`;
    return refused('OtherSubnet', `${told}: an address never leaves its subnet`);
  }
  return found;
}

/**
 * Why the read proves nothing: it shows what this node has ended itself, or what was before that. Until EC2 has answered a claim, nobody else
 * has to be believed: if another was faster, the claim finds out.
 */
function lagOf(
  { ip, left }: Contested,
  { networkInterfaceId, instanceId }: NetworkCard,
  { spec }: Own,
): DriverFailure | null {
  if (left === null || left.reads >= MAX_LAGGING_READS || instanceId === spec.instanceId) return null;
  if (left.isClaimed && left.networkInterfaceId !== networkInterfaceId) return null;
  left.reads += 1;
  const told = `${ip} is shown on ${networkInterfaceId}, and was taken from ${left.networkInterfaceId} since`;
  return unknown('ReadLags', told);
}

/** An interface that belongs to no instance goes by its own id. */
function holderOf({ instanceId, networkInterfaceId }: NetworkCard): InstanceId {
  return instanceId ?? networkInterfaceId;
}

function associationOn(
  found: NetworkCard | null,
  { card, spec }: Own,
): Extract<DriverAnswer, { kind: 'read' }>['association'] {
  if (found === null) return { kind: 'none' };
  const self =
    card.kind === 'card'
      ? found.networkInterfaceId === card.card.networkInterfaceId
      : found.instanceId === spec.instanceId;
  return { kind: 'associated', associationId: null, instanceId: holderOf(found), node: null, self };
}

/** There is no dry run of either call: the address must be one that could come here, and the calls show their permission themselves. */
function* permit(address: Contested, own: Own): DriverRun {
  const answer = yield* read(address, own, true);
  if (answer.kind !== 'read') return answer;
  return own.card.kind === 'impossible' ? own.card.failure : { kind: 'permitted' };
}

function* release(address: Contested, holder: InstanceId | null): DriverRun {
  const networkInterfaceId = holder === null ? undefined : address.shownOn.get(holder);
  if (networkInterfaceId === undefined)
    return refused('HolderUnknown', 'a release must name a holder that a read has shown');
  const { ip } = address;
  const [outcome] = yield [{ kind: 'unassign-ip', ip, networkInterfaceId }];
  if (outcome?.kind === 'failed') return yield* unreleased(ip, networkInterfaceId, outcome.failure);
  if (isIpv6(ip)) {
    // A success may be one that found nothing to take away.
    const gone = outputOf(outcome, 'unassigned');
    if (gone.kind === 'failed') return gone.failure;
    if (!gone.output.ips.includes(ip)) return { kind: 'stale' };
  }
  address.left = { networkInterfaceId, reads: 0, isClaimed: false };
  return { kind: 'released' };
}

/** What a failed release comes to: of an IPv6 address only a read tells whether it was there to be taken away. */
function* unreleased(ip: Ip, networkInterfaceId: string, failure: DriverFailure): DriverRun {
  if (isGoneFromInterface(failure)) return { kind: 'stale' };
  if (!isIpv6(ip) || !mayBeAboutHolder(failure)) return failure;
  const [shown] = yield [byAddress(ip)];
  const cards = outputOf(shown, 'interfaces');
  if (cards.kind === 'failed') return untold(failure);
  return has(cards.output.interfaces, networkInterfaceId, ip) ? failure : { kind: 'stale' };
}

function untold({ code, message }: DriverFailure): DriverFailure {
  return unknown('HolderUnknown', `${code}: ${message}; and no read tells who has the address`);
}

function has(cards: readonly NetworkCard[], networkInterfaceId: string, ip: Ip): boolean {
  return cards.some((each) => each.networkInterfaceId === networkInterfaceId && each.privateIps.includes(ip));
}

function* take(address: Contested, own: Own): DriverRun {
  const { ip } = address;
  const card = yield* resolvedCard(own);
  if ('kind' in card) return card;
  const [outcome] = yield [{ kind: 'assign-ip', ip, networkInterfaceId: card.networkInterfaceId }];
  const refusal = outcome?.kind === 'failed' ? outcome.failure : null;
  const isHeld = refusal !== null && isAssignedAlready(refusal);
  if (refusal !== null && !isHeld && !(isIpv6(ip) && mayBeAboutHolder(refusal))) return refusal;
  if (address.left !== null) address.left.isClaimed = true;
  if (refusal === null) return { kind: 'taken', associationId: null };
  // EC2 doesn't say to whom, and of an IPv6 address not even whether.
  const [shown] = yield [byAddress(ip)];
  const cards = outputOf(shown, 'interfaces');
  const isHere = cards.kind === 'ok' && has(cards.output.interfaces, card.networkInterfaceId, ip);
  if (isHere) return { kind: 'taken', associationId: null };
  if (isHeld) return { kind: 'held' };
  if (cards.kind === 'failed') return untold(refusal);
  // After a release EC2 may count it as assigned for a while, whatever a read shows.
  const isElsewhere = cards.output.interfaces.some(
    ({ vpcId, privateIps }) => vpcId === card.vpcId && privateIps.includes(ip),
  );
  return isElsewhere || address.left !== null ? { kind: 'held' } : refusal;
}
