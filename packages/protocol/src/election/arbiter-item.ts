/**
 * What stands in the store for the arbiter's vote about one address, and what follows from it for a candidate that asks
 * (PROTOCOL.md, "The arbiter"; invariant I29).
 *
 * Everything that makes a lease exclusive is in this text: it is replaced only by whoever has read it, so no two replace the same.
 */
import type { DurationMs, Epoch, MonotonicMs, NodeId, SessionId } from '../model/units.ts';

/** Whom the arbiter has lent its lease of one address to last. */
export interface ArbiterItem {
  /** Which run made the item, and when: another with each table, so that no text comes twice. */
  readonly founded: string;
  /** Digest of the voters that it votes with. */
  readonly electorate: string;
  /** How long it lends, and how long an item that isn't over has to stand still. */
  readonly leaseMs: DurationMs;
  /** Null: nobody since it was made, as far as the item knows. */
  readonly candidate: NodeId | null;
  /** The candidate's run, or the one that made the item: another run of one id is somebody else. */
  readonly run: SessionId;
  readonly epoch: Epoch;
  /** Given back, or seen to stand still for the whole lease: nothing is lent. */
  readonly over: boolean;
}

/** The most characters of an item's text. */
export const MAX_ARBITER_CHARS = 1_024;

/** The longest lease that is believed: more than any configuration has. */
const MAX_LEASE_MS: DurationMs = 3_600_000;
const FORM_VERSION = 1;
const MAX_NAME_CHARS = 128;
const LEAST_MARGIN_MS: DurationMs = 100;

/** The text of an item. The same item is the same text. */
export function encodeArbiterItem(item: ArbiterItem): string {
  const { founded, electorate, leaseMs, candidate, run, epoch, over } = item;
  return JSON.stringify({ v: FORM_VERSION, founded, electorate, leaseMs, candidate, run, epoch, over });
}

/** Null: it is none, or one of another version. */
export function decodeArbiterItem(text: string): ArbiterItem | null {
  if (text.length > MAX_ARBITER_CHARS) return null;
  const item = fieldsOf(text);
  if (item === null || item.v !== FORM_VERSION) return null;
  const { founded, electorate, leaseMs, candidate, run, epoch, over } = item;
  if (!isName(founded) || !isName(electorate) || !isName(run) || typeof over !== 'boolean') return null;
  if (candidate !== null && !isName(candidate)) return null;
  if (!isWhole(leaseMs) || leaseMs > MAX_LEASE_MS || !isWhole(epoch)) return null;
  return { founded, electorate, leaseMs, candidate, run, epoch, over };
}

/**
 * For how long a text has to stand still after it was first read before what it lends is over, whoever measures it: the lease,
 * which its borrower counts from before it asked, and what two clocks may differ in their rates.
 */
export function standsStillFor(leaseMs: DurationMs): DurationMs {
  return leaseMs + Math.max(LEAST_MARGIN_MS, Math.ceil(leaseMs / 50));
}

/** Who asks, and for what. */
export interface Asking {
  readonly candidate: NodeId;
  readonly run: SessionId;
  readonly epoch: Epoch;
  readonly electorate: string;
}

/** What the arbiter's item means for somebody who asks. */
export type ArbiterVote =
  /** It may be written. */
  | { readonly kind: 'lend' }
  /** What was written for this very ballot stands there. */
  | { readonly kind: 'lent' }
  | {
      readonly kind: 'refuse';
      readonly reason: 'lent' | 'lease-unknown' | 'stale-epoch' | 'electorate';
      readonly retryMs: DurationMs;
    };

/**
 * @param text what stands there; null: nothing
 * @param since when this node first read that text, by its clock after the answer, and it has not read another since
 */
export function arbiterVoteOn(
  text: string | null,
  since: MonotonicMs,
  { candidate, run, epoch, electorate }: Asking,
  now: MonotonicMs,
): ArbiterVote {
  const item = text === null ? null : decodeArbiterItem(text);
  if (item === null)
    return { kind: 'refuse', reason: text === null ? 'lease-unknown' : 'electorate', retryMs: 0 };
  if (item.electorate !== electorate) return { kind: 'refuse', reason: 'electorate', retryMs: 0 };
  const isOwn = item.candidate === candidate && item.run === run;
  if (isOwn && !item.over && item.epoch === epoch) return { kind: 'lent' };
  const untilMs = since + standsStillFor(item.leaseMs);
  if (!isOwn && !item.over && now < untilMs)
    return {
      kind: 'refuse',
      reason: item.candidate === null ? 'lease-unknown' : 'lent',
      retryMs: untilMs - now,
    };
  return item.epoch >= epoch ? { kind: 'refuse', reason: 'stale-epoch', retryMs: 0 } : { kind: 'lend' };
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>) // every field is looked at before it is used
      : null;
  } catch {
    return null; // what isn't JSON is no item
  }
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_NAME_CHARS;
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
