/**
 * The proofs of orders, judged by the operators that a configuration names.
 *
 * Every record of a peer's repeats the orders that it knows of, so what a proof was found to be is remembered, and a repeated
 * one costs nothing. What holds is remembered for all. What doesn't hold is remembered for the sender that told it alone: who
 * sends much of it drives nothing out that others have told, and each sender has few verifications a second.
 */
import {
  type DurableDocument,
  disprovedIn,
  type Envelope,
  type MonotonicMs,
  type OrderRule,
  type State,
  withProvenOrders,
  withProvenState,
} from '@failtome/protocol';
import { Allowance } from '../allowance.ts';
import type { Operators } from './operators.ts';

/** As many as a node remembers orders, several times over. */
const MAX_REMEMBERED = 128;
/** Of proofs that don't hold, for each sender. An honest one has some while an operator's key is being taken away. */
const MAX_DISPROVED = 32;
/** The senders that proofs are judged for; who was heard longest ago is forgotten. */
const MAX_SENDERS = 64;

/** The most proofs of one sender that are verified at once: all that the largest message has, with a pause and a command, twice. */
export const MAX_PROOFS_AT_ONCE = 36;
/** And so many a second: operators are people, and a verification is a tenth of a millisecond. */
const PROOFS_PER_SECOND = 8;

interface Told {
  readonly allowance: Allowance;
  /** The text that each of the newest proofs isn't of. */
  readonly disproved: Map<string, string>;
}

/** Judges whether an operator has signed an order. */
export class OrderProofs {
  readonly #rule: OrderRule;
  readonly #operators: Pick<Operators, 'orderedBy'>;
  readonly #monotonicMs: () => MonotonicMs;
  /** The text that each of the newest proofs is of. */
  readonly #proven = new Map<string, string>();
  readonly #senders = new Map<string, Told>();

  constructor(
    rule: OrderRule,
    operators: Pick<Operators, 'orderedBy'>,
    monotonicMs: () => MonotonicMs = () => performance.now(),
  ) {
    this.#rule = rule;
    this.#operators = operators;
    this.#monotonicMs = monotonicMs;
  }

  /**
   * The message without the proofs that don't hold. After the first that was found not to, and beyond what its sender may have
   * verified, nothing more of the message is verified: the next message of an honest sender goes on from there.
   *
   * @param sender what it has proven of itself, in one word
   */
  judged(message: Envelope, sender: string): Envelope {
    if (this.#rule !== 'proven') return message;
    const told = this.#toldBy(sender);
    let goesOn = true;
    return withProvenOrders(message, (text, proof) => {
      if (this.#proven.get(proof) === text) return true;
      if (!goesOn || told.disproved.get(proof) === text) return false;
      goesOn = told.allowance.take();
      if (!goesOn) return false;
      goesOn = this.#isProven(text, proof);
      if (!goesOn) remember(told.disproved, proof, text, MAX_DISPROVED);
      return goesOn;
    });
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
    remember(this.#proven, proof, text, MAX_REMEMBERED);
    return true;
  };

  #toldBy(sender: string): Told {
    const told = this.#senders.get(sender) ?? {
      allowance: new Allowance(
        { perSecond: PROOFS_PER_SECOND, burst: MAX_PROOFS_AT_ONCE },
        { monotonicMs: this.#monotonicMs },
      ),
      disproved: new Map<string, string>(),
    };
    remember(this.#senders, sender, told, MAX_SENDERS);
    return told;
  }
}

/** As the newest; the oldest one gives way. */
function remember<T>(map: Map<string, T>, key: string, value: T, most: number): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > most && oldest !== undefined) map.delete(oldest);
}
