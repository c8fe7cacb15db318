/**
 * A node's disk: one document, written as a whole and renamed into place. What hasn't been synced at a crash may be
 * there afterwards or not.
 */
import { foreignDocument } from './foreign.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';

/** How a disk is. */
export interface DiskSpec {
  /** How long a write takes, at least and at most. */
  readonly writeMs: readonly [number, number];
}

/** How many earlier documents a rollback can reach. */
const MAX_HISTORY = 64;

interface Write {
  readonly writeId: number;
  readonly text: string;
  readonly answer: (writeId: number, code: string | null) => void;
}

/** The disk of one node: writes take time, and a crash may lose the last. */
export class Disk {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #spec: DiskSpec;
  #synced: string | null = null;
  #history: string[] = [];
  #writing: Write | null = null;
  #waiting: Write | null = null;
  #failing: string | null = null;
  #life = 0;
  #harmed = false;
  #rolledBack = false;

  constructor(queue: EventQueue, random: Random, spec: DiskSpec) {
    this.#queue = queue;
    this.#random = random;
    this.#spec = spec;
  }

  /** Write `text`; a write that waits gives way to a later one, whose answer counts for both. */
  write(writeId: number, text: string, answer: (writeId: number, code: string | null) => void): void {
    if (this.#writing === null) this.#begin({ writeId, text, answer });
    else this.#waiting = { writeId, text, answer };
  }

  /** The process is gone: of the writes under way, one may have reached the disk. */
  crash(): void {
    this.#life += 1;
    if (this.#writing !== null && this.#failing === null && this.#random.chance(500))
      this.#store(this.#writing.text);
    this.#writing = null;
    this.#waiting = null;
  }

  /** What is there; null: nothing. */
  content(): string | null {
    return this.#synced;
  }

  /** What a crash at this moment is sure to leave. */
  synced(): string | null {
    return this.#synced;
  }

  /** Errno of every write from now on; null: writes succeed. */
  fail(code: string | null): void {
    this.#failing = code;
  }

  failing(): string | null {
    return this.#failing;
  }

  /** Whether something that had been synced was lost. */
  harmed(): boolean {
    return this.#harmed;
  }

  /** Whether it was put back to what it held earlier. */
  rolledBack(): boolean {
    return this.#rolledBack;
  }

  /** Go back by so many writes; more than there were: to nothing. */
  rollBack(writes: number): void {
    this.#harmed = true;
    this.#rolledBack = true;
    for (let i = 0; i < writes; i += 1) {
      this.#synced = this.#history.at(-1) ?? null;
      this.#history = this.#history.slice(0, -1);
    }
  }

  corrupt(): void {
    this.#harmed = true;
    this.#synced = '{"version":1,"cluster';
  }

  wipe(): void {
    this.#harmed = true;
    this.#synced = null;
    this.#history = [];
  }

  /** What another cluster's node of the same name had left, in place of what was there. */
  exchange(): void {
    this.#harmed = true;
    this.#synced = foreignDocument(this.#synced);
    this.#history = [];
  }

  /** Put a document there, as a copied disk has it. */
  restore(text: string): void {
    this.#synced = text;
  }

  #begin(write: Write): void {
    this.#writing = write;
    const mine = this.#life;
    this.#queue.after(
      this.#random.between(this.#spec.writeMs[0] * 16, this.#spec.writeMs[1] * 16) / 16,
      () => {
        if (mine === this.#life) this.#finish(write);
      },
    );
  }

  #finish(write: Write): void {
    this.#writing = null;
    const code = this.#failing;
    if (code === null) this.#store(write.text);
    const next = this.#waiting;
    this.#waiting = null;
    if (next !== null) this.#begin(next);
    write.answer(write.writeId, code);
  }

  #store(text: string): void {
    if (this.#synced !== null) this.#history = [...this.#history, this.#synced].slice(-MAX_HISTORY);
    this.#synced = text;
  }
}
