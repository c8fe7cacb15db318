/** Takes recorded inputs again, by the present protocol, and holds what comes of them against what came of them then. */
import {
  type Fact,
  type HostCore,
  type HostTurn,
  hostStep,
  type Input,
  newHostCore,
} from '@failtome/protocol';
import { NO_OUTCOME, toldIn, withOutcome } from './digest.ts';
import type { SegmentHead } from './lines.ts';
import type { Segment } from './segment.ts';

/** One input, taken again. */
export interface ReplayedStep {
  /** Counts the inputs of the run, from 1. */
  readonly step: number;
  readonly input: Input;
  readonly before: HostCore;
  readonly turn: HostTurn;
}

/** Where a replay and its recording part. */
export interface Difference {
  /** Counts the inputs of the run, from 1: at the latest there. */
  readonly step: number;
  /** The last step that is known to have been the same. */
  readonly same: number;
  readonly at: number;
  readonly wall: number;
  /** What was recorded, and what comes of it now; in words where it isn't what was told. */
  readonly recorded: string;
  readonly replayed: string;
}

/** What has come of a replay so far. */
export interface ReplayEnd {
  /** As it is after the last step that was taken. */
  readonly core: HostCore;
  readonly steps: number;
  /** Those of them that a checksum or a fact stands behind. */
  readonly checked: number;
  /** Null: the same. Nothing is taken after the first difference. */
  readonly difference: Difference | null;
  /** The input that broke an invariant then as it does now; null: none did. */
  readonly broken: string | null;
}

/** The host before a segment's first input. */
export function coreOf({ core, config }: SegmentHead): HostCore {
  if (core !== undefined) return core;
  if (config === undefined) throw new Error('a segment begins with a configuration or a snapshot');
  return newHostCore(config);
}

/** Take a segment's inputs one by one; what it returns at its end says how it went. */
export function* replaySegment(
  segment: Segment,
  start: HostCore = coreOf(segment.head),
): Generator<ReplayedStep, ReplayEnd> {
  const { head } = segment;
  let core = start;
  let sum = NO_OUTCOME;
  let steps = 0;
  let checked = 0;
  let broken: string | null = null;
  let last: Pick<Input, 'at' | 'wall'> = head;
  const ended = (difference: Difference | null): ReplayEnd => ({ core, steps, checked, difference, broken });
  const differs = (recorded: string, replayed: string): ReplayEnd =>
    ended({
      step: head.step + steps,
      same: head.step + checked,
      at: last.at,
      wall: last.wall,
      recorded,
      replayed,
    });
  for (const line of segment.lines) {
    if (broken !== null) return differs('it went on', broken);
    if (line.kind === 'check') {
      if (line.sum !== sum) return differs(`checksum ${line.sum}`, `checksum ${sum}`);
      checked = steps;
      continue;
    }
    const { input, told } = line;
    last = input;
    steps += 1;
    const before = core;
    let turn: HostTurn;
    try {
      turn = hostStep(core, input);
    } catch (error) {
      broken = error instanceof Error ? error.message : String(error);
      continue;
    }
    core = turn.core;
    sum = withOutcome(sum, turn);
    yield { step: head.step + steps, input, before, turn };
    const [recorded, replayed] = [textOf(told), textOf(toldIn(turn.facts))];
    if (recorded !== replayed) return differs(recorded, replayed);
  }
  return ended(null);
}

function textOf(told: readonly Fact[]): string {
  return JSON.stringify(told);
}
