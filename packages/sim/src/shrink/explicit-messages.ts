/**
 * Replaces random network faults by an explicit list of message faults, which is then shrunk like any other list.
 */
import type { Entry, Plan } from '../plan/index.ts';
import type { Detail } from '../world/details.ts';
import type { World } from '../world/index.ts';
import { runChecked, type Search } from './shrink-search.ts';

/** How long every message takes once chance no longer decides. */
const CONSTANT_MS = 1;
/** How many worlds are tried for one in which constant delays do. */
const SEEDS_FOR_DELAYS = 12;
/** With more than this the list isn't worth having. */
const MAX_EXPLICIT = 4_000;

const CHANCES = ['lossPerMille', 'tailPerMille', 'duplicatePerMille'] as const;

/** Less of what is bad about the links, and the rest message by message. */
export function explicitMessages(search: Search): boolean {
  let simpler = false;
  for (const name of CHANCES) simpler = attemptWithout(search, name) || simpler;
  if (!search.plan.timeline.some(isChance)) return simpler;
  const constant: Entry = {
    atMs: 0,
    action: 'delays',
    with: { leastMs: CONSTANT_MS, mostMs: CONSTANT_MS },
    forMs: null,
  };
  const before = search.plan;
  const known = before.timeline.some(({ action }) => action === 'delays');
  const delayed = { ...before, timeline: [constant, ...before.timeline] };
  if (!known && !search.attempt(delayed, 'delays by chance', SEEDS_FOR_DELAYS)) return simpler;
  const explicit = spelledOut(search.plan);
  if (explicit !== null && search.attempt(explicit, 'losses by chance', 0)) return true;
  // Constant delays alone would only be one entry more.
  return search.attempt(before, 'constant delays, which were of no use', 0) || simpler;
}

/** No losses at all, or no late messages, or no repeated ones. */
function attemptWithout(search: Search, name: (typeof CHANCES)[number]): boolean {
  const without = search.plan.timeline.map((entry) =>
    isChance(entry) && entry.with[name] !== 0 ? { ...entry, with: { ...entry.with, [name]: 0 } } : entry,
  );
  const same = without.every((entry, index) => entry === search.plan.timeline[index]);
  return !same && search.attempt({ ...search.plan, timeline: without }, `${name} of the links`);
}

function isChance({ action, with: given }: Entry): boolean {
  return action === 'bad-links' && CHANCES.some((name) => given[name] !== undefined && given[name] !== 0);
}

/** The same run with what chance did to each message; null: chance did too much, or nothing. */
function spelledOut(plan: Plan): Plan | null {
  const fates: Entry[] = [];
  runChecked(plan, { onWorld: (world) => noteFates(world, fates) });
  if (fates.length === 0 || fates.length > MAX_EXPLICIT) return null;
  const certain = plan.timeline.filter((entry) => !isChance(entry));
  return { ...plan, timeline: [...certain, ...fates].sort((a, b) => a.atMs - b.atMs) };
}

interface Sent {
  readonly from: string;
  readonly to: string;
  readonly way: 'request' | 'response';
  readonly atMs: number;
  /** How many of its kind were sent before within the same millisecond. */
  readonly skip: number;
}

/** Every message that was lost by chance, came late or came again becomes an entry of the moment at which it was sent. */
function noteFates(world: World, fates: Entry[]): void {
  const sent = new Map<number, Sent>();
  const lately = new Map<string, { readonly ms: number; count: number }>();
  world.details.subscribe((detail) => {
    const atMs = world.now();
    if (detail.kind === 'sent') sent.set(detail.msg, sentBy(detail, atMs, lately));
    const fate = fateIn(detail, sent, atMs);
    if (fate !== null) fates.push(fate);
  });
}

function sentBy(
  { from, to, re }: Extract<Detail, { kind: 'sent' }>,
  atMs: number,
  lately: Map<string, { readonly ms: number; count: number }>,
): Sent {
  const way = re === null ? 'request' : 'response';
  const key = `${from} ${to} ${way}`;
  const ms = Math.floor(atMs);
  const before = lately.get(key);
  const skip = before?.ms === ms ? before.count : 0;
  lately.set(key, { ms, count: skip + 1 });
  return { from, to, way, atMs, skip };
}

function fateIn(detail: Detail, sent: ReadonlyMap<number, Sent>, nowMs: number): Entry | null {
  if (detail.kind !== 'lost' && detail.kind !== 'arrived') return null;
  const message = sent.get(detail.msg);
  if (message === undefined) return null;
  if (detail.kind === 'lost') return detail.why === 'loss' ? entryOf('lose-message', message, {}) : null;
  const byMs = Math.round(16 * (nowMs - message.atMs - (detail.again ? 0 : CONSTANT_MS))) / 16;
  if (detail.again) return detail.to === message.to ? entryOf('repeat-message', message, { byMs }) : null;
  return byMs > 0 ? entryOf('delay-message', message, { byMs }) : null;
}

function entryOf(
  action: string,
  { from, to, way, atMs, skip }: Sent,
  more: { readonly byMs?: number },
): Entry {
  return { atMs: Math.floor(atMs), action, with: { from, to, way, skip, times: 1, ...more }, forMs: null };
}
