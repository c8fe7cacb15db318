/**
 * Start, stall, new configuration, shutdown, and the disk (PROTOCOL.md, "Restart, stall, shutdown").
 */

import { giveUp } from './election/campaign.ts';
import type { ProtocolConfig } from './model/config.ts';
import { NEW_SERIES, NEW_WAY_OUT, newAddress, newPeer } from './model/initial.ts';
import type { Started } from './model/inputs.ts';
import {
  addressOf,
  announce,
  change,
  changeAddress,
  changeGossip,
  changePeer,
  changeStorage,
  persist,
  type Turn,
  tell,
} from './model/step-context.ts';
import type { DurationMs, EffectId, Ip } from './model/units.ts';
import { abandonMove, concludeMove } from './move/conclude.ts';
import { tellMoved } from './move/late.ts';
import { recoverMove } from './move/move.ts';
import { isPastRecall } from './move/phases.ts';
import { forgetAddress, forgetObservations } from './observation/verdict.ts';
import { forgetHandovers } from './orders/handover.ts';
import { counts } from './orders/orders.ts';
import { forgetPause } from './orders/pause.ts';
import { republish } from './reporting/outbox.ts';
import { counted } from './reporting/wording.ts';
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

export function onStarted(turn: Turn, input: Started): void {
  const { at } = turn.now;
  const storage = ownStorage(turn.state, input.storage);
  const state = restored(turn.state, storage, at);
  const draws = Math.max(1, Math.floor(input.seed)) | 0;
  turn.state = {
    ...state,
    phase: 'running',
    session: input.session,
    startedAt: at,
    observedFrom: at,
    due: at,
    draws: draws === 0 ? 1 : draws,
  };
  changeGossip(turn, { nextRoundAt: at });
  change(turn, { local: { ...turn.state.local, since: at } });
  const { incarnation } = turn.state;
  tell(turn, { kind: 'started', incarnation, storage: storage.kind, detail: detailOf(storage) });
  forgetUncounted(turn, []);
  persist(turn);
  for (const { ip, intent } of Object.values(turn.state.addresses)) {
    if (intent === null) continue;
    // An accepted move is told even where this run may not ask the cloud; what else it meant is read first.
    if (intent.stage === 'accepted') concludeMove(turn, ip, 'moved', intent);
    else if (turn.state.config.driver !== null) recoverMove(turn, ip);
  }
  const written = input.storage.kind === 'loaded' ? input.storage.document.addresses : [];
  for (const { ip, intent } of written)
    if (intent?.stage === 'accepted' && turn.state.addresses[ip] === undefined)
      tellMoved(turn, ip, intent, intent.reason);
}

/** Stood still for longer than peers tolerate: what was seen and borrowed before counts for nothing now. */
export function onStall(turn: Turn, lateMs: DurationMs): void {
  const { at } = turn.now;
  tell(turn, { kind: 'stalled', lateMs });
  change(turn, {
    observedFrom: at,
    wayOut: { '4': { ...NEW_WAY_OUT, nextAt: at }, '6': { ...NEW_WAY_OUT, nextAt: at } },
  });
  forgetObservations(turn);
  onStoodStill(turn, lateMs, lateMs >= blockedAfterMs(turn.state.config));
  for (const ip of Object.keys(turn.state.addresses)) dropMandate(turn, ip, 'this node stood still');
}

export function onConfigured(turn: Turn, config: ProtocolConfig, disproved: readonly string[]): void {
  const { state } = turn;
  const before = state.config;
  const peers = Object.fromEntries(config.peers.map(({ id }) => [id, state.peers[id] ?? newPeer(id)]));
  const addresses = Object.fromEntries(
    config.addresses.map(({ ip }) => [
      ip,
      state.addresses[ip] ?? { ...newAddress(ip), lendFrom: turn.now.at + config.agreement.leaseMs },
    ]),
  );
  // An address with a move under way is kept until the move has ended, and is dropped then (`dropLeaving`).
  const busy = Object.values(state.addresses).filter(
    (address) => address.move !== null && addresses[address.ip] === undefined,
  );
  const keptAddresses = before.addresses.filter(({ ip }) => busy.some((address) => address.ip === ip));
  change(turn, {
    config: { ...config, addresses: [...config.addresses, ...keptAddresses] },
    peers,
    addresses: { ...addresses, ...Object.fromEntries(busy.map((address) => [address.ip, address])) },
    leaving: busy.map(({ ip }) => ip),
  });
  for (const { ip } of before.addresses) forgetOtherProbe(turn, before, ip);
  if ((config.local === null) !== (before.local === null)) {
    const fit = config.local === null ? 'fit' : 'unknown';
    change(turn, { local: { series: NEW_SERIES, fit, since: turn.now.at } });
  }
  for (const ip of Object.keys(turn.state.addresses)) {
    if (addressOf(turn.state, ip).move === null)
      giveUp(turn, ip, 'dropped', 'the configuration has changed', 0);
  }
  forgetUncounted(turn, disproved);
  askForOrders(turn);
  tell(turn, {
    kind: 'configured',
    detail: `${counted(config.peers.length, 'peer')}, ${counted(config.addresses.length, 'address', 'addresses')}`,
  });
  persist(turn);
  announce(turn);
}

/** Orders count by the present rule alone: neither from an earlier time on the disk, nor by whoever is no operator any more. */
function forgetUncounted(turn: Turn, disproved: readonly string[]): void {
  const { config, pause, handovers } = turn.state;
  const isUncounted = (order: { readonly proof?: string }): boolean =>
    !counts(config.orders, order) || (order.proof !== undefined && disproved.includes(order.proof));
  if (isUncounted(pause)) forgetPause(turn, NOT_SIGNED);
  const gone = handovers.filter(({ record }) => isUncounted(record));
  if (gone.length > 0) forgetHandovers(turn, gone, NOT_SIGNED);
}

/** Peers tell their records once. What was left out of them by the old configuration may count by the new one, and the reverse. */
function askForOrders(turn: Turn): void {
  if (turn.state.config.orders === 'any') return;
  for (const id of Object.keys(turn.state.peers))
    changePeer(turn, id, { recordVersion: 0, ordersDue: false });
}

/** What was seen of an address by another probe says nothing of this one, nor does what is still on its way. */
function forgetOtherProbe(turn: Turn, before: ProtocolConfig, ip: Ip): void {
  const asked = (config: ProtocolConfig): string =>
    probeDigest(config.addresses.find((address) => address.ip === ip));
  if (turn.state.addresses[ip] === undefined || asked(before) === asked(turn.state.config)) return;
  forgetAddress(turn, ip, 'asked in another way now, looking afresh');
  endEpisode(turn, ip);
}

/** The move of an address that the configuration doesn't name any more has ended: the address goes, too. */
export function dropLeaving(turn: Turn): void {
  const { leaving, addresses, config } = turn.state;
  const over = leaving.filter((ip) => addresses[ip]?.move == null);
  if (over.length === 0) return;
  const stays = ({ ip }: { readonly ip: Ip }): boolean => !over.includes(ip);
  change(turn, {
    config: { ...config, addresses: config.addresses.filter(stays) },
    addresses: Object.fromEntries(Object.entries(addresses).filter(([ip]) => stays({ ip }))),
    leaving: leaving.filter((ip) => stays({ ip })),
  });
  tell(turn, { kind: 'configured', detail: `without ${over.join(', ')}, whose move has ended` });
  persist(turn);
  announce(turn);
}

export function onStop(turn: Turn): void {
  if (turn.state.phase !== 'running') return;
  tell(turn, { kind: 'stopping' });
  change(turn, { phase: 'stopping', stopSince: turn.now.at });
  for (const { ip, move, intent } of Object.values(turn.state.addresses)) {
    if (move?.stage.kind === 'verifying' && intent !== null) concludeMove(turn, ip, 'moved', intent);
    else dropMandate(turn, ip, 'this node is shutting down');
  }
  announce(turn);
}

/** Once nothing is owed, the node is done. */
export function finishStopping(turn: Turn): void {
  const { phase, stopSince, now, pendingSends, storage, outbox } = turn.state;
  if (phase !== 'stopping' || stopSince === null) return;
  if (Object.values(turn.state.addresses).some(({ move }) => move !== null)) return;
  const waited = now.at - stopSince;
  const speaking = turn.outgoing.size > 0 || pendingSends.some((send) => send.failedAt === null);
  const writing = storage.durable < storage.latest && storage.failing === null;
  const publishing = outbox.some((notification) => notification.publishing !== null);
  if ((speaking || writing || publishing) && waited < GOODBYE_MS) return;
  change(turn, { phase: 'stopped' });
  turn.effects.push({ kind: 'stopped' });
}

/** When a stopping node has waited for long enough. */
export function goodbyeUntil(stopSince: number): number {
  return stopSince + GOODBYE_MS;
}

export function onPersisted(turn: Turn, writeId: EffectId): void {
  const { storage } = turn.state;
  if (storage.failing !== null) tellStorage(turn, true, '');
  const durable = Math.max(storage.durable, writeId);
  const waitingSince = durable >= storage.latest ? null : turn.now.at;
  changeStorage(turn, { durable, failing: null, waitingSince });
}

/** Peers are told as well: whoever asks for something to be stored counts only on nodes that can write. */
function tellStorage(turn: Turn, ok: boolean, code: string): void {
  tell(turn, { kind: 'storage', ok, code });
  announce(turn);
}

/** What waited for the write was dropped by the host: ballots among it, so they are given up. */
export function onPersistFailed(turn: Turn, code: string): void {
  const { storage, now } = turn.state;
  if (storage.failing !== code) tellStorage(turn, false, code);
  changeStorage(turn, { failing: code, retryAt: now.at + WRITE_AGAIN_MS, waitingSince: null });
  republish(turn);
  for (const { ip, move } of Object.values(turn.state.addresses)) {
    // A move that has begun has its intent on disk already, and goes on.
    if (move === null) giveUp(turn, ip, 'dropped', `the disk doesn't take writes: ${code}`, 0);
  }
}

/** A disk that hangs is as bad as one that refuses. */
export function retryWrite(turn: Turn): void {
  const { storage, now } = turn.state;
  if (
    storage.failing === null &&
    storage.waitingSince !== null &&
    now.at - storage.waitingSince >= WRITE_LASTS_MS
  ) {
    tellStorage(turn, false, 'SLOW');
    changeStorage(turn, { failing: 'SLOW', retryAt: now.at + WRITE_AGAIN_MS });
    return;
  }
  if (storage.failing === null || now.at < storage.retryAt || storage.retryAt === 0) return;
  changeStorage(turn, { retryAt: now.at + WRITE_AGAIN_MS });
  persist(turn);
}

/** Ballot and mandate are given up; a move that has taken nothing apart ends, one that has goes on. */
function dropMandate(turn: Turn, ip: Ip, why: string): void {
  const { move, campaign } = addressOf(turn.state, ip);
  if (move === null) {
    giveUp(turn, ip, 'dropped', why, 0);
    return;
  }
  if (!isPastRecall(move)) {
    abandonMove(turn, ip, why);
    return;
  }
  // What was lent is not given back: a call of ours may still take effect. It runs out, or the move's end returns it.
  if (campaign !== null) changeAddress(turn, ip, { campaign: null, guard: null });
}
