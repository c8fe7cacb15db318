/**
 * The state to its durable document and back (PROTOCOL.md, "Restart, stall, shutdown").
 */
import { restoredCounter } from '../membership/bounded.ts';
import type { AddressState, LateTake, Told } from '../model/address-state.ts';
import { NO_PAUSE, NOTHING_TOLD, newAddress } from '../model/initial.ts';
import type { StorageState } from '../model/inputs.ts';
import type { Handover, State } from '../model/state.ts';
import type { Instant, MonotonicMs, NodeId } from '../model/units.ts';
import { LATE_LASTS_MS } from '../move/late.ts';
import { changesKept } from '../observation/changes.ts';
import { HANDOVER_LASTS_MS } from '../orders/handover.ts';
import { durableOutbox, restoredOutbox } from '../reporting/kept-notices.ts';
import { durableEpisode, restoredEpisode } from '../takeover/episode.ts';
import type { PauseRecord } from '../wire/messages.ts';
import {
  DOCUMENT_VERSION,
  type DurableAddress,
  type DurableDocument,
  type DurableHandover,
} from './durable.ts';

/** All of the state that the next run has to know. Every write holds the whole document. */
export function documentOf(state: State): DurableDocument {
  return {
    version: DOCUMENT_VERSION,
    cluster: state.config.cluster,
    node: state.config.node.id,
    incarnation: state.incarnation,
    addresses: Object.values(state.addresses).map((address) => durableAddress(state, address)),
    pause: state.pause,
    handovers: state.handovers.map((handover) => durableHandover(state, handover)),
    ...durableOutbox(state),
    serial: state.serial,
    ...(state.toldPause === null ? {} : { toldPause: state.toldPause }),
  };
}

/**
 * Why a document is not this node's own, in words; null: it is. A directory that was copied, mounted or named by mistake
 * holds pauses, notifications and moves of others, and leases that this node never lent.
 */
export function foreignTo(
  document: Pick<DurableDocument, 'cluster' | 'node'>,
  self: { readonly cluster: string; readonly node: NodeId },
): string | null {
  if (document.cluster !== self.cluster)
    return `belongs to ${document.node} of the cluster ${document.cluster}, not of ${self.cluster}`;
  return document.node === self.node ? null : `belongs to the node ${document.node}, not to ${self.node}`;
}

/** The same storage, unless it is another's. */
export function ownStorage(state: State, storage: StorageState): StorageState {
  if (storage.kind !== 'loaded') return storage;
  const { cluster, node } = state.config;
  const detail = foreignTo(storage.document, { cluster, node: node.id });
  return detail === null ? storage : { kind: 'foreign', detail: `the state ${detail}` };
}

/**
 * What a new run knows from the last one. Times that were lengths are counted from `at`: a lease as if it had been
 * lent just now, a change of holder as if no time had passed since the writing.
 */
export function restored(state: State, storage: StorageState, at: MonotonicMs): State {
  const document = storage.kind === 'loaded' ? storage.document : null;
  const addresses = state.config.addresses.map(({ ip }) => {
    const known = document?.addresses.find((one) => one.ip === ip);
    return [ip, restoredAddress(state, ip, known, at)] as const;
  });
  return {
    ...state,
    incarnation: restoredCounter(document?.incarnation ?? 0) + 1,
    addresses: Object.fromEntries(addresses),
    pause: document === null ? NO_PAUSE : restoredPause(document.pause),
    handovers: (document?.handovers ?? []).flatMap((one) => restoredHandover(one, { ...state.now, at })),
    outbox: document === null ? [] : restoredOutbox(document, at),
    toldPause: document?.toldPause ?? null,
    serial: document?.serial ?? 0,
    storage: { ...state.storage, found: storage.kind, foundDetail: detailOf(storage) },
  };
}

function durableHandover(state: State, { record, expiresAt, ending, untold }: Handover): DurableHandover {
  const ttlMs = Math.max(0, Math.floor(expiresAt - state.now.at));
  const untilWall = Math.max(0, Math.floor(state.now.wall + ttlMs));
  // What this run was told of its end is all that the next one has to know.
  return { ...(ending ?? record), ttlMs, untilWall, ...(untold === 'nothing' ? {} : { untold }) };
}

/**
 * A handover goes on where its node starts again in time, and not an hour later as if no time had passed. An open one whose
 * disk doesn't say until when is left to the peers, who may know.
 */
function restoredHandover(one: DurableHandover, now: Instant): readonly Handover[] {
  const { untilWall, untold = 'nothing', ...record } = one;
  if (untilWall === undefined && record.state === 'open') return [];
  const untilThen = Math.min(untilWall ?? Infinity, record.until ?? Infinity);
  const leftMs = Math.min(record.ttlMs, HANDOVER_LASTS_MS, untilThen - now.wall);
  return [{ record, expiresAt: now.at + Math.max(0, leftMs), ending: null, untold }];
}

/** What was wrong with what was found on the disk, in words; empty: nothing. */
export function detailOf(storage: StorageState): string {
  return storage.kind === 'unreadable' || storage.kind === 'foreign' ? storage.detail : '';
}

function restoredPause(pause: PauseRecord): PauseRecord {
  return { ...pause, version: restoredCounter(pause.version) };
}

function restoredAddress(
  state: State,
  ip: string,
  known: DurableAddress | undefined,
  at: MonotonicMs,
): AddressState {
  const fresh = { ...newAddress(ip), verdictSince: at, decision: { ...newAddress(ip).decision, since: at } };
  const { leaseMs } = state.config.agreement;
  if (known === undefined) return { ...fresh, lendFrom: at + leaseMs };
  const { lent } = known;
  return {
    ...fresh,
    epoch: restoredCounter(known.epoch),
    lent:
      lent === null ? null : { candidate: lent.candidate, epoch: restoredCounter(lent.epoch), expiresAt: at },
    lendFrom: lent === null || lent.leaseMs === 0 ? at : at + Math.max(lent.leaseMs, leaseMs),
    intent: known.intent === null ? null : { ...known.intent, epoch: restoredCounter(known.intent.epoch) },
    oldChanges: known.changes.map((ageMs) => at - ageMs),
    late: restoredLate(known, at),
    ended: known.ended,
    toldEnded: known.ended.map((id) => ({ id, at })),
    blockedTold: known.blockedTold,
    told: { ...NOTHING_TOLD, ...known.told },
    episode: restoredEpisode(known.episode, known.blockedTold, at),
  };
}

function restoredLate(
  { late, lateMs, lateHeld, lateTakes }: DurableAddress,
  at: MonotonicMs,
): LateTake | null {
  if (late === null) return null;
  return {
    intent: late,
    takes: lateTakes ?? 1,
    until: at + (lateMs ?? LATE_LASTS_MS),
    held: lateHeld ?? null,
  };
}

function durableLate(
  state: State,
  { late }: AddressState,
): Pick<DurableAddress, 'late' | 'lateMs' | 'lateHeld' | 'lateTakes'> {
  if (late === null) return { late: null };
  const { intent, takes, until, held } = late;
  const lateMs = Math.max(0, Math.floor(until - state.now.at));
  return { late: intent, lateMs, lateTakes: takes, ...(held === null ? {} : { lateHeld: held }) };
}

function durableTold({ holds, outage, unfit, alone }: Told): Pick<DurableAddress, 'told'> {
  return holds || outage || unfit || alone ? { told: { holds, outage, unfit, alone } } : {};
}

function durableAddress(state: State, address: AddressState): DurableAddress {
  const { lent } = address;
  const leftMs = Math.ceil(Math.max(address.lendFrom, lent?.expiresAt ?? 0) - state.now.at);
  const leaseMs = leftMs > 0 ? Math.max(leftMs, state.config.agreement.leaseMs) : 0;
  return {
    ip: address.ip,
    epoch: address.epoch,
    lent:
      lent === null && leaseMs === 0
        ? null
        : { candidate: lent?.candidate ?? '', epoch: lent?.epoch ?? address.epoch, leaseMs },
    intent: address.intent,
    ...durableLate(state, address),
    changes: [...address.changes, ...address.oldChanges]
      .slice(0, changesKept(state.config))
      .map((changedAt) => Math.max(0, Math.floor(state.now.at - changedAt))),
    ended: address.ended,
    blockedTold: address.blockedTold,
    ...durableTold(address.told),
    episode: durableEpisode(state, address),
  };
}
