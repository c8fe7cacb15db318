/** The flight recorder, on a disk that does what the test says. */
import { type Event, type HostCore, hostStep, type Input, newHostCore } from '@failtome/protocol';
import { readSegment, replaySegment } from '@failtome/recording';
import { expect, test } from 'vitest';
import type { RecordingFile, RecordingFiles } from '../src/adapters/recording-files.ts';
import { Recorder } from '../src/observe/recorder.ts';
import { PROTOCOL_CONFIG } from './support/protocol-config.ts';

const MINUTE = 60_000;
const WALL = 1_700_000_000_000;

/** Files in memory. Each append waits for its turn where `hold` says so, and fails with what `fails` says. */
class FakeFiles implements RecordingFiles {
  readonly files = new Map<string, Buffer>();
  fails: string | null = null;
  appends = 0;
  #held: (() => void)[] | null = null;

  hold(): void {
    this.#held = [];
  }

  letGo(): void {
    const held = this.#held ?? [];
    this.#held = null;
    for (const go of held) go();
  }

  async list(): Promise<readonly RecordingFile[]> {
    return [...this.files].map(([name, bytes]) => ({
      name,
      serial: Number(name.slice(0, 10)),
      wall: Number(name.slice(11, 24)),
      bytes: bytes.length,
    }));
  }

  async append(name: string, bytes: Buffer): Promise<void> {
    this.appends += 1;
    const held = this.#held;
    if (held !== null) await new Promise<void>((resolve) => held.push(resolve));
    if (this.fails !== null) throw Object.assign(new Error('the disk'), { code: this.fails });
    this.appendNow(name, bytes);
  }

  appendNow(name: string, bytes: Buffer): void {
    this.files.set(name, Buffer.concat([this.files.get(name) ?? Buffer.alloc(0), bytes]));
  }

  async remove(name: string): Promise<void> {
    this.files.delete(name);
  }

  async read(): Promise<null> {
    return null;
  }
}

/** A node that runs alone, with its recorder. */
function recordedNode(
  options: { sizeBytes?: number; keepMs?: number; blank?: (text: string) => string } = {},
) {
  const { sizeBytes = 64_000_000, keepMs = 6 * 60 * MINUTE, blank = (text: string) => text } = options;
  const files = new FakeFiles();
  const told: (string | null)[] = [];
  const config = PROTOCOL_CONFIG;
  const recorder = new Recorder(
    {
      failtome: '1.2.3',
      cluster: config.cluster,
      id: config.node.id,
      run: 'run',
      settings: { keepMs, sizeBytes },
    },
    { files, blank, told: (code) => told.push(code) },
  );
  let core: HostCore = newHostCore(config);
  let at = 1_000;
  let steps = 0;
  const feed = (event: Event, afterMs = 100): void => {
    at += afterMs;
    steps += 1;
    const input = { at, wall: WALL + at, ...event } as Input; // put together again from its parts, as the host does
    recorder.takes(input, core);
    const turn = hostStep(core, input);
    recorder.made(turn);
    core = turn.core;
  };
  const start = (): void =>
    feed({ kind: 'started', session: 'session-abc', seed: 7, storage: { kind: 'empty' } });
  const run = (ticks: number, afterMs = 100): void => {
    for (let count = 0; count < ticks; count += 1) feed({ kind: 'tick' }, afterMs);
  };
  return { files, told, recorder, feed, start, run, steps: () => steps, core: () => core };
}

/** What all files hold: how many inputs, and whether each leads where it led. */
function inputsIn({ files }: FakeFiles): number {
  let inputs = 0;
  for (const bytes of files.values()) {
    const segment = readSegment(bytes);
    const steps = replaySegment(segment);
    for (let next = steps.next(); ; next = steps.next()) {
      if (next.done !== true) continue;
      expect(next.value.difference).toBeNull();
      inputs += next.value.steps;
      break;
    }
    expect(segment.torn()).toBeNull();
  }
  return inputs;
}

/** What was begun on other threads has come to its end. */
async function settle(until: () => boolean): Promise<void> {
  while (!until()) await new Promise((resolve) => setImmediate(resolve));
}

test('every input is recorded, and leads to the same again', async () => {
  const node = recordedNode();
  node.start();
  node.run(500);
  await node.recorder.close();
  expect(inputsIn(node.files)).toBe(501);
  expect(node.recorder.counts).toEqual({ lost: 0, bytes: [...node.files.files.values()][0]?.length });
  expect(node.told).toEqual([]);
});

test('nothing is written in the middle of a step, and not for every input', async () => {
  const node = recordedNode();
  node.start();
  node.run(49);
  expect(node.files.appends).toBe(0);
  await settle(() => node.files.appends > 0);
  node.run(10);
  await node.recorder.close();
  expect(node.files.appends).toBeLessThanOrEqual(3);
});

test('a segment ends after ten minutes, and the next is read by itself', async () => {
  const node = recordedNode();
  node.start();
  for (let minute = 0; minute < 25; minute += 1) {
    node.run(60, 1_000);
    await settle(() => node.files.appends > minute);
  }
  await node.recorder.close();
  expect(node.files.files.size).toBe(3);
  expect(inputsIn(node.files)).toBe(node.steps());
});

test('what is older than it is kept for goes, and so does what takes more room than it may', async () => {
  for (const options of [{ keepMs: 30 * MINUTE }, { sizeBytes: 30_000 }]) {
    const node = recordedNode(options);
    node.start();
    for (let minute = 0; minute < 120; minute += 1) {
      node.run(60, 1_000);
      await settle(() => node.files.appends > minute);
    }
    await node.recorder.close();
    const bytes = [...node.files.files.values()].reduce((sum, { length }) => sum + length, 0);
    expect(node.files.files.size).toBeLessThanOrEqual('keepMs' in options ? 5 : 12);
    if (options.sizeBytes !== undefined) expect(bytes).toBeLessThanOrEqual(options.sizeBytes);
    // What is left is the newest, without a gap.
    const left = [...node.files.files.values()].map((file) => readSegment(file).head.step);
    expect(left[0]).toBeGreaterThan(0);
    expect(inputsIn(node.files)).toBe(node.steps() - (left[0] ?? 0));
  }
});

test('a disk that does not answer costs recordings and a bounded memory, and nothing waits for it', async () => {
  const node = recordedNode();
  node.files.hold();
  node.start();
  node.run(100);
  await settle(() => node.files.appends > 0);
  node.run(200_000, 1);
  expect(node.recorder.counts.lost).toBeGreaterThan(0);
  const { lost } = node.recorder.counts;
  node.files.letGo();
  await settle(() => {
    node.run(1);
    return node.files.files.size > 1;
  });
  await node.recorder.close();
  const heads = [...node.files.files.values()].map((bytes) => readSegment(bytes).head);
  expect(heads[1]?.lost).toBeGreaterThanOrEqual(lost);
  expect(inputsIn(node.files) + node.recorder.counts.lost).toBe(node.steps());
});

test('a full disk is given back what recordings take, and recording goes on later', async () => {
  const node = recordedNode();
  node.start();
  node.run(60);
  await settle(() => node.files.files.size > 0);
  // What was on its way to the disk by then may still get there, and goes with the rest.
  const before = node.steps();
  node.files.fails = 'ENOSPC';
  node.run(60);
  await node.recorder.written();
  expect(node.told).toEqual(['ENOSPC']);
  await settle(() => node.files.files.size === 0);
  node.files.fails = null;
  node.run(100);
  expect(node.files.files.size).toBe(0);
  node.run(12, MINUTE);
  await node.recorder.written();
  expect(node.files.files.size).toBeGreaterThan(0);
  await node.recorder.close();
  expect(node.told).toEqual(['ENOSPC', null]);
  const told = inputsIn(node.files) + node.recorder.counts.lost;
  expect(told).toBeGreaterThanOrEqual(node.steps() - before);
  expect(told).toBeLessThanOrEqual(node.steps());
});

test('the state comes first: when it finds no room, the recordings go', async () => {
  const node = recordedNode();
  node.start();
  node.run(60);
  await settle(() => node.files.files.size > 0);
  node.feed({ kind: 'persist-failed', writeId: 1, code: 'ENOSPC' });
  await settle(() => node.files.files.size === 0);
  expect(node.told).toEqual(['ENOSPC']);
  node.run(100);
  await node.recorder.close();
  expect(node.files.files.size).toBe(0);
});

test('a process that is about to end writes what waits, down to the input that broke it', () => {
  const node = recordedNode();
  node.start();
  node.run(10);
  expect(() =>
    node.feed({ kind: 'started', session: 'another', seed: 7, storage: { kind: 'empty' } }),
  ).toThrow();
  node.recorder.closeNow();
  const [bytes] = node.files.files.values();
  const steps = replaySegment(readSegment(bytes ?? Buffer.alloc(0)));
  let next = steps.next();
  while (next.done !== true) next = steps.next();
  expect(next.value).toMatchObject({ steps: 12, difference: null, broken: 'started came twice' });
});

test('what may not be in a file is taken out of it', async () => {
  const node = recordedNode({ blank: (text) => text.replaceAll('session-abc', '(secret)') });
  node.start();
  await node.recorder.close();
  const [bytes] = node.files.files.values();
  const [line] = [...readSegment(bytes ?? Buffer.alloc(0)).lines];
  expect(line).toMatchObject({ input: { kind: 'started', session: '(secret)' } });
});
