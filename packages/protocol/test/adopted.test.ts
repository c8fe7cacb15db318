/** What a message may move in a node, and what the node says and writes down after it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FAR } from '../src/membership/bounded.ts';
import { decodeMessage } from '../src/wire/codec.ts';
import type { NodeRecord, Payload } from '../src/wire/messages.ts';
import { anyMessage } from './support/arbitraries.ts';
import { addressRecordOf, ballotOf, handoverOf, IP, PAIR, PEER, SELF } from './support/fixtures.ts';
import { Run, THREE } from './support/run.ts';

const TOP = Number.MAX_SAFE_INTEGER;

describe('a number near the greatest that a double holds', () => {
  const address = (parts: Parameters<typeof addressRecordOf>[0]): Partial<NodeRecord> => ({
    addresses: [addressRecordOf(parts)],
  });

  test('is not taken for an epoch, from a record, an answer, a ballot or a release', () => {
    const run = new Run();
    run.record(address({ epoch: TOP }));
    expect(run.state.addresses[IP]?.epoch).toBe(0);
    const answer = { address: IP, epoch: 1, candidate: SELF, voter: PEER, ask: 0, leaseMs: 0, retryMs: 0 };
    run.say({
      version: 0,
      ack: 0,
      answers: [{ ...answer, answer: 'refuse', reason: 'stale-epoch', highest: TOP }],
    });
    run.say({ version: 0, ack: 0, ballots: [ballotOf('', { epoch: TOP })] });
    run.say({ version: 0, ack: 0, releases: [{ address: IP, epoch: TOP, candidate: PEER }] });
    expect(run.state.addresses[IP]).toMatchObject({ epoch: 0, lent: null, openBallots: {} });
    expect(run.facts.filter((reason) => reason === 'implausible')).toHaveLength(4);
  });

  test('is not taken for an incarnation', () => {
    const run = new Run();
    const { incarnation } = run.state;
    run.say({ version: 0, ack: 0, known: TOP });
    run.say({ version: 0, ack: 0, rumours: [{ id: SELF, incarnation: TOP, state: 'dead' }] });
    expect(run.state.incarnation).toBe(incarnation);
    expect(run.facts.filter((reason) => reason === 'implausible')).toHaveLength(2);
  });

  test('is not taken for the version of a pause, nor for the place of a handover', () => {
    const run = new Run();
    const pause = { version: TOP, by: PEER, paused: true, owner: 'eve', reason: '', until: TOP };
    run.record({ pause, handovers: [handoverOf({ ordered: TOP })] });
    expect(run.state.pause.version).toBe(0);
    expect(run.state.handovers).toEqual([]);
  });

  test('as an age is cut, so that what is told of it later can be read', () => {
    const run = new Run();
    const holder = {
      kind: 'node',
      node: 'mars',
      instanceId: 'i-mars',
      associationId: 'a-1',
      ageMs: TOP,
    } as const;
    run.record(address({ holder, changes: [TOP], changedTo: ['0a1b2c3d'] }));
    for (let i = 0; i < 5; i += 1) {
      run.tick(2_000);
      run.record(address({ holder, changes: [TOP], changedTo: ['0a1b2c3d'] }));
    }
    expect(run.sent.some(({ payload }) => payload.node?.addresses[0]?.changes.length === 1)).toBe(true);
  });

  test('on the disk of a node that an earlier version let take it begins anew', () => {
    const run = new Run();
    run.text = run.text
      .replace(/"incarnation":\d+/, `"incarnation":${TOP}`)
      .replace(/"epoch":\d+/g, `"epoch":${TOP}`);
    run.restart();
    expect(run.state.incarnation).toBe(FAR + 1);
    expect(run.state.addresses[IP]?.epoch).toBe(FAR);
    run.tick(100);
  });
});

test('a node that was far behind catches up, and one that was pushed far ahead is still voted for', () => {
  const run = new Run();
  run.record({ addresses: [addressRecordOf({ epoch: FAR })] });
  expect(run.state.addresses[IP]?.epoch).toBe(FAR);
  expect(run.facts).not.toContain('implausible');
  run.record({ addresses: [addressRecordOf({ epoch: FAR + 1 })] });
  expect(run.state.addresses[IP]?.epoch).toBe(FAR + 1);
});

test('a higher incarnation keeps this node from lending once for each peer, until a lease after its start', () => {
  const run = new Run();
  run.say({ version: 0, ack: 0, known: 7 });
  expect(run.state.incarnation).toBe(8);
  run.tick(1_000);
  const lendFrom = run.state.addresses[IP]?.lendFrom;
  run.say({ version: 0, ack: 0, known: 9 });
  expect(run.state.incarnation).toBe(10);
  expect(run.state.addresses[IP]?.lendFrom).toBe(lendFrom);
});

test('a higher incarnation proves a disk that was rolled back, however far it was pushed, and is caught up with', () => {
  const run = new Run();
  run.say({ version: 0, ack: 0, known: FAR + 9 });
  expect(run.state.peers[PEER]?.provedRollback).toBe(true);
  run.tick(1_000);
  run.say({ version: 0, ack: 0, known: FAR + 9 });
  expect(run.state.incarnation).toBe(FAR + 10);
});

test('what a peer knows of this node makes it write no more often than any other news', () => {
  const run = new Run();
  for (let i = 0; i < 200; i += 1) run.say({ version: 0, ack: 0, known: run.state.incarnation });
  expect(run.state.incarnation).toBeLessThan(50);
  expect(run.facts).toContain('over-budget');
});

test('answers about addresses that nobody knows never fill a message', () => {
  const run = new Run();
  const ballots = Array.from({ length: 32 }, (_, i) => ballotOf('', { address: `198.51.100.${i}` }));
  for (let i = 0; i < 3; i += 1) run.say({ version: 0, ack: 0, ballots });
  run.say({ version: 0, ack: 0, ballots: [...ballots.slice(1), ballotOf('')] });
});

const NUMBERS = [0, 1, 2 ** 44 - 1, 2 ** 44 + 1, 2 ** 52 + 1, TOP - 1, TOP];
const WIDE = '\u0001\ud800"é漢𝄞\\';

/** Any message, as somebody with the key would bend it: numbers at the edges, texts as long as they may be, names that are known. */
function bent(value: unknown, pick: () => number, name = ''): unknown {
  if (typeof value === 'number' && Number.isInteger(value) && !['v', 'priority'].includes(name))
    return pick() % 2 === 0 ? NUMBERS[pick() % NUMBERS.length] : value;
  if (typeof value === 'string') {
    if (['ip', 'address'].includes(name)) return IP;
    if (['id', 'node', 'to', 'candidate', 'voter', 'from', 'by'].includes(name) && pick() % 3 > 0)
      return [SELF, PEER, 'mars'][pick() % 3];
    if (['reason', 'owner', 'detail', 'withdrawnBy', 'instanceId', 'associationId'].includes(name))
      return WIDE.repeat(12).slice(0, 120);
    return value;
  }
  if (Array.isArray(value))
    return value.map((one) => bent(one, pick, name === 'ended' ? 'associationId' : ''));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, bent(one, pick, key)]));
}

test('whatever is read, all that a node then says and writes is read again, across restarts', () => {
  let counted = 0;
  fc.assert(
    fc.property(
      fc.array(fc.tuple(anyMessage, fc.array(fc.nat(), { minLength: 40, maxLength: 40 }), fc.nat(9)), {
        minLength: 4,
        maxLength: 14,
      }),
      (given) => {
        const run = new Run();
        for (const [message, numbers, then] of given) {
          let i = 0;
          const pick = (): number => numbers[i++ % numbers.length] ?? 0;
          const {
            command: _,
            outcome: __,
            refused: ___,
            ...payload
          } = bent(message.payload, pick) as Payload; // bent keeps the shape
          const node = payload.node === undefined ? {} : { node: { ...payload.node, id: PEER } };
          const whole = { ...payload, ...node };
          if (decodeMessage(JSON.stringify({ ...message, payload: whole })).kind === 'fault') continue;
          counted += 1;
          run.say(whole);
          run.tick([1, 100, 500, 2_000][then % 4] ?? 1);
          if (then === 9) run.restart();
        }
        run.restart();
        run.tick(600);
      },
    ),
    { numRuns: 150, seed: 31 },
  );
  expect(counted).toBeGreaterThan(500);
});

test('the largest records that can be told leave room for what a node says itself', () => {
  const addresses = Array.from({ length: 32 }, (_, i) => ({
    ip: `203.0.113.${i}`,
    probe: PAIR.addresses[0]?.probe ?? { intervalMs: 1, fastIntervalMs: 1, timeoutMs: 1, fall: 1, rise: 1 },
    expects: '',
  }));
  const run = new Run({ ...THREE, addresses });
  const long = '漢'.repeat(500);
  const handovers = Array.from({ length: 16 }, (_, i) =>
    handoverOf({
      id: `saturn-1-${i}`,
      address: '203.0.113.1',
      to: PEER,
      reason: long,
      detail: long,
      by: long.slice(0, 128),
    }),
  );
  const told = addresses.map(({ ip }) =>
    addressRecordOf({
      ip,
      epoch: 9,
      ended: Array.from({ length: 16 }, (_, i) => `${i}`.padStart(64, 'a')),
      changes: Array.from({ length: 32 }, (_, i) => i * 10_000),
      changedTo: Array.from({ length: 32 }, () => '=0a1b2c3d'),
    }),
  );
  for (let i = 0; i < 3; i += 1) {
    const half = (n: number): typeof told => told.slice(n * 8, n * 8 + 8);
    run.record({ addresses: half(i), handovers: handovers.slice(i * 5, i * 5 + 5) });
    run.tick(600);
  }
  expect(run.sent.some(({ payload }) => (payload.node?.handovers.length ?? 0) > 10)).toBe(true);
});
