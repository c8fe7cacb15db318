/**
 * One node as plain data: its host's core, its disk, and what it waits for. `takeEvent` hands one event to the real
 * host step and carries out what comes of it; nothing is changed in place.
 */
import {
  type DriveEffect,
  decodeDocument,
  decodeMessage,
  type Effect,
  type Envelope,
  encodeMessage,
  type Fact,
  type Event as HostEvent,
  hostStep,
  type Input,
  type Ip,
  newHostCore,
  type ProtocolConfig,
  type StorageState,
} from '@failtome/protocol';
import { newRunHistory } from '../invariants/index.ts';
import { WORLD_BEGINS_WALL_MS } from '../world/clock.ts';
import { QUANTUM_MS } from './bounds.ts';
import { hashedWire, nodeWith } from './copies.ts';
import type {
  Asked,
  Call,
  Life,
  NodeEvent,
  OrderClass,
  Out,
  Pending,
  SearchContext,
  SimNode,
  Wire,
} from './explored-data.ts';
import { hashBag, hashOf, hashOnce, mix } from './hash.ts';
import { type Findings, viewOf, withArrival, withEffect, withStep } from './node-record.ts';

/** Nodes start one after the other, so that their timers don't all come due at the same moments. */
const START_APART_MS = 300;

/** A node that has never run. */
export function newNode(config: ProtocolConfig, index: number): SimNode {
  return {
    id: config.node.id,
    index,
    config,
    runs: 0,
    life: { kind: 'down', until: index * START_APART_MS },
    core: newHostCore(config),
    disk: { synced: null, writing: null },
    pending: [],
    history: newRunHistory(0),
  };
}

/** A new run of the process: nothing but the disk is left of the last one. */
export function booted(node: SimNode): SimNode {
  return nodeWith(node, {
    runs: node.runs + 1,
    life: { kind: 'up' },
    core: newHostCore(node.config),
    disk: { synced: node.disk.synced, writing: null },
    pending: [],
  });
}

/** The first event of a run. */
export function startOf(node: SimNode): NodeEvent {
  const session = `${node.id}${String(node.runs).padStart(11 - node.id.length, '0')}`;
  return eventOf({ kind: 'started', session, seed: 1, storage: storageOf(node.disk.synced) }, 0);
}

/** The process is gone. A write that was on its way may have reached the disk. */
export function crashed(node: SimNode, until: number | null, landed: boolean): SimNode {
  const { synced, writing } = node.disk;
  return nodeWith(node, {
    life: { kind: 'down', until },
    core: newHostCore(node.config),
    disk: { synced: landed && writing !== null ? writing.text : synced, writing: null },
    pending: [],
  });
}

/** What a node did with one input. */
export interface Taken {
  readonly node: SimNode;
  readonly effects: readonly Effect[];
  readonly facts: readonly Fact[];
}

/** Hand one event to the node's host; its effects are for `emit`. */
export function takeEvent(
  context: SearchContext,
  node: SimNode,
  { event, ends, ageMs, duplicated }: NodeEvent,
  t: number,
  found: Findings,
): Taken {
  const ended = ends === 0 ? undefined : node.pending.find(({ id }) => id === ends);
  const heard = withArrival(node, event, effectOf(ended), t, found);
  const input = { at: t, wall: WORLD_BEGINS_WALL_MS + t, ...event } as Input; // the union, put together again from its parts
  const turn = hostStep(node.core, input, context.step);
  const { core } = turn;
  const pending = ends === 0 ? node.pending : node.pending.filter(({ id }) => id !== ends);
  const after = nodeWith(node, { core, pending, history: heard });
  const history = withStep(after, event, turn.facts, { ageMs, duplicated }, t, found);
  return { node: nodeWith(after, { history }), effects: turn.effects, facts: turn.facts };
}

/** The call that an event answers. */
function effectOf(ended: Pending | undefined): DriveEffect | null {
  if (ended?.kind !== 'call') return null;
  const { id: callId, purpose, address, operation, startedAt, until } = ended;
  return { kind: 'drive', callId, purpose, address, operation, timeoutMs: until - startedAt };
}

/** Carry out one effect: what the node waits for because of it, and what leaves. */
export function emit(
  context: SearchContext,
  before: SimNode,
  effect: Effect,
  t: number,
  out: Out[],
  found: Findings,
): SimNode {
  const text = 'message' in effect && effect.kind !== 'publish' ? encodeMessage(effect.message) : '';
  const history = withEffect(before, effect, text.length, t, found);
  const node = history === before.history ? before : nodeWith(before, { history });
  const waits = (pending: Pending): SimNode => nodeWith(node, { pending: [...node.pending, pending] });
  switch (effect.kind) {
    case 'send': {
      const { sendId, to, message, route, timeoutMs } = effect;
      out.push({ kind: 'wire', wire: wireOf(context, 'request', text, message.from, route, t) });
      return waits({ kind: 'send', id: sendId, to, seq: message.seq, until: t + timeoutMs });
    }
    case 'reply':
      out.push({
        kind: 'wire',
        wire: wireOf(context, 'response', text, effect.message.from, '/v1/gossip', t),
      });
      return node;
    case 'probe':
      return waits({
        kind: 'probe',
        id: effect.probeId,
        address: effect.address,
        startedAt: t,
        failed: false,
      });
    case 'check-local':
      return waits({ kind: 'local', id: effect.checkId, startedAt: t });
    case 'ask-external-ip': {
      const { askId, purpose, timeoutMs } = effect;
      return waits({ kind: 'ask', id: askId, purpose, startedAt: t, timeoutMs, failed: false });
    }
    case 'drive':
    case 'publish':
    case 'arbiter':
      return waits(withCall(node, effect, t, out));
    case 'persist': {
      // Of the writes of one quantum the last overtakes the others; its answer counts for all.
      const writing = { writeId: effect.writeId, text: effect.text, doneAt: t + QUANTUM_MS };
      return nodeWith(node, { disk: { synced: node.disk.synced, writing } });
    }
    case 'stopped':
      return node;
  }
}

/** Send a call out: what the node waits for because of it. */
function withCall(
  node: SimNode,
  effect: Extract<Effect, { kind: 'drive' | 'publish' | 'arbiter' }>,
  t: number,
  out: Out[],
): Pending {
  const until = t + effect.timeoutMs;
  const leaves = (address: Ip, asked: Asked): void => {
    out.push({ kind: 'call', call: callOf(node, address, asked, t, until) });
  };
  switch (effect.kind) {
    case 'drive': {
      const { callId, purpose, address, operation } = effect;
      leaves(address, { purpose, operation });
      return { kind: 'call', id: callId, purpose, operation, address, startedAt: t, until };
    }
    case 'publish':
      leaves('', { purpose: 'publish', operation: effect });
      return { kind: 'publish', id: effect.publishId, startedAt: t, message: effect.message };
    case 'arbiter': {
      const { askId, address, operation } = effect;
      leaves(address, { purpose: 'arbiter', operation });
      return { kind: 'arbiter', id: askId, address, startedAt: t, until };
    }
  }
}

/** An event with its hash. */
export function eventOf(event: HostEvent, ends: number, duplicated = false, ageMs = 0): NodeEvent {
  const hash = mix(hashOnce(event), duplicated ? 1 : 0);
  return { event, ends, ageMs, duplicated, hash, orderClass: orderClassOf(event) };
}

function orderClassOf(event: HostEvent): OrderClass {
  switch (event.kind) {
    case 'received':
    case 'answered': {
      const { from, payload } = event.message;
      return { kind: hasBallot(event.message) ? 'ballot' : 'heartbeat', from, version: payload.version };
    }
    case 'send-failed':
    case 'local-checked':
    case 'probed':
      return { kind: 'light' };
    default:
      return { kind: 'weighty' };
  }
}

/** More than a heartbeat and a record. */
export function hasBallot({ payload }: Envelope): boolean {
  const { ballots, answers, releases } = payload;
  return ballots !== undefined || answers !== undefined || releases !== undefined;
}

/** A message on its way with its hash. */
export function wireWith(wire: Omit<Wire, 'hash'>): Wire {
  const { kind, route, message, arrivesAt, duplicated } = wire;
  const about = mix(hashOf(message), hashOf(kind));
  return hashedWire(wire, mix(mix(about, hashOf(route)), duplicated ? arrivesAt + 1 : arrivesAt));
}

/** Through the real codec, as bytes; the same text is read once. */
function wireOf(
  { decoded }: SearchContext,
  kind: 'request' | 'response',
  text: string,
  sender: string,
  route: Wire['route'],
  t: number,
): Wire {
  let arrives = decoded.get(text);
  if (arrives === undefined) {
    const read = decodeMessage(text);
    if (read.kind === 'fault') throw new Error(`what ${sender} wrote can't be read: ${read.detail}`);
    arrives = read.message;
    decoded.set(text, arrives);
  }
  const { from, to } = arrives;
  return wireWith({
    kind,
    from,
    to,
    route,
    message: arrives,
    sentAt: t,
    arrivesAt: t + QUANTUM_MS,
    duplicated: false,
  });
}

/** A call under way with its hash. */
export function callWith(call: Unhashed<Call>): Call {
  const { node, by, address, purpose, operation, startedAt, appliesAt, until, answer } = call;
  const { session } = by.state();
  const hash = hashOnce([node, session, address, purpose, operation, startedAt, appliesAt, until, answer]);
  return { ...call, hash };
}

/** Of each kind by itself, so that what belongs together stays together. */
type Unhashed<C extends Call> = C extends Call ? Omit<C, 'hash'> : never;

function callOf(node: SimNode, address: Ip, asked: Asked, t: number, until: number): Call {
  return callWith({
    ...asked,
    node: node.index,
    by: viewOf(node),
    address,
    startedAt: t,
    appliesAt: t + QUANTUM_MS,
    until,
    answer: 'told',
  });
}

/** Everything about a node that its future can depend on. */
export function hashNode(node: SimNode): number {
  const { core, disk, life, pending, history, runs, index } = node;
  const { state, durable, held } = core;
  const order = (writeId: number): number =>
    writeId <= durable ? 0 : writeId <= (disk.writing?.writeId ?? 0) ? 1 : 2;
  let hash = mix(hashOnce(state), hashOf(history));
  hash = mix(hash, order(state.storage.latest) + 3 * order(state.storage.durable));
  for (const { campaign } of Object.values(state.addresses))
    if (campaign?.won != null) hash = mix(hash, order(campaign.won.write));
  for (const effect of held) {
    hash = mix(hash, effect.kind === 'persist' ? 9 : order(effect.after ?? 0));
    hash = mix(hash, hashEffect(effect));
  }
  // By content; the host's own name for each is left out.
  hash = mix(hash, hashBag(pending.map(hashOf)));
  hash = mix(hash, hashOf(disk));
  hash = mix(mix(hash, runs), index);
  return mix(hash, hashLife(life));
}

function hashLife(life: Life): number {
  switch (life.kind) {
    case 'up':
      return 1;
    case 'down':
      return mix(2, life.until ?? 1);
    case 'paused': {
      let hash = mix(3, life.until);
      for (const effect of life.undone) hash = mix(hash, hashEffect(effect));
      for (const event of life.arrived) hash = mix(hash, event.hash);
      return hash;
    }
  }
}

function hashEffect(effect: Effect): number {
  return hashOnce(effect);
}

function storageOf(text: string | null): StorageState {
  if (text === null) return { kind: 'empty' };
  const decoded = decodeDocument(text);
  return decoded.kind === 'document'
    ? { kind: 'loaded', document: decoded.document }
    : { kind: 'unreadable', detail: decoded.detail };
}
