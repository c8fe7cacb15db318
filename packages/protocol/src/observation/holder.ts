/**
 * Who holds an address, as far as this node knows, and what it knows of the nodes that could.
 */

import { isCandidate } from '../election/quorum.ts';
import { type AddressState, type Holder, MAX_HELD_BEFORE } from '../model/address-state.ts';
import type { HolderSource } from '../model/codes.ts';
import { UNKNOWN_HOLDER } from '../model/initial.ts';
import type { Association } from '../model/inputs.ts';
import type { State } from '../model/state.ts';
import {
  type AssociationId,
  type DurationMs,
  type InstanceId,
  type Ip,
  type MonotonicMs,
  type NodeId,
  WITHOUT_ID,
} from '../model/units.ts';
import { addressOf, announce, changeAddress, emitFact, persist, type StepContext } from '../step-context.ts';
import { onChangedHands } from '../takeover/episode.ts';
import type { Fitness } from '../wire/messages.ts';
import { changesKept, nameOfChange, withChange } from './changes.ts';
import { recounted } from './check.ts';
import {
  forgetReplaced,
  formerHolders,
  isReplaced,
  READS_LAG_MS,
  replacedAfterTake,
  replacedAfterWord,
} from './replaced.ts';

/** Silent: this node itself hasn't heard it for `gossip.dead`, counted anew from the start and from a stall. */
export function isSilent(state: State, id: NodeId): boolean {
  return silentAt(state, id) <= state.now.at;
}

/** When that peer's silence is, or will be, complete if it stays unheard. */
export function silentAt(state: State, id: NodeId): MonotonicMs {
  const heardAt = state.peers[id]?.heardAt ?? state.observedFrom;
  return Math.max(heardAt, state.observedFrom) + state.config.gossip.deadMs;
}

/** How long a peer that was heard then hasn't been since, as far as this node has been awake to hear it. */
export function quietMs({ now, observedFrom }: State, heardAt: MonotonicMs): DurationMs {
  return now.at - Math.max(heardAt, observedFrom);
}

/** What is shorter is a message that comes late, and no silence. */
export function briefSilenceMs({ config }: State): DurationMs {
  return config.gossip.deadMs / 2;
}

/** What a node last said of its own HAProxy; a word older than `gossip.dead` is no word. */
export function fitnessOf(state: State, id: NodeId): Fitness {
  if (id === state.config.node.id) return state.local.fit;
  const peer = state.peers[id];
  return peer?.record == null || isSilent(state, id) ? 'unknown' : peer.record.fit;
}

/** Since when the holder has been known to be unfit by its own word; null: it isn't. A probe that starts later may use it. */
export function holderUnfitSince(state: State, address: AddressState): MonotonicMs | null {
  const node = address.holder.node;
  if (node === null) return null;
  if (node === state.config.node.id) return state.local.fit === 'unfit' ? state.local.since : null;
  const peer = state.peers[node];
  // After a stall silence counts anew, but what was said before it is fresh only once its speaker is heard again.
  const heardAt = peer?.heardAt ?? null;
  if (heardAt === null || heardAt < state.observedFrom || isSilent(state, node)) return null;
  return peer?.unfitSince ?? null;
}

/** Whether this node believes that it holds the address; false where the address isn't configured. */
export function isHeldBySelf(state: State, ip: Ip): boolean {
  return state.addresses[ip]?.holder.node === state.config.node.id;
}

/** How many addresses a node is believed to hold. */
export function heldCount(state: State, id: NodeId): number {
  return Object.values(state.addresses).filter((address) => address.holder.node === id).length;
}

/** The holder in words: a node's id, an instance id, `nobody` or `unknown`. */
export function holderName(holder: Holder): string {
  switch (holder.kind) {
    case 'node':
      return holder.node ?? 'unknown';
    case 'none':
      return 'nobody';
    case 'other':
      return holder.instanceId ?? 'another target';
    case 'unknown':
      return 'unknown';
  }
}

/** What a read of the cloud says, in terms of nodes. */
export function holderFrom(state: State, association: Association, at: MonotonicMs): Holder {
  if (association.kind === 'none')
    return {
      kind: 'none',
      node: null,
      instanceId: null,
      associationId: null,
      at,
      toldBy: null,
      firsthand: true,
    };
  const { associationId, instanceId } = association;
  const node = association.self
    ? state.config.node.id
    : (association.node ?? nodeOfInstance(state, instanceId));
  return {
    kind: node === null ? 'other' : 'node',
    node,
    instanceId,
    associationId,
    at,
    toldBy: null,
    firsthand: true,
  };
}

/**
 * A read that shows an association which was seen to end is stale, and proves nothing. An association without an id is
 * known by its holder: shortly after a take of this node's own, whoever it replaced.
 */
export function isStaleRead(state: State, ip: Ip, association: Association): boolean {
  const address = addressOf(state, ip);
  if (association.kind === 'associated' && association.associationId !== null)
    return address.ended.includes(association.associationId);
  return isReplaced(state, address, holderFrom(state, association, state.now.at));
}

/**
 * A peer says that it holds the address now, by an association without an id: whoever held it `before` may be shown for a
 * while, and is no other change then. For as long again reads count whatever that peer says, so that nobody can hide by its
 * word what the cloud shows.
 */
export function noteReplacedByWord(ctx: StepContext, ip: Ip, from: NodeId, before: Holder): void {
  const { holder, replaced } = addressOf(ctx.state, ip);
  const { kind, node, instanceId } = before;
  if (kind === 'unknown' || kind === 'none' || holder.node !== from || isSameHolder(before, holder)) return;
  if (holder.associationId !== null || before.associationId !== null) return;
  const at = ctx.now.at;
  if (replaced?.toldBy === from && at < replaced.until + READS_LAG_MS) return;
  changeAddress(ctx, ip, {
    replaced: { kind, node, instanceId, until: at + READS_LAG_MS, toldBy: from },
  });
}

/**
 * Take in an observation of the holder; older than what is known, or of an ended association, it changes nothing. What
 * the same peer says later is never older: how long its messages took doesn't count.
 */
export function observeHolder(ctx: StepContext, ip: Ip, seen: Holder, source: HolderSource): void {
  const address = addressOf(ctx.state, ip);
  const known = address.holder;
  if (seen.associationId !== null && address.ended.includes(seen.associationId)) return;
  const knownHasEnded = known.associationId !== null && address.ended.includes(known.associationId);
  const corrects = seen.toldBy !== null && seen.toldBy === known.toldBy;
  if (known.kind !== 'unknown' && !knownHasEnded && !corrects && seen.at < known.at) return;
  if (isSameHolder(known, seen)) {
    changeAddress(ctx, ip, { holder: confirmed(known, seen) });
    return;
  }
  if (seen.associationId !== null && seen.associationId === known.associationId) {
    // The same association under another name: by its instance, or by the node that a peer knows there. Nothing moved.
    const { kind, node } = seen.node === null ? known : seen;
    changeAddress(ctx, ip, { holder: { ...confirmed(known, seen), kind, node } });
    return;
  }
  // On the way from one to another nobody may hold it for a moment: that is one change, not two.
  const moved = known.kind !== 'unknown' && seen.kind !== 'none';
  const isAnother = moved && !isSeenAgain(address, seen);
  changeAddress(ctx, ip, {
    holder: seen,
    heldBefore: heldBefore(address, seen),
    formerHolders: formerHolders(ctx.state, address, seen),
    ...(isAnother ? withChange(address, seen.at, nameOfChange(seen), changesKept(ctx.state.config)) : {}),
    served: known.kind === 'unknown' ? address.served : false,
    // Failures of the last holder are no evidence against this one.
    series: moved ? recounted(address.series, seen.at) : address.series,
    replaced:
      source === 'gossip' ? replacedAfterWord(address, seen) : replacedAfterTake(ctx.state, address, seen),
    inForce: null,
    doubt: seen.firsthand ? null : address.doubt,
  });
  if (showsAnother(ctx.state, address, seen)) forgetHeldWithoutId(ctx, ip);
  if (moved) onChangedHands(ctx, ip);
  emitFact(ctx, { kind: 'holder', address: ip, holder: holderName(seen), source });
  announce(ctx);
}

/** An association that was there before the present one, or before nobody: an old word shows it again. It has moved nowhere. */
function isSeenAgain({ heldBefore: before }: AddressState, { associationId }: Holder): boolean {
  return associationId !== null && before.includes(associationId);
}

/** What lies before the holder that is seen now. */
function heldBefore(address: AddressState, seen: Holder): readonly AssociationId[] {
  return knownAssociations(address)
    .filter((id) => id !== seen.associationId)
    .slice(0, MAX_HELD_BEFORE);
}

/** The associations of an address that this node knows, the present one and those before it, newest first, at most one more than `MAX_HELD_BEFORE`. */
export function knownAssociations({ holder, heldBefore: before }: AddressState): readonly AssociationId[] {
  return holder.associationId === null ? before : [holder.associationId, ...before];
}

/**
 * Whether this node has lost the address since it knew that it held it. A peer's word may be of a time before that: where this run
 * hasn't known it yet, or where it names the holder who was replaced by it (but see `hasTakenSince` of `hearsay.ts`).
 */
function showsAnother(state: State, before: AddressState, seen: Holder): boolean {
  const self = state.config.node.id;
  if (seen.node === self) return false;
  return seen.firsthand || (before.holder.node === self && !isReplaced(state, before, seen));
}

/**
 * Another holds the address, or nobody does. Where associations have no ids, a read that shows this node again shows a take that has
 * landed since, if one may.
 */
export function forgetHeldWithoutId(ctx: StepContext, ip: Ip): void {
  const { late } = addressOf(ctx.state, ip);
  if (late?.held !== WITHOUT_ID) return;
  changeAddress(ctx, ip, { late: { ...late, held: null } });
  persist(ctx);
}

/** That peer has taken the address itself since: a read that shows it counts at once. */
export function onTakenSince(ctx: StepContext, ip: Ip, by: NodeId): void {
  forgetHeldWithoutId(ctx, ip);
  forgetReplaced(ctx, ip, by);
}

/** What the cloud has told this node itself keeps its names, and is passed on by them. */
function confirmed(known: Holder, seen: Holder): Holder {
  const firsthand = seen.firsthand || known.firsthand;
  const names = known.firsthand && !seen.firsthand ? known : seen;
  return {
    ...seen,
    firsthand,
    instanceId: names.instanceId ?? seen.instanceId,
    associationId: names.associationId ?? known.associationId,
  };
}

/**
 * The association by which the holder is known has ended, and this node can't ask the cloud: who holds the address is
 * unknown until a peer that was told by the cloud says so. When it changed hands that peer says, too.
 */
export function forgetHolder(ctx: StepContext, ip: Ip): void {
  const { holder, series } = addressOf(ctx.state, ip);
  changeAddress(ctx, ip, {
    holder: { ...UNKNOWN_HOLDER, at: ctx.now.at },
    served: false,
    series: recounted(series, ctx.now.at),
  });
  emitFact(ctx, { kind: 'holder', address: ip, holder: 'unknown', source: 'gossip' });
  if (holder.firsthand) announce(ctx);
}

/**
 * When the answer came of a call that went out then. One that lay there while this node stood still is as old as the call: others may
 * have moved the address meanwhile.
 */
export function answeredAt({ now, observedFrom }: State, calledAt: MonotonicMs): MonotonicMs {
  return calledAt < observedFrom ? calledAt : now.at;
}

/** A node became known by its instance: holders that were strangers may now have a name. */
export function recogniseHolders(ctx: StepContext): void {
  for (const address of Object.values(ctx.state.addresses)) {
    if (address.holder.kind !== 'other') continue;
    const node = nodeOfInstance(ctx.state, address.holder.instanceId);
    if (node !== null) changeAddress(ctx, address.ip, { holder: { ...address.holder, kind: 'node', node } });
  }
}

/** The candidate that says that it runs on that instance: whoever is none by this node's configuration may hold no address, and names itself in nobody's place. */
export function nodeOfInstance(state: State, instanceId: InstanceId | null): NodeId | null {
  const { config } = state;
  if (instanceId === null || instanceId === '') return null;
  const { id: self } = config.node;
  if (config.node.instanceId === instanceId) return isCandidate(config, self) ? self : null;
  const there = Object.values(state.peers).find(
    ({ id, record }) => record?.instanceId === instanceId && isCandidate(config, id),
  );
  return there?.id ?? null;
}

/** Whether the two are one holder by one association, as far as both name it. */
export function isSameHolder(a: Holder, b: Holder): boolean {
  const sameAssociation =
    a.associationId === null || b.associationId === null || a.associationId === b.associationId;
  return (
    a.kind === b.kind &&
    a.node === b.node &&
    (a.node !== null || a.instanceId === b.instanceId) &&
    sameAssociation
  );
}
