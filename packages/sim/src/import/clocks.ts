/**
 * The nodes' clocks, aligned by their messages: each says when it was sent by its sender's monotonic clock, and was recorded
 * by its receiver's when it came. It can't have come before it was sent; so the messages of both directions bound by how much
 * two clocks differ, and the fastest of each bound it best. Clocks drift, so that it is done anew for each minute.
 */
import type { RecordedRunOfNode } from './recorded-node.ts';

/** A run's clock in the time of the incident. */
export interface AlignedClock {
  /** A moment of its monotonic clock, in milliseconds since the incident's begin. */
  readonly worldTimeOf: (at: number) => number;
  /** How far off that may be; null: no messages bound it, and the wall clocks were trusted. */
  readonly withinMs: number | null;
}

/** The clock of each run, by node and run. */
export type AlignedClocks = ReadonlyMap<string, AlignedClock>;

const WINDOW_MS = 60_000;

/** One window of what is known of the difference: to add to one clock for the other. */
interface Bounds {
  least: number;
  most: number;
}

interface Session {
  readonly run: string;
  readonly startedAt: number;
}

/** Names a run. */
export function keyOf({ node, run }: Pick<RecordedRunOfNode, 'node' | 'run'>): string {
  return `${node} ${run}`;
}

/** Align all of them with the run that was recorded longest. */
export function alignClocks(runs: readonly RecordedRunOfNode[]): AlignedClocks {
  const pairs = boundsBetween(runs);
  const byLength = runs.toSorted((a, b) => spanOf(b) - spanOf(a));
  const aligned = new Map<
    string,
    { readonly clock: (at: number) => number; readonly withinMs: number | null }
  >();
  for (const root of byLength) {
    if (aligned.has(keyOf(root))) continue;
    // Nobody who is aligned already has spoken with it: only its wall clock says when it was.
    const ahead = aheadOf(root);
    const isFirst = aligned.size === 0;
    aligned.set(keyOf(root), { clock: (at) => at + ahead, withinMs: isFirst ? 0 : null });
    spread(keyOf(root), pairs, aligned);
  }
  const begin = Math.min(
    ...runs.map((run) => aligned.get(keyOf(run))?.clock(run.segments[0]?.head.at ?? 0) ?? 0),
  );
  return new Map(
    [...aligned].map(([key, { clock, withinMs }]) => [
      key,
      { worldTimeOf: (at) => clock(at) - begin, withinMs },
    ]),
  );
}

/** To all that have spoken with it, and with those. */
function spread(
  root: string,
  pairs: ReadonlyMap<string, ReadonlyMap<string, ReadonlyMap<number, Bounds>>>,
  aligned: Map<string, { readonly clock: (at: number) => number; readonly withinMs: number | null }>,
): void {
  const edge = [root];
  for (let from = edge.shift(); from !== undefined; from = edge.shift()) {
    const parent = aligned.get(from);
    for (const [to, windows] of pairs.get(from) ?? []) {
      const offset = aligned.has(to) || parent === undefined ? null : offsetIn(windows);
      if (offset === null || parent === undefined) continue;
      const within = parent.withinMs === null ? null : parent.withinMs + offset.withinMs;
      aligned.set(to, { clock: (at) => parent.clock(at + offset.at(at)), withinMs: within });
      edge.push(to);
    }
  }
}

interface Offset {
  /** What to add at a moment of the one clock for the other. */
  readonly at: (at: number) => number;
  readonly withinMs: number;
}

/** Null: no window has messages of both directions. */
function offsetIn(windows: ReadonlyMap<number, Bounds>): Offset | null {
  const points = [...windows]
    .filter(([, { least, most }]) => Number.isFinite(least) && Number.isFinite(most))
    .map(([window, { least, most }]) => ({
      at: (window + 0.5) * WINDOW_MS,
      offset: (least + most) / 2,
      withinMs: Math.abs(most - least) / 2,
    }))
    .sort((a, b) => a.at - b.at);
  if (points.length === 0) return null;
  const sorted = points.map(({ withinMs }) => withinMs).sort((a, b) => a - b);
  return { at: (at) => between(points, at), withinMs: Math.ceil(sorted[Math.floor(sorted.length / 2)] ?? 0) };
}

function between(points: readonly { readonly at: number; readonly offset: number }[], at: number): number {
  const next = points.findIndex((point) => point.at > at);
  const [before, after] = next < 0 ? [points.at(-1), undefined] : [points[next - 1], points[next]];
  if (before === undefined || after === undefined) return (before ?? after)?.offset ?? 0;
  const part = (at - before.at) / (after.at - before.at);
  return before.offset + part * (after.offset - before.offset);
}

type Pairs = Map<string, Map<string, Map<number, Bounds>>>;

/** By run, and by the other run: what to add to the other's clock for this one's. */
function boundsBetween(runs: readonly RecordedRunOfNode[]): Pairs {
  const sessions = sessionsOf(runs);
  const pairs: Pairs = new Map();
  for (const run of runs) {
    const to = keyOf(run);
    for (const { lines } of run.segments) {
      for (const line of lines) {
        if (line.kind !== 'input') continue;
        const { input } = line;
        if (input.kind !== 'received' && input.kind !== 'answered') continue;
        const sender = sessions.get(input.message.session);
        if (sender === undefined || sender.run === to) continue;
        const sentAt = sender.startedAt + input.message.t;
        bound(pairs, to, sender.run, sentAt, { least: Number.NEGATIVE_INFINITY, most: input.at - sentAt });
        bound(pairs, sender.run, to, input.at, { least: sentAt - input.at, most: Number.POSITIVE_INFINITY });
      }
    }
  }
  return pairs;
}

/** @param at by the clock of `of`, which is added to for that of `to` */
function bound(pairs: Pairs, to: string, of: string, at: number, { least, most }: Bounds): void {
  const others = pairs.get(to) ?? new Map<string, Map<number, Bounds>>();
  pairs.set(to, others);
  const windows = others.get(of) ?? new Map<number, Bounds>();
  others.set(of, windows);
  const window = Math.floor(at / WINDOW_MS);
  const known = windows.get(window);
  if (known === undefined) windows.set(window, { least, most });
  else {
    known.least = Math.max(known.least, least);
    known.most = Math.min(known.most, most);
  }
}

function sessionsOf(runs: readonly RecordedRunOfNode[]): ReadonlyMap<string, Session> {
  const sessions = new Map<string, Session>();
  for (const run of runs) {
    const [first] = run.segments;
    const state = first?.head.core?.state;
    if (state !== undefined) sessions.set(state.session, { run: keyOf(run), startedAt: state.startedAt });
    const line = first?.lines[0];
    if (line?.kind === 'input' && line.input.kind === 'started')
      sessions.set(line.input.session, { run: keyOf(run), startedAt: line.input.at });
  }
  return sessions;
}

function aheadOf({ segments }: RecordedRunOfNode): number {
  const head = segments[0]?.head;
  return head === undefined ? 0 : head.wall - head.at;
}

function spanOf({ segments }: RecordedRunOfNode): number {
  return (segments.at(-1)?.head.at ?? 0) - (segments[0]?.head.at ?? 0) + (segments.at(-1)?.lines.length ?? 0);
}
