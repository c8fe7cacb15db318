/** Odd numbers with bits all over; the first is 2^32 over the golden ratio. */
const HIGH = 0x9e3779b1;
const LOW = 0x85ebca77;

/** Up to so many characters a loop is quicker than a call of the encoder. */
const SHORT = 12;
/** Holds a usual message, in whole words; longer texts go in pieces. */
const BUFFER = 4_096;
const ENCODER = new TextEncoder();

/** One word each for what isn't told by its content. */
const NULL = 1;
const TRUE = 2;
const FALSE = 3;
const LIST = 4;
const RECORD = 5;

/**
 * A running hash of 64 bits over texts, numbers and plain data. It detects different runs and isn't cryptographic: two lanes of
 * 32 bits, each `rotate, exclusive or, multiply` per word, as in rustc's FxHash. Whole-number arithmetic and a fixed byte
 * order only, so that it is the same on every engine and machine.
 */
export class Digest {
  readonly #bytes = new Uint8Array(BUFFER);
  readonly #view = new DataView(this.#bytes.buffer);
  #high = 0x811c9dc5;
  #low = 0xcbf29ce4;

  /** What was hashed so far, as sixteen hexadecimal digits. */
  hex(): string {
    return (this.#high >>> 0).toString(16).padStart(8, '0') + (this.#low >>> 0).toString(16).padStart(8, '0');
  }

  /** As UTF-8, four bytes a word. */
  text(value: string): void {
    this.#word(value.length);
    if (value.length <= SHORT) for (let i = 0; i < value.length; i += 1) this.#word(value.charCodeAt(i));
    else for (let rest = value; rest !== ''; ) rest = rest.slice(this.#piece(rest));
  }

  number(value: number): void {
    this.#view.setFloat64(0, value, true);
    this.#word(this.#view.getInt32(0, true));
    this.#word(this.#view.getInt32(4, true));
  }

  /** Anything that JSON could hold, keys in the order in which they are; a key without a value is as good as none. */
  data(value: unknown): void {
    if (typeof value === 'string') this.text(value);
    else if (typeof value === 'number') this.number(value);
    else if (typeof value === 'boolean') this.#word(value ? TRUE : FALSE);
    else if (Array.isArray(value)) {
      this.#word(LIST);
      this.#word(value.length);
      for (const part of value) this.data(part);
    } else if (typeof value === 'object' && value !== null) this.#record(value);
    else this.#word(NULL);
  }

  #word(value: number): void {
    this.#high = Math.imul(((this.#high << 5) | (this.#high >>> 27)) ^ value, HIGH);
    this.#low = Math.imul(((this.#low << 7) | (this.#low >>> 25)) ^ value, LOW);
  }

  /** Hash as much of a text as the buffer holds; every byte of every message passes here. */
  #piece(value: string): number {
    const { read, written } = ENCODER.encodeInto(value, this.#bytes);
    this.#bytes.fill(0, written, written + 3);
    let h = this.#high;
    let l = this.#low;
    for (let at = 0; at < written; at += 4) {
      const four = this.#view.getInt32(at, true);
      h = Math.imul(((h << 5) | (h >>> 27)) ^ four, HIGH);
      l = Math.imul(((l << 7) | (l >>> 25)) ^ four, LOW);
    }
    this.#high = h;
    this.#low = l;
    return read;
  }

  #record(value: object): void {
    this.#word(RECORD);
    const fields = value as Readonly<Record<string, unknown>>; // any object is one of unknown fields
    for (const name in fields) {
      if (fields[name] === undefined) continue;
      this.text(name);
      this.data(fields[name]);
    }
  }
}
