/**
 * What only a recording wants to know: the fate of every message and call, faults, orders. While nobody listens, the
 * world doesn't even say it: `details.emit?.(…)` costs one comparison.
 */

import type { AwsRequest, Caller } from '@failtome/cloud/model';
import type { Command, CommandOutcome, NodeId } from '@failtome/protocol';
import type { Subscribers } from './subscribers.ts';

/**
 * Why a message came to nothing. `cut`: the path is closed. `loss`: by chance. `no-connections`: a new one can't be had
 * in this direction. `kept-dead`: it went out on a connection that is dead. `rejected`: a router said no. `refused`:
 * nobody listens. `gone`: the machine doesn't answer. `late`: its asker has given up.
 */
export type LostWhy =
  | 'cut'
  | 'loss'
  | 'no-connections'
  | 'kept-dead'
  | 'rejected'
  | 'refused'
  | 'gone'
  | 'late';

/** Something that only a recording wants to know. */
export type Detail =
  /** `re`: the request that it answers. Requests have even numbers, each answer its request's and one. */
  | {
      readonly kind: 'sent';
      readonly msg: number;
      readonly re: number | null;
      readonly from: NodeId;
      readonly to: NodeId;
      readonly route: string;
      readonly bytes: string;
      readonly fresh: boolean;
    }
  /** `again`: a duplicate, or one that somebody had recorded. */
  | { readonly kind: 'arrived'; readonly msg: number; readonly to: NodeId; readonly again: boolean }
  | { readonly kind: 'lost'; readonly msg: number; readonly why: LostWhy }
  | { readonly kind: 'called'; readonly call: number; readonly by: Caller; readonly request: AwsRequest }
  | {
      readonly kind: 'call-ended';
      readonly call: number;
      readonly end: { readonly kind: string; readonly code?: string; readonly requestId?: string };
    }
  /** `fault` numbers it in this world; `nodes`: whom it strikes. */
  | {
      readonly kind: 'fault-began';
      readonly fault: number;
      readonly name: string;
      readonly says: string;
      readonly nodes: readonly NodeId[];
      /** False: it happens, and is over. */
      readonly lasts: boolean;
    }
  | { readonly kind: 'fault-ended'; readonly fault: number }
  /** What is seen from outside may have changed: a web server, a machine, who serves an address. */
  | { readonly kind: 'changed' }
  /** Every fault has ended. */
  | { readonly kind: 'healed' }
  | { readonly kind: 'ordered'; readonly order: number; readonly to: NodeId; readonly command: Command }
  | { readonly kind: 'order-answered'; readonly order: number; readonly outcome: CommandOutcome | null };

/** Who wants to know. */
export type Details = Subscribers<Detail>;
