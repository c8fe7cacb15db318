import { performance } from 'node:perf_hooks';
import {
  type AwsAction,
  type AwsError,
  type AwsEvent,
  type AwsRequest,
  type AwsState,
  type Caller,
  type CallPlan,
  type Change,
  type FaultSpec,
  nextChangeMs,
} from '../model/index.ts';

/** Faults of calls. */
export interface ArmedFaults {
  /** Arms a fault, and returns its id. */
  arm(spec: FaultSpec): number;
  /** Disarms one, or all. */
  clear(id?: number): void;
  /** How many calls a fault that is still armed has hit. */
  hits(id: number): number;
}

/** A message that SNS accepted. */
export type PublishedMessage = Extract<AwsEvent, { readonly kind: 'published' }>;
/** A line of the association log: one began, or one ended. */
export type AssociationEvent = Exclude<AwsEvent, PublishedMessage>;

/** How a call was answered, so far. Times are on the cloud's clock. */
export type CallAnswer =
  | { readonly kind: 'pending' }
  | { readonly kind: 'never' }
  | { readonly kind: 'reset'; readonly atMs: number }
  | { readonly kind: 'ok'; readonly atMs: number }
  | { readonly kind: 'error'; readonly atMs: number; readonly error: AwsError };

/** One call of an agent or an operator, with its parameters, as the meter saw it. */
export interface CallRecord {
  /** From 1, in the order of arrival. */
  readonly number: number;
  readonly requestId: string;
  readonly action: AwsAction;
  readonly caller: Caller;
  readonly request: AwsRequest;
  /** Milliseconds since the cloud started. */
  readonly arrivedAtMs: number;
  /** The wall clock's word, for people. */
  readonly at: string;
  /** `lost`: the caller had no way out, and AWS never saw it. */
  readonly reach: 'aws' | 'lost';
  /** The kind of the fault that shaped it. */
  readonly fault: string | null;
  /** When it was carried out (a refusal for its parameters included), or null: not, or not yet. */
  readonly appliedAtMs: number | null;
  readonly answer: CallAnswer;
}

/** Something that whoever waits may have waited for. */
export type Signal =
  | AwsEvent
  | { readonly kind: 'call'; readonly call: CallRecord }
  | { readonly kind: 'changed' };

/** Calls that the meter remembers. */
export const callBound = 100_000;

/** The model on real timers: the present state, its clock, what happened, and who wants to know. */
export class LiveAccount {
  #state: AwsState;
  readonly #startedAt: number;
  readonly #listeners = new Set<(signal: Signal) => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #calls: CallRecord[] = [];
  readonly #events: AwsEvent[] = [];
  #alarm: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(state: AwsState, before: { readonly nowMs: number; readonly events: readonly AwsEvent[] }) {
    this.#state = state;
    this.#startedAt = performance.now() - before.nowMs;
    this.#events.push(...before.events);
  }

  get state(): AwsState {
    return this.#state;
  }

  get calls(): readonly CallRecord[] {
    return this.#calls;
  }

  get events(): readonly AwsEvent[] {
    return this.#events;
  }

  /** Milliseconds since the cloud started for the first time, without those in which it was off; monotonic. */
  nowMs(): number {
    return performance.now() - this.#startedAt;
  }

  /** Makes a change present, and tells of it. */
  commit(change: Change): void {
    this.#state = change.state;
    for (const event of change.events) {
      this.#events.push(event);
      this.#tell(event);
    }
    this.touch();
  }

  /** Says that something beside the model's state changed, or that time did it. */
  touch(): void {
    if (this.#closed) return;
    this.#tell({ kind: 'changed' });
    this.#setAlarm();
  }

  subscribe(listener: (signal: Signal) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Runs an action at a moment of the cloud's clock: now, if that has come. Nothing runs after `close`. */
  at(moment: number, action: () => void): void {
    const delay = moment - this.nowMs();
    if (delay <= 0) {
      action();
      return;
    }
    // Timers may fire a fraction early by this clock: it looks again rather than be early.
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      this.at(moment, action);
    }, Math.ceil(delay));
    this.#timers.add(timer);
  }

  /** Writes a call down, and returns how to amend it. */
  recordCall(plan: CallPlan): (fields: Partial<Pick<CallRecord, 'appliedAtMs' | 'answer'>>) => void {
    const lost = plan.fault === null && plan.reply.kind === 'never';
    let call: CallRecord = {
      number: this.#calls.length + 1,
      requestId: plan.requestId,
      action: plan.request.action,
      caller: plan.caller,
      request: plan.request,
      arrivedAtMs: plan.arrivedAtMs,
      at: new Date().toISOString(),
      reach: lost ? 'lost' : 'aws',
      fault: plan.fault?.kind ?? null,
      appliedAtMs: null,
      answer: { kind: plan.reply.kind === 'never' ? 'never' : 'pending' },
    };
    if (call.number <= callBound) this.#calls.push(call);
    this.#tell({ kind: 'call', call });
    return (fields) => {
      call = { ...call, ...fields };
      if (call.number <= callBound) this.#calls[call.number - 1] = call;
      this.#tell({ kind: 'call', call });
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#alarm);
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#listeners.clear();
  }

  #tell(signal: Signal): void {
    for (const listener of [...this.#listeners]) listener(signal);
  }

  #setAlarm(): void {
    clearTimeout(this.#alarm);
    const now = this.nowMs();
    const next = nextChangeMs(this.#state, now);
    if (next !== null) this.#alarm = setTimeout(() => this.touch(), Math.max(1, Math.ceil(next - now)));
  }
}

/** Waits, without polling, until `look` returns something: looks now, and again after everything that happens. */
export function waitForChange<T>(
  account: LiveAccount,
  what: string,
  look: () => T | undefined | null | false,
  timeoutMs: number,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    let unsubscribe = (): void => undefined;
    const settle = (): boolean => {
      const found = look();
      if (found === undefined || found === null || found === false) return false;
      clearTimeout(timer);
      unsubscribe();
      resolve(found);
      return true;
    };
    if (settle()) return;
    unsubscribe = account.subscribe(() => settle());
    timer = setTimeout(() => {
      unsubscribe();
      const calls = account.calls.slice(-8).map(({ action, answer }) => `${action} ${answer.kind}`);
      reject(
        new Error(`Waited ${timeoutMs} ms in vain for ${what}. Last calls: ${calls.join(', ') || 'none'}.`),
      );
    }, timeoutMs);
  });
}
