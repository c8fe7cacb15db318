/**
 * Commands that bring a finished order with its operator's signature (PROTOCOL.md, "Signed orders"). A node can't change it
 * any more: it takes the order in as it is, or says why it doesn't, or that the order follows from what isn't the newest.
 */

import { isPlausible, isSignedAhead } from '../membership/bounded.ts';
import { MAX_HANDOVERS } from '../model/limits.ts';
import type { State } from '../model/state.ts';
import { isoTime } from '../reporting/iso-time.ts';
import type { StepContext } from '../step-context.ts';
import type { Command, CommandOutcome, HandoverOrder, PauseOrder } from '../wire/messages.ts';
import { failed } from './cancel.ts';
import {
  addHandover,
  HANDOVER_LASTS_MS,
  isOrderedBefore,
  isOver,
  isTooFarAhead,
  nextInOrder,
} from './handover.ts';
import { counts, ORDER_ID, wordingFault } from './orders.ts';
import { isLater, MAX_PAUSE_MS, setPause } from './pause.ts';

/** Why a command counts for nothing by the rule that holds here; null: it counts. Whoever only asks needs no signature. */
export function whyUnsigned({ config }: State, command: Command): string | null {
  if (command.kind === 'handover-status' || config.orders === 'any') return null;
  if (config.orders === 'none')
    return 'nodes verify identities here, and no operator is configured: name the operators in `auth.operators`';
  const signed = command.kind === 'handover-cancel' ? command : (command.order ?? {});
  return counts(config.orders, signed)
    ? null
    : 'only what an operator of `auth.operators` has signed counts here: give your key with `--identity FILE`';
}

/** Take in a signed pause or resume. @returns why not; null: it is in force */
export function takePause(ctx: StepContext, paused: boolean, order: PauseOrder): CommandOutcome | null {
  const { state } = ctx;
  if (!isLater(state.config.orders, order, state.pause)) return cameLater(state, order.signedAt);
  const fault = wordingFault(order.owner, order.reason) ?? pauseFault(ctx, paused, order);
  if (fault !== null) return failed('', fault);
  setPause(ctx, order);
  return null;
}

function pauseFault({ state, now }: StepContext, paused: boolean, order: PauseOrder): string | null {
  const { by, until } = order;
  if (order.paused !== paused) return `it is signed as a ${order.paused ? 'pause' : 'resume'}`;
  if (by !== state.config.node.id) return `it is signed for ${by}, and this is ${state.config.node.id}`;
  if (isSignedAhead(order.signedAt, now.wall)) return signedAhead(order.signedAt, now.wall);
  if (until === null || !paused) return null;
  if (until <= now.wall)
    return `it has ended at ${isoTime(until)} by the operator's clock; ${clockHere(now.wall)}`;
  return until > now.wall + MAX_PAUSE_MS + 1 ? 'it lasts longer than a pause may, which is 366 days' : null;
}

/** Take in a signed handover. @returns why not; null: it is open */
export function takeHandover(ctx: StepContext, order: HandoverOrder): CommandOutcome | null {
  const { state } = ctx;
  if (state.pause.paused && isOrderedBefore(state.config, order, state.pause))
    return cameLater(state, order.ordered);
  const fault = wordingFault(order.by, order.reason) ?? handoverFault(ctx, order);
  if (fault !== null) return failed('', fault);
  const added = addHandover(ctx, { ...order, state: 'open', detail: '', ttlMs: HANDOVER_LASTS_MS });
  return added ? null : failed('', `the ${MAX_HANDOVERS} handovers that are known here are open, or later`);
}

function handoverFault({ state, now }: StepContext, order: HandoverOrder): string | null {
  if (!ORDER_ID.test(order.id)) return 'its id is none';
  if (!isPlausible(nextInOrder(state), order.ordered)) return 'its place in the order is none';
  if (isSignedAhead(order.ordered, now.wall)) return signedAhead(order.ordered, now.wall);
  const end = `its time ends at ${isoTime(order.until)} by the operator's clock; ${clockHere(now.wall)}`;
  return isOver(order, now) || isTooFarAhead(order, now) ? `${end}: set the clocks` : null;
}

function cameLater({ pause }: State, signedAt: number): CommandOutcome {
  const known =
    pause.signedAt === undefined ? `version ${pause.version}` : `signed at ${isoTime(pause.signedAt)}`;
  return again(
    `another order came later: ${known}, and this one at ${isoTime(signedAt)}, each by its operator's clock; if none was given just now, set the clocks`,
  );
}

function signedAhead(signedAt: number, wall: number): string {
  return `it was signed at ${isoTime(signedAt)} by the operator's clock; ${clockHere(wall)}: set the clocks`;
}

function clockHere(wall: number): string {
  return `this node's shows ${isoTime(wall)}`;
}

function again(detail: string): CommandOutcome {
  return { state: 'failed', id: '', detail, again: true };
}
