/** The arbiter of a pair: what its item means, and how a candidate deals with a store that answers well, late, wrongly or not at all. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { consultArbiter, giveBackToArbiter, onArbiter } from '../src/election/arbiter.ts';
import {
  type ArbiterItem,
  arbiterVoteOn,
  decodeArbiterItem,
  encodeArbiterItem,
  MAX_ARBITER_CHARS,
  standsStillFor,
} from '../src/election/arbiter-item.ts';
import { ballotElectorate, electorateFaults, votersOf } from '../src/election/quorum.ts';
import { tally } from '../src/election/tally.ts';
import type { Campaign } from '../src/model/address-state.ts';
import { ARBITER, type ProtocolConfig } from '../src/model/config.ts';
import type { ArbiterEffect } from '../src/model/effects.ts';
import type { ArbiterResult } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import { newContext } from '../src/step-context.ts';
import {
  AT,
  addressIn,
  campaignOf,
  clusterOf,
  heldBy,
  IP,
  PAIR,
  PEER,
  SELF,
  silenced,
  stateOf,
  voterAnswer,
  WALL,
  withAddress,
} from './support/fixtures.ts';

const WITH: ProtocolConfig = { ...PAIR, agreement: { ...PAIR.agreement, arbiter: true } };
const START = stateOf(WITH);
const LEASE_MS = WITH.agreement.leaseMs;
const OVER: ArbiterItem = {
  founded: 'first.1',
  electorate: ballotElectorate(START),
  leaseMs: LEASE_MS,
  candidate: null,
  run: 'first',
  epoch: 3,
  over: true,
};
const ASKING = { candidate: SELF, run: 'mine', epoch: 4, electorate: OVER.electorate };
const LONG_AGO = AT - standsStillFor(LEASE_MS);

describe('an item', () => {
  const items = fc.record({
    founded: fc.string({ minLength: 1, maxLength: 20 }),
    electorate: fc.string({ minLength: 1, maxLength: 20 }),
    leaseMs: fc.nat(300_000),
    candidate: fc.option(fc.string({ minLength: 1, maxLength: 20 })),
    run: fc.string({ minLength: 1, maxLength: 20 }),
    epoch: fc.nat(),
    over: fc.boolean(),
  });

  test('is read as it was written', () => {
    fc.assert(
      fc.property(items, (item) => {
        expect(decodeArbiterItem(encodeArbiterItem(item))).toEqual(item);
      }),
    );
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['a list', '[]'],
    ['another version', encodeArbiterItem(OVER).replace('"v":1', '"v":2')],
    ['a lease of a day', encodeArbiterItem({ ...OVER, leaseMs: 86_400_000 })],
    ['an epoch that is no number', encodeArbiterItem(OVER).replace('"epoch":3', '"epoch":"3"')],
    ['a run without a name', encodeArbiterItem({ ...OVER, run: '' })],
    ['much too much', encodeArbiterItem({ ...OVER, founded: 'x'.repeat(MAX_ARBITER_CHARS) })],
  ])('is none that says %s', (_, text) => expect(decodeArbiterItem(text)).toBeNull());
});

describe('the arbiter', () => {
  const lentTo = (parts: Partial<ArbiterItem>): string =>
    encodeArbiterItem({ ...OVER, candidate: PEER, run: 'its', over: false, ...parts });
  const last = standsStillFor(LEASE_MS) - 1;
  const ROWS: readonly (readonly [says: string, text: string | null, since: number, vote: object])[] = [
    ['lends what is over', encodeArbiterItem(OVER), AT, { kind: 'lend' }],
    [
      'knows the run that it has lent to',
      lentTo({ candidate: SELF, run: 'mine', epoch: 4 }),
      AT,
      { kind: 'lent' },
    ],
    ['lends the same run a later ballot', lentTo({ candidate: SELF, run: 'mine' }), AT, { kind: 'lend' }],
    [
      'takes another run of the candidate for another',
      lentTo({ candidate: SELF }),
      AT,
      refused('lent', last + 1),
    ],
    ['lends nothing that another has', lentTo({}), AT - last, refused('lent', 1)],
    ['lends what has stood still for the lease and more', lentTo({}), LONG_AGO, { kind: 'lend' }],
    [
      'waits as long as the item says',
      lentTo({ leaseMs: 60_000 }),
      LONG_AGO,
      refused('lent', 61_200 - last - 1),
    ],
    ['refuses an epoch that it has lent', lentTo({ epoch: 4 }), LONG_AGO, refused('stale-epoch', 0)],
    [
      'lends nothing soon after it was made',
      lentTo({ candidate: null }),
      AT,
      refused('lease-unknown', last + 1),
    ],
    ['lends nothing that it is not there for', null, LONG_AGO, refused('lease-unknown', 0)],
    ['votes with its own voters only', lentTo({ electorate: 'others' }), LONG_AGO, refused('electorate', 0)],
    ['is none where something else stands', 'nonsense', LONG_AGO, refused('electorate', 0)],
  ];
  test.each(ROWS)('%s', (_, text, since, vote) =>
    expect(arbiterVoteOn(text, since, ASKING, AT)).toEqual(vote),
  );

  test('is a voter of a pair, and of nobody else', () => {
    expect(votersOf(WITH)).toEqual([ARBITER, PEER, SELF].sort());
    expect(electorateFaults(WITH)).toEqual([]);
    const three = clusterOf(PEER, 'mars');
    expect(electorateFaults({ ...three, agreement: WITH.agreement })).toEqual([
      'an arbiter is for two voters',
    ]);
    const namesake = clusterOf(ARBITER);
    expect(electorateFaults({ ...namesake, agreement: WITH.agreement })).toEqual([
      'two voters have the same id',
    ]);
  });
});

function refused(reason: string, retryMs: number) {
  return { kind: 'refuse', reason, retryMs };
}

describe('a ballot', () => {
  const asked = (answers: Campaign['answers'], unreachable: readonly string[] = []): string => {
    const state = silenced(heldBy(START, PEER), PEER);
    const own = voterAnswer('grant', 'down', AT + LEASE_MS);
    const campaign = campaignOf({ [SELF]: own, ...answers }, { unreachable: [PEER, ...unreachable] });
    return tally(state, addressIn(state), campaign).result;
  };
  const lends = voterAnswer('blind', 'arbiter', AT + LEASE_MS);
  const lent = voterAnswer('refuse', 'lent', 0);

  test('is won by the lease of the arbiter, and not by a silence', () => {
    expect(asked({})).toBe('pending');
    expect(asked({}, [ARBITER])).toBe('lost');
    expect(asked({ [ARBITER]: lends })).toBe('won');
  });

  test('counts what the arbiter refuses for no sight of the address', () => {
    const blind = voterAnswer('blind', 'no-way-out', AT + LEASE_MS);
    expect(asked({ [ARBITER]: lent })).toBe('lost');
    expect(asked({ [ARBITER]: lent, [PEER]: blind })).toBe('won');
    expect(asked({ [PEER]: blind })).toBe('won');
  });

  test('is lost where the peer sees the address up, whatever the arbiter lends', () => {
    expect(asked({ [PEER]: voterAnswer('refuse', 'up', 0), [ARBITER]: lends })).toBe('lost');
  });
});

/** A candidate and a store that does as it is told. */
class Dealing {
  state: State;
  at = AT;
  text: string | null;
  readonly problems: string[] = [];
  readonly asked: ArbiterEffect[] = [];

  constructor(text: string | null) {
    this.text = text;
    this.state = stateOf(WITH, { session: 'mine', phase: 'running' });
  }

  /** Look at what is due, answer calls as the store would, and go on until nothing is. */
  run(answer: (effect: ArbiterEffect) => ArbiterResult = (effect) => this.applied(effect)): void {
    for (let calls = 0; calls < 10; calls += 1) {
      const effect = this.consult();
      if (effect === undefined) return;
      this.answer(effect, answer(effect));
    }
    throw new Error('it never comes to rest');
  }

  consult(): ArbiterEffect | undefined {
    const ctx = newContext(this.state, { at: this.at, wall: WALL });
    consultArbiter(ctx, IP);
    this.state = ctx.state;
    for (const fact of ctx.facts) if (fact.kind === 'arbiter') this.problems.push(fact.problem);
    const effect = ctx.effects.find((one) => one.kind === 'arbiter');
    if (effect !== undefined) this.asked.push(effect);
    return effect;
  }

  answer({ askId }: ArbiterEffect, result: ArbiterResult): void {
    this.at += 10;
    const ctx = newContext(this.state, { at: this.at, wall: WALL });
    onArbiter(ctx, askId, IP, result);
    this.state = ctx.state;
  }

  applied({ operation }: ArbiterEffect): ArbiterResult {
    if (operation.op === 'read') return { kind: 'text', text: this.text };
    if (operation.expected !== this.text) return { kind: 'conflict' };
    this.text = operation.text;
    return { kind: 'written' };
  }

  open(epoch: number): void {
    const campaign = campaignOf({}, { epoch, openedAt: this.at, asks: [this.at] });
    this.state = withAddress(this.state, { campaign });
  }

  giveBack(epoch: number): void {
    this.state = withAddress(this.state, { campaign: null });
    const ctx = newContext(this.state, { at: this.at, wall: WALL });
    giveBackToArbiter(ctx, IP, epoch);
    this.state = ctx.state;
  }

  item(): ArbiterItem | null {
    return this.text === null ? null : decodeArbiterItem(this.text);
  }

  lease() {
    return addressIn(this.state).campaign?.answers[ARBITER];
  }
}

const timeout: ArbiterResult = { kind: 'failed', code: 'timeout', detail: 'no answer in time' };

describe('a candidate', () => {
  test('makes the arbiter where nothing stands, waits, and calls it over', () => {
    const node = new Dealing(null);
    node.run();
    expect(node.item()).toMatchObject({ candidate: null, over: false, leaseMs: LEASE_MS });
    expect(node.problems.at(-1)).toContain('made lately');
    node.at += standsStillFor(LEASE_MS) - 1;
    node.run();
    expect(node.item()?.over).toBe(false);
    node.at += 1;
    node.run();
    expect(node.item()?.over).toBe(true);
    expect(node.problems.at(-1)).toBe('');
  });

  test('borrows with one write what it has read before, and gives it back', () => {
    const node = new Dealing(encodeArbiterItem(OVER));
    node.run();
    node.at += 5_000;
    node.open(4);
    const before = node.asked.length;
    node.run();
    expect(node.asked.slice(before).map(({ operation }) => operation.op)).toEqual(['swap']);
    expect(node.lease()).toMatchObject({
      answer: 'blind',
      reason: 'arbiter',
      leaseUntil: AT + 5_010 + LEASE_MS,
    });
    node.giveBack(4);
    node.run();
    expect(node.item()).toMatchObject({ candidate: SELF, epoch: 4, over: true });
  });

  test('counts a lease from the first asking, where the answer was lost', () => {
    const node = new Dealing(encodeArbiterItem(OVER));
    node.run();
    node.open(4);
    const openedAt = node.at;
    const effect = node.consult();
    if (effect === undefined) throw new Error('it asked for nothing');
    node.applied(effect);
    node.at += 1_500;
    node.answer(effect, timeout);
    expect(node.consult()).toBeUndefined();
    node.at += 250;
    node.run();
    expect(node.lease()?.leaseUntil).toBe(openedAt + LEASE_MS);
  });

  test('doesn’t borrow what another was quicker to borrow, and says how long that lasts', () => {
    const node = new Dealing(encodeArbiterItem(OVER));
    node.run();
    node.text = encodeArbiterItem({ ...OVER, candidate: PEER, run: 'its', epoch: 9, over: false });
    node.open(4);
    node.run();
    expect(node.lease()).toMatchObject({
      answer: 'refuse',
      reason: 'lent',
      retryMs: standsStillFor(LEASE_MS),
    });
  });

  test('adopts the epoch that the arbiter has lent', () => {
    const node = new Dealing(encodeArbiterItem({ ...OVER, epoch: 9 }));
    node.open(4);
    node.run();
    expect(node.lease()).toMatchObject({ answer: 'refuse', reason: 'stale-epoch' });
    expect(addressIn(node.state).epoch).toBe(9);
  });

  test('refuses by nothing that it read before it asked', () => {
    const node = new Dealing(encodeArbiterItem({ ...OVER, candidate: PEER, run: 'its', over: false }));
    node.run();
    node.text = encodeArbiterItem({ ...OVER, candidate: PEER, run: 'its' });
    node.at += 100;
    node.open(4);
    node.run();
    expect(node.lease()?.answer).toBe('blind');
  });

  test('takes the arbiter out of a ballot whose store doesn’t answer, and not at once', () => {
    const node = new Dealing(encodeArbiterItem(OVER));
    node.run();
    node.open(4);
    node.run(() => timeout);
    expect(addressIn(node.state).campaign?.unreachable).toEqual([]);
    node.at += 2_000;
    node.run(() => timeout);
    expect(addressIn(node.state).campaign?.unreachable).toEqual([ARBITER]);
    expect(node.problems.at(-1)).toContain('timeout');
  });

  test('reads before it gives back what it may have been lent', () => {
    const node = new Dealing(encodeArbiterItem(OVER));
    node.run();
    node.open(4);
    const effect = node.consult();
    if (effect === undefined) throw new Error('it asked for nothing');
    node.applied(effect);
    node.answer(effect, timeout);
    node.giveBack(4);
    node.at += 250;
    node.run();
    expect(node.item()).toMatchObject({ candidate: SELF, epoch: 4, over: true });
  });

  test('makes the arbiter of other voters its own once, when it is over', () => {
    const others = { ...OVER, electorate: 'others', candidate: PEER, run: 'its', over: false };
    const node = new Dealing(encodeArbiterItem(others));
    node.run();
    expect(node.item()).toMatchObject({ electorate: 'others', over: false });
    node.at += standsStillFor(LEASE_MS);
    node.run();
    expect(node.item()).toMatchObject({ electorate: OVER.electorate, candidate: null, over: true, epoch: 3 });
    node.text = encodeArbiterItem({ ...others, over: true });
    node.at += 3_600_000;
    node.run();
    expect(node.item()?.electorate).toBe('others');
    expect(node.problems.at(-1)).toContain('another configuration');
  });
});
