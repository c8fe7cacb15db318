/**
 * What one run has been seen to learn and to do, as plain data that branches can share: what its own invariants, and those
 * of the cluster, are judged by (`run-events.ts` adds to it).
 */
import type { Ip, NodeId } from '@failtome/protocol';
import type { EventOf } from './events.ts';
import type { SeenProbe } from './probes.ts';

/** An answer of the external-IP service. */
export interface Proof {
  readonly atMs: number;
  readonly ip: Ip;
}

/** What a read has shown, or an answer to a call; `associationId` null: nobody. */
export interface Shown {
  /** When the read began, or the call was answered. */
  readonly beganMs: number;
  /** The same of the first that has shown this since it showed anything else. */
  readonly sinceMs: number;
  readonly associationId: string | null;
  readonly self: boolean;
  readonly atMs: number;
}

/** A call whose answer is unknown, and what reads have shown since. */
export interface UnknownCall {
  readonly op: 'release' | 'take' | 'swap';
  readonly atMs: number;
  /** What was read before the call, and what it was therefore to end. */
  readonly before: string | null;
  readonly reads: readonly Shown[];
}

/** A ballot won by the silence of some. */
export interface Silence {
  readonly epoch: number;
  readonly silent: readonly NodeId[];
  readonly heard: NodeId | null;
}

/** What concerns one address. */
export interface AddressHistory {
  /** Since when its verdict has been down; null: it isn't. */
  readonly downMs: number | null;
  readonly openedMs: number;
  /** Whether its verdict was down when it opened the ballot. */
  readonly openedDown: boolean;
  readonly won: { readonly epoch: number; readonly atMs: number } | null;
  readonly guardedMs: number | null;
  readonly silence: Silence | null;
  readonly shows: Shown | null;
  readonly unknown: UnknownCall | null;
  /** The epoch of the move whose first call has been seen. */
  readonly begun: number | null;
  /** Its last probes, in the order in which they began. */
  readonly probes: readonly SeenProbe[];
  /** Whether its last probe that came to something succeeded; null: none has. */
  readonly probedUp: boolean | null;
  /** The holder as it has told last; null: nothing yet. */
  readonly holder: NodeId | 'nobody' | 'unknown' | null;
  /** When the cloud last said that this node holds it; null: it or a peer said otherwise since. */
  readonly heldMs: number | null;
  /** When it last learned that another holds it, or nobody. */
  readonly otherwiseMs: number | null;
  /** When a peer's word made it take another for the holder instead of itself; null: none has since it asked for the address. */
  readonly replacedMs: number | null;
  /** Since when it has known that its last call came about; what it was told again later is no later acceptance. */
  readonly acceptedMs: number | null;
  /** The epoch of the last move that it told has happened. */
  readonly movedIn: number | null;
  /** The decision that was told last. */
  readonly decided: string;
  /** When it told people that the address is blocked. */
  readonly blockedMs: number | null;
  readonly callPace: Pace | null;
}

/** How often something has happened since. */
export interface Pace {
  readonly sinceMs: number;
  readonly count: number;
}

/** What a peer has said of itself, as this run has read it. */
export interface PeerWord {
  /** The session that counted last, and those that counted before it: late answers of these bring no record. */
  readonly speaker: string;
  readonly replaced: readonly string[];
  /** Of its newest record: messages overtake each other. */
  readonly session: string;
  readonly version: number;
  readonly heardMs: number;
  /** When that record was read: an answer may wait for a disk, and tell late that its request was taken in. */
  readonly readMs: number;
  /** Since when it has been saying that it is unfit; null: it isn't. */
  readonly unfitMs: number | null;
}

/** What of one run its rules need. */
export interface RunHistory {
  readonly startedMs: number;
  readonly addresses: Readonly<Record<Ip, AddressHistory>>;
  readonly proofs: readonly Proof[];
  /** The last checks of its own HAProxy since the start or a standstill, in the order in which they began. */
  readonly local: readonly SeenProbe[];
  /** How many of them have succeeded since the start, up to `FIT_CHECKS`, whatever came between. */
  readonly okChecks: number;
  readonly failedCheckMs: number | null;
  /** When it stood still last: until when, in true time. */
  readonly stoodStillMs: number | null;
  /** Since when the process is stopped; null: it runs. */
  readonly stoppedMs: number | null;
  /** When it noticed its last standstill. */
  readonly stalledMs: number | null;
  /** Since when it has known of the present pause of automatic moves; null: there is none. */
  readonly pauseMs: number | null;
  readonly stopping: boolean;
  /** When each peer was last heard: by an answer to this run, or by a request that counted. */
  readonly heard: Readonly<Record<NodeId, number>>;
  readonly words: Readonly<Record<NodeId, PeerWord>>;
  /** Which ids it has seen twice, and when. */
  readonly duplicates: Readonly<Record<NodeId, number>>;
  /** Reads that are on their way. */
  readonly reads: readonly { readonly callId: number; readonly address: Ip; readonly atMs: number }[];
  /** The version of the wire that it speaks. */
  readonly wire: string;
  readonly sendPaces: Readonly<Record<NodeId, Pace>>;
}

/** What drifting clocks may make of a length of time. */
export const DRIFT = 0.999;

/** How long a read without an id isn't believed after a peer's word, and what drifting clocks may make of that. */
const READS_LAG_MS = 60_000 + 50;

/** So many checks of its own HAProxy make a node fit for sure. */
export const FIT_CHECKS = 3;

const NEW_ADDRESS: AddressHistory = {
  downMs: null,
  openedMs: 0,
  openedDown: false,
  won: null,
  guardedMs: null,
  silence: null,
  shows: null,
  unknown: null,
  begun: null,
  probes: [],
  probedUp: null,
  holder: null,
  heldMs: null,
  otherwiseMs: null,
  replacedMs: null,
  acceptedMs: null,
  movedIn: null,
  decided: 'starting',
  blockedMs: null,
  callPace: null,
};

/** A run that begins. */
export function newRunHistory(startedMs: number): RunHistory {
  return {
    startedMs,
    addresses: {},
    proofs: [],
    local: [],
    okChecks: 0,
    failedCheckMs: null,
    stoodStillMs: null,
    stoppedMs: null,
    stalledMs: null,
    pauseMs: null,
    stopping: false,
    heard: {},
    words: {},
    duplicates: {},
    reads: [],
    wire: '1',
    sendPaces: {},
  };
}

/** A copy of a history, written out: nearly every event makes one, and a spread costs several times as much. */
export function copyRun(history: RunHistory): { -readonly [K in keyof RunHistory]: RunHistory[K] } {
  return {
    startedMs: history.startedMs,
    addresses: history.addresses,
    proofs: history.proofs,
    local: history.local,
    okChecks: history.okChecks,
    failedCheckMs: history.failedCheckMs,
    stoodStillMs: history.stoodStillMs,
    stoppedMs: history.stoppedMs,
    stalledMs: history.stalledMs,
    pauseMs: history.pauseMs,
    stopping: history.stopping,
    heard: history.heard,
    words: history.words,
    duplicates: history.duplicates,
    reads: history.reads,
    wire: history.wire,
    sendPaces: history.sendPaces,
  };
}

/** The same of an address's. */
export function copyAddress(address: AddressHistory): {
  -readonly [K in keyof AddressHistory]: AddressHistory[K];
} {
  return {
    downMs: address.downMs,
    openedMs: address.openedMs,
    openedDown: address.openedDown,
    won: address.won,
    guardedMs: address.guardedMs,
    silence: address.silence,
    shows: address.shows,
    unknown: address.unknown,
    begun: address.begun,
    probes: address.probes,
    probedUp: address.probedUp,
    holder: address.holder,
    heldMs: address.heldMs,
    otherwiseMs: address.otherwiseMs,
    replacedMs: address.replacedMs,
    acceptedMs: address.acceptedMs,
    movedIn: address.movedIn,
    decided: address.decided,
    blockedMs: address.blockedMs,
    callPace: address.callPace,
  };
}

/** A record with one value replaced. */
export function withEntry<T>(
  record: Readonly<Record<string, T>>,
  key: string,
  value: T,
): Readonly<Record<string, T>> {
  const copy = { ...record };
  copy[key] = value;
  return copy;
}

/** What is known of one address. */
export function addressOf({ addresses }: RunHistory, ip: Ip): AddressHistory {
  return addresses[ip] ?? NEW_ADDRESS;
}

/**
 * A read without an id that shows a node shortly after a peer's word has replaced it may be one that lags: it proves nothing
 * as yet (PROTOCOL.md, "Accepted is told"), so that the node knows neither of a take that has landed meanwhile nor that it holds it.
 */
export function isDoubted(history: RunHistory, ip: Ip, nowMs: number): boolean {
  const { replacedMs } = addressOf(history, ip);
  return replacedMs !== null && nowMs - replacedMs < READS_LAG_MS;
}

/** The epoch of the move, at its first call; null: it isn't one, or the move only ends what it has begun. */
export function firstCallOf(history: RunHistory, { by, effect }: EventOf<'drive'>): number | null {
  if (effect.operation.op !== 'release' && effect.operation.op !== 'take') return null;
  const move = by.state().addresses[effect.address]?.move;
  if (move == null || move.duty || addressOf(history, effect.address).begun === move.epoch) return null;
  return move.epoch;
}

/** When a peer was last heard: what is read once more, or refused, says nothing of now. Never heard: before all time. */
export function heardMs({ heard }: RunHistory, peer: NodeId): number {
  return heard[peer] ?? Number.NEGATIVE_INFINITY;
}

/** Another one of what is counted in each second. */
export function counted(pace: Pace | null | undefined, nowMs: number): Pace {
  return pace == null || nowMs - pace.sinceMs >= 1_000
    ? { sinceMs: nowMs, count: 1 }
    : { sinceMs: pace.sinceMs, count: pace.count + 1 };
}
