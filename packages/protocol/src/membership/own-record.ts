/**
 * What a node says of itself, and when that is something else than before (PROTOCOL.md, "Membership and gossip").
 */
import { ballotElectorate } from '../election/quorum.ts';
import type { AddressState, Holder } from '../model/address-state.ts';
import type { State } from '../model/state.ts';
import type { MonotonicMs } from '../model/units.ts';
import { readinessProblems } from '../observation/idle-reads.ts';
import { inTrouble } from '../observation/watching.ts';
import { pauseToTell } from '../orders/pause.ts';
import { episodeRecord, tellsOtherwise } from '../takeover/episode.ts';
import type { AddressRecord, HandoverRecord, HolderRecord, NodeRecord } from '../wire/messages.ts';
import { cutToFit } from './record.ts';

/** The newest of what a record tells of the past, so that the largest cluster's record fits into a message. */
const MAX_TOLD_CHANGES = 16;
const MAX_TOLD_ENDED = 4;

/**
 * Whether this node says something else of itself than before the step: only then do peers that have acknowledged its record get it
 * again. Ages, and what else passes with time alone, are nothing else. All that `ownRecord` tells is named here or there.
 */
export function saysOtherwise(before: State, now: State): boolean {
  if (before === now) return false;
  return (
    before.config !== now.config ||
    before.incarnation !== now.incarnation ||
    before.local.fit !== now.local.fit ||
    before.phase !== now.phase ||
    before.ready.ready !== now.ready.ready ||
    before.storage.failing !== now.storage.failing ||
    before.pause !== now.pause ||
    !isSame(before.handovers, now.handovers, (one, other) => one.record === other.record) ||
    saysOtherwiseOfAny(before, now)
  );
}

function saysOtherwiseOfAny(before: State, now: State): boolean {
  if (before.addresses === now.addresses && before.local === now.local) return false;
  for (const ip in now.addresses) {
    const [old, address] = [before.addresses[ip], now.addresses[ip]];
    if (old === undefined || address === undefined) return true;
    if (inTrouble(before, old) !== inTrouble(now, address)) return true;
    if (old !== address && saysOtherwiseOf(old, address)) return true;
  }
  return false;
}

function saysOtherwiseOf(old: AddressState, now: AddressState): boolean {
  return (
    old.verdict !== now.verdict ||
    old.epoch !== now.epoch ||
    !isToldAlike(old.holder, now.holder) ||
    old.served !== now.served ||
    (old.lent?.epoch ?? 0) !== (now.lent?.epoch ?? 0) ||
    !isSame(old.ended, now.ended) ||
    !isSame(old.changedTo, now.changedTo) ||
    tellsOtherwise(old, now)
  );
}

function isToldAlike(old: Holder, now: Holder): boolean {
  if (!isToldOf(old) || !isToldOf(now)) return isToldOf(old) === isToldOf(now);
  return (
    old.kind === now.kind &&
    old.node === now.node &&
    old.instanceId === now.instanceId &&
    old.associationId === now.associationId
  );
}

/** Hearsay isn't passed on. */
function isToldOf(holder: Holder): holder is Holder & { readonly kind: HolderRecord['kind'] } {
  return holder.kind !== 'unknown' && holder.firsthand;
}

function isSame<T>(
  old: readonly T[],
  now: readonly T[],
  isAlike: (one: T, other: T) => boolean = (one, other) => one === other,
): boolean {
  if (old === now) return true;
  return (
    old.length === now.length &&
    old.every((one, i) => {
      const other = now[i];
      return other !== undefined && isAlike(one, other);
    })
  );
}

/** What this node says of itself. */
export function ownRecord(state: State): NodeRecord {
  const { config } = state;
  return cutToFit({
    id: config.node.id,
    incarnation: state.incarnation,
    role: config.node.role,
    priority: config.node.priority,
    instanceId: config.node.instanceId,
    fit: state.local.fit,
    leaving: state.phase !== 'running',
    ready: readinessProblems(state).length === 0,
    electorate: ballotElectorate(state),
    version: config.node.version,
    addresses: Object.values(state.addresses).map((address) => addressRecord(state, address)),
    pause: pauseToTell(state),
    handovers: state.handovers.map(
      ({ record, expiresAt }): HandoverRecord => ({
        ...record,
        ttlMs: Math.max(0, Math.floor(expiresAt - state.now.at)),
      }),
    ),
    ...(state.storage.failing === null ? {} : { unstored: true }),
  });
}

function addressRecord(state: State, address: AddressState): AddressRecord {
  const { holder } = address;
  const at = state.now.at;
  return {
    ip: address.ip,
    verdict: address.verdict,
    trouble: inTrouble(state, address),
    epoch: address.epoch,
    holder: holderRecord(holder, at),
    ended: address.ended.slice(0, MAX_TOLD_ENDED),
    changes: address.changes
      .slice(0, MAX_TOLD_CHANGES)
      .map((changedAt) => Math.max(0, Math.floor(at - changedAt))),
    changedTo: address.changedTo.slice(0, MAX_TOLD_CHANGES),
    served: address.served,
    lentEpoch: address.lent?.epoch ?? 0,
    episode: episodeRecord(state, address),
  };
}

function holderRecord(holder: Holder, at: MonotonicMs): HolderRecord | null {
  if (!isToldOf(holder)) return null;
  const { kind, node, instanceId, associationId } = holder;
  return { kind, node, instanceId, associationId, ageMs: Math.max(0, Math.floor(at - holder.at)) };
}
