/**
 * The known changes of holder of an address: what the flap budget and the hold-down count (invariant I15).
 *
 * Nodes learn of one change at different times: the taker at once, a reader up to a minute later, one that stood still when
 * it goes on. So a change is known by the association that it was to; one without that name by when it happened.
 */

import { digestOf } from '../election/quorum.ts';
import type { AddressState, Holder } from '../model/address-state.ts';
import { MAX_CHANGES } from '../model/address-state.ts';
import type { ProtocolConfig } from '../model/config.ts';
import type { DurationMs, MonotonicMs } from '../model/units.ts';

/** Changes that lie closer together than this are one change, unless both are known by their associations. */
const SAME_CHANGE_MS: DurationMs = 3_000;
/** Marks what was made of a holder's name: it may come back, unlike an association's id. */
const HOLDER_MARK = '=';

/** Newest first; `changedTo` names what each of `changes` was to, in the same order. */
export type Changes = Pick<AddressState, 'changes' | 'changedTo'>;

interface Change {
  readonly at: MonotonicMs;
  /** See `changedTo` of `AddressState`. */
  readonly to: string;
}

/** What a change is known by. */
type NamedHolder = Pick<Holder, 'associationId' | 'instanceId' | 'node'>;

/** What the change to this holder is known by. */
export function nameOfChange({ associationId, instanceId, node }: NamedHolder): string {
  if (associationId !== null) return digestOf(associationId);
  return HOLDER_MARK + digestOf(instanceId ?? node ?? '');
}

/** How many changes are remembered: the budget's, and enough to tell others. */
export function changesKept({ flap }: ProtocolConfig): number {
  return Math.max(MAX_CHANGES, flap.moves);
}

/**
 * A change that was just learnt from the holder's change itself: close after another that may be the same, it takes that one's
 * place, so that the hold-down counts from the later one. An association that is known already, and seen again by an old word, is no other change.
 */
export function withChange(known: Changes, at: MonotonicMs, to: string, kept: number): Changes {
  const list = listed(known);
  const [newest] = list;
  const change: Change = { at, to };
  const isKnown = isAssociation(change) && list.some((one) => one.to === to);
  const replaces =
    newest !== undefined && at > newest.at && newest.to !== to && mayBeSame(newest, change) && !isKnown;
  return replaces ? unlisted([change, ...list.slice(1)], kept) : withTold(known, [at], [to], kept);
}

/** What another knows of past changes. Nodes learn of one late and never early: of one that is known already the earlier time is nearer to the truth. */
export function withTold(
  known: Changes,
  times: readonly MonotonicMs[],
  names: readonly string[],
  kept: number,
): Changes {
  const before = listed(known);
  let list = before;
  for (const [index, at] of times.entries()) list = withOne(list, { at, to: names[index] ?? '' });
  return list === before ? { changes: known.changes, changedTo: known.changedTo } : unlisted(list, kept);
}

/** Whether what another knows is a change that is known already, be it at another time. */
export function isKnownChange(known: Changes, at: MonotonicMs, to: string): boolean {
  const list = listed(known);
  return withOne(list, { at, to }).length === list.length;
}

function withOne(list: readonly Change[], one: Change): readonly Change[] {
  const sameNamed = list.filter((other) => isNamedSame(list, other, one));
  // Two of one name with nothing between them are two nevertheless: what lay between has given its place to the later.
  const named = sameNamed.find((other) => other.at <= one.at) ?? sameNamed.at(-1);
  if (named !== undefined)
    return one.at < named.at ? sorted(list.map((other) => (other === named ? one : other))) : list;
  const close = list.find((other) => mayBeSame(other, one));
  if (close === undefined) return sorted([...list, one]);
  if (close.to !== '' || one.to === '') return list;
  return list.map((other) => (other === close ? { at: close.at, to: one.to } : other));
}

/** Whether two changes, known by different names, may be one: they lie close together, and a name can be anybody's. */
function mayBeSame(a: Change, b: Change): boolean {
  return Math.abs(a.at - b.at) < SAME_CHANGE_MS && !(isAssociation(a) && isAssociation(b));
}

function isAssociation({ to }: Change): boolean {
  return to !== '' && !to.startsWith(HOLDER_MARK);
}

/** An association's id comes once. A holder's name comes again, when another has held the address meanwhile. */
function isNamedSame(list: readonly Change[], a: Change, b: Change): boolean {
  if (a.to === '' || a.to !== b.to) return false;
  if (isAssociation(a)) return true;
  const [from, until] = a.at < b.at ? [a.at, b.at] : [b.at, a.at];
  return !list.some(({ at, to }) => to !== a.to && at > from && at < until);
}

function listed({ changes, changedTo }: Changes): readonly Change[] {
  return changes.map((at, index) => ({ at, to: changedTo[index] ?? '' }));
}

function unlisted(list: readonly Change[], kept: number): Changes {
  const newest = list.slice(0, kept);
  return { changes: newest.map(({ at }) => at), changedTo: newest.map(({ to }) => to) };
}

function sorted(list: readonly Change[]): readonly Change[] {
  return [...list].sort((a, b) => b.at - a.at);
}
