/**
 * What the world tells whoever watches. Everything that a node sees, says and does passes here, with the moment of the
 * world's time at which it did.
 */
import type { WorldEvent } from '../invariants/index.ts';

export type { RunView, WorldEvent, WorldView } from '../invariants/index.ts';
export { takesAtOnce } from '../invariants/index.ts';

/** Is told of what happens. */
export type Watcher = (event: WorldEvent) => void;

/** A broken invariant, with what shows it. */
export interface Violation {
  readonly invariant: string;
  readonly detail: string;
  readonly atMs: number;
  /** How many events had run. */
  readonly step: number;
}

/** Named like an invariant, where a run is to end with the first outage: nothing in the protocol promises that there is none. */
export const OUTAGE = 'outage';

/** Tells of a broken invariant. */
export type Violate = (invariant: string, detail: string) => void;
