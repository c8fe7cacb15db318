/**
 * What the explored world is made of: nodes, and what is on its way between them and the cloud. Plain data.
 */
import type {
  ArbiterOperation,
  AskPurpose,
  CallPurpose,
  DriverOperation,
  Effect,
  Envelope,
  HostCore,
  Event as HostEvent,
  Ip,
  NodeId,
  ProtocolConfig,
  PublishEffect,
  step,
} from '@failtome/protocol';
import type { RunHistory, RunView } from '../invariants/index.ts';

/** What a crash leaves, and what is on its way there. */
export interface Disk {
  readonly synced: string | null;
  readonly writing: { readonly writeId: number; readonly text: string; readonly doneAt: number } | null;
}

/** Whether a process runs. */
export type Life =
  | { readonly kind: 'up' }
  /** `until` null: for as long as the machine is gone. */
  | { readonly kind: 'down'; readonly until: number | null }
  | {
      readonly kind: 'paused';
      readonly until: number;
      /** What it was about to do. */
      readonly undone: readonly Effect[];
      readonly arrived: readonly NodeEvent[];
    };

/** What the node waits for. `id` is the host's name of it, and is known to nobody else. */
export type Pending =
  | {
      readonly kind: 'send';
      readonly id: number;
      readonly to: NodeId;
      readonly seq: number;
      readonly until: number;
    }
  | {
      readonly kind: 'probe';
      readonly id: number;
      readonly address: Ip;
      readonly startedAt: number;
      readonly failed: boolean;
    }
  | { readonly kind: 'local'; readonly id: number; readonly startedAt: number }
  | {
      readonly kind: 'ask';
      readonly id: number;
      readonly purpose: AskPurpose;
      readonly startedAt: number;
      readonly timeoutMs: number;
      readonly failed: boolean;
    }
  | {
      readonly kind: 'call';
      readonly id: number;
      readonly purpose: CallPurpose;
      readonly operation: DriverOperation;
      readonly address: Ip;
      readonly startedAt: number;
      readonly until: number;
    }
  | { readonly kind: 'publish'; readonly id: number; readonly startedAt: number; readonly message: string }
  | {
      readonly kind: 'arbiter';
      readonly id: number;
      readonly address: Ip;
      readonly startedAt: number;
      readonly until: number;
    };

/** Something that reaches a node, and which of its waits it ends. */
export interface NodeEvent {
  readonly event: HostEvent;
  /** The `id` of what it answers; 0: nothing. */
  readonly ends: number;
  /** By content. */
  readonly hash: number;
  /** How old a message is. */
  readonly ageMs: number;
  /** It is one of two copies of a message. */
  readonly duplicated: boolean;
  readonly orderClass: OrderClass;
}

/**
 * What an event's place among others can decide. `heartbeat`: of one sender's, the older comes first. `ballot`: a message with
 * ballots, answers or releases. `light`: a check, or a failed send. `weighty`: the rest.
 */
export type OrderClass =
  | { readonly kind: 'heartbeat' | 'ballot'; readonly from: NodeId; readonly version: number }
  | { readonly kind: 'light' | 'weighty' };

/** A node with all that decides what it does next. */
export interface SimNode {
  readonly id: NodeId;
  readonly index: number;
  readonly config: ProtocolConfig;
  readonly runs: number;
  readonly life: Life;
  readonly core: HostCore;
  readonly disk: Disk;
  readonly pending: readonly Pending[];
  /** What its run has been seen to do. */
  readonly history: RunHistory;
}

/** A message on its way. */
export interface Wire {
  readonly kind: 'request' | 'response' | 'refused';
  readonly from: NodeId;
  readonly to: NodeId;
  readonly route: Extract<HostEvent, { kind: 'received' }>['route'];
  readonly message: Envelope;
  /** Its content tells it as well, by its session's own time. */
  readonly sentAt: number;
  readonly arrivesAt: number;
  /** Of two copies of one message. */
  readonly duplicated: boolean;
  readonly hash: number;
}

/** What is called for. With the address and its beginning the purpose names the call. */
export type Asked =
  | { readonly purpose: CallPurpose; readonly operation: DriverOperation }
  | { readonly purpose: 'publish'; readonly operation: PublishEffect }
  /** It goes to the store, and the others to AWS. */
  | { readonly purpose: 'arbiter'; readonly operation: ArbiterOperation };

/** A call on its way; it arrives even when its caller is gone by then. */
export type Call = Asked & {
  readonly node: number;
  /** Whose call it is, as it was when it called. */
  readonly by: RunView;
  readonly address: Ip;
  readonly startedAt: number;
  readonly appliesAt: number;
  readonly until: number;
  /** `lost`: the caller is never answered. */
  readonly answer: 'told' | 'lost';
  readonly hash: number;
};

/** Something that a node sent. */
export type Out =
  | { readonly kind: 'wire'; readonly wire: Wire }
  | { readonly kind: 'call'; readonly call: Call };

/** What the search gives to every step. */
export interface SearchContext {
  readonly step: typeof step;
  /** Each message as it was sent to the message as it arrives, by its text. */
  readonly decoded: Map<string, Envelope>;
  /** Nothing is taken for the same as anything else: every history is followed by itself. */
  readonly apart: boolean;
}
