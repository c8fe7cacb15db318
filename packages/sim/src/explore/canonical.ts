/**
 * Canonicalizes states: what no node can observe is normalized, so that equivalent states hash the same (symmetry
 * reduction).
 *
 * Numbers that only count up (a session's `seq`, the version of a record) are given by the moment rather than by how
 * many came before; which numbers a receiver has seen is kept of those alone that may still arrive. docs/exploration.md
 * says why nothing depends on the rest.
 */
import {
  type CheckConfig,
  copyAddress,
  copyChannel,
  copyPeer,
  copySeries,
  type Effect,
  type Envelope,
  type NodeId,
  type Payload,
  type ProtocolConfig,
  type State,
} from '@failtome/protocol';
import { QUANTUM_MS } from './bounds.ts';
import { coreWith, nodeWith } from './copies.ts';
import type { Out, Pending, SimNode, Wire } from './explored-data.ts';
import { wireWith } from './explored-node.ts';
import { hashOf, hashOnce, mix } from './hash.ts';

/** At least the messages from one node to another in one quantum, and the versions of a record. */
const ROOM = 6;
/** How far below the highest number one may still be new (`freshness.ts`). */
const WINDOW = 32;
/** The host's generator stands still between quanta: jitter is a length like others, and none are explored. */
const DRAWS = 0x2545_f491;
const ALL_SEEN = 0xffff_ffff;

/** The least that is done to a node between quanta. */
export function withDraws(node: SimNode): SimNode {
  const { core } = node;
  return nodeWith(node, { core: coreWith(core, { draws: DRAWS }) });
}

/** A node and what it sent in one quantum. */
export function canonicalize(
  start: SimNode,
  node: SimNode,
  out: readonly Out[],
  t: number,
): { readonly node: SimNode; readonly out: readonly Out[] } {
  if (node.life.kind === 'down' || node.core.state.phase === 'new') return { node, out };
  const { state } = node.core;
  const first = start.core.state;
  const names: Names = {
    seqs: new Map(),
    lastVersion: state.recordVersion,
    newVersion:
      state.recordVersion > first.recordVersion
        ? Math.max(topOf(state, t), state.recordVersion)
        : state.recordVersion,
    firstVersion: first.recordVersion,
  };
  const top = nameSeqs(names, messagesOf(node, out), first.seq, topOf(state, t));
  return {
    node: renamedNode(node, names, top),
    out: out.map((one) => (one.kind === 'wire' ? { kind: 'wire', wire: renamedWire(one.wire, names) } : one)),
  };
}

function renamedWait(one: Pending, of: (to: NodeId, seq: number) => number): Pending {
  if (one.kind !== 'send') return one;
  const seq = of(one.to, one.seq);
  return seq === one.seq ? one : { ...one, seq };
}

type CheckSeries = State['local']['series'];

interface Names {
  /** By receiver and old number. */
  readonly seqs: Map<string, number>;
  readonly firstVersion: number;
  readonly lastVersion: number;
  readonly newVersion: number;
}

/** The number that this moment gives: above all of earlier moments, with room for those between. */
function topOf({ startedAt }: State, t: number): number {
  return ROOM * Math.floor((t - startedAt) / QUANTUM_MS + 1);
}

function messagesOf({ core, life }: SimNode, out: readonly Out[]): readonly Envelope[] {
  const waiting = life.kind === 'paused' ? [...core.held, ...life.undone] : core.held;
  const sent = out.flatMap((one) => (one.kind === 'wire' ? [one.wire.message] : []));
  return [...sent, ...waiting.flatMap(wordsOf)];
}

function wordsOf(effect: Effect): readonly Envelope[] {
  return effect.kind === 'send' || effect.kind === 'reply' ? [effect.message] : [];
}

/**
 * The new requests to one receiver get the numbers just below the one returned, which nobody gets, in the order of
 * their content. That one is `usual`, or higher where there isn't room for all of them.
 */
function nameSeqs({ seqs }: Names, messages: readonly Envelope[], above: number, usual: number): number {
  const fresh = new Map<NodeId, { readonly seq: number; readonly key: number }[]>();
  for (const { seq, to, re, payload } of messages) {
    if (seq <= above || re !== null) continue;
    const others = fresh.get(to) ?? [];
    fresh.set(to, others);
    others.push({ seq, key: mix(hashOnce(re), hashOf(payload)) });
  }
  const most = Math.max(0, ...[...fresh.values()].map((list) => list.length));
  const top = Math.max(usual, above + most + 1);
  // A response counts by the request that it names, whatever its own number.
  for (const { seq, to, re } of messages) if (seq > above && re !== null) seqs.set(`${to} ${seq}`, top);
  for (const [to, list] of fresh) {
    list.sort((a, b) => a.key - b.key || a.seq - b.seq);
    for (const [index, { seq }] of list.entries()) seqs.set(`${to} ${seq}`, top - list.length + index);
  }
  return top;
}

function renamedMessage(message: Envelope, names: Names): Envelope {
  const seq = names.seqs.get(`${message.to} ${message.seq}`) ?? message.seq;
  const payload = renamedPayload(message.payload, names);
  return seq === message.seq && payload === message.payload ? message : { ...message, seq, payload };
}

/** Versions only grow, and are only compared. */
function renamedPayload(payload: Payload, { firstVersion, lastVersion, newVersion }: Names): Payload {
  if (payload.version <= firstVersion || newVersion === lastVersion) return payload;
  return { ...payload, version: newVersion - (lastVersion - payload.version) };
}

function renamedWire(wire: Wire, names: Names): Wire {
  const message = renamedMessage(wire.message, names);
  return message === wire.message ? wire : wireWith({ ...wire, message });
}

function renamedEffect<E extends Extract<Effect, { message: Envelope }>>(effect: E, names: Names): E {
  const message = renamedMessage(effect.message, names);
  return message === effect.message ? effect : { ...effect, message };
}

function renamedNode(node: SimNode, names: Names, seq: number): SimNode {
  const { core, life } = node;
  const { state } = core;
  const of = (to: NodeId, old: number): number => names.seqs.get(`${to} ${old}`) ?? old;
  const effects = (list: readonly Effect[]): readonly Effect[] =>
    list.map((effect) =>
      effect.kind === 'send' || effect.kind === 'reply' ? renamedEffect(effect, names) : effect,
    );
  const sends = state.pendingSends.map((send) => {
    const known = of(send.to, send.seq);
    return known === send.seq ? send : { ...send, seq: known };
  });
  const renamed = coreWith(core, {
    draws: DRAWS,
    seq,
    recordVersion: names.newVersion,
    pendingSends: names.seqs.size === 0 ? state.pendingSends : sends,
    local: withCappedLocal(state.local, node.config),
    addresses: withCappedSeries(state.addresses, node.config),
  });
  const pending = names.seqs.size === 0 ? node.pending : node.pending.map((one) => renamedWait(one, of));
  return nodeWith(node, {
    core: { state: renamed.state, durable: core.durable, held: sorted(effects(core.held)) },
    pending: sorted(pending),
    life: life.kind === 'paused' ? { ...life, undone: effects(life.undone) } : life,
  });
}

/** Counts of a series matter up to `fall` and `rise`. */
function capped(series: CheckSeries, config: CheckConfig | null): CheckSeries {
  if (config === null) return series;
  const oks = Math.min(series.oks, config.rise);
  const fails = Math.min(series.fails, config.fall);
  const settledFails = Math.min(series.settledFails, config.fall);
  return oks === series.oks && fails === series.fails && settledFails === series.settledFails
    ? series
    : Object.assign(copySeries(series), { oks, fails, settledFails });
}

function withCappedLocal(local: State['local'], config: ProtocolConfig): State['local'] {
  const series = capped(local.series, config.local);
  return series === local.series ? local : { ...local, series };
}

function withCappedSeries(addresses: State['addresses'], config: ProtocolConfig): State['addresses'] {
  let all = addresses;
  for (const { ip, probe } of config.addresses) {
    const address = all[ip];
    if (address === undefined) continue;
    const series = capped(address.series, probe);
    if (series !== address.series) all = { ...all, [ip]: Object.assign(copyAddress(address), { series }) };
  }
  return all;
}

function sorted<T>(list: readonly T[]): readonly T[] {
  if (list.length < 2) return list;
  return list
    .map((item) => ({ item, key: hashOnce(item) }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/**
 * What each node remembers of messages that can't matter any more, left out: which of a sender's numbers it has seen, but
 * for those that may still arrive for the first time; and sends that failed and that nothing on its way answers. A message
 * that is so late that its number says nothing any more is refused, as it would be among as many others.
 */
export function dropUnreachableHistory(nodes: readonly SimNode[], wire: readonly Wire[]): readonly SimNode[] {
  const coming = comingOf(nodes, wire);
  return nodes.map((node) => {
    // What has arrived at a stopped process it hasn't seen yet.
    if (node.life.kind !== 'up') return node;
    const { state } = node.core;
    const peers = peersNow(node, nodes, coming);
    const pendingSends = sendsNow(node, coming);
    if (peers === state.peers && pendingSends === state.pendingSends) return node;
    return nodeWith(node, { core: coreWith(node.core, { peers, pendingSends }) });
  });
}

/** Everything that is said and hasn't been heard: on its way, held back, about to be said, or waiting at its receiver. */
function comingOf(nodes: readonly SimNode[], wire: readonly Wire[]): readonly Envelope[] {
  const coming = wire.filter(({ kind }) => kind !== 'refused').map(({ message }) => message);
  for (const node of nodes) {
    coming.push(...messagesOf(node, []));
    if (node.life.kind === 'paused')
      for (const { event } of node.life.arrived) if ('message' in event) coming.push(event.message);
  }
  return coming;
}

function peersNow(
  { id, core }: SimNode,
  nodes: readonly SimNode[],
  coming: readonly Envelope[],
): State['peers'] {
  let { peers } = core.state;
  for (const sender of nodes) {
    const peer = peers[sender.id];
    if (peer === undefined || peer.channel.session === null) continue;
    const { channel } = peer;
    const seqs = coming
      .filter(({ to, session, re }) => to === id && session === channel.session && re === null)
      .map(({ seq }) => seq);
    const now = sender.core.state;
    // Above all that is coming, also what has counted already: it comes twice, and must not look new.
    const highest = channel.session === now.session ? now.seq : Math.max(0, ...seqs) + 1;
    const window = windowOf(
      highest,
      seqs.filter((seq) => isNew(channel, seq)),
    );
    if (channel.highest === highest && channel.window === window) continue;
    const heard = Object.assign(copyChannel(channel), { highest, window });
    peers = { ...peers, [sender.id]: Object.assign(copyPeer(peer), { channel: heard }) };
  }
  return peers;
}

function sendsNow({ core }: SimNode, coming: readonly Envelope[]): State['pendingSends'] {
  const { pendingSends, session } = core.state;
  if (!pendingSends.some(({ failedAt }) => failedAt !== null)) return pendingSends;
  const kept = pendingSends.filter(
    ({ failedAt, seq, to }) =>
      failedAt === null ||
      coming.some(
        (message) =>
          (message.session === session && message.seq === seq && message.to === to) ||
          (message.re?.session === session && message.re.seq === seq && message.from === to),
      ),
  );
  return kept.length === pendingSends.length ? pendingSends : kept;
}

/** All numbers below the highest are seen, but for these. */
function windowOf(highest: number, unseen: readonly number[]): number {
  let window = ALL_SEEN;
  for (const seq of unseen) {
    const below = highest - seq;
    if (below >= 1 && below <= WINDOW) window &= ~(1 << (below - 1));
  }
  return window >>> 0;
}

function isNew(
  { highest, window }: { readonly highest: number; readonly window: number },
  seq: number,
): boolean {
  const below = highest - seq;
  if (below < 0) return true;
  return below > 0 && below <= WINDOW && (window & (1 << (below - 1))) === 0;
}
