/**
 * The lines of a segment, as JSON: first its head with a snapshot, then one line an input, and now and then a checksum.
 *
 * An input's line is `[slot, at, wall, difference]`, with the facts told after it where there were any. A slot holds the last
 * input of one kind from one peer; it is named at its first use, and numbered from then on. `at` is added to the moment of
 * the input before, `wall` to how far the wall clock was ahead of it. A checksum's line is `[-1, crc]`: of everything that
 * came of the steps since the head.
 */
import { type Fact, type HostCore, type Input, isOperator, type ProtocolConfig } from '@failtome/protocol';
import { type Delta, deltaOf, type Json, patched } from './delta.ts';

/** Raised when earlier readers would misunderstand what is written. */
export const RECORDING_VERSION = 1;

/** How a segment's head begins. */
export const RECORDING_FORMAT = 'failtome-recording';

/** The most slots: a peer needs two, and a cluster has a thousand at most. */
const MAX_SLOTS = 4_096;

/** What stands in a slot's place for a checksum. */
const CHECK = -1;

/** Where a segment begins: who recorded it with what, and the node as it was then. */
export interface SegmentHead {
  readonly format: typeof RECORDING_FORMAT;
  readonly version: number;
  /** The software's version, and that of Node. */
  readonly failtome: string;
  readonly node: string;
  readonly cluster: string;
  readonly id: string;
  /** Names the run of the agent: when its recorder was opened, and a random part. */
  readonly run: string;
  /** How many inputs of this run came before. */
  readonly step: number;
  /** Both clocks, at the first input. */
  readonly at: number;
  readonly wall: number;
  /** Inputs that were lost between the segment before and this one. */
  readonly lost: number;
  /** Of a run's beginning. */
  readonly config?: ProtocolConfig;
  /** The host's core before the first input; absent where a run begins. */
  readonly core?: HostCore;
}

/** One line, read. */
export type RecordedLine =
  | { readonly kind: 'input'; readonly input: Input; readonly told: readonly Fact[] }
  | { readonly kind: 'check'; readonly sum: number };

/** The input without its time. */
type Timeless = Readonly<Record<string, Json>>;

function slotNameOf(input: Input): string {
  switch (input.kind) {
    case 'received':
      return isOperator(input.message.from) ? 'order' : `received ${input.message.from}`;
    case 'answered':
      return `answered ${input.message.from}`;
    case 'driven':
      return `driven ${input.purpose}`;
    default:
      return input.kind;
  }
}

/** Makes the lines of one segment. */
export class LineWriter {
  readonly #slots = new Map<string, { readonly number: number; last: Json }>();
  #at: number;
  #ahead: number;

  constructor({ at, wall }: Pick<SegmentHead, 'at' | 'wall'>) {
    this.#at = at;
    this.#ahead = wall - at;
  }

  /** One input, without the end of its line: what came of it may still be told. */
  input(input: Input): string {
    const { at, wall, ...rest } = input;
    const timeless = rest as unknown as Timeless; // inputs are plain data
    const name = slotNameOf(input);
    const slot = this.#slots.get(name);
    const shown = slot === undefined ? JSON.stringify(name) : slot.number;
    const delta: Delta = deltaOf(slot?.last, timeless);
    const line = `[${shown},${at - this.#at},${wall - at - this.#ahead},${JSON.stringify(delta)}`;
    this.#at = at;
    this.#ahead = wall - at;
    if (slot !== undefined) slot.last = timeless;
    else if (this.#slots.size < MAX_SLOTS)
      this.#slots.set(name, { number: this.#slots.size, last: timeless });
    return line;
  }
}

/** The rest of an input's line. */
export function endOfLine(told: readonly Fact[]): string {
  return told.length === 0 ? ']\n' : `,${JSON.stringify(told)}]\n`;
}

/** The line of a checksum. */
export function checkLine(sum: number): string {
  return `[${CHECK},${sum}]\n`;
}

/** Reads the lines of one segment, after its head. */
export class LineReader {
  readonly #slots: Json[] = [];
  #at: number;
  #ahead: number;

  constructor({ at, wall }: Pick<SegmentHead, 'at' | 'wall'>) {
    this.#at = at;
    this.#ahead = wall - at;
  }

  /** @throws Error for anything that a writer doesn't write; whether it is an input is for the protocol to say */
  read(line: string): RecordedLine {
    const parts: unknown = JSON.parse(line);
    if (!Array.isArray(parts)) throw new Error('a line is a list');
    const [slot, at, ahead, delta, told = []]: readonly unknown[] = parts;
    if (slot === CHECK) {
      if (typeof at !== 'number') throw new Error('a checksum is a number');
      return { kind: 'check', sum: at };
    }
    if (!isWhole(at) || !isWhole(ahead) || !Array.isArray(told)) throw new Error('a line has another form');
    this.#at += at;
    this.#ahead += ahead;
    const timeless = this.#take(slot, delta);
    if (typeof timeless !== 'object' || timeless === null) throw new Error('an input is a map');
    const input = { at: this.#at, wall: this.#at + this.#ahead, ...timeless } as unknown as Input; // see above
    return { kind: 'input', input, told: told as readonly Fact[] };
  }

  #take(slot: unknown, delta: unknown): Json {
    if (typeof slot === 'string') {
      const first = patched(undefined, delta);
      if (this.#slots.length < MAX_SLOTS) this.#slots.push(first);
      return first;
    }
    const last = typeof slot === 'number' ? this.#slots[slot] : undefined;
    if (typeof slot !== 'number' || last === undefined)
      throw new Error('a line names a slot that is not there');
    const next = patched(last, delta);
    this.#slots[slot] = next;
    return next;
  }
}

function isWhole(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value);
}
