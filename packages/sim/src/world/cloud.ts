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

/** How long calls to AWS take. */
export interface CloudSpec {
  /** From a call's arrival until it is applied. */
  readonly applyMs: readonly [number, number];
  readonly answerMs: readonly [number, number];
  /** How often the answer is lost to a caller whose public address has changed meanwhile. */
  readonly lostAnswerPerMille: number;
}

/** How a call ended for its caller. */
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

/** AWS, as a world has it. */
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

/** The model of AWS on the world's time. */
export class SimulatedCloud implements Cloud {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #spec: CloudSpec;
  readonly #onEvent: CloudListener['onEvent'];
  readonly #onFault: CloudListener['onFault'];
  readonly #details: Details;
  #state: AwsState;
  #calls = 0;

  constructor(
    queue: EventQueue,
    random: Random,
    initial: AwsState,
    spec: CloudSpec,
    { onEvent, onFault }: CloudListener,
    details: Details,
  ) {
    this.#queue = queue;
    this.#random = random;
    this.#spec = spec;
    this.#onEvent = onEvent;
    this.#onFault = onFault;
    this.#details = details;
    this.#state = initial;
  }

  state(): AwsState {
    return this.#state;
  }

  /** Change the model from outside: an instance, an operator's hand. */
  change(make: (state: AwsState, atMs: number) => AwsState | Change): void {
    const next = make(this.#state, this.#queue.now());
    if ('state' in next) this.#adopt(next.state, next.events);
    else this.#state = next;
  }

  arm(fault: FaultSpec): number {
    const armed = armFault(this.#state, fault);
    this.#state = armed.state;
    return armed.fault.id;
  }

  clear(id?: number): void {
    this.#state = id === undefined ? clearFaults(this.#state) : clearFaults(this.#state, id);
  }

  /** Call AWS; `done` comes exactly once, at `until` (the world's time) at the latest. */
  call(request: AwsRequest, caller: Caller, until: number, done: (end: CallEnd) => void): void {
    this.#calls += 1;
    const number = this.#calls;
    this.#details.emit?.({ kind: 'called', call: number, by: caller, request });
    const latency = {
      applyAfterMs: this.#draw(this.#spec.applyMs),
      answerAfterMs: this.#draw(this.#spec.answerMs),
    };
    const begun = beginCall(this.#state, request, caller, this.#queue.now(), latency);
    this.#state = begun.state;
    const { plan } = begun;
    if (plan.fault !== null) this.#onFault(request.action, isDryRun(request), plan.fault.kind);
    const sentFrom = this.#ipOf(caller);
    const unsent = sentFrom === null && this.#random.chance(500);
    let ended = false;
    const end = (how: CallEnd): void => {
      if (ended) return;
      ended = true;
      this.#details.emit?.({ kind: 'call-ended', call: number, end: how });
      done(how);
    };
    if (unsent && this.#queue.now() + CONNECT_TIMEOUT_MS < until)
      this.#queue.after(CONNECT_TIMEOUT_MS, () => end({ kind: 'unsent' }));
    this.#queue.at(until, () => end({ kind: 'timeout' }));
    let outcome: AwsOutcome | null = null;
    if (plan.apply.kind === 'at') {
      this.#queue.at(plan.apply.atMs, () => {
        const applied = applyCall(this.#state, plan, this.#queue.now());
        outcome = applied.outcome;
        this.#adopt(applied.state, applied.events);
      });
    }
    const { reply } = plan;
    if (reply.kind === 'never') return;
    this.#queue.at(reply.atMs, () => {
      if (this.#ipOf(caller) !== sentFrom && this.#random.chance(this.#spec.lostAnswerPerMille)) return;
      if (reply.kind === 'reset') end({ kind: 'reset' });
      else if (reply.kind === 'error') end({ ...reply.error, kind: 'error', requestId: plan.requestId });
      else if (outcome !== null) end(endOf(outcome, plan.requestId));
    });
  }

  #draw([least, most]: readonly [number, number]): number {
    return this.#random.between(Math.round(least * 16), Math.round(most * 16)) / 16;
  }

  #adopt(next: AwsState, events: readonly AwsEvent[]): void {
    this.#state = next;
    for (const event of events) this.#onEvent(event);
  }

  #ipOf(caller: Caller): string | null {
    if (caller.kind === 'operator') return 'console';
    const seen = externalIp(this.#state, caller.instanceId, this.#queue.now());
    return seen.kind === 'none' ? null : seen.ip;
  }
}

function endOf(outcome: AwsOutcome, requestId: string): CallEnd {
  return outcome.kind === 'ok'
    ? { kind: 'ok', result: outcome.result, requestId }
    : { ...outcome.error, kind: 'error', requestId };
}
