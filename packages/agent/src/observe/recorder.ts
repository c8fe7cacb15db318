/**
 * The flight recorder: keeps the inputs of the last hours, so that what this node did can be seen again, exactly.
 *
 * It is called in the middle of a step and never waits: it makes a line of text. Every few seconds, on the input that comes
 * then anyway, what has gathered is deflated and appended on other threads, one write at a time. What doesn't fit meanwhile
 * is lost and counted, and the recording goes on with a snapshot.
 */
import type { DurationMs, HostCore, HostTurn, Input, MonotonicMs, RecorderPort } from '@failtome/protocol';
import { RECORDING_FORMAT, RECORDING_VERSION, SegmentWriter } from '@failtome/recording';
import { errnoOf } from '../adapters/durable-file.ts';
import { type RecorderSettings, RecordingShelf, type ShelfDependencies } from './recording-shelf.ts';

/** Whose inputs they are, and by what. */
export interface RecorderOptions {
  readonly failtome: string;
  readonly cluster: string;
  readonly id: string;
  /** Names this run of the agent. */
  readonly run: string;
  readonly settings: RecorderSettings;
}

/** Where recordings go, and who hears of trouble. */
export interface RecorderDependencies extends ShelfDependencies {
  /** The errno code with which recording fails; null: it goes on. Must not throw. */
  readonly told: (code: string | null) => void;
}

/** How much it has recorded and lost. */
export interface RecorderCounts {
  /** Inputs that are in no recording. */
  readonly lost: number;
  /** Bytes on the disk. */
  readonly bytes: number;
}

/** A segment is no longer than this, so that any moment in it is reached soon. */
const SEGMENT_MS: DurationMs = 600_000;
/** The same, in characters. */
const SEGMENT_CHARS = 8_000_000;
/** Text is written when so much of it waits. */
const WRITE_AT_CHARS = 32_768;
/** It waits no longer than this for more; after something that was decided, no longer than the shorter. */
const WRITE_AFTER_MS: DurationMs = 5_000;
const WRITE_SOON_MS: DurationMs = 500;
/** More doesn't wait while a write is out. */
const MAX_WAITING_CHARS = 1_048_576;
/** After a failed write nothing is recorded for so long; after one for want of space, for longer. */
const RETRY_MS: DurationMs = 60_000;
const FULL_RETRY_MS: DurationMs = 600_000;

/** What a disk says that is full. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT']);

/** Records the inputs of one run of an agent. */
export class Recorder implements RecorderPort {
  readonly #options: RecorderOptions;
  readonly #told: RecorderDependencies['told'];
  readonly #shelf: RecordingShelf;
  /** Null: the next input begins one. */
  #segment: SegmentWriter | null = null;
  #segmentFrom: MonotonicMs = 0;
  #writtenAt: MonotonicMs = 0;
  #lively = false;
  #now: MonotonicMs = 0;
  #steps = 0;
  #lost = 0;
  #lostBefore = 0;
  #writing: Promise<void> | null = null;
  /** It has begun, too. */
  #isWriting = false;
  /** The present write takes too long: nothing is gathered before it ends. */
  #isStuck = false;
  /** The space is to be given back when the present write has ended. */
  #givesWay = false;
  /** Nothing is recorded before. */
  #restsUntil: MonotonicMs = 0;
  #failing: string | null = null;

  constructor(options: RecorderOptions, dependencies: RecorderDependencies) {
    this.#options = options;
    this.#told = dependencies.told;
    this.#shelf = new RecordingShelf(options.settings, dependencies);
  }

  get counts(): RecorderCounts {
    return { lost: this.#lost, bytes: this.#shelf.bytes };
  }

  /** Keep more or less from now on. */
  reconfigure(settings: RecorderSettings): void {
    this.#shelf.settings = settings;
  }

  takes(input: Input, before: HostCore): void {
    const { at } = input;
    this.#now = at;
    if (input.kind === 'persist-failed' && FULL.has(input.code)) this.#giveWay(input.code);
    if (this.#isDue(at)) this.#end();
    if (this.#segment === null && at >= this.#restsUntil && !this.#isStuck) this.#begin(input, before);
    this.#steps += 1;
    if (this.#segment === null) this.#lose(1);
    else this.#segment.input(input);
  }

  made(turn: HostTurn): void {
    const segment = this.#segment;
    if (segment === null) return;
    if (segment.made(turn)) this.#lively = true;
    if (this.#writing !== null) {
      if (segment.waiting > MAX_WAITING_CHARS) this.#drop(segment);
      return;
    }
    const waitedMs = this.#now - this.#writtenAt;
    const afterMs = this.#lively ? WRITE_SOON_MS : WRITE_AFTER_MS;
    if (segment.waiting >= WRITE_AT_CHARS || waitedMs >= afterMs) this.#write();
  }

  /** Write what has gathered so far, and wait for it; recording goes on. */
  async written(): Promise<void> {
    await this.#writing;
    if (this.#segment !== null && this.#segment.waiting > 0) this.#write();
    await this.#writing;
  }

  /** Write what waits, end, and wait for it. */
  async close(): Promise<void> {
    await this.#writing;
    this.#end();
    this.#write();
    await this.#writing;
  }

  /** Write what waits, at once: for a process that is about to end. */
  closeNow(): void {
    // What is being written elsewhere must come first, and nobody waits any more.
    if (this.#isWriting) return;
    this.#end();
    this.#shelf.writeNow();
  }

  #isDue(at: MonotonicMs): boolean {
    if (this.#segment === null) return false;
    const isLong = this.#segment.length >= SEGMENT_CHARS || this.#shelf.isLong;
    return isLong || at - this.#segmentFrom >= SEGMENT_MS;
  }

  #begin({ at, wall }: Input, before: HostCore): void {
    const { failtome, cluster, id, run } = this.#options;
    this.#segmentFrom = at;
    this.#segment = new SegmentWriter(
      {
        format: RECORDING_FORMAT,
        version: RECORDING_VERSION,
        failtome,
        node: process.version,
        cluster,
        id,
        run,
        step: this.#steps,
        at,
        wall,
        lost: this.#lostBefore,
      },
      before,
    );
    this.#lostBefore = 0;
    this.#shelf.begin(this.#segment, wall);
  }

  /** What it has gathered is still written. */
  #end(): void {
    this.#segment = null;
  }

  #drop(segment: SegmentWriter): void {
    this.#lose(segment.inputs);
    this.#shelf.drop(segment);
    this.#end();
    this.#isStuck = true;
  }

  #lose(inputs: number): void {
    this.#lost += inputs;
    this.#lostBefore += inputs;
  }

  /** The state could not be written for want of space: it needs that more. */
  #giveWay(code: string): void {
    this.#lose(this.#shelf.clear());
    this.#end();
    this.#restsUntil = this.#now + FULL_RETRY_MS;
    this.#givesWay = true;
    this.#tell(code);
    this.#writing ??= this.#run(() => Promise.resolve());
  }

  #write(): void {
    this.#writtenAt = this.#now;
    this.#lively = false;
    this.#writing ??= this.#run(() => this.#shelf.write());
  }

  async #run(work: () => Promise<void>): Promise<void> {
    try {
      // Not within the step.
      await new Promise((resolve) => setImmediate(resolve));
      this.#isWriting = true;
      await work();
      if (this.#now >= this.#restsUntil) this.#tell(null);
    } catch (error) {
      const code = errnoOf(error);
      this.#lose(this.#shelf.clear());
      this.#end();
      this.#restsUntil = this.#now + (FULL.has(code) ? FULL_RETRY_MS : RETRY_MS);
      this.#tell(code);
      if (FULL.has(code)) this.#givesWay = true;
    }
    if (this.#givesWay) await this.#shelf.removeAll().catch(() => undefined); // Tried again with the next that fails.
    this.#givesWay = false;
    this.#isStuck = false;
    this.#isWriting = false;
    this.#writing = null;
  }

  #tell(code: string | null): void {
    if (code === this.#failing) return;
    this.#failing = code;
    this.#told(code);
  }
}
