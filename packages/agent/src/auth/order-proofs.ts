/**
 * The proofs of orders, judged by the operators that a configuration names.
 *
 * Every record of a peer's repeats the orders that it knows of, so what has been proven is remembered. What isn't proven is
 * not: who sends much of it pays for it with its own budget, and drives nothing honest out.
 */
import {
  type DurableDocument,
  disprovedIn,
  type Envelope,
  type OrderRule,
  type State,
  withProvenOrders,
  withProvenState,
} from '@failtome/protocol';
import type { Operators } from './operators.ts';

/** As many as a node remembers orders, several times over. */
const MAX_REMEMBERED = 128;

export class OrderProofs {
  readonly #rule: OrderRule;
  readonly #operators: Operators;
  /** The text that each of the newest proofs is of. */
  readonly #proven = new Map<string, string>();

  constructor(rule: OrderRule, operators: Operators) {
    this.#rule = rule;
    this.#operators = operators;
  }

  /** The message without the proofs that don't hold. */
  judged(message: Envelope): Envelope {
    return this.#rule === 'proven' ? withProvenOrders(message, this.#isProven) : message;
  }

  /** What was read from the disk, without the proofs that don't hold. */
  judgedState(document: DurableDocument): DurableDocument {
    return this.#rule === 'proven' ? withProvenState(document, this.#isProven) : document;
  }

  /** The proofs in this node's own orders that don't hold by this configuration. */
  disprovedIn(state: State): readonly string[] {
    return this.#rule === 'proven' ? disprovedIn(state, this.#isProven) : [];
  }

  readonly #isProven = (text: string, proof: string): boolean => {
    if (this.#proven.get(proof) === text) return true;
    if (this.#operators.orderedBy(text, proof) === null) return false;
    const [oldest] = this.#proven.keys();
    if (this.#proven.size >= MAX_REMEMBERED && oldest !== undefined) this.#proven.delete(oldest);
    this.#proven.set(proof, text);
    return true;
  };
}
