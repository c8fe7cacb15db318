/** A probe that has never fitted: the address stays where it is, and people are told what was expected and what came. */
import { expect } from 'vitest';
import { scenario } from './support/scenario.ts';

scenario(
  'a probe that expects what the service never answers moves nothing from the first minute on, and says why',
  {
    begin: 'ready',
    probe: { expect: '500-599' },
    settings: { notify: { blockedAfter: '4s' } },
  },
  async (scene) => {
    const { cluster } = scene;
    await scene.sees('saturn', 'down');
    await scene.sees('neptune', 'down');
    const why = await scene.explains(
      'neptune',
      'never-answered',
      ({ reason }) => reason === 'never-answered',
    );
    expect(why.outcome).toBe('hold');
    const told = await scene.tells(`${cluster.address} is down and no node may take it`);
    expect(told).toContain('answers 500-599');
    expect(told).toMatch(/status 200|200/);
    // As often as would have been enough for any verdict.
    await scene.probedMore('neptune', 10, 'failed');
    scene.expectOutcome({ holder: 'saturn', moves: 0, blocked: 1 });
  },
);
