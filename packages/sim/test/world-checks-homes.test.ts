/** I28: what a holder orders so that an address goes home, judged by what it can know. */
import type { Fact } from '@failtome/protocol';
import { expect, test } from 'vitest';
import {
  ADDRESS,
  type AddressState,
  type Moment,
  newStage,
  type Stage,
  secondOf,
  type TestRun,
} from './checked-stage.ts';
import { associated, drive, driven, READ, shows } from './checked-takeover.ts';

const AFTER_MS = 10_000;

const GOES_HOME: Fact = {
  kind: 'handover',
  id: 'a-1-1',
  address: ADDRESS,
  to: 'b',
  state: 'open',
  detail: '',
  by: 'failback',
  reason: 'its home is b',
};

/** What `a` breaks when it orders its address home to `b` at 60 s, after all this. */
function ordersHome(...moments: readonly Moment[]): readonly string[] {
  const stage = newStage();
  const { a } = stage;
  a.reconfigure({
    addresses: a.config.addresses.map((one) => ({ ...one, home: 'b' })),
    failback: { afterMs: AFTER_MS, window: null },
  });
  const holder: Partial<AddressState['holder']> = { kind: 'node', node: 'a', firsthand: true };
  a.setAddress({
    holder: { ...(a.state().addresses[ADDRESS]?.holder as AddressState['holder']), ...holder },
  }); // it is configured
  stage.b.set({ local: { ...stage.b.state().local, fit: 'fit' } });
  for (const [atMs, happens] of moments) {
    stage.nowMs = atMs;
    happens(stage);
  }
  stage.nowMs = 60_000;
  a.set({ now: { at: 60_000, wall: 60_000 } });
  stage.facts(a, GOES_HOME);
  return [...new Set(stage.broken)];
}

const reads = ({ tell, a, aws }: Stage): void =>
  tell(driven(a, READ, shows(aws.addresses.get(ADDRESS)?.association?.id ?? '', true)));

const takes = (stage: Stage): void => {
  associated(stage, 'a', { kind: 'operator', name: 'console' });
  reads(stage);
};

const paused =
  (until: number | null) =>
  ({ a }: Stage): void =>
    a.set({ pause: { ...a.state().pause, paused: true, until } });

const unfit =
  (since: number) =>
  ({ b }: Stage): void =>
    b.set({ local: { ...b.state().local, fit: 'unfit', since } });

test.each<[string, readonly string[], readonly Moment[]]>([
  ['by the rules breaks nothing', [], [[1_000, takes]]],
  ['too early', ['I28'], [[55_000, takes]]],
  [
    'too early, as it cannot know: an operator has given it the address anew, and it has read neither',
    [],
    [
      [1_000, takes],
      [55_000, (stage) => associated(stage, 'a', { kind: 'operator', name: 'console' })],
    ],
  ],
  [
    'of what an operator has just given to another',
    [],
    [
      [1_000, takes],
      [55_000, (stage) => associated(stage, 'b', { kind: 'operator', name: 'console' })],
    ],
  ],
  [
    'while paused',
    ['I28'],
    [
      [1_000, takes],
      [2_000, paused(null)],
    ],
  ],
  [
    'when a pause has ended by itself',
    [],
    [
      [1_000, takes],
      [2_000, paused(59_000)],
    ],
  ],
  [
    'to a home that has long been unfit',
    ['I28'],
    [
      [1_000, takes],
      [2_000, unfit(2_000)],
    ],
  ],
  [
    'to a home that has just become unfit, which has to be heard first',
    [],
    [
      [1_000, takes],
      [59_900, unfit(59_900)],
    ],
  ],
])('an address that goes home %s', (_, expected, moments) => {
  expect(ordersHome(...moments)).toEqual(expected);
});

const begins =
  (by: (stage: Stage) => TestRun) =>
  (stage: Stage): void =>
    stage.tell({ kind: 'started', by: by(stage) });

test('what a read shows counts from when the read began, which may be before the move, whoever reads', () => {
  const read = (reader: 'a' | 'c', beganMs: number): readonly string[] =>
    ordersHome(
      [beganMs, ({ tell, [reader]: by }) => tell(drive(by, READ))],
      [50_100, (stage) => associated(stage, 'a', { kind: 'operator', name: 'console' })],
      [
        50_200,
        ({ tell, [reader]: by, aws }) =>
          tell(driven(by, READ, shows(aws.addresses.get(ADDRESS)?.association?.id ?? '', reader === 'a'))),
      ],
      [50_300, reads],
    );
  for (const reader of ['a', 'c'] as const) {
    expect(read(reader, 49_900)).toEqual([]);
    expect(read(reader, 50_150)).toEqual(['I28']);
  }
});

test('what the home says of its fitness is not known while an agent runs twice with its id', () => {
  const alone: readonly Moment[] = [
    [0, begins(({ b }) => b)],
    [1_000, takes],
    [2_000, unfit(2_000)],
  ];
  expect(ordersHome(...alone)).toEqual(['I28']);
  expect(ordersHome(...alone, [3_000, begins(({ b }) => secondOf(b))])).toEqual([]);
});

test('what a clone of it has ordered, and it only hears of, is judged once', () => {
  const takenLate = ordersHome([55_000, takes], [55_500, ({ facts, a }) => facts(a, GOES_HOME)]);
  expect(takenLate).toEqual(['I28']);
  expect(
    ordersHome([20_000, takes], [31_000, ({ facts, a }) => facts(a, GOES_HOME)], [55_000, takes]),
  ).toEqual([]);
});
