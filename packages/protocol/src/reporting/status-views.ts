/**
 * The shapes of what people and machines are shown.
 */
import type { MoveStep } from '../model/codes.ts';
import type { OrderRule, Role } from '../model/config.ts';
import type { GateName, Outcome, Reason } from '../model/reasons.ts';
import type { State } from '../model/state.ts';
import type { DurationMs, InstanceId, Ip, NodeId, WallMs } from '../model/units.ts';
import type { HomeView } from '../orders/failback.ts';
import type { ReadinessView } from '../takeover/readiness.ts';
import type { TakeoverPhase } from '../takeover/takeover-phase.ts';
import type { BallotMode, Fitness, HandoverStanding, PeerState, Verdict } from '../wire/messages.ts';
import type { ProtectionView } from './standby.ts';

/** What `GET /v1/status` answers: all that a node knows of itself, its addresses and its peers. */
export interface StatusView {
  readonly version: string;
  readonly cluster: string;
  readonly at: WallMs;
  readonly node: {
    readonly id: NodeId;
    readonly role: Role;
    readonly fit: Fitness;
    readonly instanceId: InstanceId;
    readonly incarnation: number;
    readonly priority: number;
    readonly phase: State['phase'];
    readonly ready: boolean;
    readonly problems: readonly string[];
    /** What the last run had left, and what was wrong with it. */
    readonly state: { readonly found: State['storage']['found']; readonly detail: string };
    /** Whether it could take an address now. */
    readonly readiness: ReadinessView;
  };
  readonly addresses: readonly AddressView[];
  readonly peers: readonly PeerView[];
  readonly electorate: { readonly voters: readonly NodeId[]; readonly digest: string };
  readonly pause: PauseView;
  /** Whose pauses, resumes and handovers count. */
  readonly orders: OrderRule;
  /** The open ones, and those that ended lately. */
  readonly handovers: readonly HandoverView[];
  readonly notificationsPending: number;
}

/** A handover as people see it, open or ended lately. */
export interface HandoverView {
  readonly id: string;
  readonly address: Ip;
  readonly to: NodeId;
  readonly state: HandoverStanding;
  readonly detail: string;
  /** Who ordered it, and why. */
  readonly by: string;
  readonly reason: string;
  /** When its time is over, by this node's wall clock. */
  readonly until: WallMs;
  /** What is left of its time; 0 when it has ended. */
  readonly leftMs: DurationMs;
  /** Its place in the order of handovers: the next one's is greater. */
  readonly ordered: number;
  /** Whether an operator has signed it. */
  readonly signed: boolean;
}

/** Who holds an address, as far as this node knows; what it does not know is left out. */
export interface HolderView {
  readonly kind: 'node' | 'none' | 'other' | 'unknown';
  readonly node?: NodeId;
  readonly instanceId?: InstanceId;
  readonly associationId?: string;
  readonly ageMs?: DurationMs;
}

/** A takeover that this node is about, as far as it has come. */
export interface TakeoverProgress {
  readonly mode: BallotMode;
  readonly epoch: number;
  readonly phase: Exclude<TakeoverPhase, 'idle'>;
  /** Since its ballot was opened; of a move that a restart found, since then. */
  readonly forMs: DurationMs;
  /** The steps that are over, in order. */
  readonly steps: readonly { readonly step: MoveStep; readonly durationMs: DurationMs }[];
}

/** One address: who holds it, what this node sees of it, and what it has decided. */
export interface AddressView {
  readonly ip: Ip;
  /** Whether it is protected, in a word. */
  readonly protection: ProtectionView;
  readonly holder: HolderView;
  /** Who would take it if it were handed over now; null: no other candidate is heard and fit. */
  readonly next: NodeId | null;
  readonly verdict: Verdict;
  /** Since the last conclusive probe; null: none yet. */
  readonly ageMs: DurationMs | null;
  readonly verdictForMs: DurationMs;
  readonly reason: string;
  readonly holdDownMs: DurationMs;
  readonly outcome: Outcome;
  readonly decision: Reason;
  readonly epoch: number;
  readonly lent: { readonly candidate: NodeId; readonly leftMs: DurationMs } | null;
  /** How long this voter still keeps its lease to itself, as it does for a while after a start; 0: it lends. */
  readonly lendsInMs: DurationMs;
  readonly ballot: {
    readonly epoch: number;
    readonly won: boolean;
    readonly answers: Readonly<Record<NodeId, string>>;
  } | null;
  /** Why the arbiter would lend this node nothing; empty: it would. Left out where this node asks none. */
  readonly arbiter?: string;
  /** What this node does about it; null: nothing. */
  readonly takeover: TakeoverProgress | null;
  /** Where it stands with its home; left out: it has none. */
  readonly home?: HomeView;
  /** What every node that is heard last said of it. */
  readonly views: readonly { readonly node: NodeId; readonly verdict: Verdict; readonly ageMs: DurationMs }[];
}

/** One configured peer, by its own last word and by when it was last heard. */
export interface PeerView {
  readonly id: NodeId;
  readonly role: Role;
  readonly state: PeerState;
  readonly lastHeardMs: DurationMs | null;
  readonly rttMs: DurationMs | null;
  readonly fit: Fitness;
  /** Its running preflight holds, by its own last word; null: it isn't heard. */
  readonly ready: boolean | null;
  readonly readiness: ReadinessView;
  readonly leaving: boolean;
  readonly instanceId: InstanceId | null;
  readonly incarnation: number | null;
  readonly version: string | null;
  readonly electorate: string | null;
  readonly holds: number;
}

/** The pause of automatic takeovers: in force or the last one, and which voters have stored it. */
export interface PauseView {
  readonly paused: boolean;
  /** The node that was asked for it. */
  readonly by: NodeId;
  readonly owner: string;
  readonly reason: string;
  readonly until: WallMs | null;
  readonly version: number;
  /** Whether an operator has signed it. */
  readonly signed: boolean;
  /** When, by his clock; null: nobody has. */
  readonly signedAt: WallMs | null;
  readonly stored: readonly NodeId[];
  readonly needed: number;
}

/** `not-asked`: an earlier gate is closed, and this one would say nothing that has happened. */
export type GateState = 'passed' | 'closed' | 'not-asked';

/** One gate of the takeover rule, as a rung of the ladder. */
export interface GateView {
  readonly name: GateName;
  readonly state: GateState;
  /** The same for programs that know of two states only; null: not asked. */
  readonly passed: boolean | null;
  /** What the gate saw, with the reason code where it is closed; why it isn't asked, where it isn't. */
  readonly reason: string;
  readonly code: Reason | null;
  readonly ageMs: DurationMs | null;
}

/** What `GET /v1/why` answers for one address: the decision, and every gate in order. */
export interface WhyView {
  readonly address: Ip;
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly detail: string;
  readonly mode: 'takeover' | 'handover';
  readonly gates: readonly GateView[];
  readonly lastBallot: string | null;
  /** Where it stands with its home; left out: it has none. */
  readonly home?: HomeView;
  readonly refusals: readonly Reason[];
  /** Open handovers of this address, to whomever. */
  readonly handovers: readonly HandoverView[];
}
