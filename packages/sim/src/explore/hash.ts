/**
 * 53-bit hashes of plain, immutable data. Parts are hashed once and remembered by identity, so that a state which
 * shares most of its parts with the one before costs what has changed. While it walks, a hash is two halves of whole numbers
 * (`low` of 32 bits, `high` of 21), which the engine keeps in registers; it is one number only where others see it.
 *
 * What can't matter is left out, and docs/exploration.md argues each: names that the host gave to effects (every link
 * between a node and the world goes by content), and what only people read.
 */

/** How the value of a key is taken. `memo`: remembered by identity; else it is small, or is seldom met twice. */
type Way = 'plain' | 'memo' | 'skip' | 'presence' | 'bag' | 'effect-or-name';

const WAYS: Readonly<Record<Exclude<Way, 'plain'>, readonly string[]>> = {
  memo: [
    'addresses',
    'message',
    'node',
    'payload',
    'peers',
    'record',
    'campaign',
    'episode',
    'move',
    'intent',
    'pause',
    'wayOut',
    'local',
    'gossip',
    'words',
    'holder',
    'survey',
    'storage',
    'idle',
    'arbiter',
    'told',
    'homing',
    'backoff',
  ],
  // What decides nothing.
  skip: [
    'config',
    'now',
    'draws',
    'decision',
    'nextEffect',
    'sendId',
    'requestId',
    'probeId',
    'checkId',
    'publishId',
    'writeId',
    'write',
    'after',
    'latest',
    'durable',
    'rttMs',
    'newsSpent',
    'newsAt',
    'recordAt',
    'verdictReason',
    'summary',
    'detail',
    'agreed',
    'steps',
    'requestIds',
    'startedWall',
    // Of the histories: what a step has told is what its state says, and how often something was sent is for I19 alone.
    'decided',
    'sendPaces',
    'callPace',
  ],
  // Names of effects: only whether there is one.
  presence: ['reading', 'permitting', 'publishing', 'callId', 'askId'],
  // In no order.
  bag: ['pendingSends'],
  'effect-or-name': ['id'],
};

/** A name of a key, and how its value is taken. */
interface Key {
  readonly name: string;
  readonly low: number;
  readonly high: number;
  readonly way: Way;
  /** The key that followed this one last: records of one kind have theirs in the same order. */
  next: Key | null;
}

const keys = new Map<string, Key>();

const MAX_STRINGS = 100_000;
const TWO_32 = 4_294_967_296;

const known = new WeakMap<object, number>();
/** Where in `stringHalves` the hash of a text is. */
const strings = new Map<string, number>();
const stringHalves = new Int32Array(2 * MAX_STRINGS);
const floats = new Float64Array(1);
const halves = new Int32Array(floats.buffer);

/** The hash that was computed last, in halves. */
let low = 0;
let high = 0;

function joined(): number {
  return high * TWO_32 + (low >>> 0);
}

/** Put two hashes into one; the order counts. */
function fold(aLow: number, aHigh: number, bLow: number, bHigh: number): void {
  let a = Math.imul(aLow ^ Math.imul(bLow, 0x9e3779b1), 0x85ebca77);
  a = Math.imul(a ^ (a >>> 15) ^ aHigh, 0xc2b2ae3d);
  let b = Math.imul((aHigh + Math.imul(bHigh, 0x27d4eb2f)) ^ a ^ 0x165667b1, 0x9e3779b1);
  b = Math.imul(b ^ (b >>> 13) ^ bLow, 0x85ebca77);
  b ^= b >>> 16;
  a = ((a ^ (a >>> 16)) + Math.imul(b, 0xc2b2ae3d)) | 0;
  low = a ^ (a >>> 15);
  high = b & 0x1f_ffff;
}

/** Put two hashes, or a hash and a whole number below 2^53, into one; the order counts. */
export function mix(h: number, v: number): number {
  fold(h | 0, (h / TWO_32) | 0, v | 0, (v / TWO_32) | 0);
  return joined();
}

/** Hash anything that JSON could hold, and remember it by identity. */
export function hashOf(value: unknown): number {
  walkKnown(value);
  return joined();
}

/** The same, of what won't be met again. */
export function hashOnce(value: unknown): number {
  walk(value);
  return joined();
}

/** The hash of a list whose order means nothing, of hashes. */
export function hashBag(hashes: Iterable<number>): number {
  let sumLow = 0;
  let sumHigh = 0;
  for (const hash of hashes) {
    fold(17, 0, hash | 0, (hash / TWO_32) | 0);
    sumLow = (sumLow + low) | 0;
    sumHigh = (sumHigh + high) | 0;
  }
  fold(sumLow, sumHigh & 0x1f_ffff, 18, 0);
  return joined();
}

function walkKnown(value: unknown): void {
  if (typeof value !== 'object' || value === null) return walk(value);
  const before = known.get(value);
  if (before === undefined) {
    walk(value);
    known.set(value, joined());
  } else {
    low = before | 0;
    high = (before / TWO_32) | 0;
  }
}

function walk(value: unknown): void {
  switch (typeof value) {
    case 'number':
      return walkNumber(value);
    case 'string':
      return walkString(value);
    case 'boolean':
      return small(value ? 11 : 12);
    case 'undefined':
      return small(13);
    case 'object':
      return value === null ? small(14) : Array.isArray(value) ? walkList(value) : walkRecord(value);
    default:
      throw new Error(`a ${typeof value} is no data`);
  }
}

function small(hash: number): void {
  low = hash;
  high = 0;
}

function walkNumber(value: number): void {
  if (Number.isSafeInteger(value)) {
    const size = Math.abs(value);
    return fold(value < 0 ? 2 : 1, 0, size | 0, (size / TWO_32) | 0);
  }
  floats[0] = value;
  fold(3, 0, halves[0] ?? 0, 0);
  fold(low, high, halves[1] ?? 0, 0);
}

function walkString(text: string): void {
  const before = strings.get(text);
  if (before !== undefined) {
    low = stringHalves[before] ?? 0;
    high = stringHalves[before + 1] ?? 0;
    return;
  }
  let a = 0x811c9dc5;
  let b = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b + code, 0x9e3779b1) ^ (b >>> 11);
  }
  fold(a | 0, b & 0x1f_ffff, 4, 0);
  if (strings.size >= MAX_STRINGS) strings.clear();
  const place = 2 * strings.size;
  stringHalves[place] = low;
  stringHalves[place + 1] = high;
  strings.set(text, place);
}

function walkList(list: readonly unknown[]): void {
  fold(5, 0, list.length, 0);
  for (const item of list) {
    const beforeLow = low;
    const beforeHigh = high;
    walk(item);
    fold(beforeLow, beforeHigh, low, high);
  }
}

/** Keys in any order. A key without a value is as good as none. */
function walkRecord(value: object): void {
  if (value instanceof Map || value instanceof Set) throw new Error('a map is no plain data');
  const record = value as Readonly<Record<string, unknown>>; // plain data: every key is a string
  let sumLow = 0;
  let sumHigh = 0;
  let key = FIRST;
  for (const name in record) {
    key = key.next?.name === name ? key.next : keyAfter(key, name);
    const part = record[name];
    if (part === undefined || !walkBy(key.way, part)) continue;
    fold(key.low, key.high, low, high);
    sumLow = (sumLow + low) | 0;
    sumHigh = (sumHigh + high) | 0;
  }
  fold(sumLow, sumHigh & 0x1f_ffff, 6, 0);
}

/** False: it is left out. */
function walkBy(way: Way, part: unknown): boolean {
  switch (way) {
    case 'plain':
      walk(part);
      return true;
    case 'memo':
      walkKnown(part);
      return true;
    case 'skip':
      return false;
    case 'presence':
      small(part === null ? 14 : 15);
      return true;
    case 'bag':
      hashBag((part as readonly unknown[]).map(hashOf)); // only lists are named among the bags
      return true;
    case 'effect-or-name':
      if (typeof part === 'number') return false;
      walk(part);
      return true;
  }
}

/** Before the first key of each record. */
const FIRST: Key = { name: '', low: 0, high: 0, way: 'skip', next: null };

function keyAfter(before: Key, name: string): Key {
  const key = keys.get(name) ?? newKey(name);
  before.next = key;
  return key;
}

function newKey(name: string): Key {
  const entry = Object.entries(WAYS).find(([, names]) => names.includes(name));
  walkString(name);
  const key: Key = { name, low, high, way: (entry?.[0] ?? 'plain') as Way, next: null }; // its keys are ways
  keys.set(name, key);
  return key;
}
