/**
 * Does what the takeover rule says, address by address, until it says to wait.
 */
import { backOff, giveUp, openBallot } from '../election/campaign.ts';
import type { ExternalIpResult } from '../model/inputs.ts';
import { GATES, type GateName, type Reason } from '../model/reasons.ts';
import type { EffectId, Ip } from '../model/units.ts';
import { abandonMove, recordRefusal } from '../move/conclude.ts';
import { seenAs } from '../move/late.ts';
import { beginMove, continueMove } from '../move/move.ts';
import { isPastRecall } from '../move/phases.ts';
import { isFailingNow } from '../observation/failing.ts';
import { isHandedOver, isOpenTo, noteHandover, setHandoverState } from '../orders/handover.ts';
import { addressOf, changeAddress, emitFact, newEffectId, type StepContext } from '../step-context.ts';
import { isComingIntoService } from './damping.ts';
import { decide, type TakeoverDecision } from './takeover.ts';
import { handoverToSelf, takeoverView } from './view.ts';

/** The most decisions that may follow on one another in one step: campaign, guard, move and one more. */
const MAX_DECISIONS = 5;

/** Reasons that are refusals when they come up while the address is down: each is told once an episode. */
const REFUSALS: ReadonlySet<Reason> = new Set<Reason>([
  'paused',
  'no-way-out',
  'storage-failed',
  'would-displace',
  'not-permitted',
  'held-down',
  'flapping',
  'move-did-not-help',
  'never-answered',
  'ballot-lost',
  'guard-refused',
]);

/** Gates that no waiting opens: a handover that meets one has failed. */
const HOPELESS: ReadonlySet<Reason> = new Set<Reason>([
  'not-a-candidate',
  'stopping',
  'local-unfit',
  'would-displace',
]);

/** Reasons that every handover passes through on its way. */
const PASSING: ReadonlySet<Reason> = new Set<Reason>([
  'call-in-flight',
  'ballot-open',
  'guard-asked',
  'agreed',
]);

const HANDOVER_ENDED = 'the handover has ended';

/**
 * Asks the takeover rule about one address, and does what it says; again as long as that changes what the rule sees,
 * within a bound.
 */
export function applyDecision(ctx: StepContext, ip: Ip): void {
  for (let count = 0; count < MAX_DECISIONS; count += 1) {
    const decision = decide(takeoverView(ctx.state, addressOf(ctx.state, ip)));
    note(ctx, ip, decision);
    emitRefusal(ctx, ip, decision);
    if (!act(ctx, ip, decision)) return;
  }
}

/** What was agreed for a handover ends with it: its voters have consented to that, and to no takeover. */
export function endWithHandover(ctx: StepContext, ip: Ip): void {
  const { campaign, move } = addressOf(ctx.state, ip);
  const attempt = move ?? campaign;
  if (attempt === null || attempt.mode !== 'handover' || attempt.handoverId === null) return;
  if (isOpenTo(ctx.state, attempt.handoverId, ip, ctx.state.config.node.id)) return;
  if (move === null) giveUp(ctx, ip, 'dropped', HANDOVER_ENDED, 0);
  else if (!isPastRecall(move)) abandonMove(ctx, ip, HANDOVER_ENDED);
}

/** The external IP as the guard was told it. Where the attempt has ended meanwhile, only what the outside sees is of use. */
export function onGuard(ctx: StepContext, askId: EffectId, result: ExternalIpResult): void {
  const address = Object.values(ctx.state.addresses).find(
    (one) => one.guard?.kind === 'asking' && one.guard.askId === askId,
  );
  if (address === undefined) return seenAs(ctx, result);
  const at = ctx.now.at;
  const refusal = refusalOf(address.ip, result);
  const durationMs = at - (address.guard?.at ?? at);
  emitFact(ctx, {
    kind: 'guard',
    address: address.ip,
    passed: refusal === null,
    reason: refusal ?? 'ok',
    durationMs,
  });
  if (refusal === null && result.kind === 'address')
    changeAddress(ctx, address.ip, { guard: { kind: 'passed', at, ip: result.ip } });
  else changeAddress(ctx, address.ip, { guard: { kind: 'refused', at, reason: refusal ?? 'no address' } });
  const { intent } = address;
  if (intent !== null)
    changeAddress(ctx, address.ip, {
      intent: { ...intent, steps: [...intent.steps, { step: 'guard', durationMs }] },
    });
  emitFact(ctx, { kind: 'step', address: address.ip, step: 'guard', durationMs, result: refusal ?? 'ok' });
}

/** Whether the state has changed so that the rule should be asked again. */
function act(ctx: StepContext, ip: Ip, decision: TakeoverDecision): boolean {
  const { move } = addressOf(ctx.state, ip);
  switch (decision.outcome) {
    case 'campaign':
      if (move !== null)
        return endWith(() => abandonMove(ctx, ip, 'its mandate ended before anything was taken apart'));
      openBallot(
        ctx,
        ip,
        handoverToSelf(ctx.state, ip) === null ? 'takeover' : 'handover',
        handoverToSelf(ctx.state, ip)?.record.id ?? null,
      );
      return true;
    case 'guard':
      if (move !== null)
        return endWith(() => abandonMove(ctx, ip, 'its mandate ended before anything was taken apart'));
      askGuard(ctx, ip);
      return false;
    case 'move':
      if (move !== null) {
        continueMove(ctx, ip);
        return false;
      }
      beginMove(ctx, ip);
      // What was read early: the next call is asked for at once, by every gate.
      return addressOf(ctx.state, ip).move?.stage.kind === 'resting';
    case 'verify':
      return false;
    case 'wait':
    case 'hold':
      return standDown(ctx, ip, decision);
  }
}

/** A gate is closed: what was begun behind it is given up, before any call has been made. */
function standDown(ctx: StepContext, ip: Ip, decision: TakeoverDecision): boolean {
  const { campaign, move } = addressOf(ctx.state, ip);
  failHopelessHandover(ctx, ip, decision);
  if (decision.gate === 'unfinished-move') return false;
  if (move !== null) return endWith(() => abandonMove(ctx, ip, `${decision.reason}: ${decision.detail}`));
  if (campaign === null) return false;
  if (decision.reason === 'guard-refused') {
    giveUp(ctx, ip, 'dropped', decision.detail, 0);
    backOff(ctx, ip, 'guard-refused', decision.detail, 0);
    return false;
  }
  if (decision.reason === 'lease-too-short') {
    giveUp(ctx, ip, 'dropped', decision.detail, 0);
    // A slow guard is made up for at once. Voters that lend for less than the calls take will do so the next time too.
    const isFirst = addressOf(ctx.state, ip).backoff.delayMs === 0;
    backOff(ctx, ip, 'lease-too-short', decision.detail, isFirst ? 1 : 0);
    return false;
  }
  if (isBefore(decision.gate, 'agreement'))
    giveUp(ctx, ip, 'dropped', `${decision.reason}: ${decision.detail}`, 0);
  return false;
}

function askGuard(ctx: StepContext, ip: Ip): void {
  const askId = newEffectId(ctx);
  changeAddress(ctx, ip, { guard: { kind: 'asking', askId, at: ctx.now.at } });
  ctx.effects.push({
    kind: 'ask-external-ip',
    askId,
    purpose: 'guard',
    address: ip,
    timeoutMs: ctx.state.config.guard.timeoutMs,
  });
}

/** One valid address, and not the contested one. */
function refusalOf(ip: Ip, result: ExternalIpResult): string | null {
  if (result.kind === 'failed') return `${result.reason}: ${result.detail}`;
  return result.ip === ip ? "this node's external IP is the contested address: it holds it already" : null;
}

function note(ctx: StepContext, ip: Ip, decision: TakeoverDecision): void {
  const opened = !isBefore(decision.gate, 'rank');
  const { openSince } = addressOf(ctx.state, ip);
  if (opened !== (openSince !== null)) changeAddress(ctx, ip, { openSince: opened ? ctx.now.at : null });
  const address = addressOf(ctx.state, ip);
  const before = address.decision;
  const same = before.reason === decision.reason && before.outcome === decision.outcome;
  if (same && before.detail === decision.detail) return;
  const since = same ? before.since : ctx.now.at;
  changeAddress(ctx, ip, {
    decision: { outcome: decision.outcome, reason: decision.reason, detail: decision.detail, since },
  });
  if (same) return;
  emitFact(ctx, {
    kind: 'decided',
    address: ip,
    outcome: decision.outcome,
    reason: decision.reason,
    detail: decision.detail,
  });
}

/**
 * Something keeps this node from taking an address that is down: told once an episode. The address fails while it is
 * moved, too, as planned or not: what stands in the way of a second move then is no refusal.
 */
function emitRefusal(ctx: StepContext, ip: Ip, { reason, detail }: TakeoverDecision): void {
  if (!REFUSALS.has(reason)) return;
  const address = addressOf(ctx.state, ip);
  if (address.refusals.includes(reason)) return;
  const isDown = address.verdict === 'down' || isFailingNow(ctx.state, address);
  if (!isDown || isComingIntoService(ctx.state, address) || isHandedOver(ctx.state, ip)) return;
  changeAddress(ctx, ip, { refusals: [...address.refusals, reason] });
  recordRefusal(ctx, ip, 'refusal', `${reason}: ${detail}`);
}

function failHopelessHandover(ctx: StepContext, ip: Ip, decision: TakeoverDecision): void {
  const handover = handoverToSelf(ctx.state, ip);
  if (handover === null) return;
  if (decision.reason === 'is-holder')
    setHandoverState(ctx, handover.record.id, 'done', 'it holds the address');
  else if (HOPELESS.has(decision.reason))
    setHandoverState(ctx, handover.record.id, 'failed', `${decision.reason}: ${decision.detail}`);
  else if (decision.reason === 'ballot-lost' || decision.reason === 'guard-refused')
    noteHandover(ctx, handover.record.id, `${decision.reason}: ${decision.detail}`);
  else if (!PASSING.has(decision.reason)) noteHandover(ctx, handover.record.id, decision.reason);
}

function isBefore(gate: GateName | null, other: GateName): boolean {
  return gate !== null && GATES.indexOf(gate) < GATES.indexOf(other);
}

/** The attempt ended: the rule is asked again at the next input, not in this step. */
function endWith(end: () => void): false {
  end();
  return false;
}
