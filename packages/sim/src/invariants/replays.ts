/**
 * I18: a message counts once, for its receiver, in one session of each side, and only for so long.
 */
import { OPERATOR_PREFIX } from '@failtome/protocol';
import type { ClusterRules } from './cluster-view.ts';
import { type Broken, broken, type EventOf } from './events.ts';

/** What a fast clock may make of an age. */
const TOLERANCE_MS = 20;
/** What comes again later breaks the rule by its age; and that long it may take until it is told that it counted. */
const KEPT_MS = 300_000;
const BUCKETS = 64;

/** A message that has counted, and those of its bucket with lower numbers, the highest first. */
interface Counted {
  readonly recordedAs: number;
  readonly run: string;
  readonly below: Counted | null;
}

/** Those that have counted lately, and in the time before that. */
interface Replays {
  readonly sinceMs: number;
  readonly now: readonly (Counted | null)[];
  readonly earlier: readonly (Counted | null)[];
  /** Operators' messages have no age that could be judged: they are kept for good. */
  readonly operators: Readonly<Record<number, string>>;
}

const EMPTY: readonly (Counted | null)[] = Array.from({ length: BUCKETS }, () => null);

/** The rules of messages that come again. */
export const REPLAYS: ClusterRules<Replays> = {
  start: { sinceMs: 0, now: EMPTY, earlier: EMPTY, operators: {} },
  events: ['judged'],
  facts: [],
  judge(history, event, view) {
    if (event.kind !== 'judged' || event.status !== 200) return [history];
    const { by, request, recordedAs } = event;
    const before = runOf(history, recordedAs);
    const after = withCounted(history, event, view.now());
    if (before === null) return [after];
    const what = `${request.from}'s message ${request.seq}`;
    return [after, broken('I18', `${what} counted at ${before} and again at ${by.run}`)];
  },
};

function runOf({ now, earlier, operators }: Replays, recordedAs: number): string | null {
  const index = recordedAs % BUCKETS;
  const one = found(now[index] ?? null, recordedAs) ?? found(earlier[index] ?? null, recordedAs);
  return one?.run ?? operators[recordedAs] ?? null;
}

/** Numbers rise as messages are sent: most are above all that have counted, and the first look tells. */
function found(highest: Counted | null, recordedAs: number): Counted | null {
  let one = highest;
  while (one !== null && one.recordedAs > recordedAs) one = one.below;
  return one?.recordedAs === recordedAs ? one : null;
}

/** With one more in its place; those above it are copied. */
function withOne(bucket: Counted | null, recordedAs: number, run: string): Counted {
  if (bucket === null || bucket.recordedAs < recordedAs) return { recordedAs, run, below: bucket };
  return { ...bucket, below: withOne(bucket.below, recordedAs, run) };
}

function withCounted(
  history: Replays,
  { by: { run }, recordedAs, request }: EventOf<'judged'>,
  nowMs: number,
): Replays {
  // A question changes nothing, and may be answered again: a node remembers but so many of those who only ask.
  if (request.payload.command?.kind === 'handover-status') return history;
  if (request.from.startsWith(OPERATOR_PREFIX))
    return { ...history, operators: { ...history.operators, [recordedAs]: run } };
  const fresh = nowMs - history.sinceMs < KEPT_MS;
  const { sinceMs, now, earlier } = fresh ? history : { sinceMs: nowMs, now: EMPTY, earlier: history.now };
  const index = recordedAs % BUCKETS;
  const bucket = withOne(now[index] ?? null, recordedAs, run);
  return { sinceMs, now: now.with(index, bucket), earlier, operators: history.operators };
}

/** What a request that counts must be, by the receiver's own record. */
export function checkFreshness({ by, request, ageMs }: EventOf<'judged'>): readonly Broken[] {
  const found: Broken[] = [];
  const counts = `${request.from}'s message ${request.seq}`;
  if (request.to !== by.node || request.from === by.node || request.cluster !== by.config.cluster)
    found.push(broken('I18', `${counts} to ${request.to} of ${request.cluster} counted at ${by.run}`));
  if (request.echo?.session !== by.state().session)
    found.push(broken('I18', `${counts} counted at ${by.run}, though it answers another session of it`));
  const mostMs = Math.max(2 * by.config.gossip.deadMs, 5_000);
  if (ageMs > mostMs + TOLERANCE_MS && !request.from.startsWith(OPERATOR_PREFIX))
    found.push(broken('I18', `${counts} counted at ${by.run} after ${ageMs} ms`));
  return found;
}
