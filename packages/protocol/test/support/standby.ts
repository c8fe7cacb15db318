/** A pair in which `saturn` stands by, and what tests of its flows wait for. */
import type { ProtocolConfig } from '../../src/model/config.ts';
import { PAIR, PEER } from './fixtures.ts';
import type { FakePeer } from './peers.ts';
import { World } from './world.ts';

/** A pair that has run for half a minute: neptune holds the address and serves, saturn stands by. */
export function standby(config: ProtocolConfig = PAIR): World {
  const world = new World({ config });
  world.start();
  world.run(30_000);
  world.transcript.begin();
  return world;
}

export function peerOf(world: World): FakePeer {
  const peer = world.peers[PEER];
  if (peer === undefined) throw new Error(`${PEER} is not in this world`);
  return peer;
}

export const opened = (epoch: number) => (world: World) =>
  world.facts.some((fact) => fact.kind === 'ballot-opened' && fact.epoch === epoch);
export const closed = (result: 'won' | 'lost') => (world: World) =>
  world.facts.some((fact) => fact.kind === 'ballot-closed' && fact.result === result);
export const concluded = (world: World) =>
  world.facts.some((fact) => fact.kind === 'concluded' && fact.entry.kind === 'takeover');

/** The move waits for what the read shows that it begins with. */
export const isReading = (world: World): boolean =>
  Object.values(world.state().addresses).some(({ move }) => move?.stage.kind === 'reading');

/** The transcript from the first line with `text` in it. */
export function from({ transcript }: World, text: string): string {
  const whole = transcript.text();
  return whole.slice(whole.lastIndexOf('\n', whole.indexOf(text)) + 1);
}

/** The transcript from the moment the guard has passed: what comes before is the same in every takeover. */
export function afterGuard(world: World): string {
  return from(world, '* guard passed');
}
