/**
 * A running hash of 64 bits over texts, numbers and plain data. It tells runs apart and withstands nobody: two lanes of
 * 32 bits, each `rotate, exclusive or, multiply` per word, as in rustc's FxHash. Whole-number arithmetic and a fixed byte
 * order only, so that it is the same on every engine and machine.
 */
export interface Digest {
  text(value: string): void;
  number(value: number): void;
  /** Anything that JSON could hold, keys in the order in which they are; a key without a value is as good as none. */
  data(value: unknown): void;
  /** What was hashed so far, as sixteen hexadecimal digits. */
  readonly hex: () => string;
}

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

export function createDigest(): Digest {
  const bytes = new Uint8Array(BUFFER);
  const view = new DataView(bytes.buffer);
  let high = 0x811c9dc5;
  let low = 0xcbf29ce4;

  function word(value: number): void {
    high = Math.imul(((high << 5) | (high >>> 27)) ^ value, HIGH);
    low = Math.imul(((low << 7) | (low >>> 25)) ^ value, LOW);
  }

  /** As UTF-8, four bytes a word. */
  function text(value: string): void {
    word(value.length);
    if (value.length <= SHORT) for (let i = 0; i < value.length; i += 1) word(value.charCodeAt(i));
    else for (let rest = value; rest !== ''; ) rest = rest.slice(piece(rest));
  }

  /** Hash as much of a text as the buffer holds; every byte of every message passes here. */
  function piece(value: string): number {
    const { read, written } = ENCODER.encodeInto(value, bytes);
    bytes.fill(0, written, written + 3);
    let h = high;
    let l = low;
    for (let at = 0; at < written; at += 4) {
      const four = view.getInt32(at, true);
      h = Math.imul(((h << 5) | (h >>> 27)) ^ four, HIGH);
      l = Math.imul(((l << 7) | (l >>> 25)) ^ four, LOW);
    }
    high = h;
    low = l;
    return read;
  }

  function number(value: number): void {
    view.setFloat64(0, value, true);
    word(view.getInt32(0, true));
    word(view.getInt32(4, true));
  }

  function record(value: object): void {
    word(RECORD);
    const fields = value as Readonly<Record<string, unknown>>; // any object is one of unknown fields
    for (const name in fields) {
      if (fields[name] === undefined) continue;
      text(name);
      data(fields[name]);
    }
  }

  function data(value: unknown): void {
    if (typeof value === 'string') text(value);
    else if (typeof value === 'number') number(value);
    else if (typeof value === 'boolean') word(value ? TRUE : FALSE);
    else if (Array.isArray(value)) {
      word(LIST);
      word(value.length);
      for (const part of value) data(part);
    } else if (typeof value === 'object' && value !== null) record(value);
    else word(NULL);
  }

  return {
    text,
    number,
    data,
    hex: () => (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0'),
  };
}
