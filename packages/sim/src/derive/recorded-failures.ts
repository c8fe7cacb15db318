/** Processes that ended or stood still, web servers that failed, and ways out that were broken, as faults. */
import type { TraceRecord } from '../record/index.ts';
import { badSpans, type Disturbance, disturbance, factsOf, grouped } from './disturbance.ts';
import type { DownAt } from './recorded-losses.ts';

interface Down {
  readonly node: string;
  readonly how: 'stop' | 'crash' | 'vanish';
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** A timer that is later than this wasn't late by chance. */
const LEAST_STALL_MS = 500;
/** So many checks in a row, over so long, are no hiccup; after a move a node has no address for a moment. */
const LEAST_CHECKS = 3;
const LEAST_BLIND_MS = 4_000;
/** Told ends are as late as this after what they tell of. */
const NEAR_MS = 10_000;

/** What became of processes. A run that another one follows has ended, whoever has told. */
export function recordedDowns(records: readonly TraceRecord[]): readonly Down[] {
  const open = new Map<string, Omit<Down, 'toMs'>>();
  const last = new Map<string, number>();
  const runs = new Map<string, string>();
  const downs: Down[] = [];
  for (const record of records) {
    if (record.kind !== 'process') {
      if ('who' in record && record.kind !== 'arrived') last.set(record.who, record.at);
      continue;
    }
    const { who: node, state, run, at } = record;
    const fromMs = last.get(node) ?? at;
    if (state === 'stopped') open.set(node, { node, how: 'stop', fromMs });
    if (state === 'crashed') open.set(node, { node, how: 'crash', fromMs });
    if (state !== 'alive') continue;
    const followed =
      runs.has(node) && runs.get(node) !== run ? { node, how: 'crash' as const, fromMs } : null;
    const before = open.get(node) ?? followed;
    open.delete(node);
    runs.set(node, run);
    if (before !== null) downs.push({ ...before, toMs: at });
  }
  const lasting = [...open.values()].map((down) => ({ ...down, toMs: null }));
  return [...downs, ...lasting].map((down) => (isGone(records, down) ? { ...down, how: 'vanish' } : down));
}

/** A machine that is there refuses what nobody listens to. */
function isGone(records: readonly TraceRecord[], { node, how, fromMs, toMs }: Down): boolean {
  if (how !== 'crash') return false;
  const sent = new Set<number>();
  const whys = new Set<string>();
  for (const record of records) {
    if (
      record.kind === 'sent' &&
      record.to === node &&
      record.at > fromMs &&
      record.at < (toMs ?? record.at + 1)
    )
      sent.add(record.msg);
    if (record.kind === 'lost' && sent.has(record.msg)) whys.add(record.why);
  }
  return whys.size > 0 && !whys.has('refused');
}

/** Whether a node's process was there. */
export function downAt(downs: readonly Down[]): DownAt {
  return (node, atMs) =>
    downs.some((one) => one.node === node && atMs >= one.fromMs && (one.toMs === null || atMs < one.toMs));
}

/** All that became of nodes. */
export function recordedFailures(
  records: readonly TraceRecord[],
  downs: readonly Down[],
): readonly Disturbance[] {
  return [
    ...downs.map(({ node, how, ...span }) => disturbance(how, { node }, span)),
    ...stalls(records),
    ...webServers(records),
    ...blindness(records),
  ];
}

function stalls(records: readonly TraceRecord[]): readonly Disturbance[] {
  return factsOf(records, 'stalled')
    .filter(({ fact }) => fact.lateMs >= LEAST_STALL_MS)
    .map(({ atMs, who, fact }) =>
      disturbance('pause', { node: who }, { fromMs: atMs - fact.lateMs, toMs: atMs }),
    );
}

/** From the first probe that failed where the node held the address, else from when it called itself unfit. */
function webServers(records: readonly TraceRecord[]): readonly Disturbance[] {
  const found: Disturbance[] = [];
  for (const [index, record] of records.entries()) {
    if (record.kind !== 'haproxy' || record.state === 'up') continue;
    const { who } = record;
    const before = records.slice(0, index).findLast((one) => one.kind === 'haproxy' && one.who === who);
    if (before?.kind === 'haproxy' && before.state !== 'up') continue;
    const ends = records
      .slice(index)
      .find((one) => one.kind === 'haproxy' && one.who === who && one.state === 'up');
    const local = records
      .slice(0, index + 1)
      .findLast((one) => one.kind === 'fact' && one.who === who && one.fact.kind === 'local');
    const reason = local?.kind === 'fact' && local.fact.kind === 'local' ? local.fact.reason : '';
    const fromMs = firstFailure(records.slice(0, index), who) ?? record.at;
    found.push(
      disturbance('haproxy', { node: who, state: stateBy(reason) }, { fromMs, toMs: ends?.at ?? null }),
    );
  }
  return found;
}

function firstFailure(before: readonly TraceRecord[], holder: string): number | null {
  const held = new Set<string>();
  const owners = new Map<string, string | null>();
  for (const one of before) if (one.kind === 'owner') owners.set(one.address, one.owner);
  for (const [address, owner] of owners) if (owner === holder) held.add(address);
  const endMs = before.at(-1)?.at ?? 0;
  let first: number | null = null;
  for (const { atMs, fact } of factsOf(before, 'probe').toReversed()) {
    if (!held.has(fact.address)) continue;
    if (fact.result.kind === 'ok' || atMs < endMs - NEAR_MS) break;
    if (fact.result.kind === 'failed') first = atMs - fact.result.durationMs;
  }
  return first;
}

function stateBy(reason: string): 'dead' | 'hung' | 'error' {
  if (/time/.test(reason)) return 'hung';
  return /status|answer|\b[45]\d\d\b/.test(reason) ? 'error' : 'dead';
}

/** A node that has lost the address is blind until it has another: that is how the cloud is, and no fault. */
function blindness(records: readonly TraceRecord[]): readonly Disturbance[] {
  const asked = grouped(factsOf(records, 'way-out'), ({ who }) => who);
  return [...asked].flatMap(([node, row]) => {
    const moments = row.map(({ atMs, fact }) => ({
      atMs: atMs - (fact.result.kind === 'failed' ? fact.result.durationMs : 0),
      bad: fact.result.kind === 'failed',
    }));
    const losses = lossesOf(records, node);
    return badSpans(moments, LEAST_CHECKS)
      .filter(({ fromMs, toMs }) => (toMs ?? Number.POSITIVE_INFINITY) - fromMs >= LEAST_BLIND_MS)
      .filter(({ fromMs }) => !losses.some((atMs) => Math.abs(fromMs - atMs) < NEAR_MS))
      .map((span) => disturbance('no-way-out', { node }, span));
  });
}

/** When a node lost an address. */
function lossesOf(records: readonly TraceRecord[], node: string): readonly number[] {
  const owners = new Map<string, string | null>();
  return records.flatMap((record) => {
    if (record.kind !== 'owner') return [];
    const before = owners.get(record.address);
    owners.set(record.address, record.owner);
    return before === node && record.owner !== node ? [record.at] : [];
  });
}

/** How long a node was blind after it had lost an address, where that was seen; null: it wasn't. */
export function blindAfterLossMs(records: readonly TraceRecord[]): number | null {
  const asked = factsOf(records, 'way-out');
  const times = [...new Set(asked.map(({ who }) => who))].flatMap((node) =>
    lossesOf(records, node).flatMap((lostMs) => {
      const seen = asked.find(
        ({ atMs, who, fact }) => who === node && atMs > lostMs && fact.result.kind === 'address',
      );
      return seen === undefined ? [] : [seen.atMs - lostMs];
    }),
  );
  return times.length === 0 ? null : Math.round(Math.max(...times));
}
