/** What happened where the chance of an outage jumped, by the records of the run. */
import type { Entry, Plan } from '../plan/index.ts';
import type { TraceRecord } from '../record/index.ts';
import type { Jump } from './likelihood.ts';

/** A jump, with what happened in it. */
export interface NamedJump extends Jump {
  /** What was done to the world then. */
  readonly entries: readonly Entry[];
  /** What is told of it, the most telling kind of record alone. */
  readonly records: readonly TraceRecord[];
  /** The first decisions after it, by the takeover rule. */
  readonly decisions: readonly TraceRecord[];
}

/** Of one kind of records in one jump nobody reads more. */
const MAX_TOLD = 4;
const MAX_THEN = 3;

type Kind = (record: TraceRecord) => boolean;

const isFact =
  (...kinds: readonly string[]): Kind =>
  (record) =>
    record.kind === 'fact' && kinds.includes(record.fact.kind);

/** The most telling first: what was done to the world, what the nodes made of it, what became of messages and calls. */
const TELLING: readonly Kind[] = [
  ({ kind }) => kind === 'fault' || kind === 'order',
  ({ kind }) => kind === 'fault-ended' || kind === 'process' || kind === 'haproxy',
  ({ kind }) => kind === 'association' || kind === 'owner',
  isFact('ballot-closed', 'guard', 'concluded', 'blocked', 'handover', 'pause'),
  isFact('decided', 'voted', 'verdict', 'peer', 'local', 'stalled', 'storage'),
  (record) => record.kind === 'call-ended' && record.end !== 'ok',
  ({ kind }) => kind === 'lost',
  isFact('probe'),
];

/** Name what happened in a jump: a branch of its end has it behind it, one of its begin draws it anew. */
export function namedJump(
  jump: Jump,
  plan: Plan,
  records: readonly TraceRecord[],
  untilMs: number,
): NamedJump {
  const [fromMs, toMs] = [jump.before.atMs, jump.after.atMs];
  const inside = records.filter(({ at }) => at >= fromMs && at < toMs);
  const told = TELLING.map((isIt) => inside.filter(isIt)).find(({ length }) => length > 0) ?? [];
  const after = records.filter((record) => record.at >= fromMs && record.at <= untilMs && isDecision(record));
  return {
    ...jump,
    entries: plan.timeline.filter(({ atMs }) => atMs >= fromMs && atMs < toMs),
    records: told.slice(-MAX_TOLD),
    decisions: after.slice(0, MAX_THEN),
  };
}

/** The last decision of each node before a moment, in the order of the nodes' names. */
export function decisionsAt(records: readonly TraceRecord[], atMs: number): readonly TraceRecord[] {
  const last = new Map<string, TraceRecord>();
  for (const record of records) {
    if (record.at > atMs || record.kind !== 'fact' || record.fact.kind !== 'decided') continue;
    last.set(`${record.who} ${record.fact.address}`, record);
  }
  return [...last].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, record]) => record);
}

/** That a node holds an address, or sees it up, is no answer to a failure. */
const QUIET: ReadonlySet<string> = new Set(['is-holder', 'address-up', 'starting', 'not-a-candidate']);

function isDecision(record: TraceRecord): boolean {
  return record.kind === 'fact' && record.fact.kind === 'decided' && !QUIET.has(record.fact.reason);
}
