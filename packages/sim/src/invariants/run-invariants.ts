/**
 * The invariants that one run's own record decides, as one pure step: from its history and an event of it to the history
 * with the event, and what it breaks. Each rule sees the history before the event.
 */
import { checkCalled, checkKept, checkOutbox, checkSent } from './bounded.ts';
import { checkAmbiguity, checkCall } from './calls.ts';
import { checkDecided, checkReason } from './decisions.ts';
import { checkDurable } from './durability.ts';
import type { Broken, Judged, JudgedEvent } from './events.ts';
import { checkObserved } from './observed.ts';
import { checkTurn, checkWaiting } from './receivers.ts';
import { checkFreshness } from './replays.ts';
import { withEvent } from './run-events.ts';
import type { RunHistory } from './run-history.ts';
import { checkAlone, checkBoundaries } from './takeover-boundaries.ts';

const NOTHING: readonly Broken[] = [];

/**
 * Judge one event of a run.
 *
 * @param nowMs true time, or what the record has of it
 * @param isLiar whether this node's words are somebody else's, whom nothing bounds
 */
export function judgeRun(
  history: RunHistory,
  event: JudgedEvent,
  nowMs: number,
  isLiar: boolean,
): Judged<RunHistory> {
  const after = withEvent(history, event, nowMs);
  const found = brokenBy(history, event, nowMs, isLiar);
  return found.length === 0 ? [after] : [after, ...found];
}

/**
 * Judge one event of a record that a single node has left, such as an imported trace: by all that can be told without the
 * others and the cloud. The times are the node's own.
 */
export function judgeRecord(history: RunHistory, event: JudgedEvent, atMs: number): Judged<RunHistory> {
  const [after, ...found] = judgeRun(history, event, atMs, false);
  // What association there really is nobody knows from one record: a claim that it explains isn't doubted.
  const repeated = event.kind === 'drive' ? checkAmbiguity(history, event, undefined) : NOTHING;
  return [after, ...found, ...repeated];
}

function brokenBy(
  history: RunHistory,
  event: JudgedEvent,
  nowMs: number,
  isLiar: boolean,
): readonly Broken[] {
  switch (event.kind) {
    case 'fact':
      switch (event.fact.kind) {
        case 'verdict':
          return checkObserved(history, event, nowMs);
        case 'voted':
          return [...checkObserved(history, event, nowMs), ...checkBoundaries(history, event, nowMs)];
        case 'ballot-opened':
        case 'concluded':
          return checkBoundaries(history, event, nowMs);
        case 'decided':
          return checkReason(event.by, event.fact);
        default:
          return NOTHING;
      }
    case 'stepped': {
      const undecided = checkDecided(history, event.by);
      return undecided.length > 0 ? undecided : both(checkOutbox(event.by), checkWaiting(event.by));
    }
    case 'said':
      return both(checkSent(history, event, nowMs, isLiar), checkDurable(event));
    case 'drive':
      return [
        ...checkDurable(event),
        ...checkCall(history, event, nowMs),
        ...checkAlone(history, event),
        ...checkCalled(history, event, nowMs),
      ];
    case 'publish':
      return both(checkDurable(event), checkTurn(event));
    case 'judged':
      return event.status === 200 ? both(checkKept(event.by), checkFreshness(event)) : checkKept(event.by);
    default:
      return NOTHING;
  }
}

function both(one: readonly Broken[], other: readonly Broken[]): readonly Broken[] {
  return other.length === 0 ? one : [...one, ...other];
}
