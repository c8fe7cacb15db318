/**
 * What a definite answer establishes: that nobody holds the address by our doing, or that the cloud has given it to
 * this node (invariants I6, I12, I17).
 */

import type { AssociationId, Ip, MonotonicMs } from '../model/units.ts';
import { outdateReads } from '../observation/early-reads.ts';
import { endAllUntil } from '../observation/ended.ts';
import { observeHolder } from '../observation/holder.ts';
import { noteReleased } from '../observation/replaced.ts';
import { lookAfterMove } from '../observation/watching.ts';
import { addressOf, changeAddress, persist, type StepContext } from '../step-context.ts';
import { noteTry } from '../takeover/episode.ts';
import { take } from './calls.ts';
import { endAsHolder } from './conclude.ts';
import { lateAfterAcceptance, mayHaveTaken } from './late.ts';
import { isReadOn } from './phases.ts';
import { changeMove, moveOf } from './progress.ts';

/**
 * Our release was applied. From here on somebody must take the address, and that is us.
 *
 * @param seenAt when nobody was seen to hold it: when the read went out, or the answer came
 */
export function beginDuty(
  ctx: StepContext,
  ip: Ip,
  associationId: AssociationId | null,
  seenAt: MonotonicMs,
): void {
  const { intent } = addressOf(ctx.state, ip);
  endAllUntil(ctx, ip, associationId, null);
  const nobody = { kind: 'none', node: null, instanceId: null, associationId: null } as const;
  observeHolder(ctx, ip, { ...nobody, at: seenAt, toldBy: null, firsthand: true }, 'taken');
  if (associationId === null) noteReleased(ctx, ip, intent?.releases);
  changeMove(ctx, ip, { duty: true, delayMs: 0 });
  // What was seen to land meanwhile is told, though it is gone again.
  const stage = intent?.stage === 'accepted' ? 'accepted' : 'released';
  if (intent !== null) changeAddress(ctx, ip, { intent: { ...intent, associationId, stage } });
  persist(ctx);
  take(ctx, ip, false);
}

/**
 * A read of the move's own shows this node. Where no take of this node's may have been applied, since each has had a
 * definite no, somebody else has given it the address: there is no move to tell of.
 */
export function acceptOwnTake(
  ctx: StepContext,
  ip: Ip,
  associationId: AssociationId | null,
  readAt: MonotonicMs,
): void {
  if (mayHaveTaken(ctx, ip, associationId)) return accept(ctx, ip, associationId, 'read', readAt);
  endAsHolder(ctx, ip);
}

/**
 * The cloud has accepted the move: by its answer to the take, or because a read shows this node. From here on people are
 * told of it, whatever later reads show.
 *
 * @param seenAt when this node was seen to hold it: when the read went out, or the answer came
 */
export function accept(
  ctx: StepContext,
  ip: Ip,
  associationId: AssociationId | null,
  by: 'answer' | 'read',
  seenAt: MonotonicMs,
): void {
  const { intent, holder } = addressOf(ctx.state, ip);
  const { id: node, instanceId } = ctx.state.config.node;
  const at = ctx.now.at;
  outdateReads(ctx);
  if (holder.associationId !== associationId) endAllUntil(ctx, ip, holder.associationId, associationId);
  const self = { kind: 'node', node, instanceId, associationId, toldBy: null, firsthand: true } as const;
  observeHolder(ctx, ip, { ...self, at: seenAt }, 'taken');
  if (intent !== null) {
    const { steps, requestIds } = moveOf(ctx, ip);
    changeAddress(ctx, ip, { intent: { ...intent, stage: 'accepted', steps, requestIds } });
    noteTry(ctx, ip, intent);
  }
  lateAfterAcceptance(ctx, ip, associationId, by);
  changeMove(ctx, ip, { duty: false, stage: { kind: 'verifying', acceptedAt: at, by } });
  if (isReadOn(moveOf(ctx, ip), ctx.state.config.driver?.style)) {
    const { idle } = addressOf(ctx.state, ip);
    changeAddress(ctx, ip, { idle: { ...idle, nextReadAt: at } });
  }
  persist(ctx);
  lookAfterMove(ctx, ip);
}
