/**
 * One line of a node's history: what it did itself, or what it saw others do.
 */
import type { DurationMs, Epoch, HistoryEntry, Ip, NodeId, WallMs } from '@failtome/protocol';

/** What a voter answered, or what a node saw of a move that it didn't make. */
export interface SeenEntry {
  /** The same for the same event at the same node: written twice it is one entry. */
  readonly id: string;
  /** `vote`: this node answered a ballot. `change`: it saw the address change hands. `order`: an operator's handover ended. */
  readonly kind: 'vote' | 'change' | 'order';
  /** Who saw it. */
  readonly node: NodeId;
  readonly address: Ip;
  readonly from: string;
  /** The candidate that asked, the new holder, or who was to take it. */
  readonly to: string;
  /** The answer to a ballot. Of a change: `lost` at the node that held it, `seen` elsewhere. Of an order: how it ended. */
  readonly result:
    | ('grant' | 'blind' | 'refuse')
    | ('lost' | 'seen')
    | ('done' | 'failed' | 'expired' | 'withdrawn');
  readonly reason: string;
  /** The ballot's; 0: not known. */
  readonly epoch: Epoch;
  readonly at: WallMs;
  /** None: they are the mover's to tell. */
  readonly steps: readonly { readonly step: string; readonly durationMs: DurationMs }[];
  readonly requestIds: readonly string[];
}

/** A line of a node's history: a conclusion of its own, or what it answered and saw of others'. */
export type HistoryLine = HistoryEntry | SeenEntry;
