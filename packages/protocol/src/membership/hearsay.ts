/**
 * First-hand knowledge against hearsay (PROTOCOL.md, "What is adopted"): what candidates say of associations counts at once,
 * until this node's own reads have shown the contrary. Nobody else is told anything by the cloud.
 */

import { isCandidate } from '../election/quorum.ts';
import type { AddressState, Holder } from '../model/address-state.ts';
import { MAX_ENDED } from '../model/address-state.ts';
import type { Association } from '../model/inputs.ts';
import type { State } from '../model/state.ts';
import type { AssociationId, DurationMs, Ip, MonotonicMs, NodeId } from '../model/units.ts';
import { changesKept, isKnownChange, nameOfChange, withTold } from '../observation/changes.ts';
import {
  isStaleRead,
  nodeOfInstance,
  noteReplacedByWord,
  observeHolder,
  onTakenSince,
} from '../observation/holder.ts';
import { READS_LAG_MS } from '../observation/replaced.ts';
import { addressOf, changeAddress, type StepContext } from '../step-context.ts';
import type { AddressRecord, HolderRecord } from '../wire/messages.ts';
import { adoptedId, ignorePart } from './bounded.ts';

/** So many of the ended associations may be known by hearsay alone: the others are never pushed out by it. */
const MAX_TOLD = 8;
/** A peer whose word was refuted isn't believed for so long; each time twice as long. */
const FIRST_DISTRUST_MS: DurationMs = 60_000;
const MAX_DISTRUST_MS: DurationMs = 3_600_000;

/** How often the cloud is asked, because a peer says that this node holds the address. */
const SELF_READ_MS: DurationMs = 15_000;

/**
 * Take in what a peer has seen itself of the holder, and what it knows of past changes. Hearsay isn't passed on:
 * an echo of what this node said would look newer than what it knows now.
 */
export function observeTold(ctx: StepContext, from: NodeId, record: AddressRecord): void {
  const { ip, holder: told, changes, changedTo, served } = record;
  const at = ctx.now.at;
  // Whoever isn't a candidate by this node's own configuration has no driver. What it has heard its voters' refusals say.
  if (!isCandidate(ctx.state.config, from)) {
    if (told !== null) ignorePart(ctx, from);
    return;
  }
  if (!isBelieved(ctx.state, ip, from)) {
    if (told !== null && told.associationId !== addressOf(ctx.state, ip).holder.associationId)
      ignorePart(ctx, from);
    return;
  }
  for (const id of record.ended) hearEnded(ctx, ip, from, id);
  const before = addressOf(ctx.state, ip);
  const seen = told === null ? null : holderTold(ctx.state, from, told, at);
  const hasTaken = hasTakenSince(ctx.state, before, from, record);
  if (seen !== null && isOfSelf(ctx, before, seen)) hearOfSelf(ctx, ip, from);
  else if (seen !== null && (hasTaken || !isOldClaim(ctx.state, before, from, seen))) {
    observeHolder(ctx, ip, seen, 'gossip');
    doubtAfter(ctx, ip, from, before);
    noteReplacedByWord(ctx, ip, from, before.holder);
  }
  if (hasTaken) onTakenSince(ctx, ip, from);
  const address = addressOf(ctx.state, ip);
  const merged = withTold(
    address,
    changes.map((ageMs) => at - ageMs),
    (changedTo ?? []).map((name) => (/^=?[0-9a-f]{8}$/.test(name) ? name : '')),
    changesKept(ctx.state.config),
  );
  const agrees =
    told !== null && told.associationId === address.holder.associationId && told.node === address.holder.node;
  // A peer that restarted as this node did knows no better than this node's disk.
  const runsForMs = ctx.state.peers[from]?.channel.latestT ?? 0;
  const knowsBetter = changes.length > 0 || runsForMs >= ctx.state.config.holdDownMs;
  changeAddress(ctx, ip, {
    changes: merged.changes,
    changedTo: merged.changedTo,
    oldChanges: knowsBetter ? [] : address.oldChanges,
    served: address.served || (agrees && served),
  });
}

/**
 * Who holds an address by a peer's word of that moment. Whoever is no candidate by this node's own configuration can't take one: it is
 * some target, and no node that could be heard and fit.
 */
export function holderTold(
  state: State,
  from: NodeId,
  { kind, node: named, instanceId, associationId, ageMs }: HolderRecord,
  toldAt: MonotonicMs,
): Holder {
  const isNamed = kind === 'node' && named !== null && isCandidate(state.config, named);
  const node = kind === 'none' ? null : isNamed ? named : nodeOfInstance(state, instanceId);
  return {
    kind: node !== null ? 'node' : kind === 'node' ? 'other' : kind,
    node,
    instanceId,
    associationId,
    at: toldAt - ageMs,
    toldBy: from,
    firsthand: false,
  };
}

/** Whether a peer says that this node holds the address, which it doesn't know of, or by another association. */
function isOfSelf({ state }: StepContext, { holder }: AddressState, told: Holder): boolean {
  const self = state.config.node.id;
  if (told.node !== self || holder.kind === 'unknown') return false;
  const { associationId } = holder;
  return holder.node !== self || (associationId !== null && told.associationId !== associationId);
}

/** Whether it is the word of whom this node has just replaced, and who doesn't know that yet: it may have been long on its way, through a store. */
function isOldClaim(
  { config, now }: State,
  { holder, replaced }: AddressState,
  from: NodeId,
  seen: Holder,
): boolean {
  if (holder.node !== config.node.id || seen.node !== from || seen.associationId !== null) return false;
  return replaced !== null && replaced.toldBy === null && replaced.node === from && now.at < replaced.until;
}

/** What this node itself holds it knows from the cloud, which it asks. */
function hearOfSelf(ctx: StepContext, ip: Ip, from: NodeId): void {
  const { idle } = addressOf(ctx.state, ip);
  const nextReadAt = Math.max(ctx.now.at, idle.readingAt + SELF_READ_MS);
  if (idle.nextReadAt > nextReadAt) changeAddress(ctx, ip, { idle: { ...idle, nextReadAt } });
  if (ctx.now.at - idle.readingAt < SELF_READ_MS) ignorePart(ctx, from);
}

/** A peer says that this association has ended. */
function hearEnded(ctx: StepContext, ip: Ip, from: NodeId, told: AssociationId): void {
  const { ended, toldEnded, inForce } = addressOf(ctx.state, ip);
  if (ended.includes(told)) return;
  const id = adoptedId(told);
  if (id === null || id === inForce) return ignorePart(ctx, from);
  const kept = [{ id, at: ctx.now.at }, ...toldEnded];
  const dropped = kept.slice(MAX_TOLD).map((one) => one.id);
  const others = ended.filter((one) => !dropped.includes(one));
  if (others.length >= MAX_ENDED) return;
  changeAddress(ctx, ip, { ended: [id, ...others], toldEnded: kept.slice(0, MAX_TOLD) });
}

/**
 * Take in what an own read, begun at `readAt`, shows of associations that peers have told something of.
 *
 * @returns false: the read is stale, and proves nothing
 */
export function takeRead(ctx: StepContext, ip: Ip, association: Association, readAt: MonotonicMs): boolean {
  const id = association.kind === 'associated' ? association.associationId : null;
  if (id !== null) {
    stayInForce(ctx, ip, id, readAt);
    refuteWord(ctx, ip, id, readAt);
  }
  return !isStaleRead(ctx.state, ip, association);
}

/** Whether it is another's association, of which only peers say that it has ended. */
export function isOnlyTold(state: State, ip: Ip, association: Association): boolean {
  if (association.kind === 'none' || association.self) return false;
  return state.addresses[ip]?.toldEnded.some(({ id }) => id === association.associationId) ?? false;
}

/** Whether a peer says that it has taken the address itself, later than any change that this node knows of. When another's change was it may have learnt late. */
function hasTakenSince(
  state: State,
  known: AddressState,
  from: NodeId,
  { changes, changedTo }: AddressRecord,
): boolean {
  const [ageMs] = changes;
  const instanceId = state.peers[from]?.record?.instanceId ?? null;
  if (ageMs === undefined || changedTo?.[0] !== nameOfChange({ associationId: null, instanceId, node: from }))
    return false;
  const at = state.now.at - ageMs;
  const newest = Math.max(...known.changes.slice(0, 1), ...known.oldChanges.slice(0, 1));
  return at > newest && !isKnownChange(known, at, changedTo[0]);
}

/** Whether that peer's word on who holds this address counts. */
function isBelieved(state: State, ip: Ip, from: NodeId): boolean {
  return (state.addresses[ip]?.distrust[from]?.until ?? 0) <= state.now.at;
}

/** What was known before a peer's word took the place of what the cloud had told this node. */
function doubtAfter(
  ctx: StepContext,
  ip: Ip,
  from: NodeId,
  { holder, changes, changedTo, served, doubt }: AddressState,
): void {
  const now = addressOf(ctx.state, ip);
  if (now.holder.firsthand || !holder.firsthand || holder.associationId === null || doubt !== null) return;
  changeAddress(ctx, ip, {
    doubt: { from, since: ctx.now.at, before: { holder, changes, changedTo, served } },
  });
}

/** What this node's own reads still show long after it was said to have ended is in force. */
function stayInForce(ctx: StepContext, ip: Ip, id: AssociationId, readAt: MonotonicMs): void {
  const { ended, toldEnded } = addressOf(ctx.state, ip);
  const told = toldEnded.find((one) => one.id === id);
  if (told === undefined || readAt - told.at < READS_LAG_MS) return;
  changeAddress(ctx, ip, {
    ended: ended.filter((one) => one !== id),
    toldEnded: toldEnded.filter((one) => one !== told),
    inForce: id,
  });
}

/** The association that a peer's word had replaced is there, by a read that began after the word had come, and hasn't been said to have ended. */
function refuteWord(ctx: StepContext, ip: Ip, id: AssociationId, readAt: MonotonicMs): void {
  const { doubt, ended, distrust } = addressOf(ctx.state, ip);
  if (doubt === null || doubt.before.holder.associationId !== id) return;
  if (readAt < doubt.since || ended.includes(id)) return;
  const times = (distrust[doubt.from]?.times ?? 0) + 1;
  const forMs = Math.min(MAX_DISTRUST_MS, FIRST_DISTRUST_MS * 2 ** (times - 1));
  ignorePart(ctx, doubt.from);
  changeAddress(ctx, ip, {
    ...doubt.before,
    holder: { ...doubt.before.holder, at: readAt },
    doubt: null,
    inForce: id,
    distrust: { ...distrust, [doubt.from]: { until: ctx.now.at + forMs, times } },
  });
}
