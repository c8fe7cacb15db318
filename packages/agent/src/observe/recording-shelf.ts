/** The recordings of one directory: what is to be appended to them, and which are old enough to go. */
import { promisify } from 'node:util';
import { deflateRaw, deflateRawSync, type ZlibOptions } from 'node:zlib';
import type { DurationMs } from '@failtome/protocol';
import {
  DEFLATING,
  dictionaryAfter,
  frameOf,
  MAGIC,
  MAX_FRAME_TEXT,
  type SegmentWriter,
} from '@failtome/recording';
import { type RecordingFile, type RecordingFiles, recordingName } from '../adapters/recording-files.ts';

const deflate = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw);

/** How much is kept. */
export interface RecorderSettings {
  readonly keepMs: DurationMs;
  readonly sizeBytes: number;
}

/** Where recordings go. */
export interface ShelfDependencies {
  readonly files: RecordingFiles;
  /** Takes out what no file may hold. */
  readonly blank: (text: string) => string;
}

/** A segment that is being written. */
interface Open {
  readonly writer: SegmentWriter;
  readonly wall: number;
  /** Null: nothing of it is on the disk. */
  file: { readonly name: string; readonly serial: number; readonly wall: number; bytes: number } | null;
  dictionary: Buffer;
}

/** Appends segments, and removes the oldest. One call at a time. */
export class RecordingShelf {
  settings: RecorderSettings;
  readonly #files: RecordingFiles;
  readonly #blank: (text: string) => string;
  /** Oldest first; only the last may still grow. */
  #open: Open[] = [];
  /** What is whole, oldest first; null: not looked at yet. */
  #kept: readonly RecordingFile[] | null = null;
  /** The inputs in what is being written. */
  #unwritten = 0;
  /** The segment after whose first write old ones were looked for last. */
  #tidied: Open | undefined;

  constructor(settings: RecorderSettings, { files, blank }: ShelfDependencies) {
    this.settings = settings;
    this.#files = files;
    this.#blank = blank;
  }

  /** On the disk, as far as it is known. */
  get bytes(): number {
    const kept = (this.#kept ?? []).reduce((sum, { bytes }) => sum + bytes, 0);
    return this.#open.reduce((sum, { file }) => sum + (file?.bytes ?? 0), kept);
  }

  /** Whether the newest segment has become so large that another should begin. */
  get isLong(): boolean {
    return (this.#open.at(-1)?.file?.bytes ?? 0) >= this.settings.sizeBytes / SHARES;
  }

  /** @param wall when it begins */
  begin(writer: SegmentWriter, wall: number): void {
    this.#open.push({ writer, wall, file: null, dictionary: Buffer.alloc(0) });
  }

  /** Forget what a segment has gathered, and that it may grow. */
  drop(writer: SegmentWriter): void {
    writer.forget();
    this.#close(this.#open.filter((one) => one.writer === writer));
  }

  /** Forget everything that waits, and what a write has failed to keep; how many inputs that were. */
  clear(): number {
    const lost = this.#open.reduce((sum, { writer }) => sum + writer.inputs, this.#unwritten);
    this.#unwritten = 0;
    for (const { writer } of this.#open) writer.forget();
    this.#close(this.#open);
    return lost;
  }

  /** Append what waits. @throws the file system's error */
  async write(): Promise<void> {
    this.#kept ??= await this.#files.list();
    const before = this.#open.at(-1);
    for (const open of [...this.#open]) {
      this.#unwritten = open.writer.inputs;
      for (const text of piecesOf(this.#blank(open.writer.take()))) {
        const deflated = await deflate(text, this.#optionsFor(open));
        await this.#append(open, text, deflated);
      }
      this.#unwritten = 0;
    }
    // What has a successor doesn't grow any more.
    this.#close(this.#open.filter((one) => one !== this.#open.at(-1)));
    if (before !== this.#tidied) await this.#tidy(before);
  }

  /** Append what waits, at once; what fails is lost. */
  writeNow(): void {
    for (const open of this.#open) {
      for (const text of piecesOf(this.#blank(open.writer.take()))) {
        const deflated = deflateRawSync(text, this.#optionsFor(open));
        const { name, bytes } = this.#next(open, text, deflated);
        try {
          this.#files.appendNow(name, bytes);
        } catch {
          return; // The process ends for a reason of its own.
        }
      }
    }
  }

  /** Give the space back. @throws the file system's error */
  async removeAll(): Promise<void> {
    for (const { name } of await this.#files.list()) await this.#files.remove(name);
    this.#kept = [];
  }

  #optionsFor({ dictionary }: Open): ZlibOptions {
    return dictionary.length === 0 ? DEFLATING : { ...DEFLATING, dictionary };
  }

  async #append(open: Open, text: Buffer, deflated: Buffer): Promise<void> {
    const { name, bytes } = this.#next(open, text, deflated);
    await this.#files.append(name, bytes);
    if (open.file !== null) open.file.bytes += bytes.length;
    open.dictionary = Buffer.from(dictionaryAfter(open.dictionary, text));
  }

  #next(open: Open, text: Buffer, deflated: Buffer): { readonly name: string; readonly bytes: Buffer } {
    const frame = frameOf(text, deflated);
    if (open.file !== null) return { name: open.file.name, bytes: frame };
    const others = [...(this.#kept ?? []), ...this.#open.flatMap(({ file }) => file ?? [])];
    const serial = Math.max(0, ...others.map((one) => one.serial)) + 1;
    open.file = { name: recordingName(serial, open.wall), serial, wall: open.wall, bytes: 0 };
    return { name: open.file.name, bytes: Buffer.concat([MAGIC, frame]) };
  }

  #close(ended: readonly Open[]): void {
    if (ended.length === 0) return;
    this.#kept = [...(this.#kept ?? []), ...ended.flatMap(({ file }) => file ?? [])];
    this.#open = this.#open.filter((one) => !ended.includes(one));
  }

  /** Once a segment: too many bytes go at once, what is too old one by one, so that a clock that is set can't empty it. */
  async #tidy(newest: Open | undefined): Promise<void> {
    this.#tidied = newest;
    const { keepMs, sizeBytes } = this.settings;
    const kept = [...(this.#kept ?? [])];
    const gone: RecordingFile[] = [];
    let bytes = this.bytes;
    while (bytes > sizeBytes - sizeBytes / SHARES && kept.length > 0) {
      const oldest = kept.shift();
      if (oldest === undefined) break;
      bytes -= oldest.bytes;
      gone.push(oldest);
    }
    const end = kept[1]?.wall ?? newest?.wall ?? 0;
    const [oldest] = kept;
    if (oldest !== undefined && newest !== undefined && newest.wall - end > keepMs) gone.push(oldest);
    this.#kept = (this.#kept ?? []).filter((one) => !gone.includes(one));
    for (const { name } of gone) await this.#files.remove(name);
  }
}

/** One of so many is left for the segment that has just begun. */
const SHARES = 8;

/** As frames may hold them. */
function piecesOf(text: string): readonly Buffer[] {
  const bytes = Buffer.from(text);
  const pieces: Buffer[] = [];
  for (let from = 0; from < bytes.length; from += MAX_FRAME_TEXT)
    pieces.push(bytes.subarray(from, from + MAX_FRAME_TEXT));
  return pieces;
}
