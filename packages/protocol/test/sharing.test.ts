/** What `step` hands out stays as it is, and what it doesn't change it shares: hosts, checkers and explorers keep states. */
import { expect, test } from 'vitest';
import type { Input } from '../src/model/inputs.ts';
import { step } from '../src/step.ts';
import { PEER } from './support/fixtures.ts';
import { concluded, peerOf, standby } from './support/standby.ts';
import type { World } from './support/world.ts';

/** Freeze all that can be reached; what is frozen already was so with all of its parts. */
function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) freeze(part);
}

function tick(world: World): Input {
  return { kind: 'tick', at: world.now, wall: world.now };
}

test('no step of a takeover changes a state that was handed out before it', () => {
  const world = standby();
  freeze(world.state());
  world.serving.delete(PEER);
  peerOf(world).say({ fit: 'unfit' });
  world.speak(PEER);
  // A step that wrote to a frozen state would throw.
  world.runUntil('it is concluded', (now) => {
    freeze(now.state());
    return concluded(now);
  });
  expect(Object.isFrozen(world.state())).toBe(true);
});

test('a tick with nothing to do keeps every part but the time', () => {
  const world = standby();
  const before = world.state();
  const { state } = step(before, tick(world));
  const changed = Object.keys(state).filter(
    (name) => state[name as keyof typeof state] !== before[name as keyof typeof state], // keys of that very object
  );
  expect(changed.filter((name) => name !== 'due')).toEqual(['now']);
});
