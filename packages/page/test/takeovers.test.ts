/** Takeovers as parts in time. */
import { expect, test } from 'vitest';
import { MOVE_STEPS, TAKEOVER_PHASES } from '../../protocol/src/index.ts';
import { storiesOf } from '../src/model.ts';
import { PHASE_WORDS, runningOf, STEP_WORDS, timelineOfStory } from '../src/takeovers.ts';
import { addressJson, cluster, IP, nodeJson } from './support.ts';

const takeover = {
  mode: 'takeover',
  phase: 'taking',
  forMs: 500,
  steps: [
    { step: 'detect', durationMs: 1_000 },
    { step: 'agree', durationMs: 100 },
  ],
};

test('one that runs shows what is over, and for how long the rest has taken', () => {
  const [running] = runningOf(cluster(nodeJson('neptune', {}, { addresses: [addressJson({ takeover })] })));
  expect(running).toMatchObject({
    address: IP,
    to: 'neptune',
    phase: 'taking',
    timeline: { totalMs: 1_500 },
  });
  const parts = running?.timeline.parts ?? [];
  expect(parts.map(({ step, durationMs, running: now }) => [step, durationMs, now])).toEqual([
    ['detect', 1_000, false],
    ['agree', 100, false],
    ['taking', 400, true],
  ]);
  expect(parts.reduce((sum, { width }) => sum + width, 0)).toBeCloseTo(100);
  expect(parts.map(({ at }) => at)).toEqual([
    0,
    parts[0]?.width,
    (parts[0]?.width ?? 0) + (parts[1]?.width ?? 0),
  ]);
});

test('an old word of a takeover is of none that runs', () => {
  const old = nodeJson('neptune', { ageMs: 6_000 }, { addresses: [addressJson({ takeover })] });
  expect(runningOf(cluster(old))).toEqual([]);
});

test('one of the history has the total that its node counted, and a refusal has no parts', () => {
  const entry = {
    id: 'a',
    kind: 'takeover',
    steps: [...takeover.steps, { step: 'total', durationMs: 1_300 }],
  };
  const [done, refused] = storiesOf([{ entry, seen: [] }, { entry: { id: 'b', kind: 'refusal' } }]);
  if (done === undefined || refused === undefined) throw new Error('there are two');
  expect(timelineOfStory(done)).toMatchObject({
    totalMs: 1_300,
    parts: [{ step: 'detect' }, { step: 'agree' }],
  });
  expect(timelineOfStory(refused)).toBeNull();
});

test('every step and every phase has its words', () => {
  expect(MOVE_STEPS.filter((step) => step !== 'total' && STEP_WORDS[step] === undefined)).toEqual([]);
  expect(TAKEOVER_PHASES.filter((phase) => phase !== 'idle' && PHASE_WORDS[phase] === undefined)).toEqual([]);
});
