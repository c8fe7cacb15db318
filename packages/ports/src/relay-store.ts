/**
 * What the relay wants of a store: single items, read as they are now, and written only over what the writer knows.
 */
import type { DurationMs } from '@failtome/protocol';

/** Which text stands under a key; it changes with each write. What it looks like is the store's affair. */
export type StoreVersion = string;

/** What a read came to. */
export type StoreRead =
  | { readonly kind: 'item'; readonly version: StoreVersion; readonly text: string }
  | { readonly kind: 'none' }
  | StoreFailure;

/** What a conditional write came to. */
export type StoreWrite =
  | { readonly kind: 'written'; readonly version: StoreVersion }
  /** Something else stands there than was expected; nothing is changed. */
  | { readonly kind: 'conflict' }
  | StoreFailure;

/** Nothing is known but that it failed. A write may have been applied all the same, or may yet be. */
export interface StoreFailure {
  readonly kind: 'failed';
  /** The store's own code, or `timeout`, `unreachable`, `unreadable`. */
  readonly code: string;
  readonly detail: string;
}

/** A key-value store with conditional writes. Each call is answered once; the adapter repeats nothing by itself. */
export interface RelayStore {
  /** What stands there now: no older state than any write showed that was answered before. A store may break that promise. */
  read(key: string, timeoutMs: DurationMs, answered: (result: StoreRead) => void): void;
  /** @param expected what has to stand there; null: nothing */
  write(
    key: string,
    text: string,
    expected: StoreVersion | null,
    timeoutMs: DurationMs,
    answered: (result: StoreWrite) => void,
  ): void;
}
