/** What the record of a single node shows by itself, told the takeover as its taker has lived it, with one moment changed. */
import { expect, test } from 'vitest';
import { judgeRecord, newRunHistory } from '../src/invariants/index.ts';
import type { RunView, WorldEvent } from '../src/world/watch.ts';
import { pausesOn, takeover, until } from './changed-takeover.ts';
import { ADDRESS, type Moment, newStage, play, type Stage } from './checked-stage.ts';
import { campaignOf, driven, lease, moveOf, READ, RELEASE, shows, TAKEOVER } from './checked-takeover.ts';

/** What the moments break by what `b` alone has recorded, each once. */
function brokenInRecord(moments: readonly Moment[]): readonly string[] {
  const found = new Set<string>();
  let history = newRunHistory(0);
  const stage: Stage = { ...newStage(), tell: record, facts: (by, ...facts) => record(factsOf(by, facts)) };
  function factsOf(by: RunView, facts: Parameters<Stage['facts']>[1][]): WorldEvent {
    return { kind: 'facts', by, facts, now: { at: stage.nowMs, wall: stage.nowMs } };
  }
  function record(event: WorldEvent): void {
    if (!('by' in event) || event.by.run !== stage.b.run) return;
    const events =
      event.kind === 'facts'
        ? event.facts.map((fact) => ({ kind: 'fact', by: event.by, fact }) as const)
        : [event];
    for (const one of events) {
      const [after, ...broken] = judgeRecord(history, one, stage.nowMs);
      history = after;
      for (const { invariant } of broken) found.add(invariant);
    }
  }
  play(moments, stage);
  return [...found].sort();
}

test('the record of a takeover by the rules shows nothing broken', () => {
  expect(brokenInRecord(takeover({}))).toEqual([]);
});

test.each<readonly [invariant: string, says: string, moments: readonly Moment[]]>([
  ['I1', 'a call without a guard', takeover({ passesTheGuard: null })],
  ['I2', 'a verdict without a way-out proof', until('seesItDown', { provesItsWayOut: null })],
  ['I6', 'a ballot before its own lease is written', until('asks', { opensItsBallot: [0, () => undefined] })],
  [
    'I7',
    'a release that its leases do not outlast',
    takeover({
      reads: [
        4_200,
        (stage) => {
          TAKEOVER.reads[1](stage);
          stage.b.setAddress({ move: moveOf({ leaseUntil: 6_000 }) });
        },
      ],
    }),
  ],
  ['I9', 'a takeover by a node that was never found well', takeover({ checksItself: null })],
  [
    'I11',
    'a call that nothing was read for',
    takeover({ reads: [4_200, ({ b }) => b.setAddress({ move: moveOf() })] }),
  ],
  [
    'I14',
    'a call that is repeated without a read',
    takeover({
      released: [
        4_400,
        ({ tell, b }) => tell(driven(b, RELEASE, { kind: 'unknown', code: '', message: '' })),
      ],
      takes: [4_500, TAKEOVER.releases[1]],
      taken: null,
      concludes: null,
      tells: null,
    }),
  ],
  [
    'I16',
    'a takeover by a node that knows of the pause',
    takeover({}, [4_250, (stage) => pausesOn(stage, ['b'])]),
  ],
  [
    'I20',
    'a decision that is not told',
    [
      [
        0,
        ({ tell, b }) => {
          b.setAddress({ decision: { outcome: 'hold', reason: 'is-holder', detail: '', since: 0 } });
          tell({ kind: 'stepped', by: b });
        },
      ],
    ],
  ],
])('%s: the record alone shows %s', (invariant, _says, moments) => {
  expect(brokenInRecord(moments)).toContain(invariant);
});

test('an unknown answer that reads have settled is repeated rightly, as far as one record tells', () => {
  const settled = takeover({
    released: [
      4_400,
      ({ tell, b }) => {
        tell(driven(b, RELEASE, { kind: 'unknown', code: '', message: '' }));
        tell(driven(b, READ, shows(null)));
      },
    ],
  });
  expect(brokenInRecord(settled)).not.toContain('I14');
});

test('whose leases a ballot was won with, the record of its winner does not tell', () => {
  const wins: Moment = [
    4_110,
    ({ facts, b }) => {
      b.setAddress({ campaign: { ...campaignOf('handover'), answers: { b: lease(9_000) } } });
      facts(b, { kind: 'ballot-closed', address: ADDRESS, epoch: 1, result: 'won', detail: '' });
    },
  ];
  expect(brokenInRecord(until('wins', { votesDown: null, answers: null }, wins))).toEqual([]);
});
