/**
 * What travels between nodes, and what an operator's command carries.
 *
 * One envelope serves requests and responses of `/v1/gossip`, `/v1/vote` and the operator's routes:
 * who, to whom, in which session, and the proof that it was made lately (`freshness.ts`). The payload's
 * parts are optional because a heartbeat in quiet times carries none of them.
 */
import type {
  BallotAnswerKind,
  BallotMode,
  BallotReason,
  Fitness,
  HandoverState,
  RejectReason,
  Verdict,
} from '../model/codes.ts';
import type { Role } from '../model/config.ts';
import type {
  AssociationId,
  DurationMs,
  Epoch,
  InstanceId,
  Ip,
  NodeId,
  SessionId,
  WallMs,
} from '../model/units.ts';
import type { ToldTry } from '../takeover/episode-state.ts';

export type {
  BallotMode,
  BallotReason,
  Fitness,
  HandoverStanding,
  HandoverState,
  PeerState,
  RejectReason,
  Verdict,
} from '../model/codes.ts';

/** Raised when nodes of two versions could misunderstand each other. Ballots of another version are refused. */
export const WIRE_VERSION = 1;

/** Proof that the sender lately heard the receiver: the receiver's session and the newest `t` seen from it. */
export interface Echo {
  readonly session: SessionId;
  readonly t: number;
}

/** A message as it is signed and sent, in both directions. */
export interface Envelope {
  /** The wire version, `WIRE_VERSION`. */
  readonly v: number;
  readonly cluster: string;
  readonly from: NodeId;
  readonly session: SessionId;
  /** Counts up with every message of this session. */
  readonly seq: number;
  readonly to: NodeId;
  /** Milliseconds since the sender's session began. */
  readonly t: number;
  /** Null: the sender hasn't heard the receiver's present run yet. */
  readonly echo: Echo | null;
  /** In a response: the session and `seq` of the request it answers. */
  readonly re: { readonly session: SessionId; readonly seq: number } | null;
  readonly payload: Payload;
}

/** What a message says, beside who says it. A part that is left out says nothing. */
export interface Payload {
  /** The version of the sender's own record, and the newest version of the receiver's record that the sender has stored. */
  readonly version: number;
  readonly ack: number;
  /** The sender's record, left out while the receiver has it. */
  readonly node?: NodeRecord;
  /** The incarnation by which the sender knew the receiver before its present session, when that isn't lower: its disk was rolled back. */
  readonly known?: number;
  /** Two runs use the receiver's id, as far as the sender has heard: for how long that counts. */
  readonly duplicateMs?: DurationMs;
  readonly rumours?: readonly Rumour[];
  /** Peers about which the sender wants a second opinion. */
  readonly ask?: readonly NodeId[];
  readonly ballots?: readonly Ballot[];
  readonly answers?: readonly BallotAnswer[];
  readonly releases?: readonly Release[];
  /** Only from an operator. */
  readonly command?: Command;
  /** Only to an operator. */
  readonly outcome?: CommandOutcome;
  /** In a response that refused the request: why (also the HTTP status's reason). */
  readonly refused?: RejectReason;
}

/** What a node says of itself. Ages are counted back from the moment it was sent. */
export interface NodeRecord {
  readonly id: NodeId;
  readonly incarnation: number;
  readonly role: Role;
  readonly priority: number;
  readonly instanceId: InstanceId;
  readonly fit: Fitness;
  readonly leaving: boolean;
  /** Whether its running preflight holds. */
  readonly ready: boolean;
  /** A digest of the configured voters (`quorum.ts`). */
  readonly electorate: string;
  readonly version: string;
  readonly addresses: readonly AddressRecord[];
  readonly pause: PauseRecord;
  readonly handovers: readonly HandoverRecord[];
  /** Its disk doesn't take writes: what it tells of pauses and handovers isn't stored there. Left out: it does. */
  readonly unstored?: boolean;
}

/** What a node says of one address. Ages are counted back from the moment it was sent. */
export interface AddressRecord {
  readonly ip: Ip;
  readonly verdict: Verdict;
  /** The last probe failed, or the verdict isn't up: the hearer probes at once. */
  readonly trouble: boolean;
  /** The highest that the sender knows. */
  readonly epoch: Epoch;
  /** Whom the cloud told the sender itself to hold it; null: it wasn't told. */
  readonly holder: HolderRecord | null;
  /** Associations that the sender knows to have ended. */
  readonly ended: readonly AssociationId[];
  /** How long ago the association changed, as far as the sender knows, newest first. */
  readonly changes: readonly DurationMs[];
  /** What each of them was to (`changes.ts`); absent from nodes of earlier versions. */
  readonly changedTo?: readonly string[];
  /** Seen up since the last change. */
  readonly served: boolean;
  /** The epoch of the last lease that it has lent, which its disk knows; 0: none. Absent from earlier versions. */
  readonly lentEpoch?: Epoch;
  /** Absent from versions that don't know of episodes. */
  readonly episode?: EpisodeRecord;
}

/** What the sender knows of the present episode of failure (`episode-state.ts`). */
export interface EpisodeRecord {
  readonly upEpoch: Epoch;
  /** Whose move of that epoch it was; absent: anybody's. */
  readonly upBy?: NodeId;
  readonly anewEpoch: Epoch;
  readonly tries: readonly ToldTry[];
  /** The digest of the sender's probe, if anybody has seen the address up under it; else empty. */
  readonly answered: string;
  readonly upWall: WallMs;
  /** The sender has told people that the address is blocked. */
  readonly told: boolean;
  /** What its last failed probe got, in words; empty: its last probe succeeded. */
  readonly saw: string;
}

/** Whom the sender was told by the cloud to hold the address; `other`: an instance that is no configured node. */
export interface HolderRecord {
  readonly kind: 'node' | 'none' | 'other';
  readonly node: NodeId | null;
  readonly instanceId: InstanceId | null;
  readonly associationId: AssociationId | null;
  /** How long ago this was observed. */
  readonly ageMs: DurationMs;
}

/** What the sender believes of a third node. It counts for nothing where a higher incarnation is known. */
export interface Rumour {
  readonly id: NodeId;
  readonly incarnation: number;
  readonly state: 'alive' | 'suspect' | 'dead';
}

/** A candidate asks a voter for its lease and its view of one address. */
export interface Ballot {
  readonly address: Ip;
  readonly epoch: Epoch;
  readonly candidate: NodeId;
  readonly mode: BallotMode;
  /** The digest of the voters as the candidate is configured; the voter refuses another. */
  readonly electorate: string;
  /** Counts up each time the candidate asks again within the ballot; the lease is counted from the ask that was answered. */
  readonly ask: number;
  /** Whether the candidate's own HAProxy serves. */
  readonly fit: boolean;
  /** Which handover is asked for: a voter consents to an open one that it knows. Left out by earlier versions. */
  readonly handover?: string;
}

/** A voter's answer, which names the ballot that it is for. */
export interface BallotAnswer {
  readonly address: Ip;
  readonly epoch: Epoch;
  readonly candidate: NodeId;
  readonly voter: NodeId;
  readonly ask: number;
  readonly answer: BallotAnswerKind;
  readonly reason: BallotReason;
  /** How long the lease lasts from the ask; 0 where none is lent. */
  readonly leaseMs: DurationMs;
  /** With `lent`, `held-down`, `move-did-not-help` or `lease-unknown`: how long that stands in the way. */
  readonly retryMs: DurationMs;
  /** The highest epoch the voter knows for the address. */
  readonly highest: Epoch;
  /** With the refusal `storage`: this holder lends nothing, because it can't write, and agrees to be relieved. */
  readonly consents?: boolean;
}

/** The candidate gives back what it was lent. */
export interface Release {
  readonly address: Ip;
  readonly epoch: Epoch;
  readonly candidate: NodeId;
}

/** Of signed ones the one that was signed last wins, of others the newest `version`, then the greater `by` (`pause.ts`). */
export interface PauseRecord {
  readonly version: number;
  /** The node that was asked for it. */
  readonly by: NodeId;
  readonly paused: boolean;
  readonly owner: string;
  readonly reason: string;
  /** Null: until resumed. */
  readonly until: WallMs | null;
  /** When it was signed, by the clock of the operator who did. Left out where nobody has. */
  readonly signedAt?: WallMs;
  /** That an operator has signed all the rest (`orders.ts`). Left out where nobody has. */
  readonly proof?: string;
}

/** A planned move. `state` only grows, so that copies merge by the greater. */
export interface HandoverRecord {
  readonly id: string;
  readonly address: Ip;
  readonly to: NodeId;
  readonly by: string;
  readonly reason: string;
  readonly state: HandoverState;
  /** How it ended, in words, or how far it is. */
  readonly detail: string;
  /** What is left of its time to live. */
  readonly ttlMs: DurationMs;
  /** Who took it back. Earlier versions know such a handover as one that failed, and don't pass this on. */
  readonly withdrawnBy?: string;
  /**
   * Greater than that of every handover that its node knew when it was ordered; of a signed one, when it was signed by the
   * clock of the operator who did. Left out by earlier versions: 0.
   */
  readonly ordered?: number;
  /**
   * The version of the pause that was known where it was ordered: a later pause ends it. Of a signed one the same as `ordered`.
   * Left out by earlier versions: none does.
   */
  readonly pause?: number;
  /** When its time is over by the clock of the operator who signed it. Left out where nobody has. */
  readonly until?: WallMs;
  /** That an operator has signed what doesn't change of it (`orders.ts`). Left out where nobody has. */
  readonly proof?: string;
}

/** What an operator signs of a handover: all of its record that doesn't change. */
export interface HandoverOrder {
  readonly id: string;
  readonly address: Ip;
  readonly to: NodeId;
  readonly by: string;
  readonly reason: string;
  readonly ordered: number;
  readonly pause: number;
  readonly until: WallMs;
  readonly proof: string;
}

/** A pause or a resume as an operator signs it: the whole record. */
export interface PauseOrder extends PauseRecord {
  readonly signedAt: WallMs;
  readonly proof: string;
}

/** The terms of a signed order stand in `order`, and nothing else of the command counts then. */
export type Command =
  | {
      readonly kind: 'handover';
      readonly address: Ip | null;
      readonly to: NodeId | null;
      readonly reason: string;
      readonly owner: string;
      /** How long it may take; left out, or longer than a handover may take: as long as it may. */
      readonly forMs?: DurationMs;
      readonly order?: HandoverOrder;
    }
  | { readonly kind: 'handover-status'; readonly id: string }
  /** Take a handover back: the one of this id, or whatever is open for the address. Given again, it tells how far that has come. */
  | {
      readonly kind: 'handover-cancel';
      readonly id: string | null;
      readonly address: Ip | null;
      readonly reason: string;
      readonly owner: string;
      /** That an operator has signed it. */
      readonly proof?: string;
    }
  | {
      readonly kind: 'pause';
      readonly forMs: DurationMs | null;
      readonly reason: string;
      readonly owner: string;
      /** Replace a pause that lasts longer; left out: the longer one stays. */
      readonly replace?: boolean;
      readonly order?: PauseOrder;
    }
  | {
      readonly kind: 'resume';
      readonly reason: string;
      readonly owner: string;
      readonly order?: PauseOrder;
    };

/**
 * `working`: accepted, not done yet; ask again (`handover-status`, `handover-cancel` with its id, or the pause's version in
 * the status).
 * `done` and `failed` are final.
 */
export interface CommandOutcome {
  readonly state: 'done' | 'working' | 'failed';
  /** The handover's id, or the pause's version. */
  readonly id: string;
  readonly detail: string;
  /** What was signed follows from what isn't the newest any more: read the status, sign anew, and send that. */
  readonly again?: boolean;
}
