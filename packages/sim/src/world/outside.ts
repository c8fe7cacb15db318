/**
 * What the probes and the guard look at: every node's HAProxy, the outside paths to the addresses, and the
 * external-IP service.
 */

import { type AwsState, externalIp, routeOf } from '@failtome/cloud/model';
import type { CheckResult, ExternalIpResult, Ip, NodeId } from '@failtome/protocol';
import type { EventQueue } from './queue.ts';
import type { Random } from './random.ts';

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

export type IpService =
  | { readonly kind: 'up' }
  | { readonly kind: 'hung' }
  | { readonly kind: 'down' }
  | { readonly kind: 'html' }
  /** It answers with this address to everybody. */
  | { readonly kind: 'lies'; readonly ip: Ip };

/** Attempts begin at these parts of the time-out, each on a connection of its own. */
const ATTEMPTS = [0, 0.3, 0.6] as const;
/** There and back over the outside path. */
const OUTSIDE_MS = [1, 6] as const;
const LOCAL_MS = [0.2, 1.5] as const;
const EXTERNAL_IP_MS = [3, 20] as const;

/** How one connection ends; null: it doesn't. */
type Ending = { readonly afterMs: number; readonly result: 'ok' | 'refused' | 'error' } | null;

export class Outside {
  readonly #queue: EventQueue;
  readonly #random: Random;
  readonly #aws: () => AwsState;
  readonly #byInstance: Map<string, Machine>;
  readonly machines: ReadonlyMap<NodeId, Machine>;
  ipService: IpService = { kind: 'up' };
  /** What every web server passes on: `gone` is answered with an error wherever it is asked, while the servers are well. */
  page: 'served' | 'gone' = 'served';

  constructor(queue: EventQueue, random: Random, aws: () => AwsState, machines: readonly Machine[]) {
    this.#queue = queue;
    this.#random = random;
    this.#aws = aws;
    this.#byInstance = new Map(machines.map((machine) => [machine.instanceId, machine]));
    this.machines = new Map(machines.map((machine) => [machine.id, machine]));
  }

  /** Whether a client outside of the cluster is served at this moment, and by whom. */
  servedBy(ip: Ip): NodeId | null {
    const route = routeOf(this.#aws(), ip, this.#queue.now());
    if (this.page === 'gone' || route.kind === 'nowhere' || route.instance.wayOut === 'broken') return null;
    const machine = this.#byInstance.get(route.instance.id);
    return machine !== undefined && this.#server(machine, 0)?.result === 'ok' ? machine.id : null;
  }

  probe(from: Machine, ip: Ip, timeoutMs: number, done: (result: CheckResult) => void): void {
    this.#attempts(timeoutMs, () => this.#connect(from, ip), done);
  }

  checkLocal(on: Machine, timeoutMs: number, done: (result: CheckResult) => void): void {
    this.#attempts(timeoutMs, () => this.#server(on, this.#draw(LOCAL_MS)), done);
  }

  askExternalIp(from: Machine, timeoutMs: number, done: (result: ExternalIpResult) => void): void {
    const { ipService } = this;
    const startedMs = this.#queue.now();
    const seen = externalIp(this.#aws(), from.instanceId, startedMs);
    const lost = [0, 1, 2].every(() => this.#random.chance(from.outsideLossPerMille));
    if (seen.kind === 'none' || lost || ipService.kind === 'hung') {
      this.#queue.after(timeoutMs, () =>
        done({ kind: 'failed', reason: 'timeout', detail: 'no answer in time', durationMs: timeoutMs }),
      );
      return;
    }
    const durationMs = this.#draw(EXTERNAL_IP_MS);
    this.#queue.after(durationMs, () => done(answerOf(ipService, seen.ip, durationMs)));
  }

  #draw([least, most]: readonly [number, number]): number {
    return this.#random.between(Math.round(least * 16), Math.round(most * 16)) / 16;
  }

  #server(machine: Machine, travelMs: number): Ending {
    if (machine.frozen) return null;
    switch (machine.haproxy) {
      case 'up':
        return { afterMs: travelMs, result: 'ok' };
      case 'dead':
        return { afterMs: travelMs, result: 'refused' };
      case 'error':
        return { afterMs: travelMs, result: 'error' };
      case 'slow':
        return { afterMs: travelMs + machine.slowMs, result: 'ok' };
      case 'hung':
        return null;
    }
  }

  #reachesOutside(machine: Machine): boolean {
    return externalIp(this.#aws(), machine.instanceId, this.#queue.now()).kind !== 'none';
  }

  #connect(from: Machine, ip: Ip): Ending {
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
    const ending = this.#server(machine, this.#draw(OUTSIDE_MS));
    return ending?.result === 'ok' && this.page === 'gone' ? { ...ending, result: 'error' } : ending;
  }

  /** Up to three attempts; a success ends it, a refusal too, and so does the time-out. */
  #attempts(
    timeoutMs: number,
    connectNow: () => Ending,
    done: (result: CheckResult, startedMs: number) => void,
  ): void {
    const startedMs = this.#queue.now();
    let over = false;
    const end = (result: CheckResult): void => {
      if (over) return;
      over = true;
      done(result, startedMs);
    };
    const failed = (reason: 'refused' | 'timeout' | 'status', durationMs: number): CheckResult => ({
      kind: 'failed',
      reason,
      detail: reason === 'status' ? '503' : reason,
      durationMs,
    });
    const attempt = (): void => {
      if (over) return;
      const ending = connectNow();
      if (ending === null) return;
      const durationMs = this.#queue.now() - startedMs + ending.afterMs;
      if (durationMs >= timeoutMs) return;
      this.#queue.after(ending.afterMs, () => {
        if (ending.result === 'ok') end({ kind: 'ok', status: 200, durationMs });
        else end(failed(ending.result === 'refused' ? 'refused' : 'status', durationMs));
      });
    };
    attempt();
    for (const part of ATTEMPTS.slice(1)) {
      this.#queue.after(timeoutMs * part, () => {
        if (!over) attempt();
      });
    }
    this.#queue.after(timeoutMs, () => end(failed('timeout', timeoutMs)));
  }
}

function answerOf(service: IpService, ip: Ip, durationMs: number): ExternalIpResult {
  switch (service.kind) {
    case 'up':
    case 'hung':
      return { kind: 'address', ip, durationMs };
    case 'lies':
      return { kind: 'address', ip: service.ip, durationMs };
    case 'down':
      return { kind: 'failed', reason: 'refused', detail: 'connection refused', durationMs };
    case 'html':
      return { kind: 'failed', reason: 'not-an-address', detail: 'the answer is no address', durationMs };
  }
}
