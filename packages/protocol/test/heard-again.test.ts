/** A silence of the holder that ends: the failures of meanwhile may have seen nothing but that its network was away. */
import { expect, test } from 'vitest';
import type { State } from '../src/model/state.ts';
import { isFailingNow, whyNotFailing } from '../src/observation/failing.ts';
import {
  AT,
  addressIn,
  clusterOf,
  heldBy,
  IP,
  PEER,
  SELF,
  seenDown,
  stateOf,
  withPeer,
} from './support/fixtures.ts';
import { concluded, peerOf, standby } from './support/standby.ts';

/** The newest probe of `seenDown` began then. */
const PROBED_AT = AT - 300;
const FAILING_SINCE = AT - 2_000;
const TIMEOUT_MS = 1_000;
const OTHER = 'pluto';

function heardAgain(until: number | null, by: string, holder: string | null, from = FAILING_SINCE): State {
  const silence = until === null ? null : { from, until };
  return withPeer(seenDown(heldBy(stateOf(clusterOf(PEER, OTHER)), holder)), by, { silence });
}

test.each([
  ['its holder has never been silent', heardAgain(null, PEER, PEER), true],
  [
    'its holder is heard again since the last failed probe began',
    heardAgain(PROBED_AT + 1, PEER, PEER),
    false,
  ],
  ['a probe that began then has failed', heardAgain(PROBED_AT, PEER, PEER), true],
  ['another node is heard again', heardAgain(PROBED_AT + 1, OTHER, PEER), true],
  ['this node holds it, and hears another again', heardAgain(PROBED_AT + 1, OTHER, SELF), true],
  [
    'they began before that silence, too early to be hit by it',
    heardAgain(PROBED_AT + 1, PEER, PEER, FAILING_SINCE + TIMEOUT_MS + 1),
    true,
  ],
  [
    'the first of them was on its way when that silence began',
    heardAgain(PROBED_AT + 1, PEER, PEER, FAILING_SINCE + TIMEOUT_MS),
    false,
  ],
  ['nobody holds it', heardAgain(PROBED_AT + 1, PEER, null), true],
])('an address whose probes fail, when %s', (_when, state, fails) => {
  expect(isFailingNow(state, addressIn(state))).toBe(fails);
});

test('says what it waits for', () => {
  const state = heardAgain(AT, PEER, PEER);
  expect(whyNotFailing(state, addressIn(state))).toBe(
    'its holder is heard again after a silence, and no probe since has failed',
  );
});

/** The holder's network carries nothing for `ms`, in which this node sees the address down. */
function withoutNetwork(ms: number): ReturnType<typeof standby> {
  const world = standby();
  world.serving.delete(PEER);
  peerOf(world).reachable = false;
  world.run(ms);
  expect(addressIn(world.state()).verdict).toBe('down');
  peerOf(world).reachable = true;
  world.speak(PEER);
  return world;
}

test('a holder whose network is back before its silence is complete keeps the address', () => {
  const world = withoutNetwork(2_500);
  expect(world.state().peers[PEER]?.silence?.until).toBeGreaterThan(30_000);
  world.serving.add(PEER);
  world.run(10_000);
  expect(world.cloud.holder?.node).toBe(PEER);
  expect(world.state().addresses[IP]?.verdict).toBe('up');
});

test('one more failed probe moves it', () => {
  const world = withoutNetwork(2_500);
  world.runUntil('the attempt ends', concluded);
  expect(world.cloud.holder?.node).toBe(SELF);
});

test('a message that comes a little late ends no silence', () => {
  const world = standby();
  peerOf(world).reachable = false;
  world.run(1_000);
  peerOf(world).reachable = true;
  world.speak(PEER);
  expect(world.state().peers[PEER]?.silence).toBe(null);
});
