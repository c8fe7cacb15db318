/** Seeds of the swarm, recorded and bundled as real nodes are, and imported again. */
import { type Bundle, readBundle } from '@failtome/recording';
import { expect, test } from 'vitest';
import { incidentOf } from '../src/import/index.ts';
import { type Plan, runPlan } from '../src/plan/index.ts';
import { planOf } from '../src/swarm/index.ts';
import { packed, type RecordedSegment, recordings } from './recorded-runs.ts';

export const bundled = async (segments: readonly RecordedSegment[]): Promise<Bundle> =>
  readBundle(await packed(segments));

function recorded(plan: Plan, inputsEach = 5_000): readonly RecordedSegment[] {
  const made = recordings(inputsEach);
  runPlan(plan, { recorderOf: made.recorderOf });
  return made.segments();
}

/** Some of them, so that the others can take their time elsewhere. */
export function testImported(seeds: readonly number[]): void {
  test.each(seeds)(
    'seed %i is imported: the same decisions, and nothing is broken that was not',
    async (seed) => {
      const incident = incidentOf(await bundled(recorded(planOf(seed))));
      expect(incident.runs.filter(({ difference }) => difference !== null)).toEqual([]);
      expect(incident.broken).toEqual([]);
      expect(incident.trace.records.length).toBeGreaterThan(100);
    },
  );
}
