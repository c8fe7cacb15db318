/**
 * What the invariants are judged by: the events of a history, and what may be looked at besides. The simulated world,
 * the explorer and a single node's record provide both.
 */

import type { AwsAction, AwsEvent, AwsState, FaultEffect } from '@failtome/cloud/model';
import type {
  Command,
  CommandOutcome,
  DriveEffect,
  DriverResult,
  Envelope,
  Fact,
  Instant,
  Ip,
  NodeId,
  ProtocolConfig,
  PublishEffect,
  State,
} from '@failtome/protocol';

/** One run of one node's process, as checkers see it. */
export interface RunView {
  readonly node: NodeId;
  /** Tells runs of one id apart; also clones. */
  readonly run: string;
  readonly config: ProtocolConfig;
  readonly instanceId: string;
  readonly state: () => State;
  /** What a crash at this moment would leave on its disk. */
  readonly synced: () => string | null;
  /** A moment of its monotonic clock in the world's time. */
  readonly worldTimeOf: (at: number) => number;
}

/** What happens in a world. */
export type WorldEvent =
  | { readonly kind: 'facts'; readonly by: RunView; readonly facts: readonly Fact[]; readonly now: Instant }
  /** An input was taken in, and all of its effects that wait for nothing are out. */
  | { readonly kind: 'stepped'; readonly by: RunView }
  | { readonly kind: 'started' | 'ended' | 'paused' | 'resumed'; readonly by: RunView }
  /** A message was read, a request or an answer, and is about to be taken in. */
  | { readonly kind: 'heard'; readonly by: RunView; readonly message: Envelope }
  /** The message that is read next came through the store. */
  | { readonly kind: 'relayed'; readonly by: RunView; readonly message: Envelope }
  /** The store has accepted what this node wrote. */
  | { readonly kind: 'stored'; readonly by: RunView }
  /** The store has accepted what this node wrote for the arbiter's vote about an address. */
  | { readonly kind: 'swapped'; readonly by: RunView; readonly address: Ip; readonly text: string }
  /** A message leaves. */
  | { readonly kind: 'said'; readonly by: RunView; readonly message: Envelope; readonly bytes: number }
  /** A request was answered with this status; `recordedAs` is the same for every delivery of it. */
  | {
      readonly kind: 'judged';
      readonly by: RunView;
      readonly request: Envelope;
      readonly recordedAs: number;
      readonly status: number;
      /** When it was read: its answer, which says that it counted, may have to wait for the disk. */
      readonly readAtMs: number;
      /** How old it was then. */
      readonly ageMs: number;
    }
  | { readonly kind: 'drive'; readonly by: RunView; readonly effect: DriveEffect }
  | {
      readonly kind: 'driven';
      readonly by: RunView;
      readonly effect: DriveEffect;
      readonly result: DriverResult;
    }
  | { readonly kind: 'publish'; readonly by: RunView; readonly effect: PublishEffect }
  /** The external-IP service has answered with an address. */
  | { readonly kind: 'proof'; readonly by: RunView; readonly ip: Ip }
  /** A check of the own HAProxy came to an end; null: it took longer than it may, by this node's own slowness. */
  | {
      readonly kind: 'local-checked';
      readonly by: RunView;
      readonly checkId: number;
      readonly ok: boolean | null;
    }
  | { readonly kind: 'local-check-began'; readonly by: RunView; readonly checkId: number }
  | { readonly kind: 'probe-began'; readonly by: RunView; readonly probeId: number; readonly address: Ip }
  | { readonly kind: 'cloud'; readonly event: AwsEvent }
  /** An operator was answered; an outcome of null: nothing came back. */
  | {
      readonly kind: 'order-answered';
      readonly to: NodeId;
      readonly command: Command;
      readonly outcome: CommandOutcome | null;
    }
  /** An operator has signed this text. */
  | { readonly kind: 'order-signed'; readonly text: string }
  /** A fault that was armed has hit a call to AWS. */
  | {
      readonly kind: 'faulted';
      readonly action: AwsAction;
      readonly dryRun: boolean;
      readonly effect: FaultEffect['kind'];
    };

/** An event as the invariants take it in: the facts of one step come one by one. */
export type JudgedEvent =
  | Exclude<WorldEvent, { kind: 'facts' | 'faulted' }>
  | { readonly kind: 'fact'; readonly by: RunView; readonly fact: Fact };

/** The event of one kind. */
export type EventOf<K extends JudgedEvent['kind']> = Extract<JudgedEvent, { kind: K }>;

/** A fact of one kind. */
export type FactOf<K extends Fact['kind']> = Extract<Fact, { kind: K }>;

/** A broken invariant, and what shows it. */
export interface Broken {
  readonly invariant: string;
  readonly detail: string;
}

/** What follows from an event: the history with it, and what it breaks. */
export type Judged<H> = readonly [history: H, ...broken: readonly Broken[]];

const NOTHING: readonly Broken[] = [];

/** What an event breaks, nearly always nothing. */
export function brokenIn(judged: Judged<unknown>): readonly Broken[] {
  if (judged.length === 1) return NOTHING;
  const [, ...found] = judged;
  return found;
}

/** Name what is broken. */
export function broken(invariant: string, detail: string): Broken {
  return { invariant, detail };
}

/** Whether one operation takes an address from whoever has it. */
export function takesAtOnce(driver: WorldView['driver']): boolean {
  return driver === 'opsworks' || driver === 'ec2-route';
}

/** What may be looked at besides events, where the whole cluster is in view. */
export interface WorldView {
  readonly driver: 'ec2' | 'ec2-private-ip' | 'ec2-route' | 'opsworks';
  /** How long it may take until every node that is heard has told its news, and others have learnt it. */
  readonly learnMs: number;
  /** For so long a holder must have been fit without a failed check to be called fit. */
  readonly fitMs: number;
  readonly now: () => number;
  readonly aws: () => AwsState;
  readonly runs: () => readonly RunView[];
  /** Whether any disk has lost what had been synced: what it remembered is gone, and only time protects. */
  readonly disksHarmed: () => boolean;
  /** Whether this node lies, or has: nothing that it says is evidence of anything. */
  readonly isLiar: (node: NodeId) => boolean;
  /** Whether the store has lied: what an arbiter in it has lent, it may have lent to several. */
  readonly storeLied: () => boolean;
  /** Whether this node's disk has been put back to what it held earlier. */
  readonly rolledBack: (node: NodeId) => boolean;
}
