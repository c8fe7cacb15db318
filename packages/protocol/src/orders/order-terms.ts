/**
 * What an operator signs, made from what he wants and what a node shows him. Whoever gives orders makes them here: the
 * command line and the simulator's operators alike.
 *
 * He signs nothing but his own terms. What a node shows is its word alone, and a pause of somebody else's that is said to
 * last longer is therefore never signed anew.
 */

import type { DurationMs, Ip, NodeId, WallMs } from '../model/units.ts';
import type { StatusView } from '../reporting/status.ts';
import type { HandoverOrder, PauseOrder } from '../wire/messages.ts';
import { HANDOVER_LASTS_MS } from './handover.ts';
import { lastingUntil, MAX_PAUSE_MS } from './pause.ts';

/** What of a node's status an order follows from. */
export interface ShownOrders {
  readonly node: NodeId;
  readonly addresses: readonly { readonly ip: Ip; readonly next: NodeId | null }[];
  readonly pause: Pick<StatusView['pause'], 'paused' | 'until' | 'version'>;
  readonly handovers: readonly { readonly ordered: number }[];
}

export interface PauseWish {
  /** Null: until resumed. */
  readonly forMs: DurationMs | null;
  readonly owner: string;
  readonly reason: string;
  /** Whether a pause that lasts longer gives way. */
  readonly replace: boolean;
}

export interface HandoverWish {
  readonly id: string;
  /** Null: the only one. */
  readonly address: Ip | null;
  /** Null: whom the node would take. */
  readonly to: NodeId | null;
  readonly owner: string;
  readonly reason: string;
  readonly forMs: DurationMs;
}

/** Null: a pause in force lasts as long or longer, and there is nothing to order. */
export function pauseTerms(
  shown: ShownOrders,
  wish: PauseWish,
  wall: WallMs,
): Omit<PauseOrder, 'proof'> | null {
  const { forMs, owner, reason, replace } = wish;
  const until = forMs === null ? null : Math.floor(wall + Math.min(forMs, MAX_PAUSE_MS));
  const { pause } = shown;
  if (pause.paused && !replace && lastingUntil(pause) >= lastingUntil({ until })) return null;
  return { version: nextVersion(shown), by: shown.node, paused: true, owner, reason, until };
}

export function resumeTerms(
  shown: ShownOrders,
  { owner, reason }: { readonly owner: string; readonly reason: string },
): Omit<PauseOrder, 'proof'> {
  return { version: nextVersion(shown), by: shown.node, paused: false, owner, reason, until: null };
}

export type HandoverTerms =
  | { readonly kind: 'terms'; readonly order: Omit<HandoverOrder, 'proof'> }
  | { readonly kind: 'refused'; readonly detail: string };

export function handoverTerms(shown: ShownOrders, wish: HandoverWish, wall: WallMs): HandoverTerms {
  const { addresses, handovers, pause } = shown;
  const known = addresses.map(({ ip }) => ip);
  const ip = wish.address ?? (known.length === 1 ? known[0] : undefined);
  const address = addresses.find((one) => one.ip === ip);
  if (address === undefined)
    return { kind: 'refused', detail: `which address? Known there: ${known.join(', ')}` };
  const to = wish.to ?? address.next;
  if (to === null) return { kind: 'refused', detail: 'no other candidate is heard and fit' };
  const latest = handovers.reduce((most, { ordered }) => Math.max(most, ordered), 0);
  const order = {
    id: wish.id,
    address: address.ip,
    to,
    by: wish.owner,
    reason: wish.reason,
    ordered: Math.min(Number.MAX_SAFE_INTEGER, Math.max(Math.floor(wall), latest + 1)),
    pause: pause.version,
    until: Math.floor(wall + Math.min(wish.forMs, HANDOVER_LASTS_MS)),
  };
  return { kind: 'terms', order };
}

function nextVersion({ pause }: ShownOrders): number {
  return Math.min(Number.MAX_SAFE_INTEGER, pause.version + 1);
}
