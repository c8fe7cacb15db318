/**
 * I29: an arbiter lends its lease of an address to one run at a time, and no epoch of it twice, by what its store has really
 * accepted, whoever was told of it. What became of the store doesn't matter, but for a lie: who lends anew what was lent is wrong.
 */
import { type ArbiterItem, decodeArbiterItem, type Ip } from '@failtome/protocol';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { type Broken, broken, type EventOf, type Judged } from './events.ts';

/** What drifting clocks may make of a lease. */
const TOLERANCE_MS = 20;

interface Lent extends Pick<ArbiterItem, 'run' | 'epoch' | 'founded'> {
  /** The run's name, for people. */
  readonly name: string;
  readonly atMs: number;
  /** When it is over, given back or not. */
  readonly untilMs: number;
}

/** By address: the last lease. */
type ArbiterLeases = Readonly<Record<Ip, Lent>>;

/** The rules of arbiters. */
export const ARBITER_LEASES: ClusterRules<ArbiterLeases> = {
  start: {},
  events: ['swapped'],
  facts: [],
  judge: (history, event, view) => (event.kind === 'swapped' ? onSwapped(history, event, view) : [history]),
};

function onSwapped(
  history: ArbiterLeases,
  { by, address: ip, text }: EventOf<'swapped'>,
  view: ClusterView,
): Judged<ArbiterLeases> {
  const item = decodeArbiterItem(text);
  if (item === null) return [history, broken('I29', `${by.run} writes what is no item: ${text}`)];
  if (item.candidate === null || view.storeLied()) return [history];
  const before = history[ip];
  const now = view.now();
  const { run, epoch, founded, leaseMs } = item;
  if (item.over) {
    if (before?.run !== run || before.epoch !== epoch || before.untilMs <= now) return [history];
    const isOwn = by.state().session === run;
    const after = { ...history, [ip]: { ...before, untilMs: now } };
    if (isOwn || before.untilMs <= now + TOLERANCE_MS) return [after];
    return [after, broken('I29', `${by.run} ends the arbiter's lease of ${ip}, which ${textOf(before)}`)];
  }
  const lent: Lent = { run, epoch, founded, name: by.run, atMs: now, untilMs: now + leaseMs };
  return [{ ...history, [ip]: lent }, ...check(before, lent, ip)];
}

function check(before: Lent | undefined, lent: Lent, ip: Ip): readonly Broken[] {
  if (before === undefined || before.run === lent.run) return [];
  const what = `${lent.name} is lent the arbiter's lease of ${ip} for epoch ${lent.epoch} at ${lent.atMs}, which ${textOf(before)}`;
  if (before.untilMs > lent.atMs + TOLERANCE_MS) return [broken('I29', what)];
  // Where the table was lost, an epoch may come again, as it may where disks were.
  return before.epoch >= lent.epoch && before.founded === lent.founded ? [broken('I29', what)] : [];
}

function textOf({ name, epoch, atMs, untilMs }: Lent): string {
  return `${name} has for epoch ${epoch} since ${atMs}, until ${untilMs}`;
}
