/** What a report says of an outage, besides the run: how likely it was at each moment, and what came of other rules. */

/** The chance at one moment, each between 0 and 1, with its 95 % interval. */
export interface LikelihoodPoint {
  readonly atMs: number;
  readonly chance: number;
  readonly low: number;
  readonly high: number;
  /** Such as `3 of 24`. */
  readonly says: string;
}

/** A moment, and a line on it. */
export interface MomentLine {
  readonly atMs: number;
  readonly text: string;
}

/** Where the chance jumped. */
export interface JumpPart {
  readonly fromMs: number;
  readonly toMs: number;
  readonly rises: boolean;
  /** How far, in a sentence. */
  readonly says: string;
  /** What happened there, and what was decided after. */
  readonly lines: readonly MomentLine[];
  /** What would have come without it; empty: nothing was done to the world there. */
  readonly without: string;
}

/** Plain data: the page carries it. */
export interface WhyPart {
  /** Which outage it was, and what counts as one. */
  readonly headline: string;
  readonly rule: string;
  /** When it was an outage. */
  readonly outageMs: number;
  readonly points: readonly LikelihoodPoint[];
  readonly jumps: readonly JumpPart[];
  /** Where the nodes stood at the outage. */
  readonly stood: readonly MomentLine[];
  /** What limits what is said, and what else there is to say. */
  readonly notes: readonly string[];
  /** Rules side by side: rows of cells, the first row the names; empty: none were asked for. */
  readonly table: readonly (readonly string[])[];
}
