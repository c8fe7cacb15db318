/** Takeovers as parts in time: those that are under way, and those of the history. */
import { type ClusterModel, isFresh, type Step, type StoryModel } from './model.ts';

/** A part of a takeover, where it begins and how long it took, in hundredths of the whole. */
export interface Part extends Step {
  readonly at: number;
  readonly width: number;
  readonly running: boolean;
}

/** A takeover as a bar. */
export interface Timeline {
  readonly parts: readonly Part[];
  readonly totalMs: number;
}

/** One that is under way. */
export interface Running {
  readonly address: string;
  readonly to: string;
  readonly mode: string;
  readonly phase: string;
  readonly timeline: Timeline;
}

/** A part is seen, however short it was. */
const LEAST_WIDTH = 1.5;

/** What each part is, for people who don't know the protocol. */
export const STEP_WORDS: Readonly<Record<string, string>> = {
  detect: 'noticed',
  agree: 'voters agreed',
  guard: 'own way out proven',
  read: 'holder read',
  release: 'released',
  take: 'taken',
  settle: 'unclear answer settled',
  verify: 'answers again',
};

/** What a phase waits for. */
export const PHASE_WORDS: Readonly<Record<string, string>> = {
  campaign: 'asking the voters',
  won: 'voters agreed; writing down what is meant',
  guard: 'proving its own way out',
  reading: 'reading who holds the address',
  releasing: 'releasing the address',
  taking: 'taking the address',
  settling: 'finding out what an unclear answer meant',
  resting: 'waiting for the next call',
  verifying: 'waiting for the address to answer',
};

/** Those that nodes are about now. An old word isn't now. */
export function runningOf({ nodes }: ClusterModel): readonly Running[] {
  return nodes.filter(isFresh).flatMap(({ id, status }) =>
    (status?.addresses ?? []).flatMap(({ ip, takeover }) => {
      if (takeover === null) return [];
      const done = takeover.steps.filter(({ step }) => step !== 'total');
      const detectMs = done.find(({ step }) => step === 'detect')?.durationMs ?? 0;
      const restMs = Math.max(0, takeover.forMs + detectMs - sum(done));
      const now = { step: takeover.phase, durationMs: restMs };
      const timeline = timelineOf(done, now);
      return [{ address: ip, to: id, mode: takeover.mode, phase: takeover.phase, timeline }];
    }),
  );
}

/** Null: it has no parts to show, such as a refusal. */
export function timelineOfStory({ steps }: StoryModel): Timeline | null {
  const done = steps.filter(({ step }) => step !== 'total');
  if (done.length === 0) return null;
  const totalMs = steps.find(({ step }) => step === 'total')?.durationMs ?? sum(done);
  return { ...timelineOf(done, null), totalMs };
}

function timelineOf(done: readonly Step[], now: Step | null): Timeline {
  const all = now === null ? done : [...done, now];
  const totalMs = sum(all);
  const shares = all.map(({ durationMs }) =>
    Math.max(LEAST_WIDTH, (100 * durationMs) / Math.max(1, totalMs)),
  );
  const whole = shares.reduce((most, share) => most + share, 0);
  let at = 0;
  const parts = all.map((step, index): Part => {
    const width = (100 * (shares[index] ?? 0)) / whole;
    const part = { ...step, at, width, running: step === now };
    at += width;
    return part;
  });
  return { parts, totalMs };
}

function sum(steps: readonly Step[]): number {
  return steps.reduce((most, { durationMs }) => most + durationMs, 0);
}
