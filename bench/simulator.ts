/**
 * The simulator on one core: a pair at default settings, with every checker on and every message through the codec. Beside
 * it the least that such a run could cost: a bare queue with as many events, which parses and writes the same messages.
 */

import { encodeMessage } from '../packages/protocol/src/index.ts';
import { counted } from '../packages/protocol/src/reporting/wording.ts';
import { settledCluster, type World } from '../packages/sim/src/world/index.ts';
import { createQueue } from '../packages/sim/src/world/queue.ts';
import type { BenchOptions } from './options.ts';
import { median, type Row } from './table.ts';

/** Virtual time in one sample. */
const sliceMs = 600_000;
/** Until the optimising compiler has seen all of it. */
const warmSlices = 10;
const slices = 20;
const minEventsPerSecond = 100_000;
const minTimesRealTime = 3_000;
/** What TigerBeetle's authors say of their simulator. */
const tigerBeetleTimes = 700;

interface Slice {
  readonly events: number;
  readonly cpuMs: number;
}

export async function simulator({ times, note }: BenchOptions): Promise<readonly Row[]> {
  const count = slices * times;
  note(`simulator: ${counted(count, 'time')} ${sliceMs / 1000} virtual seconds of a pair`);
  const world = settledCluster();
  const measured = measure(count, () => {
    const before = world.queue.ran();
    world.runFor(sliceMs);
    return world.queue.ran() - before;
  });
  const violation = world.violation();
  if (violation !== null) throw new Error(`the pair violates ${violation.invariant}: ${violation.detail}`);
  const messages = messagesOf(world);
  const events = measured[0]?.events ?? 0;
  const bare = measure(count, () => runBare(events, messages));
  return [eventsRow(measured, bare), timesRow(measured)];
}

/** CPU time of all threads, the garbage collector's among them: what one core would have needed. */
function measure(count: number, run: () => number): readonly Slice[] {
  const measured: Slice[] = [];
  for (let index = 0; index < warmSlices + count; index += 1) {
    const before = process.cpuUsage();
    const events = run();
    const { user, system } = process.cpuUsage(before);
    if (index >= warmSlices) measured.push({ events, cpuMs: (user + system) / 1000 });
  }
  return measured;
}

/** What the pair says in one slice. */
function messagesOf(world: World): readonly string[] {
  const messages: string[] = [];
  world.watch((event) => {
    if (event.kind === 'said') messages.push(encodeMessage(event.message));
  });
  world.runFor(sliceMs);
  return messages;
}

/** One event plans the next, and every so often one of them carries a message. */
function runBare(events: number, messages: readonly string[]): number {
  const queue = createQueue();
  const apart = events / messages.length;
  let carried = 0;
  let bytes = 0;
  const next = (): void => {
    const message = messages[carried];
    if (message !== undefined && queue.ran() >= carried * apart) {
      bytes += JSON.stringify(JSON.parse(message)).length;
      carried += 1;
    }
    queue.after(1, next);
  };
  queue.after(1, next);
  while (queue.ran() < events) queue.runNext(Number.POSITIVE_INFINITY);
  if (bytes === 0) throw new Error('The bare queue carried nothing.');
  return events;
}

function perSecond({ events, cpuMs }: Slice): number {
  return (events / cpuMs) * 1000;
}

function eventsRow(measured: readonly Slice[], bare: readonly Slice[]): Row {
  const rates = measured.map(perSecond);
  const bareRate = median(bare.map(perSecond));
  return {
    what: 'simulator: a pair, events a second of CPU (slowest)',
    measured: withSlowest(rates),
    yardstick: `bare queue, its messages as JSON ${Math.round(bareRate)}`,
    ratio: (median(rates) / bareRate).toFixed(3),
    bound: `>= ${minEventsPerSecond}`,
    ok: median(rates) >= minEventsPerSecond,
  };
}

function timesRow(measured: readonly Slice[]): Row {
  const rates = measured.map(({ cpuMs }) => sliceMs / cpuMs);
  return {
    what: 'simulator: a pair, times real time (slowest)',
    measured: withSlowest(rates),
    yardstick: `what TigerBeetle says of its own ${tigerBeetleTimes}`,
    ratio: (median(rates) / tigerBeetleTimes).toFixed(1),
    bound: `>= ${minTimesRealTime}`,
    ok: median(rates) >= minTimesRealTime,
  };
}

function withSlowest(rates: readonly number[]): string {
  return `${Math.round(median(rates))} (${Math.round(Math.min(...rates))})`;
}
