/**
 * A read that a move makes before its next call: taken in as any read is, and sorted by what it shows.
 */
import { isOnlyTold, takeRead } from '../membership/hearsay.ts';
import type { Association, DriverAnswer } from '../model/inputs.ts';
import type { Ip } from '../model/units.ts';
import { holderFrom, observeHolder } from '../observation/holder.ts';
import { noteRead } from '../observation/idle-reads.ts';
import { addressOf, type StepContext } from '../step-context.ts';
import { failureOf, type ReadEvent, shownBy } from './events.ts';
import { endLateTake } from './late.ts';
import { isBeginning, type Reading } from './phases.ts';

/** Take the answer in. A read that lags says nothing of the holder, nor of what stands on the interface. */
export function readEvent(ctx: StepContext, ip: Ip, phase: Reading, answer: DriverAnswer): ReadEvent {
  const lags = answer.kind === 'read' && !takeRead(ctx, ip, answer.association, phase.at);
  if (!lags) noteRead(ctx, ip, answer);
  if (answer.kind !== 'read') return failureOf(answer);
  const { association, displaces } = answer;
  // By its id nothing is taken apart that has ended: where only peers say that it has, the release finds out.
  const tries = lags && isBeginning(phase.purpose) && isOnlyTold(ctx.state, ip, association);
  if (lags && !tries) return { kind: 'lagging' };
  const shown = shownBy(association);
  if (!lags) observeShown(ctx, ip, phase, association);
  const mayDisplace = ctx.state.config.driver?.displace === 'allow';
  if (displaces !== null && !mayDisplace && shown.kind !== 'self')
    return { kind: 'displaces', other: displaces };
  return shown;
}

function observeShown(ctx: StepContext, ip: Ip, { at, purpose }: Reading, association: Association): void {
  const before = addressOf(ctx.state, ip).holder;
  const seen = holderFrom(ctx.state, association, at);
  observeHolder(ctx, ip, seen, 'read');
  // Any other read that shows this node ends in the acceptance of the move, and is told with it.
  const isSelf = association.kind === 'associated' && association.self;
  if (isBeginning(purpose) || !isSelf) endLateTake(ctx, ip, before, seen, at);
}
