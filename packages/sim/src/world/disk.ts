/**
 * A node's disk: one document, written as a whole and renamed into place. What hasn't been synced at a crash may be
 * there afterwards or not.
 */
import { foreignDocument } from './foreign.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';

export interface DiskSpec {
  /** How long a write takes, at least and at most. */
  readonly writeMs: readonly [number, number];
}

export interface Disk {
  /** Write `text`; a write that waits gives way to a later one, whose answer counts for both. */
  write(writeId: number, text: string, answer: (writeId: number, code: string | null) => void): void;
  /** The process is gone: of the writes under way, one may have reached the disk. */
  crash(): void;
  /** What is there; null: nothing. */
  content(): string | null;
  /** What a crash at this moment is sure to leave. */
  synced(): string | null;
  /** Errno of every write from now on; null: writes succeed. */
  fail(code: string | null): void;
  failing(): string | null;
  /** Go back by so many writes; more than there were: to nothing. */
  rollBack(writes: number): void;
  corrupt(): void;
  wipe(): void;
  /** What another cluster's node of the same name had left, in place of what was there. */
  exchange(): void;
  /** Whether something that had been synced was lost. */
  harmed(): boolean;
  /** Whether it was put back to what it held earlier. */
  rolledBack(): boolean;
  /** Put a document there, as a copied disk has it. */
  restore(text: string): void;
}

/** How many earlier documents a rollback can reach. */
const MAX_HISTORY = 64;

interface Write {
  readonly writeId: number;
  readonly text: string;
  readonly answer: (writeId: number, code: string | null) => void;
}

export function createDisk(queue: EventQueue, random: Random, spec: DiskSpec): Disk {
  let synced: string | null = null;
  let history: string[] = [];
  let writing: Write | null = null;
  let waiting: Write | null = null;
  let failing: string | null = null;
  let life = 0;
  let harmed = false;
  let rolledBack = false;

  function begin(write: Write): void {
    writing = write;
    const mine = life;
    queue.after(random.between(spec.writeMs[0] * 16, spec.writeMs[1] * 16) / 16, () => {
      if (mine === life) finish(write);
    });
  }

  function finish(write: Write): void {
    writing = null;
    const code = failing;
    if (code === null) store(write.text);
    const next = waiting;
    waiting = null;
    if (next !== null) begin(next);
    write.answer(write.writeId, code);
  }

  function store(text: string): void {
    if (synced !== null) history = [...history, synced].slice(-MAX_HISTORY);
    synced = text;
  }

  return {
    write(writeId, text, answer) {
      if (writing === null) begin({ writeId, text, answer });
      else waiting = { writeId, text, answer };
    },
    crash() {
      life += 1;
      if (writing !== null && failing === null && random.chance(500)) store(writing.text);
      writing = null;
      waiting = null;
    },
    content: () => synced,
    synced: () => synced,
    fail(code) {
      failing = code;
    },
    failing: () => failing,
    harmed: () => harmed,
    rolledBack: () => rolledBack,
    rollBack(writes) {
      harmed = true;
      rolledBack = true;
      for (let i = 0; i < writes; i += 1) {
        synced = history.at(-1) ?? null;
        history = history.slice(0, -1);
      }
    },
    corrupt() {
      harmed = true;
      synced = '{"version":1,"cluster';
    },
    wipe() {
      harmed = true;
      synced = null;
      history = [];
    },
    exchange() {
      harmed = true;
      synced = foreignDocument(synced);
      history = [];
    },
    restore(text) {
      synced = text;
    },
  };
}
