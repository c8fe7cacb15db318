/**
 * What a process of the agent runs on, what it is started with, and what its parts share.
 */
import type { Envelope, Event, IsProven, NodeId, ProtocolConfig, RecorderPort } from '@failtome/protocol';
import type { NodeClock } from './clock.ts';
import type { Disk } from './disk.ts';
import type { SimDriver } from './drivers.ts';
import type { Network } from './network.ts';
import type { Machine, Outside } from './outside.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';
import type { SimulatedStore } from './simulated-store.ts';
import type { Trace } from './trace.ts';
import type { RunView, Violate, Watcher } from './watch.ts';

/** What a process runs on. */
export interface Environment {
  readonly queue: EventQueue;
  readonly random: Random;
  readonly trace: Trace;
  readonly network: Network;
  readonly outside: Outside;
  /** Null: the cluster has none. */
  readonly store: SimulatedStore | null;
  readonly emit: Watcher;
  readonly violate: Violate;
  /** What a node's message becomes on its way out, and an answer on its way in, where it lies (`liar/lies.ts`). */
  readonly forged: (from: NodeId, message: Envelope) => Envelope;
  readonly meant: (to: NodeId, message: Envelope) => Envelope;
  /** Whether an operator has signed that (`signing.ts`). */
  readonly isProven: IsProven;
  /** Null: nothing is recorded. */
  readonly recorderOf: ((node: NodeId, run: string) => RecorderPort) | null;
}

/** What one run of a process is started with. */
export interface ProcessSpec {
  readonly config: ProtocolConfig;
  readonly machine: Machine;
  readonly clock: NodeClock;
  readonly disk: Disk;
  readonly driver: SimDriver;
  readonly run: string;
  readonly session: string;
  readonly seed: number;
  /** How late a timer may fire. */
  readonly timerLateMs: number;
  /** By how much its wire version is above the present one. */
  readonly wire: number;
  readonly onEnd: (how: 'stopped' | 'killed') => void;
}

/** The ways into a process and out of it. */
export interface Life {
  readonly view: () => RunView;
  /** Something reaches the process: now, or when it goes on. */
  readonly enter: (work: () => void) => void;
  /** The process does something to the world: now, or when it goes on; or it dies before. */
  readonly leave: (work: () => void) => void;
  /** Give the host an event; only from within `enter`. */
  readonly feed: (event: Event) => void;
}
