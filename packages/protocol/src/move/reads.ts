/**
 * A read that a move makes before its next call: taken in as any read is, and sorted by what it shows.
 */
import { isOnlyTold, takeRead } from '../membership/hearsay.ts';
import type { Association, DriverAnswer } from '../model/inputs.ts';
import { addressOf, type Turn } from '../model/step-context.ts';
import type { Ip } from '../model/units.ts';
import { holderFrom, observeHolder } from '../observation/holder.ts';
import { noteRead } from '../observation/idle-reads.ts';
import { failureOf, type ReadEvent, shownBy } from './events.ts';
import { settleLate } from './late.ts';
import type { Reading } from './phases.ts';

/** Take the answer in. A read that lags says nothing of the holder, nor of what stands on the interface. */
export function readEvent(turn: Turn, ip: Ip, phase: Reading, answer: DriverAnswer): ReadEvent {
  const lags = answer.kind === 'read' && !takeRead(turn, ip, answer.association, phase.at);
  if (!lags) noteRead(turn, ip, answer);
  if (answer.kind !== 'read') return failureOf(answer);
  const { association, displaces } = answer;
  // By its id nothing is taken apart that has ended: where only peers say that it has, the release finds out.
  const tries = lags && phase.purpose === 'start' && isOnlyTold(turn.state, ip, association);
  if (lags && !tries) return { kind: 'lagging' };
  const shown = shownBy(association);
  if (!lags) observeShown(turn, ip, phase, association);
  const mayDisplace = turn.state.config.driver?.displace === 'allow';
  if (displaces !== null && !mayDisplace && shown.kind !== 'self')
    return { kind: 'displaces', other: displaces };
  return shown;
}

function observeShown(turn: Turn, ip: Ip, { at, purpose }: Reading, association: Association): void {
  const before = addressOf(turn.state, ip).holder;
  const seen = holderFrom(turn.state, association, at);
  observeHolder(turn, ip, seen, 'read');
  // Any other read that shows this node ends in the acceptance of the move, and is told with it.
  const isSelf = association.kind === 'associated' && association.self;
  if (purpose === 'start' || !isSelf) settleLate(turn, ip, before, seen, at);
}
