/**
 * What one node is seen to learn, say and do, told to the invariants as the simulated world tells it: what its own record
 * decides is judged at once; what takes the whole cluster is kept until the quantum is put together.
 */
import type {
  DriveEffect,
  DriverResult,
  Effect,
  Envelope,
  Fact,
  Event as HostEvent,
} from '@failtome/protocol';
import {
  type Broken,
  concernsCluster,
  type JudgedEvent,
  judgeRun,
  type RunHistory,
  type RunView,
} from '../invariants/index.ts';
import type { NodeEvent, SimNode } from './explored-data.ts';
import { hashOf, hashOnce, mix } from './hash.ts';

/** What takes the whole cluster to judge, with what its run had been seen to do before. */
export interface Claim {
  readonly event: JudgedEvent;
  readonly history: RunHistory;
  /** By what an invariant of the cluster could tell it from others. */
  readonly hash: number;
}

/** What one quantum of a node has shown so far. */
export interface Findings {
  readonly broken: Broken[];
  readonly claims: Claim[];
}

/** A check that took longer than its time-out by more than this was the node's own slowness. */
const OWN_SLOWNESS_MS = 250;

/** Nothing yet. */
export function newFindings(): Findings {
  return { broken: [], claims: [] };
}

/** The same so far, to be gone on with apart. */
export function copyOf({ broken, claims }: Findings): Findings {
  return { broken: [...broken], claims: [...claims] };
}

/** Hash what has been found, in its order. */
export function hashFindings({ broken, claims }: Findings): number {
  let hash = broken.length === 0 ? 1 : hashOnce(broken);
  for (const claim of claims) hash = mix(hash, claim.hash);
  return hash;
}

/** A node as the invariants see it. Each run of it has a name of its own. */
export function viewOf({ id, runs, config, core, disk }: SimNode): RunView {
  const { state } = core;
  const { synced } = disk;
  return {
    node: id,
    run: `${id}#${runs}`,
    config,
    instanceId: config.node.instanceId,
    state: () => state,
    synced: () => synced,
    worldTimeOf: sameTime,
  };
}

/** All clocks are right. */
function sameTime(at: number): number {
  return at;
}

/** Tell of one event: judge it by the node's own record, and keep it where the cluster has to judge it. */
export function told(history: RunHistory, event: JudgedEvent, t: number, found: Findings): RunHistory {
  if (concernsCluster(event) && isKept(event)) found.claims.push({ event, history, hash: hashClaim(event) });
  const [after, ...broken] = judgeRun(history, event, t, false);
  if (broken.length > 0) found.broken.push(...broken);
  return after;
}

/** What the cluster can't learn anything of is left out, so that more outcomes are alike. */
function isKept(event: JudgedEvent): boolean {
  switch (event.kind) {
    case 'stepped':
      // Told once a quantum, when it is put together.
      return false;
    case 'fact':
      return event.fact.kind === 'probe' ? event.fact.result.kind === 'ok' : true;
    case 'heard':
      return event.message.payload.releases !== undefined;
    case 'said': {
      const { ballots, answers, releases } = event.message.payload;
      return ballots !== undefined || answers !== undefined || releases !== undefined;
    }
    case 'local-checked':
      return event.ok === false;
    default:
      return true;
  }
}

function hashClaim(event: JudgedEvent): number {
  switch (event.kind) {
    case 'fact':
      return mix(1, hashOnce(event.fact));
    case 'heard':
    case 'said': {
      const { from, to, payload } = event.message;
      const about = hashOnce([payload.ballots, payload.answers, payload.releases]);
      return mix(mix(about, hashOf(`${event.kind} ${from}`)), hashOf(to));
    }
    case 'judged':
      return mix(2, event.recordedAs);
    case 'drive':
    case 'publish':
      return mix(3, hashOnce(event.effect));
    case 'driven':
      return mix(mix(4, hashOnce(event.effect)), hashOnce(event.result));
    default:
      return hashOf(event.kind);
  }
}

/** What is told before the host takes an event in. */
export function withArrival(
  node: SimNode,
  event: HostEvent,
  effect: DriveEffect | null,
  t: number,
  found: Findings,
): RunHistory {
  const arrival = arrivalOf(node, event, effect);
  return arrival === null ? node.history : told(node.history, arrival, t, found);
}

function arrivalOf(node: SimNode, event: HostEvent, effect: DriveEffect | null): JudgedEvent | null {
  switch (event.kind) {
    case 'started':
      return { kind: 'started', by: viewOf(node) };
    case 'received':
    case 'answered':
      return { kind: 'heard', by: viewOf(node), message: event.message };
    case 'driven':
      return effect === null ? null : drivenBy(node, effect, event.result);
    case 'external-ip':
      return event.result.kind === 'address'
        ? { kind: 'proof', by: viewOf(node), ip: event.result.ip }
        : null;
    case 'local-checked': {
      const { result, checkId } = event;
      const longest = (node.config.local?.timeoutMs ?? 0) + OWN_SLOWNESS_MS;
      const isSlow = result.kind === 'failed' && result.durationMs > longest;
      return { kind: 'local-checked', by: viewOf(node), checkId, ok: isSlow ? null : result.kind === 'ok' };
    }
    default:
      return null;
  }
}

function drivenBy(node: SimNode, effect: DriveEffect, result: DriverResult): JudgedEvent {
  return { kind: 'driven', by: viewOf(node), effect, result };
}

/** The facts of the step that took an event in, and whether a request counted. */
export function withStep(
  node: SimNode,
  event: HostEvent,
  facts: readonly Fact[],
  { ageMs, duplicated }: Pick<NodeEvent, 'ageMs' | 'duplicated'>,
  t: number,
  found: Findings,
): RunHistory {
  let { history } = node;
  const by = viewOf(node);
  for (const fact of facts) history = told(history, { kind: 'fact', by, fact }, t, found);
  if (event.kind !== 'received' || facts.some(({ kind }) => kind === 'rejected')) return history;
  const counted: JudgedEvent = {
    kind: 'judged',
    by,
    request: event.message,
    // The canonical form numbers messages by receiver (`canonical.ts`).
    recordedAs: hashOf(`${event.message.session} ${event.message.to} ${event.message.seq}`),
    status: 200,
    readAtMs: t,
    ageMs,
  };
  // One that is on its way once can't count twice.
  return duplicated ? told(history, counted, t, found) : judgedAlone(history, counted, t, found);
}

function judgedAlone(history: RunHistory, event: JudgedEvent, t: number, found: Findings): RunHistory {
  const [after, ...broken] = judgeRun(history, event, t, false);
  if (broken.length > 0) found.broken.push(...broken);
  return after;
}

/** What leaves the node, or begins, with an effect. */
export function withEffect(
  node: SimNode,
  effect: Effect,
  bytes: number,
  t: number,
  found: Findings,
): RunHistory {
  const event = eventOf(node, effect, bytes);
  return event === null ? node.history : told(node.history, event, t, found);
}

function eventOf(node: SimNode, effect: Effect, bytes: number): JudgedEvent | null {
  switch (effect.kind) {
    case 'send':
    case 'reply':
      return said(node, effect.message, bytes);
    case 'probe':
      return {
        kind: 'probe-began',
        by: viewOf(node),
        probeId: effect.probeId,
        address: effect.address,
      };
    case 'drive':
      return { kind: 'drive', by: viewOf(node), effect };
    case 'publish':
      return { kind: 'publish', by: viewOf(node), effect };
    case 'check-local':
      return { kind: 'local-check-began', by: viewOf(node), checkId: effect.checkId };
    case 'arbiter':
    case 'persist':
    case 'ask-external-ip':
    case 'stopped':
      return null;
  }
}

function said(node: SimNode, message: Envelope, bytes: number): JudgedEvent {
  return { kind: 'said', by: viewOf(node), message, bytes };
}
