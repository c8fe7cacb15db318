import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { votersOf } from '../src/election/quorum.ts';
import { tally } from '../src/election/tally.ts';
import type { Campaign, VoterAnswer } from '../src/model/address-state.ts';
import type { State } from '../src/model/state.ts';
import type { MonotonicMs } from '../src/model/units.ts';
import type { BallotAnswer, BallotReason } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  campaignOf,
  clusterOf,
  heldBy,
  PAIR,
  PEER,
  SELF,
  silenced,
  stateOf,
  voterAnswer,
} from './support/fixtures.ts';

/** What may become of one voter in a random ballot. */
interface Voice {
  readonly answer: BallotAnswer['answer'] | 'none';
  readonly reason: BallotReason;
  readonly leaseUntil: MonotonicMs;
  readonly heard: boolean;
  readonly undelivered: boolean;
}

interface Election {
  readonly voices: readonly Voice[];
  readonly silentPeer: 'takeover' | 'hold';
}

const NAMES = ['mars', 'venus', 'pluto', 'ceres', 'vesta', 'juno'];

const voice: fc.Arbitrary<Voice> = fc
  .record({
    answer: fc.constantFrom('grant', 'blind', 'refuse', 'pending', 'none'),
    refusal: fc.constantFrom('up', 'held-down', 'lent', 'paused', 'starting', 'storage'),
    leaseUntil: fc.integer({ min: AT - 20, max: AT + 20 }),
    heard: fc.boolean(),
    undelivered: fc.boolean(),
  })
  .map(({ answer, refusal, ...rest }) => ({ ...rest, answer, reason: reasonOf(answer, refusal) }));

function reasonOf(answer: Voice['answer'], refusal: BallotReason): BallotReason {
  const reasons = { grant: 'down', blind: 'no-way-out', pending: 'undecided', none: 'undecided' } as const;
  return answer === 'refuse' ? refusal : reasons[answer];
}

const election: fc.Arbitrary<Election> = fc.record({
  voices: fc.array(voice, { minLength: 1, maxLength: 6 }),
  silentPeer: fc.constantFrom('takeover', 'hold'),
});

function campaignIn({ voices, silentPeer }: Election): { state: State; campaign: Campaign } {
  const names = voices.map((_, i) => NAMES[i] ?? `node-${i}`);
  const config = { ...clusterOf(...names), agreement: { ...PAIR.agreement, silentPeer } };
  let state = stateOf(config);
  const answers: Record<string, VoterAnswer> = { [SELF]: voterAnswer('grant', 'down', AT + 30) };
  for (const [i, { answer, reason, leaseUntil, heard }] of voices.entries()) {
    const name = names[i] ?? '';
    if (!heard) state = silenced(state, name);
    if (answer !== 'none') answers[name] = { answer, reason, leaseUntil, retryMs: 0 };
  }
  const unreachable = names.filter((_, i) => voices[i]?.undelivered === true);
  // Old enough that short leases count.
  return { state, campaign: campaignOf(answers, { unreachable, openedAt: AT - 5_000, asks: [AT - 500] }) };
}

function resultOf(one: Election): string {
  const { state, campaign } = campaignIn(one);
  return tally(state, addressIn(state), campaign).result;
}

type Vote = 'down' | 'blind' | 'against' | 'nothing';

/**
 * The rule as PROTOCOL.md words it, the slow way: a ballot is won when it is won however those still out may answer,
 * and lost when it can't be won however they answer. What is still out is tried in every combination.
 */
function naive({ voices, silentPeer }: Election): string {
  const votes: { readonly vote: Vote; readonly leased: boolean }[] = [{ vote: 'down', leased: true }];
  let out = 0;
  for (const { answer, leaseUntil, heard, undelivered } of voices) {
    if (answer === 'grant') votes.push({ vote: 'down', leased: leaseUntil > AT });
    else if (answer === 'blind') votes.push({ vote: 'blind', leased: leaseUntil > AT });
    else if (answer === 'refuse') votes.push({ vote: 'against', leased: false });
    else if (heard || !undelivered) out += 1;
    else if (voices.length === 1)
      votes.push(
        silentPeer === 'takeover' ? { vote: 'blind', leased: true } : { vote: 'against', leased: false },
      );
    else votes.push({ vote: 'nothing', leased: false });
  }
  const majority = (voices.length + 1) / 2;
  const carries = (all: typeof votes): boolean => {
    const down = all.filter(({ vote }) => vote === 'down').length;
    const against = all.filter(({ vote }) => vote === 'against').length;
    return all.filter(({ leased }) => leased).length > majority && down > against;
  };
  const ends = completions(out).map((later) => [...votes, ...later]);
  const leasedNow = votes.filter(({ leased }) => leased).length > majority;
  if (leasedNow && ends.every((all) => carries(all))) return 'won';
  return ends.some((all) => carries(all)) ? 'pending' : 'lost';
}

function completions(out: number): { readonly vote: Vote; readonly leased: boolean }[][] {
  if (out === 0) return [[]];
  const kinds = [
    { vote: 'down', leased: true },
    { vote: 'blind', leased: true },
    { vote: 'against', leased: false },
  ] as const;
  return completions(out - 1).flatMap((rest) => kinds.map((kind) => [...rest, kind]));
}

describe('the count of a ballot', () => {
  test('is what the rule says, for every electorate from two to seven', () => {
    const seen = new Set<string>();
    fc.assert(
      fc.property(election, (one) => {
        const expected = naive(one);
        seen.add(`${expected} of ${one.voices.length > 1 ? 'many' : 'two'}`);
        expect(resultOf(one)).toBe(expected);
      }),
      { numRuns: 1_500, seed: 1 },
    );
    expect([...seen].sort()).toEqual([
      'lost of many',
      'lost of two',
      'pending of many',
      'pending of two',
      'won of many',
      'won of two',
    ]);
  });

  test('a refusal more never wins a ballot, and never saves a lost one', () => {
    const order = { lost: 0, pending: 1, won: 2 } as const;
    fc.assert(
      fc.property(
        election,
        fc.nat(5),
        fc.constantFrom<BallotReason>('up', 'held-down', 'starting'),
        (one, at, why) => {
          const index = at % one.voices.length;
          const voices = one.voices.map((was, i) =>
            i === index && (was.answer === 'none' || was.answer === 'pending')
              ? ({ ...was, answer: 'refuse', reason: why } as const)
              : was,
          );
          const before = resultOf(one) as keyof typeof order;
          const after = resultOf({ ...one, voices }) as keyof typeof order;
          expect(order[after]).toBeLessThanOrEqual(before === 'won' ? 2 : order[before]);
        },
      ),
      { numRuns: 1_000, seed: 2 },
    );
  });

  test('a mandate lasts as long as the leases of a majority do', () => {
    const state = stateOf(clusterOf('mars', 'venus'));
    const answers = {
      [SELF]: voterAnswer('grant', 'down', AT + 300),
      mars: voterAnswer('grant', 'down', AT + 100),
      venus: voterAnswer('grant', 'down', AT + 200),
    };
    const counted = tally(state, addressIn(state), campaignOf(answers));
    expect(counted).toMatchObject({ result: 'won', leaseUntil: AT + 200, silent: [] });
  });

  test('one up against one down moves nothing', () => {
    const state = stateOf(clusterOf('mars', 'venus'));
    const answers = {
      [SELF]: voterAnswer('grant', 'down'),
      mars: voterAnswer('blind', 'no-way-out'),
      venus: voterAnswer('refuse', 'up'),
    };
    expect(tally(state, addressIn(state), campaignOf(answers)).result).toBe('lost');
  });

  test('voters that refuse without saying what they see are not outvoted by a sighted few', () => {
    const names = ['mars', 'venus', 'pluto', 'ceres', 'vesta', 'juno'];
    const state = stateOf(clusterOf(...names));
    const answers: Record<string, VoterAnswer> = { [SELF]: voterAnswer('grant', 'down') };
    for (const name of names.slice(0, 3)) answers[name] = voterAnswer('blind', 'no-way-out');
    for (const name of names.slice(3)) answers[name] = voterAnswer('refuse', 'held-down');
    expect(tally(state, addressIn(state), campaignOf(answers)).result).toBe('lost');
  });

  test('of candidates whose voters lend to one at a time at most one wins an epoch', () => {
    const choices = fc.array(fc.nat(6), { minLength: 2, maxLength: 7 });
    let won = 0;
    fc.assert(
      fc.property(choices, (choice) => {
        const names = [SELF, ...NAMES].slice(0, choice.length);
        const state = stateOf(clusterOf(...names.slice(1)));
        // Whoever chooses itself is a candidate; the others lend to whom they chose.
        const lentTo = new Map(names.map((name, i) => [name, names[(choice[i] ?? 0) % names.length]]));
        const winners = names.filter((one) => {
          if (lentTo.get(one) !== one) return false;
          const answers = names.map((voter) => {
            const lends = lentTo.get(voter) === one;
            return [voter, lends ? voterAnswer('grant', 'down') : voterAnswer('refuse', 'lent')] as const;
          });
          return tally(state, addressIn(state), campaignOf(Object.fromEntries(answers))).result === 'won';
        });
        won += winners.length;
        expect(winners.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1_000, seed: 3 },
    );
    expect(won).toBeGreaterThan(50);
  });
});

describe('a ballot between two', () => {
  const self = { [SELF]: voterAnswer('grant', 'down', AT + 9_500) };
  const pairWith = (silentPeer: 'takeover' | 'hold'): State =>
    stateOf({ ...PAIR, agreement: { ...PAIR.agreement, silentPeer } });
  const result = (state: State, campaign: Campaign): string =>
    tally(state, addressIn(state), campaign).result;

  test('waits for a peer that is heard, however unreachable its answer', () => {
    expect(result(pairWith('takeover'), campaignOf(self, { unreachable: [PEER] }))).toBe('pending');
  });

  test('waits for a silent peer until the ballot has failed on a fresh connection', () => {
    expect(result(silenced(pairWith('takeover'), PEER), campaignOf(self))).toBe('pending');
  });

  test('is won by silence under takeover, on the word of the candidate alone', () => {
    const state = silenced(pairWith('takeover'), PEER);
    const counted = tally(state, addressIn(state), campaignOf(self, { unreachable: [PEER] }));
    expect(counted).toMatchObject({ result: 'won', silent: [PEER], leaseUntil: AT - 500 + 10_000 });
  });

  test('is lost by silence under hold', () => {
    expect(result(silenced(pairWith('hold'), PEER), campaignOf(self, { unreachable: [PEER] }))).toBe('lost');
  });

  test('is lost to a refusal, silent or not', () => {
    const answers = { ...self, [PEER]: voterAnswer('refuse', 'starting') };
    expect(result(pairWith('takeover'), campaignOf(answers))).toBe('lost');
    const silent = silenced(pairWith('takeover'), PEER);
    expect(result(silent, campaignOf(answers, { unreachable: [PEER] }))).toBe('lost');
  });

  test('is won with a blind peer', () => {
    const answers = { ...self, [PEER]: voterAnswer('blind', 'no-way-out') };
    expect(result(pairWith('hold'), campaignOf(answers))).toBe('won');
  });
});

describe('a handover', () => {
  const names = ['mars', 'venus'];
  const held = heldBy(stateOf(clusterOf(...names)), 'mars');
  const asked = (
    answers: Readonly<Record<string, VoterAnswer>>,
    unreachable: readonly string[] = [],
  ): Campaign =>
    campaignOf({ [SELF]: voterAnswer('grant', 'consent'), ...answers }, { mode: 'handover', unreachable });
  const yes = voterAnswer('grant', 'consent');
  const no = voterAnswer('refuse', 'lent');

  test('is won with the consent of its holder', () => {
    expect(tally(held, addressIn(held), asked({ mars: yes }))).toMatchObject({
      result: 'won',
      consent: true,
    });
  });

  test('waits for its holder, though a majority has lent', () => {
    expect(tally(held, addressIn(held), asked({ venus: yes })).result).toBe('pending');
  });

  test('is lost when its holder refuses, though a majority has lent', () => {
    expect(tally(held, addressIn(held), asked({ venus: yes, mars: no })).result).toBe('lost');
  });

  const relieved: VoterAnswer = { ...voterAnswer('refuse', 'storage', AT - 2_000), consents: true };

  test('of three is won by the leases of the others where its holder agrees and cannot write', () => {
    const won = { result: 'won', consent: false, silent: [] };
    expect(tally(held, addressIn(held), asked({ venus: yes, mars: relieved }))).toMatchObject(won);
    expect(tally(held, addressIn(held), asked({ mars: relieved })).result).toBe('pending');
    expect(tally(held, addressIn(held), asked({ venus: no, mars: relieved })).result).toBe('lost');
  });

  test('of two is won by the word of a holder that cannot write, whatever its silence would count as', () => {
    for (const silentPeer of ['takeover', 'hold'] as const) {
      const pair = heldBy(stateOf({ ...PAIR, agreement: { ...PAIR.agreement, silentPeer } }), PEER);
      const counted = tally(pair, addressIn(pair), asked({ [PEER]: relieved }));
      expect(counted).toMatchObject({ result: 'won', consent: false, leaseUntil: AT + 8_000 });
      const takeover = campaignOf({ [SELF]: voterAnswer('grant', 'down'), [PEER]: relieved });
      expect(tally(pair, addressIn(pair), takeover).result).toBe('lost');
    }
  });

  test('is won without the consent of a silent holder', () => {
    const state = silenced(held, 'mars');
    const counted = tally(state, addressIn(state), asked({ venus: yes }, ['mars']));
    expect(counted).toMatchObject({ result: 'won', consent: false });
  });

  test('needs no consent where nobody holds it', () => {
    const state = heldBy(stateOf(clusterOf(...names)), null);
    expect(tally(state, addressIn(state), asked({ venus: yes }))).toMatchObject({
      result: 'won',
      consent: false,
    });
  });
});

test('who votes stays the same whoever is reachable', () => {
  const config = clusterOf(
    'mars',
    { id: 'venus', role: 'witness', priority: 100 },
    {
      id: 'ceres',
      role: 'member',
      priority: 100,
    },
  );
  expect(votersOf(silenced(stateOf(config), 'mars').config)).toEqual(['mars', 'saturn', 'venus']);
});
