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

export interface Outside {
  readonly machines: ReadonlyMap<NodeId, Machine>;
  ipService: IpService;
  /** What every web server passes on: `gone` is answered with an error wherever it is asked, while the servers are well. */
  page: 'served' | 'gone';
  /** Whether a client outside of the cluster is served at this moment, and by whom. */
  servedBy(ip: Ip): NodeId | null;
  probe(from: Machine, ip: Ip, timeoutMs: number, done: (result: CheckResult) => void): void;
  checkLocal(on: Machine, timeoutMs: number, done: (result: CheckResult) => void): void;
  askExternalIp(from: Machine, timeoutMs: number, done: (result: ExternalIpResult) => void): void;
}

/** Attempts begin at these parts of the time-out, each on a connection of its own. */
const ATTEMPTS = [0, 0.3, 0.6] as const;
/** There and back over the outside path. */
const OUTSIDE_MS = [1, 6] as const;
const LOCAL_MS = [0.2, 1.5] as const;
const EXTERNAL_IP_MS = [3, 20] as const;

/** How one connection ends; null: it doesn't. */
type Ending = { readonly afterMs: number; readonly result: 'ok' | 'refused' | 'error' } | null;

export function createOutside(
  queue: EventQueue,
  random: Random,
  aws: () => AwsState,
  machines: readonly Machine[],
): Outside {
  const byInstance = new Map(machines.map((machine) => [machine.instanceId, machine]));
  const byId = new Map(machines.map((machine) => [machine.id, machine]));
  const draw = ([least, most]: readonly [number, number]): number =>
    random.between(Math.round(least * 16), Math.round(most * 16)) / 16;

  function server(machine: Machine, travelMs: number): Ending {
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

  function reachesOutside(machine: Machine): boolean {
    return externalIp(aws(), machine.instanceId, queue.now()).kind !== 'none';
  }

  function connect(from: Machine, ip: Ip): Ending {
    if (!reachesOutside(from) || from.blockedPaths.has(ip) || random.chance(from.outsideLossPerMille))
      return null;
    const route = routeOf(aws(), ip, queue.now());
    if (route.kind === 'nowhere') return null;
    const machine = byInstance.get(route.instance.id);
    // An address whose holder's own way out is broken isn't reached from outside either.
    if (machine === undefined || route.instance.wayOut === 'broken') return null;
    const ending = server(machine, draw(OUTSIDE_MS));
    return ending?.result === 'ok' && outside.page === 'gone' ? { ...ending, result: 'error' } : ending;
  }

  /** Up to three attempts; a success ends it, a refusal too, and so does the time-out. */
  function attempts(
    timeoutMs: number,
    connectNow: () => Ending,
    done: (result: CheckResult, startedMs: number) => void,
  ): void {
    const startedMs = queue.now();
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
      const durationMs = queue.now() - startedMs + ending.afterMs;
      if (durationMs >= timeoutMs) return;
      queue.after(ending.afterMs, () => {
        if (ending.result === 'ok') end({ kind: 'ok', status: 200, durationMs });
        else end(failed(ending.result === 'refused' ? 'refused' : 'status', durationMs));
      });
    };
    attempt();
    for (const part of ATTEMPTS.slice(1)) {
      queue.after(timeoutMs * part, () => {
        if (!over) attempt();
      });
    }
    queue.after(timeoutMs, () => end(failed('timeout', timeoutMs)));
  }

  const outside: Outside = {
    machines: byId,
    ipService: { kind: 'up' },
    page: 'served',
    servedBy(ip) {
      const route = routeOf(aws(), ip, queue.now());
      if (outside.page === 'gone' || route.kind === 'nowhere' || route.instance.wayOut === 'broken')
        return null;
      const machine = byInstance.get(route.instance.id);
      return machine !== undefined && server(machine, 0)?.result === 'ok' ? machine.id : null;
    },
    probe: (from, ip, timeoutMs, done) => attempts(timeoutMs, () => connect(from, ip), done),
    checkLocal: (on, timeoutMs, done) => attempts(timeoutMs, () => server(on, draw(LOCAL_MS)), done),
    askExternalIp(from, timeoutMs, done) {
      const { ipService } = this;
      const startedMs = queue.now();
      const seen = externalIp(aws(), from.instanceId, startedMs);
      const lost = [0, 1, 2].every(() => random.chance(from.outsideLossPerMille));
      if (seen.kind === 'none' || lost || ipService.kind === 'hung') {
        queue.after(timeoutMs, () =>
          done({ kind: 'failed', reason: 'timeout', detail: 'no answer in time', durationMs: timeoutMs }),
        );
        return;
      }
      const durationMs = draw(EXTERNAL_IP_MS);
      queue.after(durationMs, () => done(answerOf(ipService, seen.ip, durationMs)));
    },
  };
  return outside;
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
