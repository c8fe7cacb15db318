/**
 * What is worth telling. Logs, metrics, history, the simulator's timeline and its checkers read
 * facts (and the state), and nothing else does their work.
 */

import type {
  BallotMode,
  BallotReason,
  BallotResult,
  Fitness,
  HandoverStanding,
  HolderSource,
  MoveResult,
  MoveStep,
  NoticeKind,
  PeerState,
  RejectReason,
  SendFailure,
  Verdict,
} from '../model/codes.ts';
import type { CheckResult, CloudRequest, ExternalIpResult } from '../model/inputs.ts';
import type { Outcome, Reason } from '../model/reasons.ts';
import type { DurationMs, EffectId, Epoch, Ip, NodeId, WallMs } from '../model/units.ts';
import type { BallotAnswer } from '../wire/messages.ts';

/**
 * One thing that happened in a step, for log, metrics, history and checkers. It holds what they need, so that none
 * has to compare states.
 */
export type Fact =
  | {
      readonly kind: 'started';
      readonly incarnation: number;
      readonly storage: 'loaded' | 'empty' | 'unreadable' | 'foreign';
      readonly detail: string;
    }
  | { readonly kind: 'stopping' }
  | { readonly kind: 'configured'; readonly detail: string }
  | { readonly kind: 'stalled'; readonly lateMs: DurationMs }
  | {
      readonly kind: 'probe';
      readonly address: Ip;
      readonly probeId: EffectId;
      readonly result: CheckResult;
    }
  | {
      readonly kind: 'verdict';
      readonly address: Ip;
      readonly from: Verdict;
      readonly to: Verdict;
      readonly reason: string;
    }
  | { readonly kind: 'local'; readonly from: Fitness; readonly to: Fitness; readonly reason: string }
  | { readonly kind: 'way-out'; readonly result: ExternalIpResult }
  | {
      readonly kind: 'heartbeat';
      readonly peer: NodeId;
      readonly result: 'ok' | SendFailure;
      readonly rttMs: DurationMs | null;
    }
  | {
      readonly kind: 'peer';
      readonly peer: NodeId;
      readonly from: PeerState;
      readonly to: PeerState;
      readonly reason: string;
    }
  /** `from`: the sender's id, or where nothing vouches for one, the address that it came from; empty where neither is known. */
  | { readonly kind: 'rejected'; readonly reason: RejectReason; readonly from: string }
  | { readonly kind: 'duplicate-id'; readonly peer: NodeId }
  | {
      readonly kind: 'decided';
      readonly address: Ip;
      readonly outcome: Outcome;
      readonly reason: Reason;
      readonly detail: string;
    }
  | { readonly kind: 'ballot-opened'; readonly address: Ip; readonly epoch: Epoch; readonly mode: BallotMode }
  /** This node, as a voter, answered. */
  | {
      readonly kind: 'voted';
      readonly address: Ip;
      readonly candidate: NodeId;
      readonly epoch: Epoch;
      readonly answer: BallotAnswer['answer'];
      readonly reason: BallotReason;
    }
  /** This node, as a candidate, was answered. */
  | { readonly kind: 'ballot-answered'; readonly answer: BallotAnswer }
  | {
      readonly kind: 'ballot-closed';
      readonly address: Ip;
      readonly epoch: Epoch;
      readonly result: BallotResult;
      readonly detail: string;
    }
  | {
      readonly kind: 'guard';
      readonly address: Ip;
      readonly passed: boolean;
      readonly reason: string;
      readonly durationMs: DurationMs;
    }
  | {
      readonly kind: 'step';
      readonly address: Ip;
      readonly step: MoveStep;
      readonly durationMs: DurationMs;
      readonly result: string;
    }
  | {
      readonly kind: 'cloud-requests';
      readonly address: Ip | null;
      readonly requests: readonly CloudRequest[];
    }
  | {
      readonly kind: 'holder';
      readonly address: Ip;
      readonly holder: string;
      readonly source: HolderSource;
    }
  | { readonly kind: 'late-association'; readonly address: Ip }
  | { readonly kind: 'readiness'; readonly ready: boolean; readonly problems: readonly string[] }
  | { readonly kind: 'concluded'; readonly entry: HistoryEntry }
  | { readonly kind: 'blocked'; readonly address: Ip; readonly downMs: DurationMs; readonly reason: string }
  | {
      readonly kind: 'notified';
      readonly id: string;
      readonly receiver: string;
      /** What it tells of. */
      readonly notice: NoticeKind;
      readonly result: 'accepted' | 'failed';
      readonly detail: string;
      readonly request: CloudRequest;
    }
  /** A receiver won't be told of it. */
  | {
      readonly kind: 'notification-dropped';
      readonly id: string;
      readonly receiver: string;
      /** What it tells of. */
      readonly notice: NoticeKind;
      readonly why: string;
    }
  | {
      readonly kind: 'pause';
      readonly paused: boolean;
      readonly owner: string;
      readonly reason: string;
      readonly version: number;
    }
  | {
      readonly kind: 'handover';
      readonly id: string;
      readonly address: Ip;
      readonly to: NodeId;
      readonly state: HandoverStanding;
      readonly detail: string;
      /** Who ordered it, and why. */
      readonly by: string;
      readonly reason: string;
    }
  /** Whether the arbiter would lend; told when it changes. `problem` is empty where it would. */
  | { readonly kind: 'arbiter'; readonly address: Ip; readonly problem: string }
  | { readonly kind: 'storage'; readonly ok: boolean; readonly code: string };

/** One line of `failtome history`. */
export interface HistoryEntry {
  /** Unique in the cluster: node, incarnation and a count. */
  readonly id: string;
  readonly kind: 'takeover' | 'handover' | 'refusal' | 'blocked';
  readonly address: Ip;
  /** Who held it: a node's id, an instance id, `nobody` or `unknown`. */
  readonly from: string;
  readonly to: NodeId;
  readonly result: MoveResult;
  readonly reason: string;
  readonly epoch: Epoch;
  readonly at: WallMs;
  readonly steps: readonly { readonly step: MoveStep; readonly durationMs: DurationMs }[];
  readonly requestIds: readonly string[];
}
