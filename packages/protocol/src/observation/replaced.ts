/**
 * Whom reads may still show where associations have no ids: whoever held an address before this node's own take or release, or
 * before a peer's by its own word.
 */

import {
  type AddressState,
  type FormerHolder,
  type Holder,
  MAX_FORMER_HOLDERS,
} from '../model/address-state.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, Ip, NodeId } from '../model/units.ts';
import { addressOf, changeAddress, type StepContext } from '../step-context.ts';
import type { Releases } from '../storage/durable.ts';

/** The longest by which a read may lag behind, where an association has no id that would betray it. */
export const READS_LAG_MS: DurationMs = 60_000;

/** Whether reads may still show it: whom the last take or release has replaced, or after one of this node's own, who held the address lately. */
export function isReplaced(
  { now }: State,
  { replaced, formerHolders: earlier = [] }: AddressState,
  shown: Holder,
): boolean {
  if (replaced === null || now.at >= replaced.until) return false;
  if (shown.kind === 'none' && replaced.orNobody === true) return true;
  if (isThat(replaced, shown)) return true;
  return replaced.toldBy === null && earlier.some((one) => now.at < one.until && isThat(one, shown));
}

function isThat({ kind, node, instanceId }: FormerHolder, shown: Holder): boolean {
  if (instanceId !== null && instanceId === shown.instanceId) return true;
  return shown.kind === kind && shown.node === node && shown.instanceId === instanceId;
}

/** Who held the address lately, once `seen` does. */
export function formerHolders({ now }: State, address: AddressState, seen: Holder): readonly FormerHolder[] {
  const { formerHolders: before = [] } = address;
  const { kind, node, instanceId, associationId } = address.holder;
  const isLeft = kind !== 'none' && kind !== 'unknown' && associationId === null;
  if (!isLeft && before.length === 0) return before;
  const others = before.filter((one) => now.at < one.until && !isThat(one, seen));
  const until = now.at + READS_LAG_MS;
  return (isLeft ? [{ kind, node, instanceId, until }, ...others] : others).slice(0, MAX_FORMER_HOLDERS);
}

/** A read that shows that node may be of now. */
export function forgetReplaced(ctx: StepContext, ip: Ip, id: NodeId): void {
  const { replaced, formerHolders: before = [] } = addressOf(ctx.state, ip);
  if (replaced?.node === id) changeAddress(ctx, ip, { replaced: null });
  if (before.some(({ node }) => node === id))
    changeAddress(ctx, ip, { formerHolders: before.filter(({ node }) => node !== id) });
}

/** This node has released the address: whoever held it, by an association without an id, may be shown for a while. */
export function noteReleased(ctx: StepContext, ip: Ip, releases: Releases | undefined): void {
  if (releases === undefined) return;
  const kind = releases.node === null ? 'other' : 'node';
  changeAddress(ctx, ip, {
    replaced: { kind, ...releases, until: ctx.now.at + READS_LAG_MS, toldBy: null },
  });
}

/** This node asks for the address: a read that shows it may be of that, and no longer of how it was before a peer's take. */
export function forgetReplacedSelf(ctx: StepContext, ip: Ip): void {
  forgetReplaced(ctx, ip, ctx.state.config.node.id);
}

/** The cloud shows a take of this node's by an association without an id: whoever held the address may be shown for a while. */
export function replacedAfterTake(
  state: State,
  before: AddressState,
  seen: Holder,
): AddressState['replaced'] {
  const { kind, node, instanceId } = before.holder;
  const self = state.config.node.id;
  const mayBeTake = before.move !== null || before.late !== null;
  if (seen.node !== self || seen.associationId !== null || node === self || kind === 'unknown' || !mayBeTake)
    return before.replaced;
  const until = state.now.at + READS_LAG_MS;
  const released = kind === 'none' && before.replaced?.toldBy === null ? before.replaced : null;
  if (released !== null) return { ...released, until, orNobody: true };
  return { kind, node, instanceId, until, toldBy: null };
}

/**
 * A peer's own word that it was moved on is newer than this node's take, and than any other's word. It is no newer than this node's
 * release as long as that is followed by no take: the peer's reads lag as this node's do.
 */
export function replacedAfterWord(
  { replaced, move }: AddressState,
  { toldBy }: Holder,
): AddressState['replaced'] {
  if (replaced?.toldBy === null) return move?.duty === true ? replaced : null;
  return replaced !== null && replaced.toldBy === toldBy ? replaced : null;
}
