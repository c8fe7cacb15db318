/** Messages that were sent and didn't arrive, as faults of the ways between nodes. */
import type { TraceRecord } from '../record/index.ts';
import { badSpans, type Disturbance, disturbance, grouped, type Lasting } from './disturbance.ts';

/** When a node's process wasn't there: what is lost then is no fault of a way. */
export type DownAt = (node: string, atMs: number) => boolean;

interface Sent {
  readonly from: string;
  readonly to: string;
  readonly atMs: number;
  readonly reply: boolean;
  fate: 'arrived' | 'lost' | 'refused' | 'rejected' | null;
}

/** So many in a row are a broken way; fewer are single losses. */
const LEAST_IN_A_ROW = 3;
/** What was given up may arrive so long after the way is open again. */
const LATE_MS = 1_000;
/** More single losses than this aren't written one by one. */
const MOST_SINGLE = 12;

/** What was lost, way by way. */
export function recordedLosses(records: readonly TraceRecord[], isDown: DownAt): readonly Disturbance[] {
  const sent = sentIn(records).filter(
    ({ from, to, atMs, fate }) =>
      fate !== null && fate !== 'refused' && !isDown(from, atMs) && !isDown(to, atMs),
  );
  const ways = grouped(sent, ({ from, to }) => `${from} ${to}`);
  const found = [...ways.values()].flatMap(brokenWay);
  const requests = found.filter(({ action }) => action === 'one-way');
  // Answers to what had been given up on a broken way are lost for that reason.
  const broken = found.filter(
    ({ action, atMs, with: { from, to } }) =>
      action === 'one-way' ||
      !requests.some((one) => isAfter(one, { from: String(to), to: String(from), atMs })),
  );
  const single = [...ways.values()].flatMap((way) => singleLosses(way, broken));
  return [...broken, ...(single.length <= MOST_SINGLE ? single : [])];
}

function sentIn(records: readonly TraceRecord[]): readonly Sent[] {
  const open = new Map<number, Sent>();
  const all: Sent[] = [];
  for (const record of records) {
    if (record.kind === 'sent') {
      const one: Sent = {
        from: record.who,
        to: record.to,
        atMs: record.at,
        reply: record.route === '',
        fate: null,
      };
      open.set(record.msg, one);
      all.push(one);
    }
    const one = record.kind === 'arrived' || record.kind === 'lost' ? open.get(record.msg) : undefined;
    // What its sender has given up is lost, though TCP brings it when the way is open again.
    if (one === undefined || one.fate !== null) continue;
    if (record.kind === 'arrived') one.fate = 'arrived';
    else if (record.kind === 'lost')
      one.fate = record.why === 'refused' ? 'refused' : record.why === 'rejected' ? 'rejected' : 'lost';
  }
  return all;
}

/** Where only its requests are lost, and its answers to the other's pass, no new connection comes about. */
function brokenWay(way: readonly Sent[]): readonly Disturbance[] {
  const [first] = way;
  if (first === undefined) return [];
  const { from, to } = first;
  const spansOf = (reply: boolean) =>
    badSpans(
      way.filter((one) => one.reply === reply).map(({ atMs, fate }) => ({ atMs, bad: fate !== 'arrived' })),
      LEAST_IN_A_ROW,
    );
  const requests = spansOf(false).map((span) => {
    const passes = way.some((one) => one.reply && one.fate === 'arrived' && isIn(one.atMs, span));
    return disturbance('one-way', { from, to, state: passes ? 'no-connections' : 'closed' }, span);
  });
  const replies = spansOf(true)
    .filter((span) => !requests.some(({ atMs, forMs }) => isIn(span.fromMs, lasting(atMs, forMs))))
    .map((span) =>
      disturbance('lose-message', { from, to, way: 'response', skip: 0, times: span.count }, span),
    );
  return [...requests, ...replies];
}

/** Neither on a broken way, nor an answer to what had been given up on one. */
function singleLosses(way: readonly Sent[], broken: readonly Disturbance[]): readonly Disturbance[] {
  const isExplained = ({ from, to, atMs, reply }: Sent): boolean =>
    broken.some(
      (one) =>
        (one.with.from === from && one.with.to === to && isIn(atMs, lasting(one.atMs, one.forMs))) ||
        (reply && isAfter(one, { from: to, to: from, atMs })),
    );
  return way
    .filter((one) => one.fate === 'lost' && !isExplained(one))
    .map(({ from, to, atMs, reply }) => {
      const given = { from, to, way: reply ? 'response' : 'request', skip: 0, times: 1 };
      return { atMs: Math.floor(atMs), action: 'lose-message', with: given, forMs: null };
    });
}

/** Whether a moment is within a broken way's time, or soon after it. */
function isAfter(
  { with: given, ...one }: Disturbance,
  { from, to, atMs }: Pick<Sent, 'from' | 'to' | 'atMs'>,
): boolean {
  const { fromMs, toMs } = lasting(one.atMs, one.forMs);
  const untilMs = toMs === null ? null : toMs + LATE_MS;
  return given.from === from && given.to === to && isIn(atMs, { fromMs, toMs: untilMs });
}

function lasting(atMs: number, forMs: number | null): Lasting {
  return { fromMs: atMs, toMs: forMs === null ? null : atMs + forMs };
}

function isIn(atMs: number, { fromMs, toMs }: Lasting): boolean {
  return atMs >= fromMs && (toMs === null || atMs <= toMs);
}
