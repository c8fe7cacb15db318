/** The text of one segment as it is made: what is to be written next, and how much it has come to. */
import type { Fact, HostCore, HostTurn, Input } from '@failtome/protocol';
import { NO_OUTCOME, toldIn, withOutcome } from './digest.ts';
import { checkLine, endOfLine, LineWriter, type SegmentHead } from './lines.ts';

/** A checksum at least so often, in inputs: a difference is found so exactly where nothing was told. */
const CHECK_EVERY = 32;

/** A segment's head without the node as it was: that is written as JSON when there is time. */
export type SegmentStart = Omit<SegmentHead, 'config' | 'core'>;

/** Makes the text of one segment. */
export class SegmentWriter {
  readonly #lines: LineWriter;
  /** What its first line is made of; null: that has been taken. */
  #start: { readonly head: SegmentStart; readonly before: HostCore } | null;
  #text = '';
  #sum = NO_OUTCOME;
  #unchecked = 0;
  #inputs = 0;
  #length = 0;
  /** An input's line waits for what came of it. */
  #isHalf = false;

  /** @param before the host's core; where a run begins, only its configuration is kept */
  constructor(head: SegmentStart, before: HostCore) {
    this.#start = { head, before };
    this.#lines = new LineWriter(head);
  }

  /** The inputs whose lines are in `take`'s next text. */
  get inputs(): number {
    return this.#inputs;
  }

  /** Characters that wait. */
  get waiting(): number {
    return this.#text.length;
  }

  /** Characters of lines so far, taken or not. */
  get length(): number {
    return this.#length;
  }

  /** An input is about to be taken in. */
  input(input: Input): void {
    this.#inputs += 1;
    this.#isHalf = true;
    this.#add(this.#lines.input(input));
  }

  /** What came of it. Whether that was more than routine. */
  made({ effects, facts }: Pick<HostTurn, 'effects' | 'facts'>): boolean {
    const told: readonly Fact[] = toldIn(facts);
    this.#sum = withOutcome(this.#sum, { effects, facts });
    this.#unchecked += 1;
    this.#isHalf = false;
    this.#add(endOfLine(told));
    if (told.length > 0 || this.#unchecked >= CHECK_EVERY) {
      this.#unchecked = 0;
      this.#add(checkLine(this.#sum));
    }
    return told.length > 0;
  }

  /** The text that waits. Each is given once. An input that broke an invariant, of which nothing came, is its last. */
  take(): string {
    const text = `${this.#firstLine()}${this.#text}${this.#isHalf ? endOfLine([]) : ''}`;
    this.forget();
    return text;
  }

  /** Leave out what waits. */
  forget(): void {
    this.#start = null;
    this.#text = '';
    this.#inputs = 0;
    this.#isHalf = false;
  }

  #firstLine(): string {
    if (this.#start === null) return '';
    const { head, before } = this.#start;
    const begins = before.state.phase === 'new';
    const node = begins ? { config: before.state.config } : { core: before };
    return `${JSON.stringify({ ...head, ...node } satisfies SegmentHead)}\n`;
  }

  #add(text: string): void {
    this.#text += text;
    this.#length += text.length;
  }
}
