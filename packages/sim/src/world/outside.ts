/**
 * What the probes and the guard look at: every node's HAProxy, the outside paths to the addresses, and the
 * external-IP service.
 */

import { type AwsState, externalIp, isIpv6, routeOf } from '@failtome/cloud/model';
import { type AttemptEnd, checkResultOf, isDefinite, runAttempts, type StatusRange } from '@failtome/ports';
import type {
  CheckResult,
  ExternalIpFailure,
  ExternalIpResult,
  Ip,
  NodeId,
  PublishResult,
} from '@failtome/protocol';
import { type Packets, QUIET_PACKETS } from './packets.ts';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';

/** How a web server is. */
export type HaproxyState = 'up' | 'dead' | 'hung' | 'slow' | 'error';

/** One machine as the outside sees it. */
export interface Machine {
  readonly id: NodeId;
  readonly instanceId: string;
  haproxy: HaproxyState;
  /** What `slow` takes. */
  slowMs: number;
  /** Stands still as a whole: HAProxy hangs too. */
  frozen: boolean;
  /** Addresses that this node can't reach, though the outside may. */
  readonly blockedPaths: Set<Ip>;
  /** So often a connection of its to the outside comes to nothing. */
  outsideLossPerMille: number;
}

/** How the external-IP service is. */
export type IpService =
  | { readonly kind: 'up' }
  | { readonly kind: 'hung' }
  | { readonly kind: 'down' }
  | { readonly kind: 'html' }
  /** There are several, and they see different addresses. */
  | { readonly kind: 'disagree' }
  /** It answers with this address to everybody. */
  | { readonly kind: 'lies'; readonly ip: Ip };

/** How the web hook is. */
export const WEBHOOK_FAULTS = ['down', 'hung', 'refusing', 'deaf'] as const;
/** `deaf`: it takes what it is told, and its answer is lost. */
export type WebhookState = 'up' | (typeof WEBHOOK_FAULTS)[number];

/** What the checks expect. */
const EXPECT: readonly StatusRange[] = [{ from: 200, to: 399 }];
const LOCAL_MS = [0.2, 1.5] as const;

/** How one connection ends; null: it doesn't. */
type Ending<E> = { readonly afterMs: number; readonly end: E } | null;

const OK: AttemptEnd = { kind: 'answered', status: 200 };
const UNAVAILABLE: AttemptEnd = { kind: 'answered', status: 503 };
const REFUSED: AttemptEnd = { kind: 'failed', reason: 'refused', detail: 'connection refused' };
const TIMED_OUT: AttemptEnd = { kind: 'failed', reason: 'timeout', detail: 'no answer in time' };

type IpAnswer =
  | { readonly kind: 'address'; readonly ip: Ip }
  | { readonly kind: 'failed'; readonly reason: ExternalIpFailure; readonly detail: string };

const UNANSWERED: IpAnswer = { kind: 'failed', reason: 'timeout', detail: 'no answer in time' };

/** Web servers, the paths to the addresses, and the external-IP service. */
export class Outside {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #aws: () => AwsState;
  readonly #packets: Packets | null;
  readonly #byInstance: Map<string, Machine>;
  readonly machines: ReadonlyMap<NodeId, Machine>;
  ipService: IpService = { kind: 'up' };
  /** What every web server passes on: `gone` is answered with an error wherever it is asked, while the servers are well. */
  page: 'served' | 'gone' = 'served';
  webhook: WebhookState = 'up';

  constructor(
    queue: EventQueue,
    random: Random,
    aws: () => AwsState,
    machines: readonly Machine[],
    packets: Packets | null = null,
  ) {
    this.#queue = queue;
    this.#random = random;
    this.#aws = aws;
    this.#packets = packets;
    this.#byInstance = new Map(machines.map((machine) => [machine.instanceId, machine]));
    this.machines = new Map(machines.map((machine) => [machine.id, machine]));
  }

  /** Whether a client outside of the cluster is served at this moment, and by whom. */
  servedBy(ip: Ip): NodeId | null {
    const route = routeOf(this.#aws(), ip, this.#queue.now());
    if (this.page === 'gone' || route.kind === 'nowhere' || route.instance.wayOut === 'broken') return null;
    const machine = this.#byInstance.get(route.instance.id);
    return machine !== undefined && this.#server(machine, 0)?.end === OK ? machine.id : null;
  }

  probe(from: Machine, ip: Ip, timeoutMs: number, done: (result: CheckResult) => void): void {
    const path = this.#pathFrom(from, () => this.#holderOf(ip));
    this.#check(timeoutMs, path, () => this.#connect(from, ip), done);
  }

  checkLocal(on: Machine, timeoutMs: number, done: (result: CheckResult) => void): void {
    this.#check(timeoutMs, AT_ONCE, () => this.#server(on, this.#draw(LOCAL_MS)), done);
  }

  /** @param about the address that the question is for: an IPv6 one is asked for over IPv6 */
  askExternalIp(from: Machine, about: Ip, timeoutMs: number, done: (result: ExternalIpResult) => void): void {
    this.#attempts(
      timeoutMs,
      this.#pathFrom(from, () => undefined),
      () => this.#askOnce(from, about),
      () => true,
      (settled, durationMs) => done({ ...(settled ?? UNANSWERED), durationMs }),
    );
  }

  /** Tell the web hook; nobody answers a node without a way out. */
  tellWebhook(from: Machine, timeoutMs: number, done: (result: PublishResult) => void): void {
    const tookMs = this.#draw((this.#packets?.spec ?? QUIET_PACKETS).outsideRttMs);
    const lost = !this.#reachesOutside(from) || this.#random.chance(from.outsideLossPerMille);
    const state = lost ? 'hung' : this.webhook;
    const afterMs = state === 'hung' || state === 'deaf' ? timeoutMs : tookMs;
    this.#queue.after(afterMs, () => done(webhookResult(state, afterMs)));
  }

  #draw([least, most]: readonly [number, number]): number {
    return this.#random.between(Math.round(least * 16), Math.round(most * 16)) / 16;
  }

  #server(machine: Machine, travelMs: number): Ending<AttemptEnd> {
    if (machine.frozen) return null;
    switch (machine.haproxy) {
      case 'up':
        return { afterMs: travelMs, end: OK };
      case 'dead':
        return { afterMs: travelMs, end: REFUSED };
      case 'error':
        return { afterMs: travelMs, end: UNAVAILABLE };
      case 'slow':
        return { afterMs: travelMs + machine.slowMs, end: OK };
      case 'hung':
        return null;
    }
  }

  #reachesOutside(machine: Machine): boolean {
    return externalIp(this.#aws(), machine.instanceId, this.#queue.now()).kind !== 'none';
  }

  #connect(from: Machine, ip: Ip): Ending<AttemptEnd> {
    if (
      !this.#reachesOutside(from) ||
      from.blockedPaths.has(ip) ||
      this.#random.chance(from.outsideLossPerMille)
    )
      return null;
    const route = routeOf(this.#aws(), ip, this.#queue.now());
    if (route.kind === 'nowhere') return null;
    const machine = this.#byInstance.get(route.instance.id);
    // An address whose holder's own way out is broken isn't reached from outside either.
    if (machine === undefined || route.instance.wayOut === 'broken') return null;
    const ending = this.#server(machine, this.#draw((this.#packets?.spec ?? QUIET_PACKETS).outsideRttMs));
    return ending?.end === OK && this.page === 'gone' ? { ...ending, end: UNAVAILABLE } : ending;
  }

  /** Which address the service sees a node come from; nothing comes back to a node without a way out. */
  #askOnce(from: Machine, about: Ip): Ending<IpAnswer> {
    const seen = externalIp(this.#aws(), from.instanceId, this.#queue.now(), isIpv6(about) ? 6 : 4);
    const answer = seen.kind === 'none' ? null : answerOf(this.ipService, seen.ip);
    if (answer === null || this.#random.chance(from.outsideLossPerMille)) return null;
    return { afterMs: this.#draw((this.#packets?.spec ?? QUIET_PACKETS).externalIpMs), end: answer };
  }

  /** What an attempt has to pass before it is answered: at once, where no packet is lost. */
  #pathFrom(from: Machine, toNow: () => Machine | undefined): Path {
    const packets = this.#packets;
    if (packets === null) return AT_ONCE;
    return (arrived) => {
      const to = toNow();
      packets.send(to === undefined ? [from.id] : [from.id, to.id], 'exchange', arrived);
    };
  }

  #holderOf(ip: Ip): Machine | undefined {
    const route = routeOf(this.#aws(), ip, this.#queue.now());
    return route.kind === 'nowhere' ? undefined : this.#byInstance.get(route.instance.id);
  }

  #check(
    timeoutMs: number,
    path: Path,
    connectNow: () => Ending<AttemptEnd>,
    done: (result: CheckResult) => void,
  ): void {
    this.#attempts(timeoutMs, path, connectNow, isDefinite, (settled, durationMs) =>
      done(checkResultOf(settled, [], () => TIMED_OUT, { expect: EXPECT, durationMs })),
    );
  }

  /** Attempts as the agent makes them; what is planned in the world comes, and finds that it is over. */
  #attempts<E>(
    timeoutMs: number,
    path: Path,
    connectNow: () => Ending<E>,
    settles: (end: E) => boolean,
    done: (settled: E | null, durationMs: number) => void,
  ): void {
    const startedMs = this.#queue.now();
    const after = (ms: number, work: () => void): (() => void) => {
      this.#queue.after(ms, work);
      return nothing;
    };
    const start = (_index: number, ended: (end: E) => void): (() => void) => {
      path(() => {
        const ending = connectNow();
        if (ending !== null) after(ending.afterMs, () => ended(ending.end));
      });
      return nothing;
    };
    runAttempts(timeoutMs, { start, settles, after }, (settled) =>
      done(settled, this.#queue.now() - startedMs),
    );
  }
}

function webhookResult(state: WebhookState, durationMs: number): PublishResult {
  const request = { service: 'webhook', operation: 'post', code: null, requestId: null, durationMs };
  if (state === 'up') return { kind: 'accepted', request: { ...request, result: 'ok' } };
  const refused = state === 'refusing';
  const result = refused ? 'refused' : 'unknown';
  return { kind: 'failed', detail: `the web hook is ${state}`, refused, request: { ...request, result } };
}

/** Calls back when what was sent has passed, or never. */
type Path = (arrived: () => void) => void;

const AT_ONCE: Path = (arrived) => arrived();

function nothing(): void {
  // There is nothing to end.
}

/** Null: none ever comes. */
function answerOf(service: IpService, ip: Ip): IpAnswer | null {
  switch (service.kind) {
    case 'up':
      return { kind: 'address', ip };
    case 'hung':
      return null;
    case 'lies':
      return { kind: 'address', ip: service.ip };
    case 'disagree':
      return { kind: 'failed', reason: 'disagree', detail: `one says ${ip}, another something else` };
    case 'down':
      return { kind: 'failed', reason: 'refused', detail: 'connection refused' };
    case 'html':
      return { kind: 'failed', reason: 'not-an-address', detail: 'the answer is no address' };
  }
}
