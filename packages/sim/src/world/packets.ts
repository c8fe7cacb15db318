/**
 * Paths that lose packets, and what TCP makes of that: what is lost is sent again, and comes late. Where a `Link` loses
 * whole messages, so that every loss counts, this is what a network is measured by.
 */
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';

/** How the network of every node is. */
export interface PacketSpec {
  /** So many of all packets are lost, each by itself: 0 to 1. */
  readonly loss: number;
  /** A node's network carries nothing at all, so many times an hour, for so long. */
  readonly bursts: { readonly perHour: number; readonly ms: number };
  /** There and back, least and most. */
  readonly peerRttMs: readonly [number, number];
  /** The same over the way to the address. */
  readonly outsideRttMs: readonly [number, number];
  /** From a question to the external-IP service until its answer, on a path without loss. */
  readonly externalIpMs: readonly [number, number];
}

/** A network that loses nothing, with the round trips of a world without packets. */
export const QUIET_PACKETS: PacketSpec = {
  loss: 0,
  bursts: { perHour: 0, ms: 0 },
  peerRttMs: [0.5, 4],
  outsideRttMs: [1, 6],
  externalIpMs: [3, 20],
};

/** What is sent over a path. */
export type Transfer =
  /** One way on a connection that is there. */
  | 'data'
  /** One way on a new one. */
  | 'first-data'
  /** A new connection, a question and its answer. */
  | 'exchange';

const HOUR_MS = 3_600_000;
/** RFC 6298, 2.1: the first time-out of a connection that isn't there yet; it doubles. */
const SYN_TIMEOUT_MS = 1_000;
/** Linux: the least time-out of one that is there, on a path as fast as these. */
const DATA_TIMEOUT_MS = 200;
/** Nobody here waits longer than so many time-outs. */
const MAX_TRIES = 7;

/** When a node's network carries nothing. */
interface Burst {
  lookedAtMs: number;
  untilMs: number;
}

/** The paths of one world. */
export class Packets {
  readonly spec: PacketSpec;
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #bursts = new Map<string, Burst>();
  /** So many of all packets are lost now: 0 to 1. */
  loss: number;
  /** Nodes whose network carries nothing now. */
  readonly silent: Set<string> = new Set();

  constructor(spec: PacketSpec, queue: EventQueue, random: Random) {
    this.spec = spec;
    this.loss = spec.loss;
    this.#queue = queue;
    this.#random = random;
  }

  /** As at the beginning. */
  heal(): void {
    this.loss = this.spec.loss;
    this.silent.clear();
  }

  /**
   * Send something now: `arrived` is called at once, or as much later as it takes to send again what was lost; never, where
   * that is longer than anybody waits. Each loss is drawn when its packet is sent, not before.
   *
   * @param nodes whose networks it passes
   */
  send(nodes: readonly string[], transfer: Transfer, arrived: () => void): void {
    this.#sendStep(nodes, STEPS[transfer], 0, arrived);
  }

  /** One packet, and its acknowledgement where its sender needs that to go on. */
  #sendStep(nodes: readonly string[], steps: readonly number[], tries: number, arrived: () => void): void {
    const [timeoutMs, ...rest] = steps;
    if (timeoutMs === undefined) return arrived();
    if (!this.#isLost(nodes)) return this.#sendStep(nodes, rest, 0, arrived);
    if (tries + 1 === MAX_TRIES) return;
    this.#queue.after(timeoutMs * 2 ** tries, () => this.#sendStep(nodes, steps, tries + 1, arrived));
  }

  #isLost(nodes: readonly string[]): boolean {
    const nowMs = this.#queue.now();
    const silent = nodes.some((node) => this.silent.has(node) || nowMs < this.#burstOf(node).untilMs);
    return silent || this.#random.fraction() < this.loss;
  }

  /** Whether one has begun is drawn for the time since it was last asked: that has no memory, and so no future either. */
  #burstOf(node: string): Burst {
    const nowMs = this.#queue.now();
    const known = this.#bursts.get(node) ?? { lookedAtMs: nowMs, untilMs: 0 };
    this.#bursts.set(node, known);
    const { perHour, ms } = this.spec.bursts;
    const sinceMs = nowMs - Math.max(known.lookedAtMs, known.untilMs);
    known.lookedAtMs = nowMs;
    if (perHour === 0 || sinceMs <= 0) return known;
    const began = this.#random.fraction() < 1 - Math.exp((-perHour * sinceMs) / HOUR_MS);
    if (began) known.untilMs = nowMs - this.#random.fraction() * sinceMs + ms;
    return known;
  }
}

/** The first time-outs of the packets that have to pass one after the other: SYN and its answer, question, answer. */
const STEPS: Readonly<Record<Transfer, readonly number[]>> = {
  data: [DATA_TIMEOUT_MS],
  'first-data': [SYN_TIMEOUT_MS, SYN_TIMEOUT_MS, DATA_TIMEOUT_MS],
  exchange: [SYN_TIMEOUT_MS, SYN_TIMEOUT_MS, DATA_TIMEOUT_MS, DATA_TIMEOUT_MS],
};
