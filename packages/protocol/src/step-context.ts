/**
 * The context of one step: the state as it becomes, and what goes out at the end.
 *
 * Modules take the context and replace parts of its state. Nothing of an earlier state is ever changed: the context
 * copies the state once, and each of its maps once, when the first entry of it changes. It owns these copies until the
 * step ends, and changes them in place. Peers, addresses and all smaller parts are values: they are replaced, and
 * unchanged parts are shared with the state before (structural sharing).
 *
 * What is to be sent is only noted here. It is built once, at the end of the step (`flush` in `sending.ts`), so that one
 * message carries all the news of the step.
 */

import { copyAddress, copyGossip, copyPeer, copyState, copyStorage, type Draft } from './copy.ts';
import type { AddressState } from './model/address-state.ts';
import type { Effect, ReplyEffect } from './model/effects.ts';
import type { GossipState, Peer } from './model/peer-state.ts';
import type { State, StorageHealth } from './model/state.ts';
import type { EffectId, Instant, Ip, NodeId } from './model/units.ts';
import type { Fact } from './reporting/facts.ts';
import type { CommandOutcome, Envelope, RejectReason } from './wire/messages.ts';

/** What the modules read and change while one step runs. It ends with the step. */
export interface StepContext {
  /** Owned by the context: `change` changes it in place. */
  state: Draft<State>;
  /** The maps that this step has copied, if they are still the state's; null: none yet. */
  peers: Record<NodeId, Peer> | null;
  addresses: Record<Ip, AddressState> | null;
  readonly now: Instant;
  /** What goes to the ports at the end, in this order; the write of the durable document goes before all of it. */
  readonly effects: Effect[];
  readonly facts: Fact[];
  /** To whom to speak at the end of the step. */
  readonly outgoing: Map<NodeId, Outgoing>;
  /** Requests that are still to be answered; at the end, for the answer carries the step's news. */
  readonly replies: PendingReply[];
  /** The write asked for in this step; 0: none. */
  writeId: EffectId;
  /** Whether what follows from the peer's message of this step may be hurried (`budget.ts`); null: not asked yet. */
  hurries: boolean | null;
}

/** How a peer is spoken to at the end of the step. */
export interface Outgoing {
  /** On a connection opened for it, not a kept one. */
  readonly fresh: boolean;
  /** It repeats a message that was answered with a challenge. */
  readonly retry: boolean;
}

/** An answer that is sent at the end of the step. */
export interface PendingReply {
  readonly requestId: EffectId;
  readonly request: Envelope;
  readonly status: ReplyEffect['status'];
  /** Why the request doesn't count; null: it does. */
  readonly refused: RejectReason | null;
  /** What became of an operator's command; null: the request was a peer's. */
  readonly outcome: CommandOutcome | null;
}

/** What `forEach` over an address's parts may replace. */
export type Change<T> = { readonly [K in keyof T]?: T[K] };

/** Begins a step at this time. The state before it stays as it is. */
export function newContext(before: State, now: Instant): StepContext {
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
    hurries: null,
  };
}

/** Replaces parts of the state. */
export function change(ctx: StepContext, parts: Change<State>): void {
  Object.assign(ctx.state, parts);
}

/** Replaces parts of `state.storage`; what becomes of a write goes through here. */
export function changeStorage(ctx: StepContext, parts: Change<StorageHealth>): void {
  ctx.state.storage = Object.assign(copyStorage(ctx.state.storage), parts);
}

/** Replaces parts of `state.gossip`. */
export function changeGossip(ctx: StepContext, parts: Change<GossipState>): void {
  ctx.state.gossip = Object.assign(copyGossip(ctx.state.gossip), parts);
}

/** Replaces parts of a peer; nothing happens where it isn't configured, or where it is so already. */
export function changePeer(ctx: StepContext, id: NodeId, parts: Change<Peer>): void {
  const peer = ctx.state.peers[id];
  if (peer === undefined || !differs(peer, parts)) return;
  if (ctx.peers === null || ctx.peers !== ctx.state.peers) {
    ctx.peers = { ...ctx.state.peers };
    ctx.state.peers = ctx.peers;
  }
  ctx.peers[id] = Object.assign(copyPeer(peer), parts);
}

/** @throws Error when the address is not configured: the caller has looked it up wrongly. */
export function addressOf(state: State, ip: Ip): AddressState {
  const address = state.addresses[ip];
  if (address === undefined) throw new Error(`address ${ip} is not configured`);
  return address;
}

/** Replaces parts of an address; one that nothing changes of stays the same object, so that readers see that. */
export function changeAddress(ctx: StepContext, ip: Ip, parts: Change<AddressState>): void {
  const address = addressOf(ctx.state, ip);
  if (!differs(address, parts)) return;
  if (ctx.addresses === null || ctx.addresses !== ctx.state.addresses) {
    ctx.addresses = { ...ctx.state.addresses };
    ctx.state.addresses = ctx.addresses;
  }
  ctx.addresses[ip] = Object.assign(copyAddress(address), parts);
}

/** The next id of this run, for an effect that will be answered. */
export function newEffectId(ctx: StepContext): EffectId {
  const id = ctx.state.nextEffect;
  ctx.state.nextEffect = id + 1;
  return id;
}

/** Tells the host's observers of something. No rule reads facts. */
export function emitFact(ctx: StepContext, fact: Fact): void {
  ctx.facts.push(fact);
}

/** Ask for the durable document to be written at the end of this step, with all that the step changes. */
export function persist(ctx: StepContext): EffectId {
  if (ctx.writeId === 0) {
    ctx.writeId = newEffectId(ctx);
    const { storage } = ctx.state;
    const waitingSince = storage.waitingSince ?? ctx.now.at;
    changeStorage(ctx, { latest: ctx.writeId, waitingSince });
  }
  return ctx.writeId;
}

/** Speak to a peer at the end of this step. `fresh`: on a connection of its own. */
export function speakTo(ctx: StepContext, id: NodeId, how: Change<Outgoing> = {}): void {
  const before = ctx.outgoing.get(id);
  ctx.outgoing.set(id, {
    fresh: before?.fresh === true || how.fresh === true,
    retry: before?.retry === true || how.retry === true,
  });
}

/** What this node says of itself changes, and every voter should know at once. */
export function announce(ctx: StepContext): void {
  for (const peer of ctx.state.config.peers) if (peer.role !== 'member') speakTo(ctx, peer.id);
}

/** A draw from the node's own generator, uniform in [0, 1). Whole-number arithmetic only (xorshift32). */
export function draw(ctx: StepContext): number {
  let x = ctx.state.draws | 0;
  x ^= x << 13;
  x ^= x >>> 17;
  x ^= x << 5;
  ctx.state.draws = x;
  return (x >>> 0) / 0x1_0000_0000;
}

/** Whether any of the parts is another than the one that is there. */
function differs<T extends object>(whole: T, parts: Change<T>): boolean {
  for (const name in parts) if (parts[name] !== whole[name]) return true;
  return false;
}
