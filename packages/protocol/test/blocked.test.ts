import { describe, expect, test } from 'vitest';
import { TOPIC } from '../src/model/config.ts';
import type { CheckResult } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import type { Move } from '../src/move/phases.ts';
import { BLOCKED_SUBJECT } from '../src/reporting/notice-text.ts';
import { newContext } from '../src/step-context.ts';
import { blockedAt } from '../src/takeover/blocked.ts';
import { adoptEpisode } from '../src/takeover/episode.ts';
import { blockedAfterMs, defaultBlockedAfterMs, failoverBoundMs } from '../src/takeover/failover-time.ts';
import {
  AT,
  addressIn,
  addressRecordOf,
  heldBy,
  PAIR,
  PEER,
  SELF,
  seenDown,
  seriesOf,
  silenced,
  stateOf,
  WALL,
  withAddress,
  withEpisode,
} from './support/fixtures.ts';
import { standby } from './support/standby.ts';
import { World } from './support/world.ts';

const MINUTE = 60_000;
/** Neptune holds it; it has been down for 20 s, and nothing was said. */
const DOWN = withEpisode(seenDown(heldBy(stateOf(), PEER)), { downSince: AT - 20_000 });

function dueIn(state: State): number | null {
  const at = blockedAt(state, addressIn(state));
  return at === null ? null : at - AT;
}

describe('people are told of an address that nobody may take', () => {
  const vain = withEpisode(DOWN, { tries: [{ node: PEER, epoch: 1, from: SELF, at: AT - 30_000 }] });
  const own = withEpisode(seenDown(heldBy(stateOf(), SELF)), { downSince: AT - 20_000 });
  const unfit: State = { ...own, local: { ...own.local, fit: 'unfit' } };
  const rows: readonly (readonly [string, State, number | null])[] = [
    ['when it has been down for so long', DOWN, 40_000],
    ['never while the verdict is unknown', withAddress(DOWN, { verdict: 'unknown' }), null],
    ['never twice an episode', withAddress(DOWN, { blockedTold: true }), null],
    ['never while the last probe succeeded', withAddress(DOWN, { series: seriesOf(true) }), null],
    ['never by a witness', { ...DOWN, config: { ...PAIR, node: { ...PAIR.node, role: 'witness' } } }, null],
    ['in their turn, where all have the same to say', vain, 42_000],
    ['by one, where all have the same to say', withEpisode(vain, { heardTold: PEER }), null],
    [
      'by another, once the one that told is silent',
      silenced(withEpisode(vain, { heardTold: PEER }), PEER),
      42_000,
    ],
    ['by each, where each has its own to say', withEpisode(DOWN, { heardTold: PEER }), 40_000],
    ['last by a holder that is fit', own, 44_000],
    ['not by a holder that is fit, once another has', withEpisode(own, { heardTold: PEER }), null],
    ['at once by a holder that is unfit', withEpisode(unfit, { heardTold: PEER }), 40_000],
  ];
  test.each(rows)('%s', (_, state, expected) => {
    expect(dueIn(state)).toBe(expected);
  });
});

test('a move that can not be finished is told anew only after the whole time, once a peer has seen the address up', () => {
  const move: Move = {
    epoch: 3,
    mode: 'takeover',
    handoverId: null,
    startedAt: AT - 5 * MINUTE,
    leaseUntil: 0,
    callTimeoutMs: 2_000,
    consent: false,
    duty: true,
    stage: { kind: 'resting', until: AT + 1_000, next: { call: 'read', purpose: 'duty' } },
    delayMs: 1_000,
    steps: [],
    requestIds: [],
  };
  const told = withAddress(heldBy(stateOf(), null), { verdict: 'unknown', move, blockedTold: true });
  const ctx = newContext(told, { at: AT, wall: WALL });
  const up = addressRecordOf({ verdict: 'up' });
  adoptEpisode(ctx, PEER, up, addressRecordOf({ verdict: 'down' }));
  expect(addressIn(ctx.state).blockedTold).toBe(false);
  expect(dueIn(ctx.state)).toBeGreaterThanOrEqual(blockedAfterMs(ctx.state.config));
});

/** A pair whose two HAProxies are dead from now on: saturn has found itself unfit, and neptune's answers nobody. */
function bothDead(): World {
  const world = standby();
  world.local = 'failed';
  world.run(2_000);
  world.serving.clear();
  return world;
}

function blocked(world: World): number {
  return world.published.filter(({ subject }) => subject === BLOCKED_SUBJECT).length;
}

test('people are told though the external-IP service has hiccups all the time', () => {
  const world = bothDead();
  for (let count = 0; count < 4; count += 1) {
    world.run(20_000);
    world.outside = 'timeout';
    world.run(10_000);
    world.outside = 'ok';
  }
  expect(blocked(world)).toBe(1);
});

test('people are told of a second outage that begins with a restart', () => {
  const world = bothDead();
  world.run(2 * MINUTE);
  expect(blocked(world)).toBe(1);
  world.serving.add(PEER);
  world.run(2_000);
  world.local = 'ok';
  world.run(8_000);
  world.serving.clear();
  world.local = 'failed';
  world.crash();
  world.run(5_000);
  world.start();
  world.run(2 * MINUTE);
  expect(blocked(world)).toBe(2);
});

test('people are told once of an outage that goes on through a restart', () => {
  const world = bothDead();
  world.run(2 * MINUTE);
  world.crash();
  world.start();
  world.run(2 * MINUTE);
  expect(blocked(world)).toBe(1);
});

test('nobody is told of a takeover that served, however short the time is', () => {
  const probe = { ...PAIR.addresses[0]?.probe, intervalMs: 5_000, fastIntervalMs: 5_000, rise: 4 };
  const [address] = PAIR.addresses;
  if (address === undefined) throw new Error('the fixture has no address');
  const config = {
    ...PAIR,
    addresses: [{ ...address, probe: { ...address.probe, ...probe } }],
    notify: { receivers: [TOPIC], blockedAfterMs: 10_000 },
  };
  const world = standby(config);
  world.serving.delete(PEER);
  world.runUntil('it is taken', ({ cloud }) => cloud.taken > 0, 2 * MINUTE);
  world.run(2 * MINUTE);
  expect(blocked(world)).toBe(0);
});

test('a probe that never fits moves nothing, and people are told what was expected and what came', () => {
  const world = new World();
  const gone: CheckResult = { kind: 'failed', reason: 'status', detail: '404', durationMs: 20 };
  world.probes = () => gone;
  world.start();
  world.run(10 * MINUTE);
  expect(world.cloud.taken).toBe(0);
  expect(addressIn(world.state()).decision.reason).toBe('never-answered');
  expect(blocked(world)).toBe(1);
  const [said] = world.messages.filter((message) => message.includes('no node may take it'));
  expect(said).toContain('Expected: GET http://www.example.org/ on port 80 answers 200-399 within 1000 ms');
  expect(said).toContain('Got: status: 404');
  expect(said).toContain('neptune: fit, sees it up');
});

test('a reload that changes the probe drops what the old one has seen', () => {
  const world = standby();
  const [address] = PAIR.addresses;
  if (address === undefined) throw new Error('the fixture has no address');
  world.probes = () => ({ kind: 'failed', reason: 'status', detail: '404', durationMs: 20 });
  world.runUntil('it is down', () => addressIn(world.state()).verdict === 'down');
  const config = {
    ...PAIR,
    addresses: [{ ...address, expects: 'GET http://www.example.org/ok answers 200' }],
  };
  world.tell({ kind: 'configured', config });
  expect(addressIn(world.state())).toMatchObject({ verdict: 'unknown', series: { fails: 0, last: null } });
  world.run(MINUTE);
  expect(world.cloud.taken).toBe(0);
  expect(addressIn(world.state()).decision.reason).toBe('never-answered');
});

describe('the time that is waited when none is set', () => {
  const unset = { ...PAIR, notify: { receivers: [TOPIC], blockedAfterMs: null } };

  test('is longer than a failover can take by these settings', () => {
    const [address] = PAIR.addresses;
    if (address === undefined) throw new Error('the fixture has no address');
    const patient = { ...address.probe, intervalMs: 20_000, timeoutMs: 20_000, fall: 5 };
    for (const leaseMs of [4_000, 10_000, 60_000, 300_000])
      for (const probe of [address.probe, patient]) {
        const config = {
          ...unset,
          addresses: [{ ...address, probe }],
          agreement: { ...PAIR.agreement, leaseMs },
        };
        expect(defaultBlockedAfterMs(config)).toBeGreaterThan(failoverBoundMs(config));
        expect(defaultBlockedAfterMs(config)).toBeGreaterThanOrEqual(MINUTE);
        expect(blockedAfterMs(config)).toBe(defaultBlockedAfterMs(config));
      }
  });

  test('is a minute with the defaults, and what is set stands', () => {
    expect(blockedAfterMs(unset)).toBe(MINUTE);
    expect(blockedAfterMs({ ...unset, notify: { receivers: [TOPIC], blockedAfterMs: 1_000 } })).toBe(1_000);
  });
});

test('a holder that is unfit says that, and not that it holds the address', () => {
  const world = new World();
  world.cloud.assign(SELF);
  world.start();
  world.run(30_000);
  world.serving.clear();
  world.local = 'failed';
  world.run(2 * MINUTE);
  expect(world.facts.filter((fact) => fact.kind === 'blocked')).toMatchObject([{ reason: 'local-unfit' }]);
  const [said] = world.messages.filter((message) => message.includes('no node may take it'));
  expect(said).toContain('local-unfit');
  expect(said).not.toContain('is-holder');
});

test('a holder that is alone says so, and that no other candidate is heard', () => {
  const world = new World();
  world.start();
  world.run(10_000);
  world.cloud.assign(SELF);
  world.run(70_000);
  for (const peer of Object.values(world.peers)) peer.reachable = false;
  world.serving.clear();
  world.run(3 * MINUTE);
  const facts = world.facts.filter((fact) => fact.kind === 'blocked');
  expect(facts).toMatchObject([{ reason: 'no-candidate' }]);
});
