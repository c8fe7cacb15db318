/** Orders that a peer tells of in every message, and versions of records that were forged in its name. */
import { expect, test } from 'vitest';
import type { NodeRecord } from '../src/wire/messages.ts';
import { addressRecordOf, handoverOf, IP, PEER, recordOf } from './support/fixtures.ts';
import { Run } from './support/run.ts';

const TOP = Number.MAX_SAFE_INTEGER;

function pausedAs(version: number): Partial<NodeRecord> {
  return { pause: { version, by: PEER, paused: version % 2 === 0, owner: 'eve', reason: '', until: null } };
}

const ORDERS: readonly (readonly [string, (n: number) => Partial<NodeRecord>])[] = [
  ['pauses', pausedAs],
  ['handovers', (n) => ({ handovers: [handoverOf({ id: `h-${n}`, state: 'failed', ordered: n })] })],
  [
    'ends of episodes',
    (n) => ({
      addresses: [
        addressRecordOf({
          epoch: n,
          episode: {
            upEpoch: n,
            anewEpoch: 0,
            tries: [],
            answered: '',
            upWall: 0,
            told: false,
            saw: '',
          },
        }),
      ],
    }),
  ],
];

test.each(ORDERS)('%s told anew in each of a thousand messages are no thousand writes', (_what, told) => {
  const run = new Run();
  const before = run.writes;
  for (let n = 1; n <= 1_000; n += 1) {
    run.tick(1);
    run.record(told(n));
  }
  expect(run.writes - before).toBeGreaterThan(10);
  expect(run.writes - before).toBeLessThan(40);
});

test('an order that a peer had no budget for is taken in with one of its next messages', () => {
  const run = new Run();
  for (let n = 1; n <= 100; n += 1) run.record(pausedAs(n));
  run.record({ ...pausedAs(100), handovers: [handoverOf({ id: 'h-last', ttlMs: 60_000 })] });
  expect(run.state.pause.version).toBeLessThan(100);
  expect(run.state.handovers).toEqual([]);
  for (let round = 0; round < 8; round += 1) {
    run.tick(500);
    run.say({ version: 0, ack: 0 });
  }
  expect(run.state.pause.version).toBe(100);
  const [handover] = run.state.handovers;
  expect(handover?.record.id).toBe('h-last');
  // The time that it has waited is not given to it anew.
  expect((handover?.expiresAt ?? 0) - run.state.startedAt).toBeLessThan(61_000);
});

test("versions that were forged in a peer's name are put right by its own next answer", () => {
  const run = new Run();
  run.record({});
  run.tick(600);
  run.say({ version: TOP, ack: 0, node: recordOf(PEER, { priority: 1 }) });
  run.tick(600);
  run.record({ addresses: [addressRecordOf({ ip: IP, verdict: 'down' })] });
  expect(run.state.peers[PEER]?.record?.addresses).toEqual([]);
  run.tick(600);
  run.answer({ version: 9, ack: 0, node: recordOf(PEER, { priority: 7 }) });
  expect(run.state.peers[PEER]).toMatchObject({ recordVersion: 9, record: { priority: 7 } });
});

/** Whether the peer is sent this node's record within the next round. */
function isSentRecord(run: Run): boolean {
  const before = run.sent.length;
  run.tick(600);
  return run.sent.slice(before).some(({ to, payload }) => to === PEER && payload.node !== undefined);
}

test("an acknowledgement that was forged in a peer's name is taken back by its own next answer", () => {
  const run = new Run();
  run.record({});
  run.tick(600);
  run.say({ version: 0, ack: run.state.recordVersion });
  expect(isSentRecord(run)).toBe(false);
  run.answer({ version: 1, ack: 0 });
  expect(isSentRecord(run)).toBe(true);
});
