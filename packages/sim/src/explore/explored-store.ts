/**
 * The arbiter's store in the explored world: one item an address, one call at a time, behind the same port as the agent's.
 */
import { type ArbiterStore, askArbiter } from '@failtome/ports';
import type { ArbiterResult } from '@failtome/protocol';
import type { Call } from './explored-data.ts';

/** The text of each item, by its key; shared between branches. */
export type Items = Readonly<Record<string, string>>;

/** A call to the store. */
export type StoreCall = Extract<Call, { purpose: 'arbiter' }>;

/** The store after a call, and its answer. */
export interface Stored {
  readonly items: Items;
  readonly result: ArbiterResult;
  /** What the call has written; null: nothing. */
  readonly swapped: string | null;
}

/** Carry a call out at once. */
export function carryOutAtStore(
  before: Items,
  { by, address, operation, until, startedAt }: StoreCall,
): Stored {
  let items = before;
  let swapped: string | null = null;
  let result: ArbiterResult = { kind: 'failed', code: 'Unanswered', detail: '' };
  const store: ArbiterStore = {
    read(key, _timeoutMs, answered) {
      const text = items[key];
      answered(text === undefined ? { kind: 'none' } : { kind: 'item', version: text, text });
    },
    swap(key, text, expected, _timeoutMs, answered) {
      if ((items[key] ?? null) !== expected) return answered({ kind: 'conflict' });
      items = { ...items, [key]: text };
      swapped = text;
      answered({ kind: 'written' });
    },
  };
  askArbiter(store, by.config.cluster, { address, operation, timeoutMs: until - startedAt }, (answer) => {
    result = answer;
  });
  return { items, result, swapped };
}
