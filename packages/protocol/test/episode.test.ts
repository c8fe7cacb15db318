import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { adoptRecord } from '../src/membership/membership.ts';
import { saysOtherwise } from '../src/membership/own-record.ts';
import type { ProtocolConfig } from '../src/model/config.ts';
import { initialState } from '../src/model/initial.ts';
import type { State } from '../src/model/state.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import { documentOf, restored } from '../src/storage/document.ts';
import {
  adoptEpisode,
  endEpisode,
  episodeRecord,
  noteTry,
  onFitnessChanged,
  onSeenUp,
  probeDigest,
} from '../src/takeover/episode.ts';
import {
  FIRST_WAIT_MS,
  isOver,
  LONGEST_WAIT_MS,
  MAX_TOLD_TRIES,
  MAX_TRIES,
  ROUND_MS,
  type Try,
} from '../src/takeover/episode-state.ts';
import { protectionOf } from '../src/takeover/protection.ts';
import type { EpisodeRecord } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  addressRecordOf,
  clusterOf,
  heldBy,
  IP,
  intentOf,
  PAIR,
  PEER,
  recordOf,
  SELF,
  seenDown,
  silenced,
  stateOf,
  WALL,
  withAddress,
  withEpisode,
  withPeer,
} from './support/fixtures.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const THREE = clusterOf(PEER, 'uranus');
/** Three candidates; neptune holds the address, is heard and fit, and hasn't served. */
const VAIN = withAddress(seenDown(heldBy(stateOf(THREE), PEER)), { epoch: 20 });

function moved(node: string, agoMs: number, epoch: number, from = SELF): Try {
  return { node, epoch, from, at: AT - agoMs };
}

function until(state: State, candidate = 'uranus'): number | string {
  const damping = protectionOf(state, addressIn(state), candidate);
  return damping.kind === 'free' ? 'free' : damping.until - AT;
}

function turnOf(state: State): StepContext {
  return newContext(state, { at: AT, wall: WALL });
}

describe('a holder that is heard and fit, after moves in vain,', () => {
  const one = [moved(PEER, MINUTE, 5)];
  const two = [moved(PEER, MINUTE, 6), moved('uranus', 5 * MINUTE, 5)];
  const rows: readonly (readonly [string, State, string, number | string])[] = [
    ['is left alone for 2 min after the first', withEpisode(VAIN, { tries: one }), 'uranus', MINUTE],
    [
      'is free for the next once they are over',
      withEpisode(VAIN, { tries: [moved(PEER, 2 * MINUTE, 5)] }),
      'uranus',
      'free',
    ],
    [
      'is left alone one step longer by whom the address failed at first, while another has not been tried',
      withEpisode(VAIN, { tries: one }),
      SELF,
      3 * MINUTE,
    ],
    ['is left alone for 4 min after the second', withEpisode(VAIN, { tries: two }), SELF, 3 * MINUTE],
    [
      'is not taken by a candidate that was tried within an hour',
      withEpisode(VAIN, { tries: two }),
      'uranus',
      59 * MINUTE,
    ],
    [
      'is left alone for 4 h at most',
      withEpisode(VAIN, { tries: Array.from({ length: 8 }, (_, i) => moved(PEER, i * HOUR, 18 - i)) }),
      'uranus',
      LONGEST_WAIT_MS,
    ],
    [
      'is left alone for 2 min again when somebody has become fit since',
      withEpisode(VAIN, { tries: two, anewEpoch: 6 }),
      'uranus',
      MINUTE,
    ],
    [
      'is left alone when an hour has seen as many moves as there are candidates, however often fitness changed',
      withEpisode(VAIN, {
        tries: [moved(PEER, 3 * MINUTE, 7), moved('uranus', 6 * MINUTE, 6), moved(SELF, 9 * MINUTE, 5)],
        anewEpoch: 7,
      }),
      'uranus',
      51 * MINUTE,
    ],
    ['is not protected when it is silent', silenced(withEpisode(VAIN, { tries: one }), PEER), SELF, 'free'],
    [
      'is not protected when it says that it is unfit',
      withPeer(withEpisode(VAIN, { tries: one }), PEER, { record: recordOf(PEER, { fit: 'unfit' }) }),
      SELF,
      'free',
    ],
    ['is not there when nobody holds it', heldBy(withEpisode(VAIN, { tries: one }), null), SELF, 'free'],
  ];
  test.each(rows)('%s', (_, state, candidate, expected) => {
    expect(until(state, candidate)).toBe(expected);
  });

  test('a pair tries the first holder again after 2 min', () => {
    const pair = withEpisode(heldBy(stateOf(), PEER), { tries: [moved(PEER, 2 * MINUTE, 5)] });
    expect(until(pair, SELF)).toBe('free');
  });

  test('from minutes to hours', () => {
    expect([FIRST_WAIT_MS, ROUND_MS, LONGEST_WAIT_MS]).toEqual([2 * MINUTE, HOUR, 4 * HOUR]);
  });
});

describe('an address that nobody has seen up under this probe', () => {
  const never = withEpisode(VAIN, { answered: '' });

  test('is not taken from a holder that is heard and fit, and what was expected and came is said', () => {
    const damping = protectionOf(never, addressIn(never), SELF);
    expect(damping).toMatchObject({ kind: 'damped', reason: 'never-answered' });
    expect(damping.detail).toContain('GET http://www.example.org/ on port 80 answers 200-399 within 1000 ms');
    expect(damping.detail).toContain(addressIn(never).verdictReason);
  });

  test('is taken from a silent one', () => {
    expect(until(silenced(never, PEER), SELF)).toBe('free');
  });

  test('is one that was seen up under another probe', () => {
    const [own] = PAIR.addresses;
    if (own === undefined) throw new Error('the fixture has no address');
    const other = probeDigest({ ...own, expects: 'GET http://www.example.org/wrong answers 200-399' });
    expect(other).not.toBe(probeDigest(own));
    expect(probeDigest({ ...own, probe: { ...own.probe, fall: 9, intervalMs: 1 } })).toBe(probeDigest(own));
    expect(until(withEpisode(VAIN, { answered: other }), SELF)).not.toBe('free');
  });

  test('has answered once a peer with the same probe says so, and not by another probe', () => {
    const own = addressIn(VAIN).episode.answered;
    for (const [answered, expected] of [
      [own, own],
      ['0badc0de', ''],
    ] as const) {
      const ctx = turnOf(never);
      adoptEpisode(ctx, PEER, addressRecordOf({ episode: told({ answered }) }), undefined);
      expect(addressIn(ctx.state).episode.answered).toBe(expected);
    }
  });
});

function told(parts: Partial<EpisodeRecord>): EpisodeRecord {
  return { upEpoch: 0, anewEpoch: 0, tries: [], answered: '', upWall: 0, told: false, saw: '', ...parts };
}

describe('what is remembered', () => {
  test('is an accepted automatic move, once, and no handover', () => {
    const ctx = turnOf(VAIN);
    noteTry(ctx, IP, intentOf({ epoch: 7, mode: 'takeover', from: PEER }));
    noteTry(ctx, IP, intentOf({ epoch: 7, mode: 'takeover', from: PEER }));
    noteTry(ctx, IP, intentOf({ epoch: 8, mode: 'handover', from: PEER }));
    expect(addressIn(ctx.state).episode.tries).toEqual([{ node: SELF, epoch: 7, from: PEER, at: AT }]);
  });

  test('ends with a probe that succeeds and started after the move, and not with an earlier one', () => {
    const ctx = turnOf(withEpisode(VAIN, { tries: [moved(PEER, 1_000, 7)] }));
    onSeenUp(ctx, IP, AT - 1_001);
    expect(addressIn(ctx.state).episode.tries).toHaveLength(1);
    onSeenUp(ctx, IP, AT - 1_000);
    expect(addressIn(ctx.state).episode).toMatchObject({ tries: [], upEpoch: 7, upBy: PEER });
    expect(ctx.writeId).not.toBe(0);
  });

  test("doesn't end with what came of the move of another who has won the same epoch", () => {
    const both = [moved(PEER, 5_000, 7), moved(SELF, 1_000, 7)];
    const ctx = turnOf(withEpisode(VAIN, { tries: both }));
    onSeenUp(ctx, IP, AT - 2_000);
    expect(addressIn(ctx.state).episode).toMatchObject({ tries: [both[1]], upEpoch: 7, upBy: PEER });
    onSeenUp(ctx, IP, AT);
    expect(addressIn(ctx.state).episode).toMatchObject({ tries: [], upEpoch: 7, upBy: null });
  });

  test("ends by a peer's word for the move that it names, for each where it names none, and outlives a restart", () => {
    const both = [moved(PEER, 5_000, 7), moved(SELF, 1_000, 7)];
    const heard = (episode: Partial<EpisodeRecord>): State => {
      const ctx = turnOf(withAddress(withEpisode(VAIN, { tries: both }), { epoch: 7 }));
      adoptEpisode(ctx, PEER, addressRecordOf({ episode: told(episode) }), undefined);
      return ctx.state;
    };
    const tries = (state: State): readonly string[] => addressIn(state).episode.tries.map(({ node }) => node);
    const named = heard({ upEpoch: 7, upBy: PEER });
    expect(tries(named)).toEqual([SELF]);
    expect(tries(heard({ upEpoch: 7 }))).toEqual([]);
    expect(tries(heard({ upEpoch: 8, upBy: PEER }))).toEqual([]);
    const again = restored(initialState(THREE), { kind: 'loaded', document: documentOf(named) }, AT);
    expect(addressIn(again).episode).toMatchObject({ upEpoch: 7, upBy: PEER });
    expect(tries(again)).toEqual([SELF]);
    expect(episodeRecord(again, addressIn(again))).toMatchObject({ upEpoch: 7, upBy: PEER });
  });

  test('that people were told ends when a peer sees it up again, and is written down', () => {
    const before = withAddress(withEpisode(VAIN, { downSince: AT - HOUR }), { blockedTold: true });
    const ctx = turnOf(before);
    const down = addressRecordOf({ verdict: 'down' });
    adoptEpisode(ctx, PEER, down, addressRecordOf({ verdict: 'up' }));
    expect(addressIn(ctx.state).blockedTold).toBe(true);
    adoptEpisode(ctx, PEER, addressRecordOf({ verdict: 'up' }), down);
    expect(addressIn(ctx.state)).toMatchObject({ blockedTold: false, refusals: [] });
    expect(addressIn(ctx.state).episode.downSince).toBe(AT);
    expect(ctx.writeId).not.toBe(0);
  });

  test("a fitness that changes begins the doubling anew, also across a peer's restart, and unknown is no change", () => {
    const fitness = (...fits: readonly ('fit' | 'unfit' | 'unknown')[]): number => {
      const ctx = turnOf(withEpisode(VAIN, { tries: [moved(PEER, 1_000, 7)] }));
      for (const [version, fit] of fits.entries()) {
        const peer = ctx.state.peers[PEER];
        if (peer !== undefined) adoptRecord(ctx, peer, recordOf(PEER, { fit }), version + 2);
      }
      return addressIn(ctx.state).episode.anewEpoch;
    };
    expect(fitness('fit', 'unknown', 'fit')).toBe(0);
    expect(fitness('fit', 'unknown', 'unfit')).toBe(7);
    expect(fitness('unfit', 'fit')).toBe(7);
  });

  test('is bounded, and newest first', () => {
    const ctx = turnOf(VAIN);
    for (let epoch = 1; epoch <= 20; epoch += 1) noteTry(ctx, IP, intentOf({ epoch, mode: 'takeover' }));
    const { tries } = addressIn(ctx.state).episode;
    expect(tries.map((one) => one.epoch)).toEqual(Array.from({ length: MAX_TRIES }, (_, i) => 20 - i));
    expect(episodeRecord(ctx.state, addressIn(ctx.state)).tries).toHaveLength(MAX_TOLD_TRIES);
  });

  test('outlives a restart, as if none of the time since had passed, until a peer knows better', () => {
    const before = withEpisode(VAIN, { tries: [moved(PEER, 5_000, 7)], upEpoch: 3, anewEpoch: 4 });
    const again = restored(initialState(THREE), { kind: 'loaded', document: documentOf(before) }, AT + HOUR);
    expect(addressIn(again).episode).toMatchObject({
      tries: [{ node: PEER, epoch: 7, at: AT + HOUR - 5_000 }],
      upEpoch: 3,
      anewEpoch: 4,
      answered: addressIn(before).episode.answered,
    });
    const ctx = newContext(again, { at: AT + HOUR, wall: WALL });
    const known = [{ node: PEER, epoch: 7, from: SELF, ageMs: HOUR + 5_000 }];
    adoptEpisode(ctx, PEER, addressRecordOf({ episode: told({ tries: known }) }), undefined);
    expect(addressIn(ctx.state).episode.tries[0]?.at).toBe(AT - 5_000);
  });

  test('of an earlier telling is void after a restart if it was seen up since', () => {
    const told = withAddress(VAIN, { blockedTold: true });
    const again = restored(initialState(THREE), { kind: 'loaded', document: documentOf(told) }, AT);
    for (const [upWall, expected] of [
      [WALL - 1, true],
      [WALL + 1, false],
    ] as const) {
      const ctx = turnOf(again);
      adoptEpisode(ctx, PEER, addressRecordOf({ episode: { ...NOTHING, upWall } }), undefined);
      expect(addressIn(ctx.state).blockedTold).toBe(expected);
    }
  });

  test('ends here alone when a reload asks in another way', () => {
    const ctx = turnOf(withEpisode(VAIN, { heardTold: PEER, downSince: AT - HOUR }));
    endEpisode(ctx, IP);
    expect(addressIn(ctx.state).episode.heardTold).toBeNull();
    onFitnessChanged(ctx);
    expect(addressIn(ctx.state).episode.anewEpoch).toBe(0);
  });
});

const NOTHING = told({});

describe('what nodes tell each other', () => {
  const ids = [SELF, PEER, 'uranus'];
  const record = fc.record(
    {
      upEpoch: fc.nat(12),
      upBy: fc.constantFrom(...ids),
      anewEpoch: fc.nat(12),
      tries: fc.array(
        fc.record({
          node: fc.constantFrom(...ids, 'stranger'),
          epoch: fc.integer({ min: 1, max: 30 }),
          from: fc.constantFrom(...ids),
          ageMs: fc.nat(HOUR),
        }),
        { maxLength: MAX_TRIES },
      ),
      answered: fc.constantFrom('', '0a1b2c3d'),
      upWall: fc.nat(),
      told: fc.boolean(),
      saw: fc.constant(''),
    },
    { requiredKeys: ['upEpoch', 'anewEpoch', 'tries', 'answered', 'upWall', 'told', 'saw'] },
  );

  function merged(records: readonly EpisodeRecord[], config: ProtocolConfig = THREE): State {
    const ctx = turnOf(withAddress(stateOf(config), { epoch: 20 }));
    for (const one of records) adoptEpisode(ctx, PEER, addressRecordOf({ episode: one }), undefined);
    return ctx.state;
  }

  const known = (state: State): unknown => {
    const { tries, upEpoch, upBy, anewEpoch } = addressIn(state).episode;
    return { tries: tries.map(({ node, epoch, at }) => ({ node, epoch, at })), upEpoch, upBy, anewEpoch };
  };

  test('comes to the same in any order and however often', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 4 }), (records) => {
        const forth = merged(records);
        expect(known(merged([...records].reverse()))).toEqual(known(forth));
        expect(known(merged([...records, ...records]))).toEqual(known(forth));
      }),
    );
  });

  test('is never an echo: what a node told comes back and changes nothing', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 4 }), (records) => {
        const state = merged(records);
        const ctx = turnOf(state);
        const own = episodeRecord(state, addressIn(state));
        adoptEpisode(ctx, PEER, addressRecordOf({ episode: own }), addressRecordOf({ episode: own }));
        expect(addressIn(ctx.state).episode.tries).toBe(addressIn(state).episode.tries);
        expect([saysOtherwise(state, ctx.state), ctx.writeId]).toEqual([false, 0]);
      }),
    );
  });

  test('counts only of configured candidates and up to the highest epoch known', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 4 }), (records) => {
        const { tries, upEpoch, upBy } = addressIn(merged(records)).episode;
        for (const one of tries) {
          expect(ids).toContain(one.node);
          expect(one.epoch).toBeLessThanOrEqual(20);
          expect(isOver(one, { upEpoch, upBy })).toBe(false);
        }
      }),
    );
  });
});
