/**
 * The outbox on the disk: what waits for the topic in the list that earlier versions know, and what waits for others in one that
 * those pass over, each event once for all of its receivers.
 */
import { NOTICE_KINDS } from '../model/codes.ts';
import { TOPIC } from '../model/config.ts';
import type { Notification, State } from '../model/state.ts';
import type { MonotonicMs } from '../model/units.ts';
import type { DurableDocument, DurableNotice, Notice, OutboxEntry } from '../storage/durable.ts';

type Kept = Pick<DurableDocument, 'outbox' | 'notices'>;

/** What a later run has still to tell. */
export function durableOutbox({ outbox }: State): Kept {
  const topic = outbox.filter(isForTopic).map(({ id, subject, message }) => ({ id, subject, message }));
  const others = outbox.filter((one) => !isForTopic(one));
  return others.length === 0 ? { outbox: topic } : { outbox: topic, notices: grouped(others) };
}

/** The same again, in the order in which each receiver is told. */
export function restoredOutbox({ outbox, notices = [] }: Kept, at: MonotonicMs): readonly Notification[] {
  const fresh = { publishing: null, nextAt: at, delayMs: 0, refusals: 0 };
  return [
    ...outbox.map((entry) => ({ ...fresh, ...topicNotice(entry), receiver: TOPIC.name })),
    ...notices.flatMap((notice) => known(notice).map((one) => ({ ...fresh, ...one }))),
  ];
}

function isForTopic({ receiver }: Notification): boolean {
  return receiver === TOPIC.name;
}

/** Of one event every receiver has the same text. */
function grouped(waiting: readonly Notification[]): readonly DurableNotice[] {
  const events = new Map<string, DurableNotice>();
  for (const { id, event, address, wall, subject, message, details, receiver } of waiting) {
    const to = [...(events.get(id)?.to ?? []), receiver];
    events.set(id, { id, event, address, wall, subject, message, details, to });
  }
  return [...events.values()];
}

/** Subject and message are all that the topic is told. */
function topicNotice({ id, subject, message }: OutboxEntry): Notice {
  return { id, event: 'taken', address: null, wall: 0, subject, message, details: [] };
}

function known({ to, ...notice }: DurableNotice): readonly (Notice & { readonly receiver: string })[] {
  const event = NOTICE_KINDS.find((kind) => kind === notice.event);
  if (event === undefined) return [];
  return to.map((receiver) => ({ ...notice, event, receiver }));
}
