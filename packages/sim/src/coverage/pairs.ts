/**
 * Counts the pairs that are met in a world: which faults in which phases of a takeover, and which reasons in which phases.
 */
import { FAULTS, type FaultEnd } from '../plan/index.ts';
import type { Watcher } from '../world/index.ts';
import { Attempts } from './attempts.ts';
import { faultPair, reasonPair } from './pair-catalogue.ts';

/** Counts the pairs in one world. */
export class PairCounter {
  readonly #counts = new Map<string, number>();
  /** How many of each are in force. */
  readonly #inForce = new Map<string, number>();
  readonly #attempts = new Attempts({
    entered: (phase) => {
      for (const fault of this.#inForce.keys()) this.#add(faultPair(fault, phase), 1);
    },
    reasoned: (phase, reason) => this.#add(reasonPair(phase, reason), 1),
  });
  readonly watch: Watcher = this.#attempts.watch;
  /** A fault of the plan is about to be done. */
  readonly onFault = (fault: string): FaultEnd => {
    if (!FAULTS.has(fault)) return () => undefined;
    const struck = this.#attempts.phases();
    for (const phase of struck) this.#add(faultPair(fault, phase), 1);
    this.#inForce.set(fault, (this.#inForce.get(fault) ?? 0) + 1);
    return (how) => {
      if (how === 'vain') for (const phase of struck) this.#add(faultPair(fault, phase), -1);
      const left = (this.#inForce.get(fault) ?? 1) - 1;
      if (left === 0) this.#inForce.delete(fault);
      else this.#inForce.set(fault, left);
    };
  };

  /** How often each was met: once for each phase that was come to under a fault, or struck by one. */
  seen(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }

  #add(id: string, by: number): void {
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + by);
  }
}
