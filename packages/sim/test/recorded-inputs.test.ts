/** What an agent records is enough to take every step again, from any snapshot on. */
import { type RecordedLine, readSegment, replaySegment, type Segment } from '@failtome/recording';
import { expect, test } from 'vitest';
import { runPlan } from '../src/plan/index.ts';
import { planOf } from '../src/swarm/index.ts';
import { recordings } from './recorded-runs.ts';

const INPUTS_EACH = 700;

function recorded(seed: number): ReturnType<ReturnType<typeof recordings>['segments']> {
  const made = recordings(INPUTS_EACH);
  runPlan(planOf(seed), { recorderOf: made.recorderOf });
  return made.segments();
}

/** To its end. */
function replayed(segment: Segment) {
  const steps = replaySegment(segment);
  for (let next = steps.next(); ; next = steps.next()) if (next.done === true) return next.value;
}

test.each([4, 10, 12, 14, 15, 16, 18, 21, 22, 23, 24])(
  'the inputs of seed %i lead to the same decisions, effects and states',
  (seed) => {
    const segments = recorded(seed);
    expect(segments.length).toBeGreaterThan(0);
    const cores = new Map<string, string>();
    for (const { run, bytes } of segments) {
      const segment = readSegment(bytes);
      const { core } = segment.head;
      // A snapshot is the state that the segment before it has led to.
      if (core !== undefined) expect(JSON.stringify(core)).toBe(cores.get(run));
      const end = replayed(segment);
      expect({ seed, run, torn: segment.torn(), difference: end.difference }).toEqual({
        seed,
        run,
        torn: null,
        difference: null,
      });
      cores.set(run, JSON.stringify(end.core));
    }
  },
);

function with_(segment: Segment, change: (line: RecordedLine, index: number) => RecordedLine): Segment {
  return { ...segment, lines: [...segment.lines].map(change) };
}

test('an input that was another is found by the next fact or checksum', () => {
  const [first] = recorded(1);
  const segment = readSegment(first?.bytes ?? Buffer.alloc(0));
  const lines = [...segment.lines];
  const probes = lines.flatMap((line, index) =>
    line.kind === 'input' && line.input.kind === 'probed' && line.input.result.kind === 'ok' ? [index] : [],
  );
  expect(probes.length).toBeGreaterThan(10);
  for (const at of probes.slice(0, 10)) {
    const changed = with_({ ...segment, lines }, (line, index) =>
      index === at && line.kind === 'input' && line.input.kind === 'probed'
        ? { ...line, input: { ...line.input, result: { ...line.input.result, durationMs: 1.25 } } }
        : line,
    );
    const { difference } = replayed(changed);
    const step = lines.slice(0, at + 1).filter(({ kind }) => kind === 'input').length;
    expect(difference).not.toBeNull();
    expect(difference?.same).toBeLessThan(step);
    expect(difference?.step).toBeGreaterThanOrEqual(step);
    expect((difference?.step ?? 0) - (difference?.same ?? 0)).toBeLessThanOrEqual(32);
  }
});

test('a decision that was told otherwise is found at its very step', () => {
  const [first] = recorded(1);
  const segment = readSegment(first?.bytes ?? Buffer.alloc(0));
  const lines = [...segment.lines];
  const at = lines.findLastIndex(
    (line) => line.kind === 'input' && line.told.some(({ kind }) => kind === 'decided'),
  );
  const changed = with_({ ...segment, lines }, (line, index) =>
    index === at && line.kind === 'input' ? { ...line, told: [] } : line,
  );
  const { difference } = replayed(changed);
  expect(difference).toMatchObject({
    step: lines.slice(0, at + 1).filter(({ kind }) => kind === 'input').length,
    recorded: '[]',
    replayed: expect.stringContaining('"decided"'),
  });
});
