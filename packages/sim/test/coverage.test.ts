/** What a swarm must have met: a list without gaps or misprints, and detectors that tell one thing from another. */
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import {
  COVERAGE_MARKS,
  createCoverageCounter,
  mergeSightings,
  missingFrom,
  OUT_OF_REACH,
} from '../src/coverage/index.ts';
import { drawPlan, runPlan } from '../src/plan/index.ts';
import { ADDRESS, type Moment, message, newStage, type Stage } from './checked-stage.ts';
import {
  ASSOCIATION,
  associated,
  campaignOf,
  drive,
  driven,
  lease,
  moveOf,
  NOBODY,
  READ,
  RELEASE,
  SWAP,
  shows,
  TAKE,
} from './checked-takeover.ts';

const FOLDER = fileURLToPath(new URL('../src/coverage/', import.meta.url));
const IDS = COVERAGE_MARKS.map(({ id }) => id);

/** What is marked while these moments pass. */
function seen(...moments: readonly Moment[]): readonly string[] {
  const counter = createCoverageCounter();
  const watch = counter.watcher();
  const stage: Stage = newStage();
  const told: Stage = {
    ...stage,
    tell: watch,
    facts: (by, ...facts) => watch({ kind: 'facts', by, facts, now: { at: told.nowMs, wall: told.nowMs } }),
  };
  for (const [atMs, happens] of moments) {
    told.nowMs = atMs;
    for (const run of [told.a, told.b, told.c]) run.set({ now: { at: atMs, wall: atMs } });
    happens(told);
  }
  return Object.entries(counter.seen()).flatMap(([id, count]) => (count > 0 ? [id] : []));
}

test('every id is there once, with a sentence', () => {
  expect(new Set(IDS).size).toBe(IDS.length);
  expect(COVERAGE_MARKS.filter(({ says }) => says.length < 8)).toEqual([]);
});

test('what is out of reach is on no list, and says where it is tested', () => {
  for (const [id, why] of Object.entries(OUT_OF_REACH)) {
    expect(IDS).not.toContain(id);
    expect(why).toMatch(/\S/);
  }
});

test('whatever a detector names is in the catalogue', () => {
  const sources = readdirSync(FOLDER).map((file) => readFileSync(FOLDER + file, 'utf8'));
  const named = sources.flatMap((text) => [...text.matchAll(/mark\('([^']+)'\)/g)].map(([, id]) => id));
  expect(named.length).toBeGreaterThan(40);
  expect(named.filter((id) => id === undefined || !IDS.includes(id))).toEqual([]);
});

test('sums of two workers are one sum, and what neither saw is missing', () => {
  const sum = mergeSightings({ stall: 2, blocked: 0 }, { stall: 1, 'race:lost': 4 });
  expect(sum).toEqual({ stall: 3, blocked: 0, 'race:lost': 4 });
  const missing = missingFrom(sum).map(({ id }) => id);
  expect(missing).toContain('blocked');
  expect(missing).not.toContain('stall');
  expect(missing).toHaveLength(IDS.length - 2);
});

const UNKNOWN = { kind: 'unknown', code: 'Timeout', message: '' } as const;
const begun: Moment = [0, ({ b }) => b.setAddress({ move: moveOf() })];
const releases: Moment = [10, ({ tell, b }) => tell(drive(b, RELEASE))];
const takes: Moment = [10, ({ tell, b }) => tell(drive(b, TAKE))];
const taken: Moment = [20, (stage) => associated(stage, 'b')];
const unanswered: Moment = [30, ({ tell, b }) => tell(driven(b, TAKE, UNKNOWN))];

const ROWS: readonly (readonly [id: string, moments: readonly Moment[], not?: string])[] = [
  ['ambiguous:take:applied', [begun, takes, taken, unanswered], 'ambiguous:take:applied-late'],
  ['ambiguous:take:applied-late', [begun, takes, unanswered, [40, taken[1]]], 'ambiguous:take:applied'],
  ['ambiguous:take:not-applied', [begun, takes, unanswered, [50, takes[1]]], 'ambiguous:take:applied'],
  ['stale:call-landed', [begun, takes, [15, ({ b }) => b.setAddress({ move: null })], taken]],
  ['race:held', [begun, [10, ({ tell, b }) => tell(driven(b, TAKE, { kind: 'held' }))]]],
  ['stale:release-of-ended', [begun, [10, ({ tell, b }) => tell(driven(b, RELEASE, { kind: 'stale' }))]]],
  [
    'stale:replaced-shown',
    [
      begun,
      [
        10,
        ({ tell, b }) => {
          b.setAddress({
            replaced: { kind: 'node', node: 'a', instanceId: 'i-x', until: 60_000, toldBy: null },
          });
          const association = {
            kind: 'associated',
            associationId: null,
            instanceId: 'i-x',
            node: null,
            self: false,
          } as const;
          tell(driven(b, READ, { kind: 'read', association, displaces: null }));
        },
      ],
    ],
  ],
  [
    'stale:read-ignored',
    [
      [0, ({ b }) => b.setAddress({ ended: [ASSOCIATION] })],
      [10, ({ tell, b }) => tell(driven(b, READ, shows(ASSOCIATION)))],
    ],
  ],
  [
    'throttled:read',
    [
      begun,
      [
        10,
        ({ tell, b }) => tell(driven(b, READ, { kind: 'refused', throttled: true, code: '', message: '' })),
      ],
    ],
  ],
  [
    'handover:fenced',
    [[0, ({ b }) => b.setAddress({ move: moveOf({ mode: 'handover' }) })], releases],
    'handover:swap',
  ],
  [
    'handover:swap',
    [
      [0, ({ b }) => b.setAddress({ move: moveOf({ mode: 'handover', consent: true }) })],
      [10, ({ tell, b }) => tell(drive(b, SWAP))],
    ],
    'handover:fenced',
  ],
  [
    'duty:outlived-lease',
    [
      [0, ({ b }) => b.setAddress({ move: moveOf({ duty: true, leaseUntil: 100 }) })],
      [200, ({ tell, b }) => tell(drive(b, TAKE))],
    ],
  ],
  [
    'ballot:blind-mattered',
    [
      [
        0,
        ({ facts, b }) => {
          const blind = { ...lease(9_000), answer: 'blind', reason: 'no-way-out' } as const;
          b.setAddress({ campaign: { ...campaignOf(), answers: { b: lease(9_000), c: blind } } });
          facts(b, { kind: 'ballot-closed', address: ADDRESS, epoch: 1, result: 'won', detail: '' });
        },
      ],
    ],
  ],
  [
    'ballot:duel',
    [
      [
        0,
        ({ facts, a, b }) => {
          for (const by of [a, b])
            facts(by, { kind: 'ballot-opened', address: ADDRESS, epoch: 1, mode: 'takeover' });
        },
      ],
    ],
  ],
  [
    'message:ballots:releasing',
    [
      [
        0,
        ({ b }) =>
          b.setAddress({
            move: moveOf({
              stage: {
                kind: 'releasing',
                callId: 1,
                at: 0,
                associationId: null,
                instanceId: null,
                node: null,
              },
            }),
          }),
      ],
      [10, ({ tell, a, b }) => tell({ kind: 'heard', by: b, message: message(a, b, { ballots: [] }) })],
    ],
  ],
  ['crashed:reading', [begun, [10, ({ tell, b }) => tell({ kind: 'ended', by: b })]], 'paused:reading'],
  ['paused:reading', [begun, [10, ({ tell, b }) => tell({ kind: 'paused', by: b })]], 'crashed:reading'],
];

test.each(ROWS.map(([id, moments, not]) => ({ id, moments, not })))(
  '$id is seen when it happens',
  ({ id, moments, not }) => {
    const marked = seen(...moments);
    expect(marked).toContain(id);
    if (not !== undefined) expect(marked).not.toContain(not);
    expect(seen(begun, [10, ({ tell, b }) => tell(driven(b, READ, NOBODY))])).not.toContain(id);
  },
);

test('a run counts its cluster, its actions, and how it ended', () => {
  const counter = createCoverageCounter();
  const plan = drawPlan(2);
  const result = runPlan(plan, { onWorld: (world) => world.watch(counter.watcher()) });
  counter.ran(result);
  const counts = counter.seen();
  expect(counts[`driver:${plan.world.driver}`]).toBe(1);
  for (const { action, atMs } of plan.timeline)
    if (atMs < result.virtualMs) expect(counts[`action:${action}`]).toBeGreaterThan(0);
});
