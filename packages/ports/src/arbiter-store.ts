/**
 * What the arbiter wants of a store, and how the protocol's effect becomes a call of it. The agent and the simulator share this;
 * what stands in the store, and what it means, is the protocol's affair (`arbiter-item.ts`).
 */
import type { ArbiterEffect, ArbiterResult, DurationMs, Ip } from '@failtome/protocol';
import type { RelayStore, StoreFailure } from './relay-store.ts';

/** What a swap came to. */
export type StoreSwap =
  | { readonly kind: 'written' }
  /** Something else stands there than was expected; nothing is changed. */
  | { readonly kind: 'conflict' }
  | StoreFailure;

/** Single texts, each written only in the place of exactly the one that its writer knows. */
export interface ArbiterStore extends Pick<RelayStore, 'read'> {
  /**
   * By content and not by version: a table that was lost and made anew may count its versions anew, and no text comes twice.
   *
   * @param expected what has to stand there; null: nothing
   */
  swap(
    key: string,
    text: string,
    expected: string | null,
    timeoutMs: DurationMs,
    answered: (result: StoreSwap) => void,
  ): void;
}

/** Under which key the arbiter's vote about an address stands. A direction of the relay has one part less. */
export function arbiterKey(cluster: string, ip: Ip): string {
  return `${cluster}/arbiter/lease/${ip}`;
}

/** Do what the protocol asks for, and answer it once. */
export function askArbiter(
  store: ArbiterStore,
  cluster: string,
  { address, operation, timeoutMs }: Pick<ArbiterEffect, 'address' | 'operation' | 'timeoutMs'>,
  answered: (result: ArbiterResult) => void,
): void {
  const key = arbiterKey(cluster, address);
  switch (operation.op) {
    case 'read':
      return store.read(key, timeoutMs, (result) => {
        if (result.kind === 'failed') answered(result);
        else answered({ kind: 'text', text: result.kind === 'none' ? null : result.text });
      });
    case 'swap':
      return store.swap(key, operation.text, operation.expected, timeoutMs, answered);
  }
}
