/**
 * A run, written down before it happens: the world it begins with, what is done to it and when, and how it ends.
 * Plain JSON, so that a trace can carry it, a scenario file be read into it, and a shrinker take things away from it.
 */
import type { WorldSpec } from '../world/index.ts';
import type { Arguments } from './parameters.ts';

/** A whole run as data: a world, what happens to it, and how it ends. */
export interface Plan {
  /** A few words on what it is. */
  readonly title: string;
  readonly world: WorldSpec;
  readonly timeline: readonly Entry[];
  readonly ending: Ending;
}

/** Something that happens at a moment of the world's time. */
export interface Entry {
  readonly atMs: number;
  /** One of `ACTIONS`. */
  readonly action: string;
  readonly with: Arguments;
  /** After so long it is undone; null: it stays until the world is healed. */
  readonly forMs: number | null;
}

/** How a run ends. */
export type Ending =
  /** It stops at this moment, whatever is still broken. */
  | { readonly kind: 'stop'; readonly atMs: number }
  /**
   * At this moment everything is healed but what `broken` breaks for good, and the rest must recover:
   * `served`: every address is in service within the bound; `converged`: and everything else has come right too.
   */
  | {
      readonly kind: 'recover';
      readonly atMs: number;
      readonly broken: readonly Omit<Entry, 'atMs' | 'forMs'>[];
      readonly goal: 'served' | 'converged';
    };
