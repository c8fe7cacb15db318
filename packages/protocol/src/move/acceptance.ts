/**
 * What a definite answer establishes: that nobody holds the address by our doing, or that the cloud has given it to
 * this node (invariants I6, I12, I17).
 */

import { addressOf, changeAddress, persist, type Turn } from '../model/step-context.ts';
import type { AssociationId, Ip } from '../model/units.ts';
import { endAssociation, noteReplaced, observeHolder } from '../observation/holder.ts';
import { lookNow } from '../observation/verdict.ts';
import { noteTry } from '../takeover/episode.ts';
import { take } from './calls.ts';
import { lateAfterAcceptance } from './late.ts';
import { changeMove, moveOf } from './progress.ts';

/** Our release was applied. From here on somebody must take the address, and that is us. */
export function beginDuty(turn: Turn, ip: Ip, associationId: AssociationId | null): void {
  const { intent } = addressOf(turn.state, ip);
  endAssociation(turn, ip, associationId);
  const at = turn.now.at;
  const nobody = { kind: 'none', node: null, instanceId: null, associationId: null } as const;
  observeHolder(turn, ip, { ...nobody, at, toldBy: null, firsthand: true }, 'taken');
  changeMove(turn, ip, { duty: true, delayMs: 0 });
  // What was seen to land meanwhile is told, though it is gone again.
  const stage = intent?.stage === 'accepted' ? 'accepted' : 'released';
  if (intent !== null) changeAddress(turn, ip, { intent: { ...intent, associationId, stage } });
  persist(turn);
  take(turn, ip, false);
}

/**
 * The cloud has accepted the move: by its answer to the take, or because a read shows this node. From here on people are
 * told of it, whatever later reads show.
 */
export function accept(
  turn: Turn,
  ip: Ip,
  associationId: AssociationId | null,
  by: 'answer' | 'read' = 'read',
): void {
  const { intent, holder } = addressOf(turn.state, ip);
  const { id: node, instanceId } = turn.state.config.node;
  const at = turn.now.at;
  if (associationId === null) noteReplaced(turn, ip);
  if (holder.associationId !== associationId) endAssociation(turn, ip, holder.associationId);
  const self = { kind: 'node', node, instanceId, associationId, at, toldBy: null, firsthand: true } as const;
  observeHolder(turn, ip, self, 'taken');
  if (intent !== null) {
    const { steps, requestIds } = moveOf(turn, ip);
    changeAddress(turn, ip, { intent: { ...intent, stage: 'accepted', steps, requestIds } });
    noteTry(turn, ip, intent);
  }
  lateAfterAcceptance(turn, ip, by === 'answer' ? associationId : null);
  if (turn.state.config.driver?.style === 'single-call') {
    const { survey } = addressOf(turn.state, ip);
    changeAddress(turn, ip, { survey: { ...survey, nextReadAt: at } });
  }
  changeMove(turn, ip, { duty: false, stage: { kind: 'verifying', acceptedAt: at, associationId } });
  persist(turn);
  lookNow(turn, ip);
}
