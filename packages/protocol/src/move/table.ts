/**
 * The move as one machine: each phase of it, and what follows on each event that can come to it there. The compiler
 * refuses a missing cell; PROTOCOL.md, "The machine", shows the same table, and a test compares the two.
 *
 * A cell is called with the phase and the event. It makes the next call, rests, or ends the move.
 */

import type { Ip } from '../model/units.ts';
import type { StepContext } from '../step-context.ts';
import { endAsHolder } from './conclude.ts';
import type { Cleared, Due, ReadEvent, ReleaseEvent, SettlingEvent, TakeEvent } from './events.ts';
import * as then from './outcomes.ts';
import type { Reading, ReadPurpose, Releasing, Resting, Settling, Taking, Verifying } from './phases.ts';
import { readOn, readOnceMore, settledOnSelf, settleOnAnother, settleOnNobody } from './settling.ts';

type Cell<Phase, Event> = (ctx: StepContext, ip: Ip, phase: Phase, event: Event) => void;

/** A cell for each event of a phase. */
type Row<Phase, Event extends { readonly kind: string }> = {
  readonly [Kind in Event['kind']]: Cell<Phase, Extract<Event, { readonly kind: Kind }>>;
};

interface MoveTable {
  readonly reading: { readonly [Purpose in ReadPurpose]: Row<Reading, ReadEvent> };
  readonly releasing: Row<Releasing, ReleaseEvent>;
  readonly taking: Row<Taking, TakeEvent>;
  readonly settling: Row<Settling, SettlingEvent>;
  readonly resting: Row<Resting, Cleared>;
  readonly verifying: Row<Verifying, Due>;
}

/** The machine. `move.ts` looks the cell up, and is the only one that calls it. */
export const MOVE_TABLE: MoveTable = {
  reading: {
    early: {
      nobody: then.takeOnceCleared,
      self: endAsHolder,
      another: then.releaseOrSwapOnceCleared,
      displaces: then.refuseToDisplace,
      lagging: then.readAgain,
      throttled: then.readAfterThrottle,
      refused: then.endUnread,
      unknown: then.readAfresh,
    },
    start: {
      nobody: then.takeOnceCleared,
      self: endAsHolder,
      another: then.releaseOrSwapOnceCleared,
      displaces: then.refuseToDisplace,
      lagging: then.readAgain,
      throttled: then.readAfterThrottle,
      refused: then.endUnread,
      unknown: then.endUnread,
    },
    duty: {
      nobody: then.takeForDuty,
      self: then.acceptShown,
      another: then.startAnewOrLose,
      displaces: then.refuseToDisplace,
      lagging: then.readAgain,
      throttled: then.dutyGoesOn,
      refused: then.dutyGoesOn,
      unknown: then.dutyGoesOn,
    },
    lost: {
      nobody: then.dutyGoesOn,
      self: then.acceptShown,
      another: then.loseRace,
      displaces: then.refuseToDisplace,
      lagging: then.readAgain,
      throttled: then.settleWhoHolds,
      refused: then.settleWhoHolds,
      unknown: then.settleWhoHolds,
    },
    recover: {
      nobody: then.takeIfReleased,
      self: then.acceptShown,
      another: then.endRestarted,
      displaces: then.refuseToDisplace,
      lagging: then.readAgain,
      throttled: then.recoverLater,
      refused: then.recoverLater,
      unknown: then.recoverLater,
    },
  },
  releasing: {
    released: then.beginDutyAndTake,
    ended: then.readAnew,
    throttled: then.releaseAfterThrottle,
    refused: then.endNotPermitted,
    unknown: then.settleRelease,
  },
  taking: {
    taken: then.acceptAnswered,
    held: then.readWhoHolds,
    throttled: then.takeAfterThrottle,
    refused: then.keepDutyOrEnd,
    unknown: then.settleTake,
  },
  settling: {
    due: readOnceMore,
    nobody: settleOnNobody,
    self: settledOnSelf,
    another: settleOnAnother,
    lagging: readOn,
    throttled: readOn,
    refused: readOn,
    unknown: readOn,
  },
  resting: { cleared: then.makeNextCall },
  verifying: { due: then.concludeOnceSeen },
};

/** What follows on this event in this phase. */
export function follow<Phase, Event extends { readonly kind: string }>(
  row: Row<Phase, Event>,
  ctx: StepContext,
  ip: Ip,
  phase: Phase,
  event: Event,
): void {
  const cell = row[event.kind as Event['kind']] as Cell<Phase, Event>; // chosen by the event's own kind
  cell(ctx, ip, phase, event);
}
