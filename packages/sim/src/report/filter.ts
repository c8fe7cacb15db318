/**
 * Which records and arrows are wanted.
 */
import { type Context, describe } from '../record/describe.ts';
import { type MessageKind, messageKind, type TraceRecord } from '../record/records.ts';
import type { Message, Model } from './model.ts';

/** The groups that records are chosen by. */
export const GROUPS = ['messages', 'facts', 'state', 'leases', 'cloud', 'faults'] as const;
/** A group of records that can be shown or hidden. */
export type Group = (typeof GROUPS)[number];

/** What is shown. */
export interface Filter {
  readonly kinds: ReadonlySet<MessageKind>;
  readonly groups: ReadonlySet<Group>;
  /** Names of lanes. */
  readonly lanes: ReadonlySet<string>;
  /** Part of a line, whatever its case; empty: any. */
  readonly text: string;
}

/** The group that a record belongs to. */
export function groupOf({ kind }: TraceRecord): Group {
  switch (kind) {
    case 'sent':
    case 'arrived':
    case 'lost':
      return 'messages';
    case 'fact':
    case 'violation':
      return 'facts';
    case 'node':
    case 'view':
    case 'ladder':
      return 'state';
    case 'lease':
    case 'borrowed':
      return 'leases';
    case 'called':
    case 'call-ended':
    case 'association':
    case 'published':
    case 'owner':
      return 'cloud';
    case 'process':
    case 'haproxy':
    case 'fault':
    case 'fault-ended':
    case 'order':
    case 'order-answered':
      return 'faults';
  }
}

/** The records that are wanted, as indices, in order. */
export function wantedRecords(
  records: readonly TraceRecord[],
  filter: Filter,
  context: Context,
  lanes: readonly string[],
): readonly number[] {
  const everyLane = lanes.every((name) => filter.lanes.has(name));
  const text = filter.text.toLowerCase();
  const found: number[] = [];
  for (const [index, record] of records.entries()) {
    if (!filter.groups.has(groupOf(record))) continue;
    const sent = sentOf(record, context);
    if (sent !== null && !filter.kinds.has(messageKind(sent.payload))) continue;
    if (!everyLane && !isOfLanes(record, sent, filter.lanes, lanes)) continue;
    if (text !== '' && !lineOf(record, context).includes(text)) continue;
    found.push(index);
  }
  return found;
}

/** Whether an arrow is drawn; what its text says doesn't count. */
export function isArrowWanted(message: Message, { lanes }: Model, filter: Filter): boolean {
  if (!filter.groups.has('messages') || !filter.kinds.has(message.kind)) return false;
  const [from, to] = [lanes[message.from]?.name, lanes[message.to]?.name];
  return (from === undefined || filter.lanes.has(from)) && (to === undefined || filter.lanes.has(to));
}

function sentOf(record: TraceRecord, context: Context): Extract<TraceRecord, { kind: 'sent' }> | null {
  if (record.kind === 'sent') return record;
  if (record.kind !== 'arrived' && record.kind !== 'lost') return null;
  return context.sent(record.msg);
}

/** What is of no node is wanted whichever nodes are. */
function isOfLanes(
  record: TraceRecord,
  sent: Extract<TraceRecord, { kind: 'sent' }> | null,
  wanted: ReadonlySet<string>,
  lanes: readonly string[],
): boolean {
  const names = [...('who' in record ? [record.who] : []), ...(sent === null ? [] : [sent.who, sent.to])];
  const known = names.filter((name) => lanes.includes(name));
  return known.length === 0 || known.every((name) => wanted.has(name));
}

function lineOf(record: TraceRecord, context: Context): string {
  const who = 'who' in record ? record.who : '';
  return `${who} ${describe(record, context)} #${record.step}`.toLowerCase();
}
