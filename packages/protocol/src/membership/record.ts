/**
 * A record that always fits into a message: what people have written, and what is only history, gives way.
 */
import type { AddressRecord, HandoverRecord, NodeRecord } from '../wire/messages.ts';

/** The most bytes of a record; what else a message carries takes less than the rest (`MAX_MESSAGE_BYTES`). */
export const MAX_RECORD_BYTES = 44_000;
/** Fewer parts than these always fit, and needn't be measured. */
const FEW_ADDRESSES = 8;
const FEW_HANDOVERS = 4;
const SHORT = 32;

/** A node's record, cut so that it fits into a message: first what people wrote of handovers, then the past of addresses. */
export function cutToFit(record: NodeRecord): NodeRecord {
  const { addresses, handovers } = record;
  if (addresses.length <= FEW_ADDRESSES && handovers.length <= FEW_HANDOVERS) return record;
  if (bytesOf(record) <= MAX_RECORD_BYTES) return record;
  const brief = { ...record, handovers: handovers.map(briefHandover) };
  if (bytesOf(brief) <= MAX_RECORD_BYTES) return brief;
  return { ...brief, addresses: addresses.map(briefAddress) };
}

/**
 * A shorter text never takes a longer one's place where records merge: it is less. What an operator has signed of an open
 * one is never cut, because nobody would believe it then; of an ended one only the end counts, which needs no proof.
 */
function briefHandover(one: HandoverRecord): HandoverRecord {
  const { by, reason, detail, withdrawnBy, proof, ...rest } = one;
  const signed = proof !== undefined && one.state === 'open';
  return {
    ...rest,
    by: signed ? by : by.slice(0, SHORT),
    reason: signed ? reason : reason.slice(0, SHORT),
    detail: detail.slice(0, SHORT),
    ...(withdrawnBy === undefined ? {} : { withdrawnBy: withdrawnBy.slice(0, SHORT) }),
    ...(signed ? { proof } : {}),
  };
}

function briefAddress(one: AddressRecord): AddressRecord {
  const { ended, changes, changedTo, episode } = one;
  return {
    ...one,
    ended: ended.slice(0, 1),
    changes: changes.slice(0, 4),
    ...(changedTo === undefined ? {} : { changedTo: changedTo.slice(0, 4) }),
    ...(episode === undefined ? {} : { episode: { ...episode, tries: episode.tries.slice(0, 1), saw: '' } }),
  };
}

/** How long it is in UTF-8. */
function bytesOf(record: NodeRecord): number {
  const text = JSON.stringify(record);
  let bytes = text.length;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) bytes += code > 0x7ff ? 2 : 1;
  }
  return bytes;
}
