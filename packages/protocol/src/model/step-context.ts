/**
 * One turn of the step function: the state as it becomes, and what goes out.
 *
 * Modules take a turn and replace parts of its state; nothing of an earlier state is ever changed. The turn copies the
 * state once, and each of its maps once when an entry of it changes; these copies are its own until it ends, and are
 * changed in place. A peer, an address and every smaller part is a value: it is replaced, and whoever holds the old
 * one keeps it. What a change leaves as it was keeps its identity, from one state to the next.
 *
 * What is to be sent is only noted here, and built once at the end of the turn (`gossip.ts`, `flush`), so that
 * one message carries all the news of the turn.
 */

import type { CommandOutcome, Envelope, RejectReason } from '../wire/messages.ts';
import { copyAddress, copyGossip, copyPeer, copyState, copyStorage, type Draft } from './copy.ts';
import type { Effect, ReplyEffect } from './effects.ts';
import type { Fact } from './facts.ts';
import type { AddressState, GossipState, Peer, State, StorageHealth } from './state.ts';
import type { EffectId, Instant, Ip, NodeId } from './units.ts';

export interface Turn {
  /** The turn's own: `change` changes it in place. */
  state: Draft<State>;
  /** The maps that this turn has copied, if they are still the state's; null: none yet. */
  peers: Record<NodeId, Peer> | null;
  addresses: Record<Ip, AddressState> | null;
  readonly now: Instant;
  readonly effects: Effect[];
  readonly facts: Fact[];
  /** To whom to speak at the end of the turn. */
  readonly outgoing: Map<NodeId, Outgoing>;
  readonly replies: PendingReply[];
  /** The write asked for in this turn; 0: none. */
  writeId: EffectId;
  /** The own record has changed. */
  changed: boolean;
  /** Whether what follows from the peer's message of this turn may be hurried (`budget.ts`); null: not asked yet. */
  hurries: boolean | null;
}

export interface Outgoing {
  readonly hurried: boolean;
  readonly fresh: boolean;
  readonly retry: boolean;
}

export interface PendingReply {
  readonly requestId: EffectId;
  readonly request: Envelope;
  readonly status: ReplyEffect['status'];
  readonly refused: RejectReason | null;
  readonly outcome: CommandOutcome | null;
}

/** What `forEach` over an address's parts may replace. */
export type Change<T> = { readonly [K in keyof T]?: T[K] };

export function newTurn(before: State, now: Instant): Turn {
  const state = copyState(before);
  state.now = now;
  return {
    state,
    peers: null,
    addresses: null,
    now,
    effects: [],
    facts: [],
    outgoing: new Map(),
    replies: [],
    writeId: 0,
    changed: false,
    hurries: null,
  };
}

export function change(turn: Turn, parts: Change<State>): void {
  Object.assign(turn.state, parts);
}

export function changeStorage(turn: Turn, parts: Change<StorageHealth>): void {
  turn.state.storage = Object.assign(copyStorage(turn.state.storage), parts);
}

export function changeGossip(turn: Turn, parts: Change<GossipState>): void {
  turn.state.gossip = Object.assign(copyGossip(turn.state.gossip), parts);
}

export function changePeer(turn: Turn, id: NodeId, parts: Change<Peer>): void {
  const peer = turn.state.peers[id];
  if (peer === undefined || !differs(peer, parts)) return;
  if (turn.peers === null || turn.peers !== turn.state.peers) {
    turn.peers = { ...turn.state.peers };
    turn.state.peers = turn.peers;
  }
  turn.peers[id] = Object.assign(copyPeer(peer), parts);
}

/** @throws Error when the address is not configured: the caller has looked it up wrongly. */
export function addressOf(state: State, ip: Ip): AddressState {
  const address = state.addresses[ip];
  if (address === undefined) throw new Error(`address ${ip} is not configured`);
  return address;
}

export function changeAddress(turn: Turn, ip: Ip, parts: Change<AddressState>): void {
  const address = addressOf(turn.state, ip);
  if (!differs(address, parts)) return;
  if (turn.addresses === null || turn.addresses !== turn.state.addresses) {
    turn.addresses = { ...turn.state.addresses };
    turn.state.addresses = turn.addresses;
  }
  turn.addresses[ip] = Object.assign(copyAddress(address), parts);
}

export function newEffectId(turn: Turn): EffectId {
  const id = turn.state.nextEffect;
  turn.state.nextEffect = id + 1;
  return id;
}

export function tell(turn: Turn, fact: Fact): void {
  turn.facts.push(fact);
}

/** Ask for the durable document to be written at the end of this turn, with all that the turn changes. */
export function persist(turn: Turn): EffectId {
  if (turn.writeId === 0) {
    turn.writeId = newEffectId(turn);
    const { storage } = turn.state;
    const waitingSince = storage.waitingSince ?? turn.now.at;
    changeStorage(turn, { latest: turn.writeId, waitingSince });
  }
  return turn.writeId;
}

/** Speak to a peer at the end of this turn. `fresh`: on a connection of its own. */
export function speakTo(turn: Turn, id: NodeId, how: Change<Outgoing> = {}): void {
  const before = turn.outgoing.get(id);
  turn.outgoing.set(id, {
    hurried: before?.hurried === true || how.hurried === true,
    fresh: before?.fresh === true || how.fresh === true,
    retry: before?.retry === true || how.retry === true,
  });
}

/** The own record has changed, and every voter should know at once. */
export function announce(turn: Turn): void {
  turn.changed = true;
  for (const peer of turn.state.config.peers)
    if (peer.role !== 'member') speakTo(turn, peer.id, { hurried: true });
}

/** A draw from the node's own generator, uniform in [0, 1). Whole-number arithmetic only (xorshift32). */
export function draw(turn: Turn): number {
  let x = turn.state.draws | 0;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  turn.state.draws = x;
  return (x >>> 0) / 0x1_0000_0000;
}

/** Whether any of the parts is another than the one that is there. */
function differs<T extends object>(whole: T, parts: Change<T>): boolean {
  for (const name in parts) if (parts[name] !== whole[name]) return true;
  return false;
}
