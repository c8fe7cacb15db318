/** Which faults were met in which phases of a takeover, and which reasons: what counts, what can't be, and how it is told. */
import type { Reason } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { ATTEMPT_PHASES, IMPOSSIBLE, PAIRS, PairCounter, pairReport } from '../src/coverage/index.ts';
import { ACTIONS, FAULTS, faultOf, type Plan, runPlan } from '../src/plan/index.ts';
import { NO_TALLY, newLedger, pairsOf, summary } from '../src/swarm/index.ts';
import { createCluster, FAST_SETTINGS } from '../src/world/index.ts';
import { ADDRESS, type AddressState, newStage, type Stage } from './checked-stage.ts';
import { campaignOf, moveOf } from './checked-takeover.ts';

/** What is counted while this happens to the node b of a stage. */
function met(happens: (told: Told) => void): Readonly<Record<string, number>> {
  const counter = new PairCounter();
  const stage = newStage();
  happens({
    stage,
    counter,
    stands(change) {
      stage.b.setAddress(change);
      counter.watch({ kind: 'stepped', by: stage.b });
    },
    decides: (reason) =>
      counter.watch({
        kind: 'facts',
        by: stage.b,
        now: { at: 0, wall: 0 },
        facts: [{ kind: 'decided', address: ADDRESS, outcome: 'wait', reason, detail: '' }],
      }),
  });
  return Object.fromEntries(Object.entries(counter.seen()).filter(([, count]) => count > 0));
}

interface Told {
  readonly stage: Stage;
  readonly counter: PairCounter;
  readonly stands: (change: Partial<AddressState>) => void;
  readonly decides: (reason: Reason) => void;
}

const OPEN = { ...campaignOf(), won: null };

const reasoned = (reason: Reason): Pick<AddressState, 'decision'> => ({
  decision: { outcome: 'wait', reason, detail: '', since: 0 },
});

test('a fault counts in the phase in which it begins, and in those that are come to while it is in force', () => {
  const counts = met(({ stands, counter }) => {
    stands({ campaign: OPEN });
    const end = counter.onFault('isolate');
    stands({ move: moveOf() });
    end('over');
    stands({ move: null, campaign: null });
    stands({ campaign: OPEN });
  });
  expect(counts).toMatchObject({ 'isolate@campaign': 1, 'isolate@reading': 1 });
  expect(Object.keys(counts).filter((id) => id.includes('@'))).toHaveLength(2);
});

test('a fault that strikes down the node whose takeover it is counts, and one that does nothing does not', () => {
  const counts = met(({ stands, counter, stage }) => {
    stands({ move: moveOf() });
    counter.onFault('console')('vain');
    const end = counter.onFault('crash');
    counter.watch({ kind: 'ended', by: stage.b });
    end('over');
    counter.onFault('freeze')('over');
  });
  expect(Object.keys(counts).filter((id) => id.includes('@'))).toEqual(['crash@reading']);
});

test('a reason counts in the phase that it is told in, which it may end, and in the one that a node stands in with it', () => {
  const counts = met(({ stands, decides }) => {
    stands({ campaign: OPEN, ...reasoned('ballot-open') });
    decides('paused');
    stands({ campaign: null, ...reasoned('paused') });
    decides('address-up');
  });
  expect(counts).toEqual({ 'campaign/ballot-open': 1, 'campaign/paused': 1 });
});

test('every action that swarms draw is a kind of fault, or each of what goes wrong with it is', () => {
  for (const { name, draw } of ACTIONS.values()) {
    const kinds = [...FAULTS.values()].filter(({ action }) => action.name === name);
    if (draw !== undefined) expect(kinds.length, name).toBeGreaterThan(0);
  }
  expect(faultOf('cloud', { call: '*', effect: 'throttle' })).toBe('cloud:throttle');
  expect(faultOf('crash', { node: 'a' })).toBe('crash');
  expect([...FAULTS.keys()]).toEqual(
    expect.arrayContaining(['cloud:throttle', 'crash', 'store:down', 'liar']),
  );
});

test('pairs are there once each, and what can not be is on no list and says why', () => {
  const { faults, reasons } = PAIRS;
  const all = [...faults.possible, ...reasons.possible];
  expect(new Set(all).size).toBe(all.length);
  expect(faults.possible).toHaveLength(FAULTS.size * ATTEMPT_PHASES.length);
  for (const { phases, reasons: codes, because } of IMPOSSIBLE) {
    expect(because).toMatch(/\S/);
    for (const phase of phases) for (const code of codes) expect(all).not.toContain(`${phase}/${code}`);
  }
});

test('a pair that can not be and is met is told, and makes the result one that is not right', () => {
  const pairs = { 'crash@guard': 2, 'campaign/moved': 1, 'campaign/finish-move': 0 };
  const report = pairReport(pairs);
  expect(report.impossible).toEqual(['campaign/moved']);
  expect(report.faults).toMatchObject({ met: 1, possible: PAIRS.faults.possible.length });
  expect(report.faults.unmet).not.toContain('crash@guard');
  const ledger = {
    ...newLedger({ program: '1', fingerprint: 'a', faults: null, focus: null }),
    tally: { ...NO_TALLY, seeds: 200, pairs },
  };
  expect(pairsOf(ledger)).toEqual(report);
  const text = summary(ledger).join('\n');
  expect(text).toContain('IMPOSSIBLE, and met: campaign/moved');
  expect(text).toMatch(/^ {2}faults +0\/71 +0\/71 +1\/71/m);
  expect(text).toMatch(/^ {2}never in guard: (?!.*\bcrash,)/m);
});

test('a run counts the faults of its plan in the takeover that they meet', () => {
  const plan: Plan = {
    title: 'a takeover under bad links',
    world: createCluster({ settings: FAST_SETTINGS }).spec,
    timeline: [
      { atMs: 5_000, action: 'bad-links', with: { latePerMille: 100, tailMs: 5 }, forMs: 20_000 },
      { atMs: 6_000, action: 'haproxy', with: { node: 'holder', state: 'dead' }, forMs: 20_000 },
      { atMs: 7_000, action: 'store', with: { state: 'down' }, forMs: 20_000 },
    ],
    ending: { kind: 'stop', atMs: 20_000 },
  };
  const counter = new PairCounter();
  runPlan(plan, { onWorld: (world) => world.watch(counter.watch), onFault: counter.onFault });
  const seen = counter.seen();
  for (const phase of ['campaign', 'guard', 'taking', 'verifying'])
    expect(seen, phase).toMatchObject({
      [`bad-links@${phase}`]: expect.any(Number),
      [`haproxy:dead@${phase}`]: expect.any(Number),
    });
  expect(Object.keys(seen).filter((id) => id.startsWith('store:') && (seen[id] ?? 0) > 0)).toEqual([]);
  expect(pairReport(seen).impossible).toEqual([]);
});
