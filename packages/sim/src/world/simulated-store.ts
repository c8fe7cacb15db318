/**
 * The store that a cluster may have (`relay.ts` in `ports`): single items with conditional writes, and all that can be wrong
 * with it. What it shows may be old or somebody else's; what nodes signed it can't make.
 */
import type {
  ArbiterStore,
  RelayStore,
  StoreFailure,
  StoreRead,
  StoreSwap,
  StoreWrite,
} from '@failtome/ports';
import type { NodeId } from '@failtome/protocol';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';

/** What can be wrong with it. */
export const STORE_FAULTS = ['down', 'throttled', 'deaf', 'stale', 'lost', 'lying'] as const;

/**
 * `down`: no call is answered, and nothing is done. `throttled`: most calls are refused. `deaf`: what is written counts, and no
 * call is answered. `stale`: reads show what stood there a while ago. `lost`: the table is gone, and what was in it. `lying`: reads
 * show anything that was ever written, anywhere, and what is written now may be thrown away.
 */
export type StoreFault = (typeof STORE_FAULTS)[number];

const ANSWER_MS = [3, 40] as const;
const THROTTLED_PER_MILLE = 800;
const STALE_MS = 4_000;
/** How many states of an item are remembered for reads that show an old one. */
const MAX_PAST = 32;

const UNANSWERED: StoreFailure = { kind: 'failed', code: 'timeout', detail: 'no answer in time' };
const THROTTLED: StoreFailure = { kind: 'failed', code: 'throttled', detail: 'too many requests' };
const GONE: StoreFailure = { kind: 'failed', code: 'no-table', detail: 'there is no such table' };

interface Stored {
  readonly version: number;
  readonly text: string;
  readonly atMs: number;
}

/** One store for all nodes. */
export class SimulatedStore {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #items = new Map<string, Stored[]>();
  /** For all of them, and for single nodes besides. */
  readonly #faults = new Map<NodeId | null, StoreFault>();
  #versions = 0;
  /** Writes that were applied, for those who count the cost. */
  writes = 0;
  #lied = false;

  constructor(queue: EventQueue, random: Random) {
    this.#queue = queue;
    this.#random = random;
  }

  /** Something is wrong with it from now on; null: no more. @param node for whose calls; null: for everybody's */
  fail(node: NodeId | null, fault: StoreFault | null): void {
    if (fault === 'lost') this.#items.clear();
    if (fault === null) this.#faults.delete(node);
    else this.#faults.set(node, fault);
    if (fault === 'lying') this.#lied = true;
  }

  /** Whether it lies, or has: then it may have lent to several. */
  hasLied(): boolean {
    return this.#lied;
  }

  /** What is wrong with it for this node; null: nothing. */
  faultFor(node: NodeId): StoreFault | null {
    return this.#faults.get(node) ?? this.#faults.get(null) ?? null;
  }

  heal(): void {
    this.#faults.clear();
  }

  /**
   * The store as one node has it, whose calls take their time by the world's clock.
   *
   * @param onSwapped told when a swap is applied, whether or not its writer hears of it
   */
  for(
    node: NodeId,
    lasting: (ms: number) => number,
    onSwapped: (text: string) => void = () => undefined,
  ): RelayStore & ArbiterStore {
    return {
      read: (key, timeoutMs, answered) =>
        this.#call<StoreRead>(node, lasting(timeoutMs), (fault) => this.#read(key, fault), answered),
      write: (key, text, expected, timeoutMs, answered) =>
        this.#call<StoreWrite>(
          node,
          lasting(timeoutMs),
          (fault) => this.#write(key, text, expected, fault),
          answered,
        ),
      swap: (key, text, expected, timeoutMs, answered) =>
        this.#call<StoreSwap>(
          node,
          lasting(timeoutMs),
          (fault) => this.#swap(key, text, expected, fault, onSwapped),
          answered,
        ),
    };
  }

  /** Applied half-way between question and answer. */
  #call<R>(
    node: NodeId,
    untilMs: number,
    apply: (fault: StoreFault | null) => R | StoreFailure,
    answered: (result: R | StoreFailure) => void,
  ): void {
    const way = (): number => this.#random.between(ANSWER_MS[0] * 8, ANSWER_MS[1] * 8) / 16;
    this.#queue.after(way(), () => {
      const fault = this.faultFor(node);
      const unanswered = (): void => this.#queue.at(untilMs, () => answered(UNANSWERED));
      if (fault === 'down') return unanswered();
      const isThrottled = fault === 'throttled' && this.#random.chance(THROTTLED_PER_MILLE);
      const result = isThrottled ? THROTTLED : fault === 'lost' ? GONE : apply(fault);
      if (fault === 'deaf') return unanswered();
      this.#queue.after(way(), () => answered(result));
    });
  }

  #read(key: string, fault: StoreFault | null): StoreRead {
    const past = fault === 'lying' ? this.#anyPast() : (this.#items.get(key) ?? []);
    if (fault === 'lying' && past.length > 0) return shown(this.#random.pick(past));
    const known = fault === 'stale' ? past.filter(({ atMs }) => atMs <= this.#queue.now() - STALE_MS) : past;
    const last = known.at(-1);
    return last === undefined ? { kind: 'none' } : shown(last);
  }

  #write(key: string, text: string, expected: string | null, fault: StoreFault | null): StoreWrite {
    this.#versions += 1;
    const version = this.#versions;
    if (fault === 'lying' && this.#random.chance(500)) return { kind: 'written', version: String(version) };
    const past = this.#items.get(key) ?? [];
    const before = past.at(-1);
    if (expected !== (before === undefined ? null : String(before.version))) return { kind: 'conflict' };
    this.writes += 1;
    this.#items.set(key, [...past.slice(1 - MAX_PAST), { version, text, atMs: this.#queue.now() }]);
    return { kind: 'written', version: String(version) };
  }

  /** As a write, where exactly that text stands. */
  #swap(
    key: string,
    text: string,
    expected: string | null,
    fault: StoreFault | null,
    onSwapped: (text: string) => void,
  ): StoreSwap {
    const before = this.#items.get(key)?.at(-1);
    if (expected !== (before?.text ?? null) && fault !== 'lying') return { kind: 'conflict' };
    const writes = this.writes;
    const version = before === undefined ? null : String(before.version);
    const { kind } = this.#write(key, text, version, fault);
    if (this.writes > writes) onSwapped(text);
    return kind === 'failed' ? UNANSWERED : { kind };
  }

  #anyPast(): readonly Stored[] {
    return [...this.#items.values()].flat();
  }
}

function shown({ version, text }: Stored): StoreRead {
  return { kind: 'item', version: String(version), text };
}
