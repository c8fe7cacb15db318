import { expect, it } from 'vitest';
import { type PacketSpec, Packets } from '../src/world/packets.ts';
import { createQueue } from '../src/world/queue.ts';
import { createRandom } from '../src/world/random.ts';

const CALM: PacketSpec = {
  loss: 0,
  bursts: { perHour: 0, ms: 400 },
  peerRttMs: [1, 2],
  outsideRttMs: [1, 2],
  externalIpMs: [1, 2],
};

function latenesses(
  spec: PacketSpec,
  transfer: 'data' | 'exchange',
  count: number,
): readonly (number | null)[] {
  const queue = createQueue();
  const packets = new Packets(spec, queue, createRandom(1));
  const late: (number | null)[] = Array.from({ length: count }, () => null);
  for (const index of late.keys())
    packets.send(['a', 'b'], transfer, () => {
      late[index] = queue.now();
    });
  while (queue.runNext(1_000_000));
  return late;
}

const share = (all: readonly unknown[], some: readonly unknown[]): number => some.length / all.length;

it('loss and silence that begin later count from then on, and end with a repair', () => {
  const queue = createQueue();
  const packets = new Packets(CALM, queue, createRandom(1));
  const arrivedAt: number[] = [];
  const send = (): void => packets.send(['a', 'b'], 'data', () => arrivedAt.push(queue.now()));
  packets.silent.add('b');
  send();
  queue.after(150, () => {
    packets.heal();
    send();
  });
  while (queue.runNext(1_000_000));
  expect(arrivedAt).toEqual([150, 200]);
  packets.loss = 1;
  packets.heal();
  expect([packets.loss, packets.silent.size]).toEqual([0, 0]);
});

it('nothing is late where nothing is lost', () => {
  expect(new Set(latenesses(CALM, 'exchange', 100))).toEqual(new Set([0]));
});

it('what is lost comes after the time-outs of TCP, which double', () => {
  const late = latenesses({ ...CALM, loss: 0.1 }, 'data', 20_000);
  expect(
    share(
      late,
      late.filter((ms) => ms === 0),
    ),
  ).toBeCloseTo(0.9, 1.5);
  expect(
    share(
      late,
      late.filter((ms) => ms === 200),
    ),
  ).toBeCloseTo(0.09, 1.5);
  expect(
    share(
      late,
      late.filter((ms) => ms === 600),
    ),
  ).toBeCloseTo(0.009, 2);
  expect(latenesses({ ...CALM, loss: 0.1 }, 'exchange', 1_000)).toContain(1_000);
});

it('a path that carries nothing is given up', () => {
  expect(new Set(latenesses({ ...CALM, loss: 1 }, 'data', 10))).toEqual(new Set([null]));
});

it('bursts come as often as they are said to, and last as long', () => {
  const queue = createQueue();
  const packets = new Packets({ ...CALM, bursts: { perHour: 360, ms: 500 } }, queue, createRandom(2));
  let [lost, looks] = [0, 0];
  const look = (): void => {
    looks += 1;
    const nowMs = queue.now();
    lost += 1;
    packets.send(['a'], 'data', () => {
      if (queue.now() === nowMs) lost -= 1;
    });
    queue.after(20, look);
  };
  look();
  while (queue.runNext(3_600_000));
  expect(lost / looks).toBeCloseTo(360 / (7_200 + 360), 1.7); // of an hour half a second 360 times
});

it('a generator and its forks draw another future once they are seeded anew, and the same again by the same seed', () => {
  const futures = [5, 5, 6].map((seed) => {
    const random = createRandom(1);
    const fork = random.fork();
    random.below(10);
    random.reseed(seed);
    return [random.below(1e9), fork.below(1e9), random.fork().below(1e9)];
  });
  expect(futures[0]).toEqual(futures[1]);
  for (const index of [0, 1, 2]) expect(futures[0]?.[index]).not.toBe(futures[2]?.[index]);
});
