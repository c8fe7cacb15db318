/** One run's inputs, taken again step by step, with the moment of each in the incident's time. */
import {
  coreOf,
  type Difference,
  type ReplayedStep,
  replaySegment,
  type SegmentHead,
} from '@failtome/recording';
import type { AlignedClock } from './clocks.ts';
import type { ReadSegment, RecordedRunOfNode } from './recorded-node.ts';

/** A step, when it was. */
export interface TimedStep extends ReplayedStep {
  readonly atMs: number;
}

/** How far the recording of a run leads to what it led to. */
export interface RunVerdict {
  readonly node: string;
  readonly run: string;
  /** Of the software that recorded it, and that of Node. */
  readonly versions: readonly string[];
  readonly steps: number;
  /** Null: the same decisions, effects and states. */
  readonly difference: (Difference & { readonly segment: string }) | null;
  /** Segments before which something is missing: their snapshot was taken for what it says. */
  readonly gaps: number;
  /** The invariant that ended it; null: none did. */
  readonly broken: string | null;
}

/** Takes the steps of a run, in their order. */
export class ReplayedRun {
  readonly of: RecordedRunOfNode;
  readonly clock: AlignedClock;
  readonly #steps: Generator<ReplayedStep>;
  #next: TimedStep | null = null;
  #taken = 0;
  #gaps = 0;
  #difference: RunVerdict['difference'] = null;
  #broken: string | null = null;

  constructor(of: RecordedRunOfNode, clock: AlignedClock) {
    this.of = of;
    this.clock = clock;
    this.#steps = this.#all();
    this.#advance();
  }

  /** Whether the recording begins with the run. */
  get beginsWithRun(): boolean {
    return this.of.segments[0]?.head.config !== undefined;
  }

  /** The next step; null: there is none. */
  get next(): TimedStep | null {
    return this.#next;
  }

  /** Take the next step. */
  take(): TimedStep | null {
    const step = this.#next;
    this.#advance();
    return step;
  }

  verdict(): RunVerdict {
    const { node, run, segments } = this.of;
    const versions = new Set(segments.map(({ head }) => `${head.failtome} on Node ${head.node}`));
    return {
      node,
      run,
      versions: [...versions],
      steps: this.#taken,
      difference: this.#difference,
      gaps: this.#gaps,
      broken: this.#broken,
    };
  }

  #advance(): void {
    const next = this.#steps.next();
    this.#next =
      next.done === true
        ? null
        : { ...next.value, atMs: Math.max(0, this.clock.worldTimeOf(next.value.input.at)) };
  }

  *#all(): Generator<ReplayedStep> {
    let reached: string | null = null;
    let upTo = 0;
    for (const segment of this.of.segments) {
      const follows = segment.head.step === upTo && segment.head.lost === 0;
      if (upTo > 0 && !follows) this.#gaps += 1;
      if (follows && reached !== null && !isSame(segment.head, reached)) {
        this.#differs(segment, { ...NOWHERE, step: upTo, same: upTo }, 'the snapshot there', 'another state');
        return;
      }
      const core = yield* this.#in(segment);
      if (core === null) return;
      reached = core;
      upTo = segment.head.step + segment.lines.filter(({ kind }) => kind === 'input').length;
    }
  }

  /** The state that it has led to, as JSON; null: nothing more is taken. */
  *#in(segment: ReadSegment): Generator<ReplayedStep, string | null> {
    const { head, lines } = segment;
    const steps = replaySegment({ head, lines, torn: () => null }, startOf(head));
    for (let next = steps.next(); ; next = steps.next()) {
      if (next.done !== true) {
        this.#taken += 1;
        yield next.value;
        continue;
      }
      const { difference, broken, core } = next.value;
      this.#broken = broken;
      if (difference !== null) this.#difference = { ...difference, segment: segment.name };
      return difference === null && broken === null ? JSON.stringify(core) : null;
    }
  }

  #differs(
    segment: ReadSegment,
    where: Omit<Difference, 'recorded' | 'replayed'>,
    recorded: string,
    replayed: string,
  ): void {
    this.#difference = {
      ...where,
      at: segment.head.at,
      wall: segment.head.wall,
      recorded,
      replayed,
      segment: segment.name,
    };
  }
}

const NOWHERE = { step: 0, same: 0, at: 0, wall: 0 };

function startOf(head: SegmentHead): ReturnType<typeof coreOf> {
  return coreOf(head);
}

function isSame({ core }: SegmentHead, reached: string): boolean {
  return core === undefined || JSON.stringify(core) === reached;
}
