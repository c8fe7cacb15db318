/**
 * AWS in virtual time: the pure model, with the time that calls travel and work.
 */
import {
  type AwsAction,
  type AwsEvent,
  type AwsOutcome,
  type AwsRequest,
  type AwsResult,
  type AwsState,
  applyCall,
  armFault,
  beginCall,
  type Caller,
  type Change,
  clearFaults,
  externalIp,
  type FaultEffect,
  type FaultSpec,
  isDryRun,
} from '@failtome/cloud/model';
import { CONNECT_TIMEOUT_MS } from '@failtome/ports';
import type { Details } from './details.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';

export interface CloudSpec {
  /** From a call's arrival until it is applied. */
  readonly applyMs: readonly [number, number];
  readonly answerMs: readonly [number, number];
  /** How often the answer is lost to a caller whose public address has changed meanwhile. */
  readonly lostAnswerPerMille: number;
}

export type CallEnd =
  | { readonly kind: 'ok'; readonly result: AwsResult; readonly requestId: string }
  | {
      readonly kind: 'error';
      readonly code: string;
      readonly message: string;
      readonly status: number;
      readonly requestId: string;
    }
  /** The request never left: no connection came about within `CONNECT_TIMEOUT_MS`. */
  | { readonly kind: 'unsent' }
  | { readonly kind: 'timeout' }
  | { readonly kind: 'reset' };

export interface Cloud {
  state(): AwsState;
  /** Call AWS; `done` comes exactly once, at `until` (the world's time) at the latest. */
  call(request: AwsRequest, caller: Caller, until: number, done: (end: CallEnd) => void): void;
  /** Change the model from outside: an instance, an operator's hand. */
  change(make: (state: AwsState, atMs: number) => AwsState | Change): void;
  arm(fault: FaultSpec): number;
  clear(id?: number): void;
}

/** Who is told of what happens to addresses, and of faults that hit. */
export interface CloudListener {
  readonly onEvent: (event: AwsEvent) => void;
  readonly onFault: (action: AwsAction, dryRun: boolean, effect: FaultEffect['kind']) => void;
}

export function createCloud(
  queue: EventQueue,
  random: Random,
  initial: AwsState,
  spec: CloudSpec,
  { onEvent, onFault }: CloudListener,
  details: Details,
): Cloud {
  let state = initial;
  let calls = 0;
  const draw = ([least, most]: readonly [number, number]): number =>
    random.between(Math.round(least * 16), Math.round(most * 16)) / 16;

  function adopt(next: AwsState, events: readonly AwsEvent[]): void {
    state = next;
    for (const event of events) onEvent(event);
  }

  function ipOf(caller: Caller): string | null {
    if (caller.kind === 'operator') return 'console';
    const seen = externalIp(state, caller.instanceId, queue.now());
    return seen.kind === 'none' ? null : seen.ip;
  }

  function call(request: AwsRequest, caller: Caller, until: number, done: (end: CallEnd) => void): void {
    calls += 1;
    const number = calls;
    details.emit?.({ kind: 'called', call: number, by: caller, request });
    const latency = { applyAfterMs: draw(spec.applyMs), answerAfterMs: draw(spec.answerMs) };
    const begun = beginCall(state, request, caller, queue.now(), latency);
    state = begun.state;
    const { plan } = begun;
    if (plan.fault !== null) onFault(request.action, isDryRun(request), plan.fault.kind);
    const sentFrom = ipOf(caller);
    const unsent = sentFrom === null && random.chance(500);
    let ended = false;
    const end = (how: CallEnd): void => {
      if (ended) return;
      ended = true;
      details.emit?.({ kind: 'call-ended', call: number, end: how });
      done(how);
    };
    if (unsent && queue.now() + CONNECT_TIMEOUT_MS < until)
      queue.after(CONNECT_TIMEOUT_MS, () => end({ kind: 'unsent' }));
    queue.at(until, () => end({ kind: 'timeout' }));
    let outcome: AwsOutcome | null = null;
    if (plan.apply.kind === 'at') {
      queue.at(plan.apply.atMs, () => {
        const applied = applyCall(state, plan, queue.now());
        outcome = applied.outcome;
        adopt(applied.state, applied.events);
      });
    }
    const { reply } = plan;
    if (reply.kind === 'never') return;
    queue.at(reply.atMs, () => {
      if (ipOf(caller) !== sentFrom && random.chance(spec.lostAnswerPerMille)) return;
      if (reply.kind === 'reset') end({ kind: 'reset' });
      else if (reply.kind === 'error') end({ ...reply.error, kind: 'error', requestId: plan.requestId });
      else if (outcome !== null) end(endOf(outcome, plan.requestId));
    });
  }

  return {
    state: () => state,
    call,
    change(make) {
      const next = make(state, queue.now());
      if ('state' in next) adopt(next.state, next.events);
      else state = next;
    },
    arm(fault) {
      const armed = armFault(state, fault);
      state = armed.state;
      return armed.fault.id;
    },
    clear(id) {
      state = id === undefined ? clearFaults(state) : clearFaults(state, id);
    },
  };
}

function endOf(outcome: AwsOutcome, requestId: string): CallEnd {
  return outcome.kind === 'ok'
    ? { kind: 'ok', result: outcome.result, requestId }
    : { ...outcome.error, kind: 'error', requestId };
}
