/**
 * The whole explored world at one moment, and what its outside answers: plain data, shared between branches.
 */

import { type AwsState, externalIp, routeOf, setInstance } from '@failtome/cloud/model';
import type { CheckResult, ExternalIpResult, Ip, NodeId } from '@failtome/protocol';
import type { ClusterHistory } from '../invariants/index.ts';
import { instanceIdOf } from '../world/settings.ts';
import { QUANTUM_MS, type Reason } from './bounds.ts';
import { hashAws } from './explored-cloud.ts';
import type { Call, NodeEvent, Pending, SimNode, Wire } from './explored-data.ts';
import { eventOf, hashNode } from './explored-node.ts';
import type { Items } from './explored-store.ts';
import { hashBag, hashOf, mix } from './hash.ts';

/** How a web server is. */
export type ServerState = 'up' | 'dead' | 'hung';

/** Something that ends or begins by itself. */
export type Planned =
  | { readonly kind: 'reason'; readonly at: number; readonly reason: Reason }
  | { readonly kind: 'server-up'; readonly at: number; readonly node: number }
  | { readonly kind: 'way-out-open'; readonly at: number; readonly node: number }
  | { readonly kind: 'link-open'; readonly at: number; readonly from: NodeId; readonly to: NodeId };

/** The whole explored world at a moment. */
export interface Global {
  readonly t: number;
  readonly nodes: readonly SimNode[];
  readonly wire: readonly Wire[];
  readonly calls: readonly Call[];
  readonly aws: AwsState;
  /** What stands in the arbiter's store. */
  readonly items: Items;
  readonly servers: readonly ServerState[];
  /** Closed one way, as `from>to`. */
  readonly closed: readonly string[];
  readonly planned: readonly Planned[];
  readonly faultsLeft: number;
  /** What the cluster has been seen to do. */
  readonly cluster: ClusterHistory;
}

const nodeHashes = new WeakMap<SimNode, number>();

/** The hash of a node, made once. */
export function hashOfNode(node: SimNode): number {
  const before = nodeHashes.get(node);
  if (before !== undefined) return before;
  const hash = hashNode(node);
  nodeHashes.set(node, hash);
  return hash;
}

/** The outcome's hash is known already. */
export function rememberHash(node: SimNode, hash: number): void {
  nodeHashes.set(node, hash);
}

/** The hash of a world. */
export function hashGlobal(g: Global): number {
  let hash = mix(g.t, g.faultsLeft);
  for (const node of g.nodes) hash = mix(hash, hashOfNode(node));
  hash = mix(hash, hashBag(g.wire.map((wire) => wire.hash)));
  hash = mix(hash, hashBag(g.calls.map((call) => call.hash)));
  hash = mix(mix(hash, hashAws(g.aws)), hashOf(g.items));
  hash = mix(hash, hashOf(g.servers));
  hash = mix(hash, hashBag(g.closed.map(hashOf)));
  hash = mix(hash, hashBag(g.planned.map(hashOf)));
  return mix(hash, hashCluster(g.cluster));
}

function hashCluster({ duplicates, groups }: ClusterHistory): number {
  let hash = hashOf(duplicates);
  for (const group of groups) hash = mix(hash, hashOf(group));
  return hash;
}

/** Whether a node's machine is off the network. */
export function isGone({ aws }: Global, index: number): boolean {
  return aws.instances.get(instanceIdOf(index))?.network === 'gone';
}

/** Whether a node's way out is broken. */
export function isBlind({ aws }: Global, index: number): boolean {
  return aws.instances.get(instanceIdOf(index))?.wayOut === 'broken';
}

/** Whether a link carries nothing in that direction. */
export function isClosed({ closed }: Global, from: NodeId, to: NodeId): boolean {
  return closed.includes(`${from}>${to}`);
}

/** The nodes that are the target of an address, and whether a client is served there. */
export function servedBy(g: Global, ip: Ip): number | null {
  const route = routeOf(g.aws, ip, g.t);
  if (route.kind === 'nowhere' || route.instance.wayOut === 'broken') return null;
  const index = g.nodes.findIndex((_, at) => instanceIdOf(at) === route.instance.id);
  return g.servers[index] === 'up' ? index : null;
}

/** Which node holds an address; null: none. */
export function holderIndex(g: Global, ip: Ip): number | null {
  const id = g.aws.addresses.get(ip)?.association?.instanceId;
  const index = g.nodes.findIndex((_, at) => instanceIdOf(at) === id);
  return index < 0 ? null : index;
}

/** What is planned for this moment, done. */
export function withPlanned(g: Global): Global {
  if (g.planned.every(({ at }) => at > g.t)) return g;
  let next: Global = { ...g, planned: g.planned.filter(({ at }) => at > g.t) };
  for (const one of g.planned) if (one.at <= g.t) next = done(next, one);
  return next;
}

function done(g: Global, planned: Planned): Global {
  switch (planned.kind) {
    case 'reason':
      return withReason(g, planned.reason);
    case 'server-up':
      return withServer(g, planned.node, 'up');
    case 'way-out-open':
      return withWayOut(g, planned.node, 'open');
    case 'link-open':
      return { ...g, closed: g.closed.filter((link) => link !== `${planned.from}>${planned.to}`) };
  }
}

function withReason(g: Global, reason: Reason): Global {
  const holder = holderIndex(g, [...g.aws.addresses.keys()][0] ?? '') ?? 0;
  switch (reason) {
    case 'none':
      return g;
    case 'server-dead':
      return withServer(g, holder, 'dead');
    case 'server-hung':
      return withServer(g, holder, 'hung');
    case 'machine-gone':
      return withoutMachine(g, holder);
  }
}

/** The world with a web server in another state. */
export function withServer(g: Global, index: number, state: ServerState): Global {
  return { ...g, servers: g.servers.map((one, at) => (at === index ? state : one)) };
}

/** The world with a node's way out in another state. */
export function withWayOut(g: Global, index: number, wayOut: 'open' | 'broken'): Global {
  return { ...g, aws: setInstance(g.aws, instanceIdOf(index), { wayOut }, g.t) };
}

/** Off the network with everything on it, for good. */
function withoutMachine(g: Global, index: number): Global {
  return {
    ...g,
    aws: setInstance(g.aws, instanceIdOf(index), { network: 'gone' }, g.t),
    servers: g.servers.map((one, at) => (at === index ? 'hung' : one)),
    nodes: g.nodes.map((node, at) =>
      at === index
        ? { ...node, life: { kind: 'down', until: null }, pending: [], disk: { ...node.disk, writing: null } }
        : node,
    ),
  };
}

/** What has ended of a node's waits by now, with what comes of it. Calls are answered elsewhere, unless too late. */
export function resultsFor(g: Global, node: SimNode): readonly NodeEvent[] {
  const events: NodeEvent[] = [];
  for (const pending of node.pending) {
    const event = resultOf(g, node, pending);
    if (event !== null) events.push(event);
  }
  return events;
}

function resultOf(g: Global, node: SimNode, pending: Pending): NodeEvent | null {
  const { t } = g;
  switch (pending.kind) {
    case 'send':
      if (pending.until > t) return null;
      return eventOf({ kind: 'send-failed', sendId: pending.id, reason: 'timeout' }, pending.id);
    case 'probe': {
      const { id, startedAt, address } = pending;
      const timeoutMs = node.config.addresses.find(({ ip }) => ip === address)?.probe.timeoutMs ?? 0;
      const found = pending.failed ? null : reach(g, node.index, address);
      const result = checked(found, t - startedAt, timeoutMs);
      return result === null ? null : eventOf({ kind: 'probed', probeId: id, result }, id);
    }
    case 'local': {
      const { id, startedAt } = pending;
      const found = serverAnswers(g.servers[node.index] ?? 'hung');
      const result = checked(found, t - startedAt, node.config.local?.timeoutMs ?? 0);
      return result === null ? null : eventOf({ kind: 'local-checked', checkId: id, result }, id);
    }
    case 'ask': {
      const result = asked(g, node.index, pending);
      const { id, purpose } = pending;
      return result === null ? null : eventOf({ kind: 'external-ip', askId: id, purpose, result }, id);
    }
    case 'call': {
      if (pending.until > t) return null;
      const answer = { kind: 'unknown', code: 'Timeout', message: 'no answer in time' } as const;
      const { id, purpose } = pending;
      return eventOf({ kind: 'driven', callId: id, purpose, result: { answer, requests: [] } }, id);
    }
    case 'arbiter': {
      const { id, address, until } = pending;
      if (until > t) return null;
      const result = { kind: 'failed', code: 'Timeout', detail: '' } as const;
      return eventOf({ kind: 'arbiter', askId: id, address, result }, id);
    }
    case 'publish':
      return null;
  }
}

type Found = 'ok' | 'refused' | null;

/** One connection to the address from a node; null: nothing comes back. */
function reach(g: Global, from: number, ip: Ip): Found {
  if (externalIp(g.aws, instanceIdOf(from), g.t).kind === 'none') return null;
  const route = routeOf(g.aws, ip, g.t);
  if (route.kind === 'nowhere' || route.instance.wayOut === 'broken') return null;
  const index = g.nodes.findIndex((_, at) => instanceIdOf(at) === route.instance.id);
  return serverAnswers(g.servers[index] ?? 'hung');
}

function serverAnswers(state: ServerState): Found {
  return state === 'up' ? 'ok' : state === 'dead' ? 'refused' : null;
}

/** Attempts are made every quantum; null: none has come to an end yet. */
function checked(found: Found, elapsedMs: number, timeoutMs: number): CheckResult | null {
  if (found === 'ok') return { kind: 'ok', status: 200, durationMs: elapsedMs };
  if (found === 'refused')
    return { kind: 'failed', reason: 'refused', detail: 'refused', durationMs: elapsedMs };
  if (elapsedMs < timeoutMs) return null;
  return { kind: 'failed', reason: 'timeout', detail: 'timeout', durationMs: elapsedMs };
}

function asked(
  g: Global,
  index: number,
  { startedAt, timeoutMs, failed }: Extract<Pending, { kind: 'ask' }>,
): ExternalIpResult | null {
  const durationMs = g.t - startedAt;
  const seen = externalIp(g.aws, instanceIdOf(index), g.t);
  if (seen.kind !== 'none' && !failed) return { kind: 'address', ip: seen.ip, durationMs };
  if (durationMs < timeoutMs) return null;
  return { kind: 'failed', reason: 'timeout', detail: 'no answer in time', durationMs };
}

/** When something happens next, on the grid; null: never. */
export function nextMoment(g: Global): number | null {
  let next = Number.POSITIVE_INFINITY;
  const consider = (at: number): void => {
    const onGrid = Math.max(g.t + QUANTUM_MS, Math.ceil(at / QUANTUM_MS) * QUANTUM_MS);
    if (onGrid < next) next = onGrid;
  };
  for (const wire of g.wire) consider(wire.arrivesAt);
  for (const call of g.calls) consider(call.appliesAt);
  for (const { at } of g.planned) consider(at);
  for (const { life, core, pending, disk } of g.nodes) {
    if (life.kind !== 'up') {
      if (life.until !== null) consider(life.until);
      continue;
    }
    consider(core.state.due);
    if (disk.writing !== null) consider(disk.writing.doneAt);
    for (const one of pending) {
      if ('until' in one) consider(one.until);
      else if (one.kind !== 'publish') consider(g.t + QUANTUM_MS);
    }
  }
  return Number.isFinite(next) ? next : null;
}
