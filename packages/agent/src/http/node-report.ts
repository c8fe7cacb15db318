/** What one node shows of itself: its status with what only the agent knows, the ladders of its decisions, its history. */
import type { RelayView } from '@failtome/ports';
import type {
  AddressView,
  GateView,
  PeerView,
  ProtectionView,
  StatusView,
  WallMs,
  WhyView,
} from '@failtome/protocol';
import type { AuthMode } from '../auth/identities.ts';
import { adviceFor, CALM_REASONS, protectionAdviceFor } from '../cli/advice.ts';
import type { StoreKindName } from '../config/store-keys.ts';
import type { HistoryLine } from '../history-line.ts';

/** The status, and what only the agent knows: where its peers are, and who may speak for whom. Keys are told by their digests. */
export interface AgentStatus extends Omit<StatusView, 'addresses'> {
  readonly addresses: readonly AdvisedAddress[];
  readonly auth: AuthMode;
  /** This node's own key; null: it has none. */
  readonly identity: string | null;
  /** Of what has to be the same on every node (`config-digest.ts`). */
  readonly configDigest: string;
  readonly peers: readonly (PeerView & {
    readonly url: string | null;
    readonly identities: readonly string[];
  })[];
  /** Through what messages go that the direct path doesn't carry; null: there is no store. */
  readonly store: StoreView | null;
  /** Until when its certificate is valid; null: it speaks plain HTTP. */
  readonly tls: { readonly validUntil: WallMs } | null;
}

/** A store, and how each of the other voters is reached. */
export interface StoreView {
  readonly kind: StoreKindName;
  /** What is wrong with it; null: the last call was answered, or none has ended yet. */
  readonly failing: string | null;
  readonly peers: readonly RelayView[];
}

/** An address, with what somebody would have to do about it. */
export interface AdvisedAddress extends AddressView {
  readonly protection: ProtectionView & {
    /** For each of the reasons, in their order; null: nobody has to do anything. */
    readonly advice: readonly (string | null)[];
  };
}

/** A decision as a ladder, with what somebody would have to do. */
export interface AdvisedWhy extends Omit<WhyView, 'gates'> {
  /** Null: nobody has to do anything. */
  readonly advice: string | null;
  /** `calm`: it is closed, and that is as it should be. */
  readonly gates: readonly (GateView & { readonly calm: boolean })[];
}

/** All that a node tells of itself at once: the answer to `/v1/status?with=decisions,history`. */
export interface NodeReport extends AgentStatus {
  /** Of every address. */
  readonly decisions: readonly AdvisedWhy[];
  /** Newest first, the newest ones. */
  readonly history: readonly HistoryLine[];
}

/** With what to do about each reason. */
export function advisedAddress(address: AddressView): AdvisedAddress {
  const { protection } = address;
  return { ...address, protection: { ...protection, advice: protection.reasons.map(protectionAdviceFor) } };
}

/** With what to do, and which closed gates are as they should be. */
export function advisedWhy(why: WhyView): AdvisedWhy {
  const gates = why.gates.map((gate) => ({
    ...gate,
    calm: gate.code !== null && CALM_REASONS.includes(gate.code),
  }));
  return { ...why, advice: adviceFor(why.reason), gates };
}
