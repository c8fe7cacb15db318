/**
 * One input in, the next state, effects and facts out.
 *
 * Synchronous, total, deterministic: it reads no clock and keeps nothing outside the state. After the input itself,
 * everything that time or news may have changed is looked at again (invariant: level-triggered, not edge-triggered).
 */

import { nextDeadline } from './deadline.ts';
import { countBallot, endMandate } from './election/campaign.ts';
import { forgetOldBallots, reconsiderBallots } from './election/voter.ts';
import {
  dropLeaving,
  finishStopping,
  onConfigured,
  onPersisted,
  onPersistFailed,
  onStall,
  onStarted,
  onStop,
  retryWrite,
} from './lifecycle.ts';
import { flush, gossipRound, onAnswered, onRequest, onSendFailed } from './membership/gossip.ts';
import { detect } from './membership/membership.ts';
import type { Effect } from './model/effects.ts';
import type { Fact } from './model/facts.ts';
import type { Input } from './model/inputs.ts';
import type { State } from './model/state.ts';
import { addressOf, newTurn, type Turn, tell } from './model/step-context.ts';
import { moveAwaiting, onMoveAnswer, timeMove } from './move/move.ts';
import {
  hastenSurvey,
  onPermission,
  onSurveyed,
  readIfEnded,
  surveyWhatIsDue,
  tellReadiness,
} from './observation/idle-reads.ts';
import {
  isWatchedClosely,
  observeWhatIsDue,
  onLocalChecked,
  onProbed,
  onWayOutAnswer,
} from './observation/verdict.ts';
import { endPausedHandovers, expireHandovers } from './orders/handover.ts';
import { isOperator, onCommand } from './orders/operator.ts';
import { onPublished, publishWhatIsDue } from './reporting/outbox.ts';
import { documentOf } from './storage/document.ts';
import { conduct, endWithHandover, onGuard } from './takeover/apply-decision.ts';
import { tellBlocked } from './takeover/blocked.ts';
import { encodeDocument } from './wire/codec.ts';

export interface StepResult {
  readonly state: State;
  readonly effects: readonly Effect[];
  readonly facts: readonly Fact[];
}

/**
 * @throws Error when an invariant is broken: `started` twice, any other input before it, time stepping back.
 */
export function step(state: State, input: Input): StepResult {
  assertOrder(state, input);
  const turn = newTurn(state, { at: input.at, wall: input.wall });
  const lateMs = input.at - state.due;
  if (state.phase !== 'new' && lateMs >= state.config.gossip.deadMs) onStall(turn, lateMs);
  if (state.leaving.length > 0) dropLeaving(turn);
  take(turn, input);
  if (turn.state.phase !== 'stopped') lookAround(turn);
  flush(turn);
  const effects: Effect[] = turn.writeId === 0 ? turn.effects : [persistEffect(turn), ...turn.effects];
  turn.state.due = nextDeadline(turn.state);
  return { state: turn.state, effects, facts: turn.facts };
}

function take(turn: Turn, input: Input): void {
  switch (input.kind) {
    case 'started':
      return onStarted(turn, input);
    case 'tick':
      return;
    case 'received':
      if (isOperator(input.message.from)) return onCommand(turn, input.requestId, input.route, input.message);
      return onRequest(turn, input.requestId, input.message);
    case 'answered':
      return onAnswered(turn, input.sendId, input.message);
    case 'send-failed':
      return onSendFailed(turn, input.sendId, input.reason);
    case 'probed':
      return onProbed(turn, input.probeId, input.result);
    case 'local-checked':
      return onLocalChecked(turn, input.checkId, input.result);
    case 'external-ip':
      return onExternalIp(turn, input);
    case 'driven':
      return onDriven(turn, input);
    case 'published':
      return onPublished(turn, input.publishId, input.result);
    case 'persisted':
      return onPersisted(turn, input.writeId);
    case 'persist-failed':
      return onPersistFailed(turn, input.code);
    case 'configured':
      return onConfigured(turn, input.config, input.disproved ?? []);
    case 'stop':
      return onStop(turn);
  }
}

type InputOf<K extends Input['kind']> = Extract<Input, { readonly kind: K }>;

function onExternalIp(turn: Turn, { askId, purpose, result }: InputOf<'external-ip'>): void {
  switch (purpose) {
    case 'guard':
      return onGuard(turn, askId, result);
    case 'way-out':
      return onWayOutAnswer(turn, askId, result);
  }
}

function onDriven(turn: Turn, { callId, purpose, result }: InputOf<'driven'>): void {
  const ip = purpose === 'move' ? moveAwaiting(turn, callId) : null;
  const { requests } = result;
  if (requests.length > 0) tell(turn, { kind: 'cloud-requests', address: ip, requests });
  switch (purpose) {
    case 'move':
      if (ip !== null) return onMoveAnswer(turn, ip, result);
      return onSurveyed(turn, callId, result);
    case 'survey':
      return onSurveyed(turn, callId, result);
    case 'permission':
      return onPermission(turn, callId, result);
  }
}

/** Everything that may follow from the present state, whatever the input was. */
function lookAround(turn: Turn): void {
  detect(turn);
  observeWhatIsDue(turn);
  endPausedHandovers(turn);
  for (const ip in turn.state.addresses) {
    if (isWatchedClosely(turn.state, addressOf(turn.state, ip))) hastenSurvey(turn, ip);
    readIfEnded(turn, ip);
    endMandate(turn, ip);
    endWithHandover(turn, ip);
    countBallot(turn, ip);
    timeMove(turn, ip);
    conduct(turn, ip);
    tellBlocked(turn, ip);
  }
  surveyWhatIsDue(turn);
  forgetOldBallots(turn);
  reconsiderBallots(turn);
  expireHandovers(turn);
  gossipRound(turn);
  tellReadiness(turn);
  retryWrite(turn);
  publishWhatIsDue(turn);
  finishStopping(turn);
}

function persistEffect(turn: Turn): Effect {
  return { kind: 'persist', writeId: turn.writeId, text: encodeDocument(documentOf(turn.state)) };
}

function assertOrder(state: State, input: Input): void {
  if ((state.phase === 'new') !== (input.kind === 'started')) {
    throw new Error(state.phase === 'new' ? `${input.kind} came before started` : 'started came twice');
  }
  if (state.phase !== 'new' && input.at < state.now.at)
    throw new Error(`time stepped back from ${state.now.at} to ${input.at}`);
}
