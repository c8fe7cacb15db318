/**
 * The trace file: JSON lines. First a header with the plan that makes it again, then what happened, in order, and an
 * end. Moments are the world's, in milliseconds since it began, to the microsecond; a step is one event of the world.
 */
import type {
  Command,
  CommandOutcome,
  Fact,
  Fitness,
  Ip,
  NodeId,
  Payload,
  TakeoverPhase,
  Verdict,
} from '@failtome/protocol';
import type { LostWhy } from '../world/details.ts';
import type { HaproxyState } from '../world/outside.ts';

/** How the first line of a trace begins. */
export const TRACE_FORMAT = 'failtome-trace';
/** Raised when older readers would misunderstand what is written. */
export const TRACE_VERSION = 1;

/** The first line of a trace. */
export interface TraceHeader {
  readonly kind: 'header';
  readonly format: typeof TRACE_FORMAT;
  readonly version: number;
  /** The version of failtome that wrote it; another one may behave differently. */
  readonly failtome: string;
  readonly title: string;
  readonly cluster: ClusterShape;
  /** What makes it again; null: nothing can. */
  readonly plan: unknown;
}

/** Who takes part in a run. */
export interface ClusterShape {
  readonly nodes: readonly {
    readonly id: NodeId;
    readonly role: string;
    readonly priority: number;
    readonly instanceId: string;
  }[];
  readonly addresses: readonly Ip[];
  readonly driver: string;
}

/** The file was kept small: of what happened before, only what still held is there. */
export interface TraceCut {
  readonly kind: 'cut';
  /** The first record after which nothing is missing. */
  readonly from: number;
  readonly fromMs: number;
  readonly dropped: number;
}

/** The last line of a trace. */
export interface TraceEnd {
  readonly kind: 'end';
  readonly hash: string;
  readonly events: number;
  readonly virtualMs: number;
  /** How many records were made, kept or not. */
  readonly records: number;
  readonly violation: TraceViolation | null;
}

/** The violation with which a run ended. */
export interface TraceViolation {
  readonly invariant: string;
  readonly detail: string;
  readonly atMs: number;
  readonly step: number;
  /** The numbers of the records that led to it, oldest first. */
  readonly causes: readonly number[];
}

/**
 * What a node's process is like. `off`: not started yet. `stopped`: it said goodbye. `crashed`: it didn't. `paused`: the
 * process stands still. `frozen`: its whole machine does. `gone`: the machine is off.
 */
export type ProcessState = 'off' | 'alive' | 'paused' | 'frozen' | 'stopped' | 'crashed' | 'gone';

/** Gates as name, whether they pass (null: not asked), and what they see. */
export type GateLine = readonly [name: string, passed: boolean | null, sees: string];

/** `who` is a lane: a node's id, or the run of a second process with the same id. */
export type RecordBody =
  | SentRecord
  | { readonly kind: 'arrived'; readonly msg: number; readonly who: string; readonly again: boolean }
  | { readonly kind: 'lost'; readonly msg: number; readonly why: LostWhy }
  | { readonly kind: 'fact'; readonly who: string; readonly fact: Fact }
  | { readonly kind: 'process'; readonly who: string; readonly state: ProcessState; readonly run: string }
  | NodeLine
  | ViewLine
  | {
      readonly kind: 'ladder';
      readonly who: string;
      readonly address: Ip;
      readonly gates: readonly GateLine[];
    }
  /** Lent to a candidate, until then; `to` null: no more. */
  | LeaseLine
  /** Borrowed from a voter (itself included), until then; null: given back or dropped. */
  | {
      readonly kind: 'borrowed';
      readonly who: string;
      readonly address: Ip;
      readonly from: NodeId;
      readonly untilMs: number | null;
    }
  | {
      readonly kind: 'called';
      readonly call: number;
      readonly who: string;
      readonly action: string;
      readonly request: Readonly<Record<string, unknown>>;
    }
  | { readonly kind: 'call-ended'; readonly call: number; readonly end: string; readonly code: string | null }
  | AssociationLine
  | { readonly kind: 'published'; readonly who: string; readonly subject: string; readonly message: string }
  /** Whom the address belongs to, and who serves a client outside; null: nobody. */
  | {
      readonly kind: 'owner';
      readonly address: Ip;
      readonly owner: string | null;
      readonly served: NodeId | null;
    }
  | { readonly kind: 'haproxy'; readonly who: NodeId; readonly state: HaproxyState }
  | FaultLine
  | { readonly kind: 'fault-ended'; readonly fault: number }
  | { readonly kind: 'order'; readonly order: number; readonly who: NodeId; readonly command: Command }
  | { readonly kind: 'order-answered'; readonly order: number; readonly outcome: CommandOutcome | null }
  | { readonly kind: 'violation'; readonly invariant: string; readonly detail: string };

/** A message left. */
export interface SentRecord {
  readonly kind: 'sent';
  /** Even for a request; the answer to it is one more. */
  readonly msg: number;
  readonly who: string;
  readonly to: NodeId;
  readonly route: string;
  readonly fresh: boolean;
  /** How long it is on the wire. */
  readonly bytes: number;
  readonly seq: number;
  /** Null: it can't be read. */
  readonly payload: Payload | null;
}

/** How a node is. */
export interface NodeLine {
  readonly kind: 'node';
  readonly who: string;
  readonly phase: string;
  readonly fit: Fitness;
  readonly ready: boolean;
  readonly incarnation: number;
}

/** What a node thinks of an address, and what it does about it. */
export interface ViewLine {
  readonly kind: 'view';
  readonly who: string;
  readonly address: Ip;
  readonly verdict: Verdict;
  readonly holder: string;
  readonly stage: TakeoverPhase;
  readonly epoch: number;
  readonly outcome: string;
  readonly reason: string;
  readonly detail: string;
}

/** What a voter has lent. */
export interface LeaseLine {
  readonly kind: 'lease';
  readonly who: string;
  readonly address: Ip;
  readonly to: NodeId | null;
  readonly epoch: number;
  readonly untilMs: number;
}

/** An association began or ended. */
export interface AssociationLine {
  readonly kind: 'association';
  readonly change: 'begun' | 'ended';
  readonly address: Ip;
  /** The node it leads to, or its instance's id. */
  readonly target: string;
  readonly associationId: string;
  /** Who called; an operator by name. */
  readonly by: string;
  /** Of an end: `disassociated`, `moved`, `displaced`, `terminated`. */
  readonly cause: string | null;
}

/** A fault began. */
export interface FaultLine {
  readonly kind: 'fault';
  readonly fault: number;
  readonly name: string;
  readonly says: string;
  readonly nodes: readonly NodeId[];
  readonly lasts: boolean;
}

/** One record: numbered from 1, with the world's step and moment. */
export type TraceRecord = { readonly n: number; readonly step: number; readonly at: number } & RecordBody;

/** Any line of a trace. */
export type TraceEntry = TraceHeader | TraceCut | TraceRecord | TraceEnd;

/** A trace that was read. */
export interface RecordedRun {
  readonly header: TraceHeader;
  readonly cut: TraceCut | null;
  readonly records: readonly TraceRecord[];
  /** Null: whoever wrote it was stopped before. */
  readonly end: TraceEnd | null;
}

/** Kinds of messages, by what they are about. */
export const MESSAGE_KINDS = [
  'heartbeat',
  'news',
  'ballot',
  'answer',
  'release',
  'refused',
  'operator',
] as const;

/** Whether a message is more than a heartbeat, and what. */
export type MessageKind = (typeof MESSAGE_KINDS)[number];

/** What a message is about, its most telling part first. */
export function messageKind(payload: Payload | null): MessageKind {
  if (payload === null) return 'refused';
  if (payload.command !== undefined || payload.outcome !== undefined) return 'operator';
  if (payload.ballots !== undefined && payload.ballots.length > 0) return 'ballot';
  if (payload.answers !== undefined && payload.answers.length > 0) return 'answer';
  if (payload.releases !== undefined && payload.releases.length > 0) return 'release';
  if (payload.refused !== undefined) return 'refused';
  return payload.node !== undefined || (payload.rumours?.length ?? 0) > 0 ? 'news' : 'heartbeat';
}
