/**
 * The recordings on disk: `recorder/` in the state directory, one file a segment, oldest first by name.
 *
 * They are for people, and nothing is decided by them: so nothing is synced, and what can't be written is lost.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openPlain, openPlainForWriting } from '../plain-file.ts';
import { errnoOf } from './durable-file.ts';

/** Beside the state, which it never takes the place of. */
export const RECORDER_DIR = 'recorder';

/** A segment's file: its number, counted up in this directory, and when it began by the wall clock. */
const NAME = /^(\d{10})-(\d{13})\.recording$/;

/** A segment on disk. */
export interface RecordingFile {
  readonly name: string;
  readonly serial: number;
  /** When it began. */
  readonly wall: number;
  readonly bytes: number;
}

/** What the recorder needs of a disk. */
export interface RecordingFiles {
  /** Oldest first. */
  list(): Promise<readonly RecordingFile[]>;
  append(name: string, bytes: Buffer): Promise<void>;
  remove(name: string): Promise<void>;
  /** As `append`, at once: for a process that is about to end. */
  appendNow(name: string, bytes: Buffer): void;
  /** A part of a segment; null: there is none of that name. */
  read(name: string, from: number, most: number): Promise<Buffer | null>;
}

/** The name of a segment's file. */
export function recordingName(serial: number, wall: number): string {
  const begun = Math.min(Math.max(0, Math.trunc(wall)), 9_999_999_999_999);
  return `${String(serial).padStart(10, '0')}-${String(begun).padStart(13, '0')}.recording`;
}

/** @param directory made when the first segment is written */
export function recordingFilesIn(directory: string): RecordingFiles {
  return {
    async list() {
      const found = await Promise.all((await namesIn(directory)).map((name) => fileAt(directory, name)));
      return found.flatMap((file) => file ?? []).sort((a, b) => a.serial - b.serial);
    },
    async append(name, bytes) {
      await mkdir(directory, { recursive: true, mode: 0o700 });
      const file = await openPlainForWriting(join(directory, name), constants.O_APPEND);
      try {
        await file.writeFile(bytes);
      } finally {
        await file.close();
      }
    },
    remove: (name) => rm(join(directory, name), { force: true }),
    appendNow(name, bytes) {
      const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK;
      const file = openSync(join(directory, name), flags, 0o600);
      try {
        writeSync(file, bytes);
      } finally {
        closeSync(file);
      }
    },
    read: (name, from, most) =>
      NAME.test(name) ? readAt(join(directory, name), from, most) : Promise.resolve(null),
  };
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function fileAt(directory: string, name: string): Promise<RecordingFile | null> {
  const [, serial, wall] = NAME.exec(name) ?? [];
  if (serial === undefined) return null;
  try {
    const { size } = await stat(join(directory, name));
    return { name, serial: Number(serial), wall: Number(wall), bytes: size };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null; // Removed meanwhile.
    throw error;
  }
}

async function readAt(path: string, from: number, most: number): Promise<Buffer | null> {
  try {
    const file = await openPlain(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, from);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return null;
    throw error;
  }
}
