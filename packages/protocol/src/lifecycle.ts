/**
 * Start, stall, new configuration, shutdown, and the disk (PROTOCOL.md, "Restart, stall, shutdown").
 */

import { copyPeer } from './copy.ts';
import { forgetArbiter, owesArbiter } from './election/arbiter.ts';
import { giveUp } from './election/campaign.ts';
import type { ProtocolConfig } from './model/config.ts';
import { NEW_SERIES, NEW_WAY_OUT, newAddress, newPeer, stateBefore } from './model/initial.ts';
import type { Started } from './model/inputs.ts';
import type { Peer } from './model/peer-state.ts';
import type { DurationMs, EffectId, Ip, NodeId } from './model/units.ts';
import { abandonMove, concludeMove } from './move/conclude.ts';
import { emitMoved } from './move/late.ts';
import { recoverMove } from './move/move.ts';
import { isPastRecall } from './move/phases.ts';
import { neighbourhoodOf } from './neighbours.ts';
import { outdateReads } from './observation/early-reads.ts';
import { forgetAddress, forgetObservations } from './observation/verdict.ts';
import { forgetHomes } from './orders/failback.ts';
import { forgetHandovers } from './orders/handover.ts';
import { counts } from './orders/orders.ts';
import { forgetPause } from './orders/pause.ts';
import { dropForStrangers, republish } from './reporting/outbox.ts';
import { counted } from './reporting/wording.ts';
import {
  addressOf,
  announce,
  change,
  changeAddress,
  changeGossip,
  changePeer,
  changeStorage,
  emitFact,
  persist,
  type StepContext,
} from './step-context.ts';
import { detailOf, ownStorage, restored } from './storage/document.ts';
import { endEpisode, onStoodStill, probeDigest } from './takeover/episode.ts';
import { blockedAfterMs } from './takeover/failover-time.ts';

/** How long a stopping node waits for its goodbyes to be answered. */
const GOODBYE_MS: DurationMs = 1_000;
/** How long before a failed write is tried again. */
const WRITE_AGAIN_MS: DurationMs = 1_000;
/** Why an order that was known has ended. */
const NOT_SIGNED = 'no operator of this cluster has signed it';
/** A write that hasn't been answered for this long counts as failing. */
export const WRITE_LASTS_MS: DurationMs = 2_000;

/**
 * Takes up what the last run left on the disk, and begins to observe. Leases that it can't know of keep it from
 * voting for a lease.
 */
export function onStarted(ctx: StepContext, input: Started): void {
  const { at } = ctx.now;
  const storage = ownStorage(ctx.state, input.storage);
  const state = restored(ctx.state, storage, at);
  const draws = Math.max(1, Math.floor(input.seed)) | 0;
  ctx.state = {
    ...state,
    phase: 'running',
    session: input.session,
    startedAt: at,
    observedFrom: at,
    due: at,
    draws: draws === 0 ? 1 : draws,
  };
  changeGossip(ctx, { nextRoundAt: at });
  change(ctx, { local: { ...ctx.state.local, since: at } });
  const { incarnation } = ctx.state;
  emitFact(ctx, { kind: 'started', incarnation, storage: storage.kind, detail: detailOf(storage) });
  forgetUncounted(ctx, []);
  persist(ctx);
  for (const { ip, intent } of Object.values(ctx.state.addresses)) {
    if (intent === null) continue;
    // An accepted move is told even where this run may not ask the cloud; what else it meant is read first.
    if (intent.stage === 'accepted') concludeMove(ctx, ip, 'moved', intent);
    else if (ctx.state.config.driver !== null) recoverMove(ctx, ip);
  }
  const written = input.storage.kind === 'loaded' ? input.storage.document.addresses : [];
  for (const { ip, intent } of written)
    if (intent?.stage === 'accepted' && ctx.state.addresses[ip] === undefined)
      emitMoved(ctx, ip, intent, intent.reason);
  dropForStrangers(ctx);
}

/** Stood still for longer than peers tolerate: what was seen and borrowed before counts for nothing now. */
export function onStall(ctx: StepContext, lateMs: DurationMs): void {
  const { at } = ctx.now;
  emitFact(ctx, { kind: 'stalled', lateMs });
  change(ctx, {
    observedFrom: at,
    wayOut: { '4': { ...NEW_WAY_OUT, nextAt: at }, '6': { ...NEW_WAY_OUT, nextAt: at } },
  });
  forgetObservations(ctx);
  onStoodStill(ctx, lateMs, lateMs >= blockedAfterMs(ctx.state.config));
  forgetHomes(ctx);
  for (const ip of Object.keys(ctx.state.addresses)) {
    dropMandate(ctx, ip, 'this node stood still');
    forgetArbiter(ctx, ip, 'stall');
  }
}

/** Takes over another configuration. What the node knows of addresses and peers that both name is kept. */
export function onConfigured(ctx: StepContext, config: ProtocolConfig, disproved: readonly string[]): void {
  const { state } = ctx;
  const before = state.config;
  const peers = Object.fromEntries(config.peers.map(({ id }) => [id, peerAfter(ctx, config, id)]));
  const addresses = Object.fromEntries(
    config.addresses.map(({ ip }) => [
      ip,
      state.addresses[ip] ?? { ...newAddress(ip), lendFrom: ctx.now.at + config.agreement.leaseMs },
    ]),
  );
  // An address with a move under way is kept until the move has ended, and is dropped then (`dropLeaving`).
  const busy = Object.values(state.addresses).filter(
    (address) => address.move !== null && addresses[address.ip] === undefined,
  );
  const keptAddresses = before.addresses.filter(({ ip }) => busy.some((address) => address.ip === ip));
  change(ctx, {
    config: { ...config, addresses: [...config.addresses, ...keptAddresses] },
    peers,
    addresses: { ...addresses, ...Object.fromEntries(busy.map((address) => [address.ip, address])) },
    leaving: busy.map(({ ip }) => ip),
  });
  for (const { ip } of before.addresses) forgetOtherProbe(ctx, before, ip);
  if ((config.local === null) !== (before.local === null)) {
    const fit = config.local === null ? 'fit' : 'unknown';
    change(ctx, { local: { series: NEW_SERIES, fit, since: ctx.now.at } });
  }
  for (const ip of Object.keys(ctx.state.addresses)) {
    if (addressOf(ctx.state, ip).move === null)
      giveUp(ctx, ip, 'dropped', 'the configuration has changed', 0);
    forgetArbiter(ctx, ip, 'configuration');
  }
  forgetHomes(ctx);
  outdateReads(ctx);
  forgetUncounted(ctx, disproved);
  askForOrders(ctx);
  dropForStrangers(ctx);
  emitFact(ctx, {
    kind: 'configured',
    detail: `${counted(config.peers.length, 'peer')}, ${counted(config.addresses.length, 'address', 'addresses')}`,
  });
  persist(ctx);
  announce(ctx);
}

/** A peer as it goes on under another configuration: whoever is watched only now hasn't been silent before. */
function peerAfter({ state, now }: StepContext, config: ProtocolConfig, id: NodeId): Peer {
  const peer = state.peers[id] ?? newPeer(id, stateBefore(config, id));
  const { isLarge, watchedIds } = neighbourhoodOf(config);
  const isNew = isLarge && watchedIds.has(id) && !neighbourhoodOf(state.config).watchedIds.has(id);
  return isNew ? Object.assign(copyPeer(peer), { watchedFrom: now.at }) : peer;
}

/** Orders count by the present rule alone: neither from an earlier time on the disk, nor by whoever is no operator any more. */
function forgetUncounted(ctx: StepContext, disproved: readonly string[]): void {
  const { config, pause, handovers } = ctx.state;
  const isUncounted = (order: { readonly proof?: string }): boolean =>
    !counts(config.orders, order) || (order.proof !== undefined && disproved.includes(order.proof));
  if (isUncounted(pause)) forgetPause(ctx, NOT_SIGNED);
  const gone = handovers.filter(({ record }) => isUncounted(record));
  if (gone.length > 0) forgetHandovers(ctx, gone, NOT_SIGNED);
}

/** Peers tell their records once. What was left out of them by the old configuration may count by the new one, and the reverse. */
function askForOrders(ctx: StepContext): void {
  if (ctx.state.config.orders === 'any') return;
  for (const id of Object.keys(ctx.state.peers)) changePeer(ctx, id, { recordVersion: 0, ordersDue: false });
}

/** What was seen of an address by another probe says nothing of this one, nor does what is still on its way. */
function forgetOtherProbe(ctx: StepContext, before: ProtocolConfig, ip: Ip): void {
  const asked = (config: ProtocolConfig): string =>
    probeDigest(config.addresses.find((address) => address.ip === ip));
  if (ctx.state.addresses[ip] === undefined || asked(before) === asked(ctx.state.config)) return;
  forgetAddress(ctx, ip, 'asked in another way now, looking afresh');
  endEpisode(ctx, ip);
}

/** The move of an address that the configuration doesn't name any more has ended: the address goes, too. */
export function dropLeaving(ctx: StepContext): void {
  const { leaving, addresses, config } = ctx.state;
  const over = leaving.filter((ip) => addresses[ip]?.move == null);
  if (over.length === 0) return;
  const stays = ({ ip }: { readonly ip: Ip }): boolean => !over.includes(ip);
  change(ctx, {
    config: { ...config, addresses: config.addresses.filter(stays) },
    addresses: Object.fromEntries(Object.entries(addresses).filter(([ip]) => stays({ ip }))),
    leaving: leaving.filter((ip) => stays({ ip })),
  });
  emitFact(ctx, { kind: 'configured', detail: `without ${over.join(', ')}, whose move has ended` });
  persist(ctx);
  announce(ctx);
}

/** Says goodbye and gives up what isn't past recall. `stopped` follows once nothing is owed (`finishStopping`). */
export function onStop(ctx: StepContext): void {
  if (ctx.state.phase !== 'running') return;
  emitFact(ctx, { kind: 'stopping' });
  change(ctx, { phase: 'stopping', stopSince: ctx.now.at });
  for (const { ip, move, intent } of Object.values(ctx.state.addresses)) {
    if (move?.stage.kind === 'verifying' && intent !== null) concludeMove(ctx, ip, 'moved', intent);
    else dropMandate(ctx, ip, 'this node is shutting down');
  }
  announce(ctx);
}

/** Once nothing is owed, the node is done. */
export function finishStopping(ctx: StepContext): void {
  const { phase, stopSince, now, pendingSends, storage, outbox } = ctx.state;
  if (phase !== 'stopping' || stopSince === null) return;
  if (Object.values(ctx.state.addresses).some(({ move }) => move !== null)) return;
  const waited = now.at - stopSince;
  const speaking = ctx.outgoing.size > 0 || pendingSends.some((send) => send.failedAt === null);
  const writing = storage.durable < storage.latest && storage.failing === null;
  const publishing = outbox.some((notification) => notification.publishing !== null);
  const owing = Object.values(ctx.state.addresses).some(owesArbiter);
  if ((speaking || writing || publishing || owing) && waited < GOODBYE_MS) return;
  change(ctx, { phase: 'stopped' });
  ctx.effects.push({ kind: 'stopped' });
}

/** When a stopping node has waited for long enough. */
export function goodbyeUntil(stopSince: number): number {
  return stopSince + GOODBYE_MS;
}

/** A write is durable, and with it all that were asked for before. */
export function onPersisted(ctx: StepContext, writeId: EffectId): void {
  const { storage } = ctx.state;
  if (storage.failing !== null) emitStorage(ctx, true, '');
  const durable = Math.max(storage.durable, writeId);
  const waitingSince = durable >= storage.latest ? null : ctx.now.at;
  changeStorage(ctx, { durable, failing: null, waitingSince });
}

/** Peers are told as well: whoever asks for something to be stored counts only on nodes that can write. */
function emitStorage(ctx: StepContext, ok: boolean, code: string): void {
  emitFact(ctx, { kind: 'storage', ok, code });
  announce(ctx);
}

/** What waited for the write was dropped by the host: ballots among it, so they are given up. */
export function onPersistFailed(ctx: StepContext, code: string): void {
  const { storage, now } = ctx.state;
  if (storage.failing !== code) emitStorage(ctx, false, code);
  changeStorage(ctx, { failing: code, retryAt: now.at + WRITE_AGAIN_MS, waitingSince: null });
  republish(ctx);
  for (const { ip, move } of Object.values(ctx.state.addresses)) {
    // A move that has begun has its intent on disk already, and goes on.
    if (move === null) giveUp(ctx, ip, 'dropped', `the disk doesn't take writes: ${code}`, 0);
  }
}

/** A disk that hangs is as bad as one that refuses. */
export function retryWrite(ctx: StepContext): void {
  const { storage, now } = ctx.state;
  if (
    storage.failing === null &&
    storage.waitingSince !== null &&
    now.at - storage.waitingSince >= WRITE_LASTS_MS
  ) {
    emitStorage(ctx, false, 'SLOW');
    changeStorage(ctx, { failing: 'SLOW', retryAt: now.at + WRITE_AGAIN_MS });
    return;
  }
  if (storage.failing === null || now.at < storage.retryAt || storage.retryAt === 0) return;
  changeStorage(ctx, { retryAt: now.at + WRITE_AGAIN_MS });
  persist(ctx);
}

/** Ballot and mandate are given up; a move that has taken nothing apart ends, one that has goes on. */
function dropMandate(ctx: StepContext, ip: Ip, why: string): void {
  const { move, campaign } = addressOf(ctx.state, ip);
  if (move === null) {
    giveUp(ctx, ip, 'dropped', why, 0);
    return;
  }
  if (!isPastRecall(move)) {
    abandonMove(ctx, ip, why);
    return;
  }
  // What was lent is not given back: a call of ours may still take effect. It runs out, or the move's end returns it.
  if (campaign !== null) changeAddress(ctx, ip, { campaign: null, guard: null });
}
