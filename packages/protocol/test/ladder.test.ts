import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { GATES, type GateName } from '../src/model/reasons.ts';
import type { State } from '../src/model/state.ts';
import { statusOf, whyOf } from '../src/reporting/status.ts';
import type { GateView, WhyView } from '../src/reporting/status-views.ts';
import { ladder } from '../src/takeover/ladder.ts';
import { decide } from '../src/takeover/takeover.ts';
import { takeoverView } from '../src/takeover/view.ts';
import { changes, play } from './support/changes.ts';
import { clusterOf, IP, PAIR, PEER, SELF, stateOf, WALL } from './support/fixtures.ts';
import { peerOf, standby } from './support/standby.ts';
import { OPEN_VIEW, ROWS } from './support/takeover-table.ts';
import { World } from './support/world.ts';

function whyIn(world: World): WhyView {
  const why = whyOf(world.state(), IP, { at: world.now, wall: WALL });
  if (why === null) throw new Error(`${IP} is not configured`);
  return why;
}

function named({ gates }: WhyView, state: GateView['state']): readonly GateName[] {
  return gates.filter((gate) => gate.state === state).map(({ name }) => name);
}

describe('the ladder of a healthy cluster', () => {
  test('on the standby: the verdict is closed, what stands by itself has passed, all else is not asked', () => {
    const why = whyIn(standby());
    expect(named(why, 'closed')).toEqual(['verdict']);
    expect(named(why, 'not-asked')).toEqual([
      'way-out',
      'damping',
      'own-lease',
      'rank',
      'agreement',
      'guard',
      'intent',
      'lease',
    ]);
    for (const { state, passed } of why.gates)
      expect(passed).toBe({ passed: true, closed: false, 'not-asked': null }[state]);
  });

  test('on the holder: one gate is closed, for the right reason, and nothing behind it is asked', () => {
    const world = standby();
    world.cloud.assign(SELF);
    world.run(61_000);
    const why = whyIn(world);
    expect(named(why, 'closed')).toEqual(['not-holder']);
    expect(named(why, 'not-asked')).toEqual(GATES.slice(GATES.indexOf('not-holder') + 1));
    expect(why.gates.at(-1)).toMatchObject({
      reason: 'not asked while not-holder is closed',
      code: null,
      ageMs: null,
    });
  });

  test('on a witness: its role is closed, and nothing behind it is asked', () => {
    const view = takeoverView(
      stateOf({ ...PAIR, node: { ...PAIR.node, role: 'witness' }, driver: null }),
      addressIn(stateOf()),
    );
    const states = ladder(view).map(({ answer }) => answer.kind);
    expect(states.slice(0, 2)).toEqual(['open', 'closed']);
    expect(new Set(states.slice(2))).toEqual(new Set(['not-asked']));
  });
});

describe('the ladder where something is wrong', () => {
  test('what would stand in the way shows although the address is up', () => {
    const view = { ...OPEN_VIEW, campaign: null, guard: null, storageFailing: 'ENOSPC' } as const;
    const rungs = ladder({
      ...view,
      verdict: { is: 'up', since: 0, notFailing: 'the last probe succeeded', detail: '' },
    });
    const closed = rungs.filter(({ answer }) => answer.kind === 'closed').map(({ name }) => name);
    expect(closed).toEqual(['verdict', 'storage']);
  });

  test('a way out that is missed shows, one that nobody has asked for does not', () => {
    const up = { is: 'up', since: 0, notFailing: 'the last probe succeeded', detail: '' } as const;
    const wayOut = (wanted: boolean) =>
      ladder({ ...OPEN_VIEW, verdict: up, wayOut: { proven: false, wanted, at: null, detail: '' } }).find(
        ({ name }) => name === 'way-out',
      )?.answer.kind;
    expect([wayOut(true), wayOut(false)]).toEqual(['closed', 'not-asked']);
  });

  test('while a call is in flight, what has been agreed still shows as passed', () => {
    const rungs = ladder({ ...OPEN_VIEW, unfinished: { kind: 'calling', detail: 'taking' } });
    expect(rungs.filter(({ answer }) => answer.kind !== 'open').map(({ name }) => name)).toEqual([
      'unfinished-move',
    ]);
  });

  test.each(ROWS)('the first closed gate is the one that decides when $when', (row) => {
    const rungs = ladder({ ...OPEN_VIEW, ...row.change });
    expect(rungs.map(({ name }) => name)).toEqual(GATES);
    expect(rungs.find(({ answer }) => answer.kind === 'closed')?.name ?? null).toBe(row.gate);
  });
});

function addressIn(state: State) {
  const address = state.addresses[IP];
  if (address === undefined) throw new Error(`${IP} is not configured`);
  return address;
}

/** What a gate must not say unless it has happened: checked against the state itself, and not by the gates' own conditions. */
function falsehoods(state: State, { gates }: WhyView): readonly string[] {
  const { campaign, guard, backoff, idle } = addressIn(state);
  const won = campaign?.won ?? null;
  const untrue: string[] = [];
  const claim = (gate: GateView, isTrue: boolean): void => {
    if (!isTrue) untrue.push(`${gate.name} ${gate.state}: ${gate.reason}`);
  };
  for (const gate of gates) {
    claim(gate, gate.state === 'not-asked' ? gate.reason.startsWith('not asked while ') : gate.reason !== '');
    claim(gate, gate.passed === (gate.state === 'not-asked' ? null : gate.state === 'passed'));
    claim(gate, (gate.code === null) === (gate.state !== 'closed'));
    const asked = gate.state !== 'not-asked';
    if (gate.name === 'guard' && asked) claim(gate, won !== null);
    if (gate.name === 'guard' && gate.state === 'passed') claim(gate, guard?.kind === 'passed');
    if (gate.code === 'agreed') claim(gate, won !== null && guard === null);
    if (gate.code === 'guard-asked') claim(gate, guard?.kind === 'asking');
    if (gate.code === 'ballot-open') claim(gate, campaign !== null && won === null);
    if (gate.code === 'ballot-lost')
      claim(gate, backoff.reason === 'ballot-lost' && backoff.until > state.now.at);
    if (gate.name === 'agreement' && gate.state === 'passed') claim(gate, won !== null);
    if ((gate.name === 'intent' || gate.name === 'lease') && asked) claim(gate, won !== null);
    if (gate.code === 'no-way-out') {
      const missed = state.wayOut['4'].failedAt !== null;
      claim(
        gate,
        missed || addressIn(state).series.last?.ok === false || addressIn(state).verdict === 'down',
      );
    }
    if (gate.code === 'not-permitted') claim(gate, idle.permission.kind === 'denied');
    if (/address answers$/.test(gate.reason)) claim(gate, addressIn(state).series.last?.ok === true);
  }
  return untrue;
}

describe('whatever has happened', () => {
  test('no gate claims what has not, and the first closed one is the decision', () => {
    let won = 0;
    let unasked = 0;
    fc.assert(
      fc.property(fc.array(changes, { minLength: 5, maxLength: 30, size: 'max' }), (list) => {
        const world = new World();
        world.start();
        for (const one of list) {
          play(world, one);
          for (let count = 0; count < 6; count += 1) {
            world.run(150);
            const state = { ...world.state(), now: { at: world.now, wall: WALL } };
            if (state.phase === 'new') continue;
            const why = whyIn(world);
            expect(falsehoods(state, why)).toEqual([]);
            const decision = decide(takeoverView(state, addressIn(state)));
            const first = why.gates.find((gate) => gate.state === 'closed');
            expect(first?.name ?? null).toBe(decision.gate);
            if (addressIn(state).campaign?.won != null) won += 1;
            unasked += named(why, 'not-asked').length;
          }
        }
      }),
      { numRuns: 25, seed: 9 },
    );
    expect(won).toBeGreaterThan(5);
    expect(unasked).toBeGreaterThan(1_000);
  });
});

describe('READY', () => {
  const readiness = (world: World) => {
    const { node, peers } = statusOf(world.state(), { at: world.now, wall: WALL });
    return { self: node.readiness, peer: peers[0]?.readiness };
  };

  test('a healthy standby is ready, and its peer is the holder', () => {
    expect(readiness(standby())).toEqual({
      self: { word: 'ready', because: [] },
      peer: { word: 'holder', because: [] },
    });
  });

  test('a node that holds every address is the holder', () => {
    const world = standby();
    world.cloud.assign(SELF);
    world.run(61_000);
    expect(readiness(world).self).toEqual({ word: 'holder', because: [] });
  });

  test('right after a start a node is not ready: its own lease may still be lent', () => {
    const world = new World();
    world.start();
    world.run(5_000);
    expect(readiness(world).self.word).toBe('not-ready');
    expect(readiness(world).self.because.join()).toMatch(/lease-unknown/);
    world.run(10_000);
    expect(readiness(world).self.word).toBe('ready');
  });

  test('a pause stands in the way of all', () => {
    const world = standby();
    const pause = { ...world.state().pause, paused: true, owner: 'ann', until: null };
    const status = statusOf({ ...world.state(), pause }, { at: world.now, wall: WALL });
    expect(status.node.readiness).toEqual({ word: 'not-ready', because: ['paused: by ann'] });
  });

  test('a dead peer is dead, whatever it said before', () => {
    const world = standby();
    peerOf(world).reachable = false;
    world.run(10_000);
    expect(readiness(world).peer).toEqual({ word: 'dead', because: [] });
    expect(statusOf(world.state(), { at: world.now, wall: WALL }).peers[0]?.ready).toBeNull();
  });

  test('a witness has its own word, as itself and as a peer', () => {
    const state = stateOf({ ...clusterOf(PEER, { id: 'mars', role: 'witness', priority: 100 }) });
    const status = statusOf(state, state.now);
    expect(status.peers.find(({ id }) => id === 'mars')?.readiness.word).toBe('witness');
    const witness = stateOf({ ...PAIR, node: { ...PAIR.node, role: 'witness' }, driver: null });
    expect(statusOf(witness, witness.now).node.readiness).toEqual({ word: 'witness', because: [] });
  });
});
