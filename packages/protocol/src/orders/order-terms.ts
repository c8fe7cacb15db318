/**
 * What an operator signs, made from what he wants and what a node shows him. Whoever gives orders makes them here: the
 * command line and the simulator's operators alike.
 *
 * He signs nothing but his own terms. What a node shows is its word alone, and a pause of somebody else's that is said to
 * last longer is therefore never signed anew. Nor does any number that a node shows come into an order: what decides between
 * two is when they were signed, by the operators' own clocks. Else a node could have an order signed that no later one passes.
 */

import type { DurationMs, Ip, NodeId, WallMs } from '../model/units.ts';
import type { StatusView } from '../reporting/status-views.ts';
import type { HandoverOrder, PauseOrder } from '../wire/messages.ts';
import { HANDOVER_LASTS_MS } from './handover.ts';
import { lastingUntil, MAX_PAUSE_MS } from './pause.ts';

/** What of a node's status an order follows from. */
export interface ShownOrders {
  readonly node: NodeId;
  readonly addresses: readonly { readonly ip: Ip; readonly next: NodeId | null }[];
  readonly pause: Pick<StatusView['pause'], 'paused' | 'until'>;
}

/** What an operator asks for with `failtome pause`. */
export interface PauseWish {
  /** Null: until resumed. */
  readonly forMs: DurationMs | null;
  /** Who orders it, and why: shown to people. */
  readonly owner: string;
  readonly reason: string;
  /** Whether a pause that lasts longer gives way. */
  readonly replace: boolean;
}

/** What an operator asks for with `failtome handover`. */
export interface HandoverWish {
  /** Chosen by whoever orders, so that the order can be repeated and followed. */
  readonly id: string;
  /** Null: the only one. */
  readonly address: Ip | null;
  /** Null: whom the node would take. */
  readonly to: NodeId | null;
  readonly owner: string;
  readonly reason: string;
  /** How long it may take; at most `HANDOVER_LASTS_MS`. */
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
  return { ...signedNow(wall), by: shown.node, paused: true, owner, reason, until };
}

/** The end of whatever pause is in force. */
export function resumeTerms(
  shown: Pick<ShownOrders, 'node'>,
  { owner, reason }: { readonly owner: string; readonly reason: string },
  wall: WallMs,
): Omit<PauseOrder, 'proof'> {
  return { ...signedNow(wall), by: shown.node, paused: false, owner, reason, until: null };
}

/** `refused`: the wish doesn't say enough, or nobody can take the address; in words. */
export type HandoverTerms =
  | { readonly kind: 'terms'; readonly order: Omit<HandoverOrder, 'proof'> }
  | { readonly kind: 'refused'; readonly detail: string };

/** Fills in the address and the target where the wish leaves them open. */
export function handoverTerms(shown: ShownOrders, wish: HandoverWish, wall: WallMs): HandoverTerms {
  const { addresses } = shown;
  const known = addresses.map(({ ip }) => ip);
  const ip = wish.address ?? (known.length === 1 ? known[0] : undefined);
  const address = addresses.find((one) => one.ip === ip);
  if (address === undefined)
    return { kind: 'refused', detail: `which address? Known there: ${known.join(', ')}` };
  const to = wish.to ?? address.next;
  if (to === null) return { kind: 'refused', detail: 'no other candidate is heard and fit' };
  const signedAt = Math.floor(wall);
  const order = {
    id: wish.id,
    address: address.ip,
    to,
    by: wish.owner,
    reason: wish.reason,
    ordered: signedAt,
    pause: signedAt,
    until: Math.floor(wall + Math.min(wish.forMs, HANDOVER_LASTS_MS)),
  };
  return { kind: 'terms', order };
}

/** The same number as the version, which is what counts where orders need no signature. */
function signedNow(wall: WallMs): Pick<PauseOrder, 'version' | 'signedAt'> {
  const signedAt = Math.floor(wall);
  return { version: signedAt, signedAt };
}
