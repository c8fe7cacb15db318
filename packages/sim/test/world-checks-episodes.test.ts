/** What breaks I21 and I23: told of moves, probes and words, and nothing else of a takeover. */
import type { DriverAnswer, Fact } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { createJudge, type WatchedView } from '../src/world/judge.ts';
import { ADDRESS, message, newStage, type Stage, secondOf, type TestRun } from './checked-stage.ts';
import {
  associated,
  checkedItself,
  drive,
  driven,
  moveOf,
  READ,
  RELEASE,
  shows,
  TAKE,
} from './checked-takeover.ts';

type Name = 'a' | 'b' | 'c';
interface Scene {
  at(ms: number): Scene;
  seenUp(by: Name): Scene;
  moves(to: Name, answer?: DriverAnswer): Scene;
  /** Reads that it holds the address. */
  reads(by: Name): Scene;
  hears(by: Name, from: Name): Scene;
  fails(on: Name): Scene;
  /** A second run with its id begins. */
  runsTwice(on: Name): Scene;
  /** An old message of it, which doesn't count again. */
  readsAgain(by: Name, from: Name): Scene;
  takes(by: Name, from: Name, heard?: boolean): Scene;
  blocked(by: Name): Scene;
  readonly broken: string[];
}

const OK: Fact = {
  kind: 'probe',
  probeId: 1,
  address: ADDRESS,
  result: { kind: 'ok', status: 200, durationMs: 5 },
};
const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Three nodes whose checks have been fine from the start; time is told in what follows. */
function scene(driver: 'ec2' | 'opsworks' = 'ec2'): Scene {
  const broken: string[] = [];
  // The stage's own judge isn't asked.
  const stage: Stage = { ...newStage(), tell: (event) => tell(event) };
  const view: WatchedView = {
    driver,
    now: () => stage.nowMs,
    aws: () => stage.aws,
    runs: () => [stage.a, stage.b, stage.c],
    disksHarmed: () => stage.disksHarmed,
    isLiar: () => false,
    rolledBack: () => false,
    storeLied: () => false,
  };
  const tell = createJudge(view, (invariant) => broken.push(invariant));
  let epoch = 0;
  const facts = (by: TestRun, ...list: Fact[]): void =>
    tell({ kind: 'facts', by, facts: list, now: { at: stage.nowMs, wall: stage.nowMs } });
  const moving: Scene = {
    broken,
    at(ms) {
      stage.nowMs = ms;
      return moving;
    },
    seenUp(by) {
      facts(stage[by], OK);
      return moving;
    },
    moves(to, answer = { kind: 'taken', associationId: 'eipassoc-x' }) {
      stage[to].setAddress({ move: moveOf() });
      associated(stage, to);
      tell(driven(stage[to], TAKE, answer));
      stage[to].setAddress({ move: null });
      return moving;
    },
    reads(by) {
      tell(driven(stage[by], READ, shows('eipassoc-x', true)));
      return moving;
    },
    hears(by, from) {
      const re = { session: stage[by].state().session, seq: 1 };
      tell({ kind: 'heard', by: stage[by], message: { ...message(stage[from], stage[by], {}), re } });
      return moving;
    },
    fails(on) {
      checkedItself(stage, stage[on], 6, false);
      return moving;
    },
    runsTwice(on) {
      tell({ kind: 'started', by: secondOf(stage[on]) });
      return moving;
    },
    readsAgain(by, from) {
      tell({ kind: 'heard', by: stage[by], message: message(stage[from], stage[by], {}) });
      return moving;
    },
    takes(by, from, heard = true) {
      if (heard) moving.hears(by, from);
      epoch += 1;
      stage[by].setAddress({ move: moveOf({ epoch }) });
      tell(drive(stage[by], RELEASE));
      return moving;
    },
    blocked(by) {
      facts(stage[by], { kind: 'blocked', address: ADDRESS, downMs: 60_000, reason: 'move-did-not-help' });
      return moving;
    },
  };
  for (const run of [stage.a, stage.b, stage.c]) {
    const style = driver === 'opsworks' ? 'single-call' : 'fenced';
    run.reconfigure({ driver: { style, swap: false, displace: 'refuse' } });
    tell({ kind: 'started', by: run });
    for (let count = 0; count < 5; count += 1) checkedItself(stage, run, count, true);
  }
  return moving;
}

/** Seen up on `a` for half a minute, and then moved in vain to `b`. */
function inVain(driver: 'ec2' | 'opsworks' = 'ec2'): Scene {
  return scene(driver)
    .at(20 * SECOND)
    .seenUp('c')
    .at(30 * SECOND)
    .moves('b')
    .at(40 * SECOND)
    .hears('c', 'b')
    .hears('a', 'b');
}

describe('I21 is broken', () => {
  const rows: readonly (readonly [string, () => Scene, boolean])[] = [
    [
      'by a second move within two minutes',
      () =>
        inVain()
          .at(100 * SECOND)
          .takes('c', 'b'),
      true,
    ],
    [
      'not where the holder is silent, and an old message of it is read once more',
      () =>
        inVain()
          .at(100 * SECOND)
          .readsAgain('c', 'b')
          .takes('c', 'b', false),
      false,
    ],
    [
      'not by one two minutes later',
      () =>
        inVain()
          .at(151 * SECOND)
          .takes('c', 'b'),
      false,
    ],
    [
      'not once somebody has seen it up',
      () =>
        inVain()
          .at(60 * SECOND)
          .seenUp('a')
          .at(70 * SECOND)
          .takes('c', 'b'),
      false,
    ],
    [
      'not while an agent runs twice with the id of the holder, of which either may say that it is unfit',
      () =>
        inVain()
          .at(95 * SECOND)
          .runsTwice('b')
          .at(100 * SECOND)
          .takes('c', 'b'),
      false,
    ],
    [
      'not while the holder is not fit',
      () =>
        inVain()
          .at(95 * SECOND)
          .fails('b')
          .at(100 * SECOND)
          .takes('c', 'b'),
      false,
    ],
    [
      'by a candidate that is tried twice',
      () =>
        inVain()
          .at(200 * SECOND)
          .moves('c')
          .at(210 * SECOND)
          .hears('b', 'c')
          .at(10 * MINUTE)
          .takes('b', 'c'),
      true,
    ],
    [
      'not when fitness has changed meanwhile',
      () =>
        inVain()
          .at(200 * SECOND)
          .moves('c')
          .at(210 * SECOND)
          .hears('b', 'c')
          .at(5 * MINUTE)
          .fails('a')
          .at(10 * MINUTE)
          .takes('b', 'c'),
      false,
    ],
    [
      'by more moves in an hour than there are candidates, whatever fitness does',
      () =>
        inVain()
          .at(200 * SECOND)
          .moves('c')
          .at(210 * SECOND)
          .hears('a', 'c')
          .at(8 * MINUTE)
          .moves('a')
          .at(9 * MINUTE)
          .hears('b', 'a')
          .hears('b', 'c')
          .fails('c')
          .at(20 * MINUTE)
          .takes('b', 'a'),
      true,
    ],
    [
      'by a move of an address that nobody has ever seen up',
      () =>
        scene()
          .at(30 * SECOND)
          .takes('b', 'a'),
      true,
    ],
    [
      'not by one that somebody has',
      () =>
        scene()
          .at(20 * SECOND)
          .seenUp('c')
          .at(30 * SECOND)
          .takes('b', 'a'),
      false,
    ],
  ];
  test.each(rows)('%s', (_, play, expected) => {
    expect(play().broken.includes('I21')).toBe(expected);
  });
});

describe('I23 is broken', () => {
  const rows: readonly (readonly [string, () => Scene, boolean])[] = [
    [
      'by telling twice',
      () =>
        inVain()
          .at(90 * SECOND)
          .blocked('a')
          .at(200 * SECOND)
          .blocked('a'),
      true,
    ],
    [
      'not by telling again once it was seen up',
      () =>
        inVain()
          .at(90 * SECOND)
          .blocked('a')
          .at(100 * SECOND)
          .seenUp('b')
          .at(200 * SECOND)
          .blocked('a'),
      false,
    ],
    [
      'by telling of an address that one sees up',
      () =>
        inVain()
          .at(80 * SECOND)
          .seenUp('a')
          .at(90 * SECOND)
          .blocked('a'),
      true,
    ],
    [
      'by telling of an address that one has just taken',
      () =>
        inVain()
          .at(50 * SECOND)
          .blocked('b'),
      true,
    ],
    [
      'not by telling of one that a single call took a minute ago, though a read has shown it only since',
      () =>
        inVain('opsworks')
          .at(75 * SECOND)
          .reads('b')
          .at(100 * SECOND)
          .blocked('b'),
      false,
    ],
    [
      'by telling of one whose call was never answered, and which a read has just shown',
      () =>
        scene('opsworks')
          .at(20 * SECOND)
          .seenUp('c')
          .at(30 * SECOND)
          .moves('b', { kind: 'unknown', code: 'Timeout', message: '' })
          .at(75 * SECOND)
          .reads('b')
          .at(100 * SECOND)
          .blocked('b'),
      true,
    ],
  ];
  test.each(rows)('%s', (_, play, expected) => {
    expect(play().broken.includes('I23')).toBe(expected);
  });
});
