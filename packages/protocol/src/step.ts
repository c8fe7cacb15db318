/**
 * One input in, the next state, effects and facts out.
 *
 * Synchronous, total, deterministic: it reads no clock and keeps nothing outside the state. After the input itself,
 * everything that time or news may have changed is looked at again (invariant: level-triggered, not edge-triggered).
 */

import { nextDeadline } from './deadline.ts';
import { consultArbiter, onArbiter } from './election/arbiter.ts';
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
import { gossipRound, onAnswered, onRequest, onSendFailed } from './membership/gossip.ts';
import { detect } from './membership/membership.ts';
import { flush } from './membership/sending.ts';
import type { Effect } from './model/effects.ts';
import type { Input } from './model/inputs.ts';
import type { State } from './model/state.ts';
import { moveAwaiting, onMoveAnswer, timeMove } from './move/move.ts';
import { isNoNews } from './no-news.ts';
import {
  hastenIdleRead,
  makeIdleCalls,
  onIdleRead,
  onPermission,
  readIfEnded,
  tellReadiness,
} from './observation/idle-reads.ts';
import { onLocalChecked, onProbed, onWayOutAnswer } from './observation/verdict.ts';
import { isWatchedClosely, observeWhatIsDue } from './observation/watching.ts';
import { failBack } from './orders/failback.ts';
import { endPausedHandovers, expireHandovers } from './orders/handover.ts';
import { isOperator, onCommand } from './orders/operator.ts';
import type { Fact } from './reporting/facts.ts';
import { tellNews } from './reporting/news.ts';
import { onPublished, publishWhatIsDue } from './reporting/outbox.ts';
import { addressOf, emitFact, newContext, type StepContext } from './step-context.ts';
import { documentOf } from './storage/document.ts';
import { applyDecision, endWithHandover, onGuard } from './takeover/apply-decision.ts';
import { tellBlocked } from './takeover/blocked.ts';
import { encodeDocument } from './wire/codec.ts';

/** The facts are for log, metrics, history and checkers; leaving them out changes nothing of what the node does. */
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
  const ctx = newContext(state, { at: input.at, wall: input.wall });
  const lateMs = input.at - state.due;
  if (state.phase !== 'new' && lateMs >= state.config.gossip.deadMs) onStall(ctx, lateMs);
  if (state.leaving.length > 0) dropLeaving(ctx);
  take(ctx, input);
  const noNews = isNoNews(state, ctx, input);
  if (ctx.state.phase !== 'stopped' && !noNews) lookAround(ctx);
  flush(ctx, state);
  const effects: Effect[] = ctx.writeId === 0 ? ctx.effects : [persistEffect(ctx), ...ctx.effects];
  ctx.state.due = noNews ? state.due : nextDeadline(ctx.state);
  return { state: ctx.state, effects, facts: ctx.facts };
}

function take(ctx: StepContext, input: Input): void {
  switch (input.kind) {
    case 'started':
      return onStarted(ctx, input);
    case 'tick':
      return;
    case 'received':
      if (isOperator(input.message.from)) return onCommand(ctx, input.requestId, input.route, input.message);
      return onRequest(ctx, input.requestId, input.message);
    case 'answered':
      return onAnswered(ctx, input.sendId, input.message);
    case 'send-failed':
      return onSendFailed(ctx, input.sendId, input.reason);
    case 'probed':
      return onProbed(ctx, input.probeId, input.result);
    case 'local-checked':
      return onLocalChecked(ctx, input.checkId, input.result);
    case 'external-ip':
      return onExternalIp(ctx, input);
    case 'driven':
      return onDriven(ctx, input);
    case 'published':
      return onPublished(ctx, input.publishId, input.result);
    case 'arbiter':
      return onArbiter(ctx, input.askId, input.address, input.result);
    case 'persisted':
      return onPersisted(ctx, input.writeId);
    case 'persist-failed':
      return onPersistFailed(ctx, input.code);
    case 'configured':
      return onConfigured(ctx, input.config, input.disproved ?? []);
    case 'stop':
      return onStop(ctx);
  }
}

type InputOf<K extends Input['kind']> = Extract<Input, { readonly kind: K }>;

function onExternalIp(ctx: StepContext, { askId, purpose, result }: InputOf<'external-ip'>): void {
  switch (purpose) {
    case 'guard':
      return onGuard(ctx, askId, result);
    case 'way-out':
      return onWayOutAnswer(ctx, askId, result);
  }
}

function onDriven(ctx: StepContext, { callId, purpose, result }: InputOf<'driven'>): void {
  const ip = moveAwaiting(ctx, callId, purpose);
  const { requests } = result;
  if (requests.length > 0) emitFact(ctx, { kind: 'cloud-requests', address: ip, requests });
  switch (purpose) {
    case 'move':
    case 'idle-read':
      // A read may have been a move's own that was given up, or have become a move's.
      if (ip !== null) return onMoveAnswer(ctx, ip, result);
      return onIdleRead(ctx, callId, result);
    case 'permission':
      return onPermission(ctx, callId, result);
  }
}

/** Everything that may follow from the present state, whatever the input was. */
function lookAround(ctx: StepContext): void {
  detect(ctx);
  observeWhatIsDue(ctx);
  endPausedHandovers(ctx);
  for (const ip in ctx.state.addresses) {
    if (isWatchedClosely(ctx.state, addressOf(ctx.state, ip))) hastenIdleRead(ctx, ip);
    readIfEnded(ctx, ip);
    endMandate(ctx, ip);
    endWithHandover(ctx, ip);
    countBallot(ctx, ip);
    timeMove(ctx, ip);
    applyDecision(ctx, ip);
    if (consultArbiter(ctx, ip)) countBallot(ctx, ip);
    tellBlocked(ctx, ip);
  }
  makeIdleCalls(ctx);
  forgetOldBallots(ctx);
  reconsiderBallots(ctx);
  expireHandovers(ctx);
  failBack(ctx);
  tellNews(ctx);
  gossipRound(ctx);
  tellReadiness(ctx);
  retryWrite(ctx);
  publishWhatIsDue(ctx);
  finishStopping(ctx);
}

function persistEffect(ctx: StepContext): Effect {
  return { kind: 'persist', writeId: ctx.writeId, text: encodeDocument(documentOf(ctx.state)) };
}

function assertOrder(state: State, input: Input): void {
  if ((state.phase === 'new') !== (input.kind === 'started')) {
    throw new Error(state.phase === 'new' ? `${input.kind} came before started` : 'started came twice');
  }
  if (state.phase !== 'new' && input.at < state.now.at)
    throw new Error(`time stepped back from ${state.now.at} to ${input.at}`);
}
