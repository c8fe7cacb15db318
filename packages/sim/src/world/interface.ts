/**
 * A simulated world as those see it who run it, break it, and look at it.
 */

import type { AwsEvent, FaultSpec } from '@failtome/cloud/model';
import type { Command, Fact, Ip, NodeId, ProtocolConfig, RecorderPort } from '@failtome/protocol';
import type { NodeClock } from './clock.ts';
import type { Cloud } from './cloud.ts';
import type { Details } from './details.ts';
import type { Disk } from './disk.ts';
import type { Lie } from './forgery.ts';
import type { LiarMode, Manner } from './liar/liar.ts';
import type { Link, Network } from './network.ts';
import type { OrderedBy } from './operator.ts';
import type { HaproxyState, Machine, Outside } from './outside.ts';
import type { Packets } from './packets.ts';
import type { SimProcess } from './process.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';
import type { Overrides } from './settings.ts';
import type { SimulatedStore } from './simulated-store.ts';
import type { WorldSpec } from './spec.ts';
import type { Trace } from './trace.ts';
import type { RunView, Violation, Watcher } from './watch.ts';

/** What a world keeps. */
export interface WorldOptions {
  /** How many trace lines to keep for people. */
  readonly keepTrace: number;
  /** False: no invariant is checked, where a world is measured and not proved. */
  readonly judged?: boolean;
  /** What records the inputs of a run, as the agent's recorder does; absent: nothing does. */
  readonly recorderOf?: (node: NodeId, run: string) => RecorderPort;
}

/** A fact, with the node that told it. */
export interface ToldFact {
  readonly atMs: number;
  readonly node: NodeId;
  readonly fact: Fact;
}

/** Something that is done to a world. */
export interface Injection {
  readonly name: string;
  /** A line for people. */
  readonly says: string;
  readonly nodes: readonly NodeId[];
  /** False: it happens, and is over. */
  readonly lasts: boolean;
}

/** A world: what it consists of, what can be done to it, and what there is to see. */
export interface World {
  readonly spec: WorldSpec;
  readonly queue: EventQueue;
  readonly random: Random;
  readonly trace: Trace;
  readonly network: Network;
  readonly cloud: Cloud;
  readonly outside: Outside;
  /** Null: the cluster has none. */
  readonly store: SimulatedStore | null;
  /** The paths as TCP sees them; null: no packet is lost here, and links lose messages. */
  readonly packets: Packets | null;
  now(): number;
  /** Run until that moment, or a violation. */
  runUntil(atMs: number): void;
  /** Run for so long. */
  runFor(ms: number): void;
  /** Run until it holds, asked after every event; false when it didn't within so long. */
  runTill(holds: () => boolean, withinMs: number): boolean;
  violation(): Violation | null;
  violate(invariant: string, detail: string): void;
  /** Be told of all that nodes see, say and do. */
  watch(watcher: Watcher): void;
  /** Be told of every message, call, fault and order as well: only a recording wants it that closely. */
  readonly details: Details;

  start(id: NodeId): void;
  stop(id: NodeId): void;
  crash(id: NodeId): void;
  pause(id: NodeId): void;
  resume(id: NodeId): void;
  /** The whole machine is gone from the network and from service, with everything on it. */
  vanish(id: NodeId): void;
  /** It is back: booted, with its disk. */
  comeBack(id: NodeId): void;
  /** The whole machine stands still, and goes on later. */
  freeze(id: NodeId): void;
  thaw(id: NodeId): void;
  haproxy(id: NodeId, state: HaproxyState): void;
  wayOut(id: NodeId, state: 'open' | 'broken'): void;
  /** Both directions between two nodes. */
  link(a: NodeId, b: NodeId, parts: Partial<Link>): void;
  oneWay(from: NodeId, to: NodeId, parts: Partial<Link>): void;
  /** Deliver a recorded request again within so long, so often to somebody else. */
  replayWithin(ms: number, strayPerMille: number): void;
  /** What the node says is bent from now on; null: no more. */
  forge(id: NodeId, lie: Lie | null): void;
  /** The node sends anything its key allows from now on; what it returns ends that. */
  lie(id: NodeId, mode: LiarMode, manner: Manner, seed: number): () => void;
  /** Whether that node has lied for itself alone. */
  isLiar(id: NodeId): boolean;
  /** The instance is gone for good, and its addresses are free. */
  terminate(id: NodeId): void;
  overridesOf(id: NodeId): Overrides;
  /** The node reads its configuration again; a wire version changes only with `upgrade`. */
  reload(id: NodeId, overrides: Overrides): void;
  /** The agent is stopped in good order, and started again with another wire version. */
  upgrade(id: NodeId, wire: number): void;
  /** Say that something is done to the world; what it returns says that it is over. */
  inject(what: Injection): () => void;
  arm(fault: FaultSpec): number;
  order(to: NodeId, what: Command, by?: OrderedBy): void;
  /** A second process with this node's id and a copy of its disk, on another machine. */
  clone(id: NodeId): SimProcess;

  /** Whether its disk was lost, rolled back or unreadable at a start. */
  lostDisk(id: NodeId): boolean;
  process(id: NodeId): SimProcess | null;
  disk(id: NodeId): Disk;
  clock(id: NodeId): NodeClock;
  config(id: NodeId): ProtocolConfig;
  machine(id: NodeId): Machine;
  instanceOf(id: NodeId): string;
  nodeOf(instanceId: string | null): NodeId | null;
  holder(ip: Ip): NodeId | null;
  runs(): readonly RunView[];
  /** What was told in all, but for `ROUTINE`. */
  facts(): readonly ToldFact[];
  cloudEvents(): readonly AwsEvent[];
}
