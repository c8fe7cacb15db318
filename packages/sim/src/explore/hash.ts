/**
 * 53-bit hashes of plain, immutable data. Parts are hashed once and remembered by identity, so that a state which
 * shares most of its parts with the one before costs what has changed.
 *
 * What can't matter is left out, and docs/exploration.md argues each: names that the host gave to effects (every link
 * between a node and the world goes by content), and what only people read.
 */

/** How the value of a key is taken. `memo`: remembered by identity; else it is small, or is seldom met twice. */
type Way = 'plain' | 'memo' | 'skip' | 'presence' | 'bag' | 'effect-or-name';

const WAYS: Readonly<Record<Exclude<Way, 'plain'>, readonly string[]>> = {
  memo: ['addresses', 'message', 'node', 'payload', 'peers', 'record'],
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

interface Key {
  readonly hash: number;
  readonly way: Way;
}

const keys = new Map<string, Key>();

const MAX_STRINGS = 100_000;
const TWO_32 = 4_294_967_296;

const known = new WeakMap<object, number>();
const strings = new Map<string, number>();
const floats = new Float64Array(1);
const halves = new Uint32Array(floats.buffer);

/** Put two hashes, or a hash and a whole number below 2^53, into one; the order counts. */
export function mix(h: number, v: number): number {
  const high = (h / TWO_32) | 0;
  let a = Math.imul((h | 0) ^ Math.imul(v | 0, 0x9e3779b1), 0x85ebca77);
  a = Math.imul(a ^ (a >>> 15) ^ high, 0xc2b2ae3d);
  let b = Math.imul((high + Math.imul((v / TWO_32) | 0, 0x27d4eb2f)) ^ a ^ 0x165667b1, 0x9e3779b1);
  b = Math.imul(b ^ (b >>> 13) ^ (v | 0), 0x85ebca77);
  b ^= b >>> 16;
  a = (a ^ (a >>> 16)) + Math.imul(b, 0xc2b2ae3d);
  a ^= a >>> 15;
  return (b & 0x1f_ffff) * TWO_32 + (a >>> 0);
}

/** Hash anything that JSON could hold, and remember it by identity. */
export function hashOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return hashPlain(value);
  const before = known.get(value);
  if (before !== undefined) return before;
  const hash = hashPlain(value);
  known.set(value, hash);
  return hash;
}

/** The same, of what won't be met again. */
export function hashOnce(value: unknown): number {
  return hashPlain(value);
}

function hashPlain(value: unknown): number {
  switch (typeof value) {
    case 'number':
      return hashNumber(value);
    case 'string':
      return hashString(value);
    case 'boolean':
      return value ? 11 : 12;
    case 'undefined':
      return 13;
    case 'object':
      return value === null ? 14 : Array.isArray(value) ? hashList(value) : hashRecord(value);
    default:
      throw new Error(`a ${typeof value} is no data`);
  }
}

/** The hash of a list whose order means nothing, of hashes. */
export function hashBag(hashes: Iterable<number>): number {
  let low = 0;
  let high = 0;
  for (const hash of hashes) {
    const spread = mix(17, hash);
    low = (low + spread) | 0;
    high = (high + ((spread / TWO_32) | 0)) | 0;
  }
  return mix((high & 0x1f_ffff) * TWO_32 + (low >>> 0), 18);
}

function hashNumber(value: number): number {
  if (Number.isSafeInteger(value)) return mix(value < 0 ? 2 : 1, Math.abs(value));
  floats[0] = value;
  return mix(mix(3, halves[0] ?? 0), halves[1] ?? 0);
}

function hashString(text: string): number {
  const before = strings.get(text);
  if (before !== undefined) return before;
  let low = 0x811c9dc5;
  let high = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high + code, 0x9e3779b1) ^ (high >>> 11);
  }
  const hash = mix((high & 0x1f_ffff) * TWO_32 + (low >>> 0), 4);
  if (strings.size >= MAX_STRINGS) strings.clear();
  strings.set(text, hash);
  return hash;
}

function hashList(list: readonly unknown[]): number {
  let hash = mix(5, list.length);
  for (const item of list) hash = mix(hash, hashPlain(item));
  return hash;
}

/** Keys in any order. A key without a value is as good as none. */
function hashRecord(value: object): number {
  if (value instanceof Map || value instanceof Set) throw new Error('a map is no plain data');
  const record = value as Readonly<Record<string, unknown>>; // plain data: every key is a string
  let low = 0;
  let high = 0;
  for (const name in record) {
    const part = record[name];
    if (part === undefined) continue;
    const key = keyOf(name);
    const hash = hashBy(key.way, part);
    if (hash === SKIPPED) continue;
    const spread = mix(key.hash, hash);
    low = (low + spread) | 0;
    high = (high + ((spread / TWO_32) | 0)) | 0;
  }
  return mix((high & 0x1f_ffff) * TWO_32 + (low >>> 0), 6);
}

const SKIPPED = -1;

function hashBy(way: Way, part: unknown): number {
  switch (way) {
    case 'plain':
      return hashPlain(part);
    case 'memo':
      return hashOf(part);
    case 'skip':
      return SKIPPED;
    case 'presence':
      return part === null ? 14 : 15;
    case 'bag':
      return hashBag((part as readonly unknown[]).map(hashOnce)); // only lists are named among the bags
    case 'effect-or-name':
      return typeof part === 'number' ? SKIPPED : hashPlain(part);
  }
}

function keyOf(name: string): Key {
  const before = keys.get(name);
  if (before !== undefined) return before;
  const entry = Object.entries(WAYS).find(([, names]) => names.includes(name));
  const key: Key = { hash: hashString(name), way: (entry?.[0] ?? 'plain') as Way }; // its keys are ways
  keys.set(name, key);
  return key;
}
