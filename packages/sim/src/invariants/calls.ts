/**
 * What comes before a call that takes the address apart, or takes it, by what its own run has learned: I1, I7 to I9, I11,
 * I14 and I16.
 */
import { callTimeoutMs, counted, type DriveEffect, type Ip } from '@failtome/protocol';
import { type Broken, broken, type EventOf, type RunView } from './events.ts';
import { failuresInARow } from './probes.ts';
import {
  addressOf,
  firstCallOf,
  isDoubted,
  type RunHistory,
  type Shown,
  type UnknownCall,
} from './run-history.ts';

/** How long a way-out proof counts (PROTOCOL.md, "Observation"). */
const PROOF_LASTS_MS = 5_000;
/** What drifting clocks may make of a length of time. */
const TOLERANCE_MS = 20;
/** How long reads may take to agree, and how far apart two that agree are (PROTOCOL.md, "The move", 5). */
const SETTLE_MS = 5_000;
const AGREE_MS = 1_000;
/** For so long after it began what was read counts for a move (PROTOCOL.md, "The move"). */
const EARLY_READ_LASTS_MS = 6_000;

/** What a call for an address breaks that its own run can know of. */
export function checkCall(history: RunHistory, event: EventOf<'drive'>, nowMs: number): readonly Broken[] {
  const { by, effect } = event;
  const { address: ip, operation } = effect;
  if (operation.op === 'read' || operation.op === 'permit') return [];
  const move = by.state().addresses[ip]?.move;
  const what = `${by.run} calls ${operation.op} of ${ip}`;
  if (move == null) return [broken('I1', `${what} without a move`)];
  const takesApart = operation.op === 'release' || operation.reassociate;
  const isFirst = firstCallOf(history, event) !== null;
  return [
    ...checkRead(history, by, effect, what, nowMs),
    ...(isFirst ? checkReadsAge(history, by, effect, what, nowMs) : []),
    ...(takesApart ? checkLeases(by, effect, what) : []),
    ...(takesApart || !move.duty ? checkFitness(history, by, what) : []),
    ...(isFirst && move.mode === 'takeover' ? checkFirstCall(history, by, ip, move.epoch, what, nowMs) : []),
  ];
}

/** I11, and I9 where it holds the address itself: by what was read last. */
function checkRead(
  history: RunHistory,
  by: RunView,
  { address: ip, operation }: DriveEffect,
  what: string,
  nowMs: number,
): readonly Broken[] {
  const { shows } = addressOf(history, ip);
  const move = by.state().addresses[ip]?.move;
  const found: Broken[] = [];
  if (shows === null) found.push(broken('I11', `${what} without having read who holds it`));
  if (operation.op === 'release') {
    // Without an id what a read shows goes by its instance.
    const named = operation.associationId ?? operation.instanceId;
    if (named !== shows?.associationId)
      found.push(
        broken('I11', `${what}, association ${named}, but read ${shows?.associationId} at ${shows?.atMs}`),
      );
  }
  const consented = move?.mode === 'handover' && move.consent;
  if (operation.op === 'take' && operation.reassociate && !isSingleCall(by) && !consented)
    found.push(broken('I11', `${what} with reassociation, without consent`));
  if (shows?.self === true && isBelieved(history, by, ip, shows.associationId, nowMs))
    found.push(broken('I9', `${what}, which it holds since ${shows.atMs}`));
  return found;
}

/** A read that lags shows what the run knows to be over, or may be how it was before a peer's word. */
function isBelieved(
  history: RunHistory,
  by: RunView,
  ip: Ip,
  associationId: string | null,
  nowMs: number,
): boolean {
  if (associationId === null) return !isDoubted(history, ip, nowMs);
  return by.state().addresses[ip]?.ended.includes(associationId) !== true;
}

/**
 * I8, I11: that the read which a move rests on may have been early, but not too early. A call without a fence finds out
 * nothing by itself, so that its read is as late as the guard.
 */
function checkReadsAge(
  { addresses, stalledMs }: RunHistory,
  by: RunView,
  { address: ip, operation }: DriveEffect,
  what: string,
  nowMs: number,
): readonly Broken[] {
  const { shows, guardedMs } = addresses[ip] ?? {};
  if (shows == null) return [];
  const found: Broken[] = [];
  const read = `on what was read at ${shows.beganMs}`;
  const oldestMs = EARLY_READ_LASTS_MS + callTimeoutMs(by.config) + TOLERANCE_MS;
  if (nowMs - shows.beganMs > oldestMs) found.push(broken('I11', `${what}, ${read}`));
  if (shows.beganMs < (stalledMs ?? 0) - TOLERANCE_MS)
    found.push(broken('I8', `${what}, ${read}, and stood still until ${stalledMs}`));
  const isFenced = operation.op === 'release' || (operation.op === 'take' && !operation.reassociate);
  if (!isFenced && shows.beganMs < (guardedMs ?? 0) - TOLERANCE_MS)
    found.push(broken('I11', `${what} without a fence, ${read}, before its guard passed at ${guardedMs}`));
  return found;
}

/** I7: by the leases that it counts on itself. */
function checkLeases(by: RunView, { address, operation, timeoutMs }: DriveEffect, what: string) {
  const { addresses, now } = by.state();
  const leftMs = (addresses[address]?.move?.leaseUntil ?? 0) - now.at;
  const neededMs = (!isSingleCall(by) && operation.op === 'release' ? 2 : 1) * timeoutMs;
  return leftMs < neededMs
    ? [broken('I7', `${what} with ${leftMs} ms left of its leases, ${neededMs} needed`)]
    : [];
}

function isSingleCall({ config }: RunView): boolean {
  return config.driver?.style === 'single-call';
}

/** I9, of all moves: by the checks of the own HAProxy themselves, and not by what the node makes of them. */
function checkFitness(history: RunHistory, by: RunView, what: string): readonly Broken[] {
  const { local } = by.config;
  if (local === null) return [];
  if (history.local.every(({ end }) => end === 'out'))
    return [broken('I9', `${what}, and has never found its own HAProxy well`)];
  const found: Broken[] = [];
  // In the order of their starts: what has failed since counts for nothing while an earlier one may yet succeed.
  const fails = failuresInARow(history.local);
  if (fails >= local.fall)
    found.push(broken('I9', `${what}, and its own HAProxy has failed ${counted(fails, 'check')} in a row`));
  const { fit } = by.state().local;
  if (fit !== 'fit') found.push(broken('I9', `${what}, itself ${fit}`));
  return found;
}

/** I1, I8, I9, I16 of an automatic move. */
function checkFirstCall(
  history: RunHistory,
  by: RunView,
  ip: Ip,
  epoch: number,
  what: string,
  nowMs: number,
): readonly Broken[] {
  const { stoodStillMs, proofs } = history;
  // What was decided before a standstill goes out after it.
  if (by.worldTimeOf(by.state().now.at) < (stoodStillMs ?? Number.NEGATIVE_INFINITY)) return [];
  const kind = stoodStillMs === null ? 'I1' : 'I8';
  const { downMs, openedMs, openedDown, won, guardedMs } = addressOf(history, ip);
  const stood = stoodStillMs === null ? '' : `, stood still until ${stoodStillMs}`;
  const story = `${what} (down since ${downMs}, ballot of ${openedMs} won at ${won?.atMs}, guard passed at ${guardedMs}${stood})`;
  const found: Broken[] = [];
  if (downMs === null) found.push(broken(kind, `${story} without its own verdict`));
  if (won === null || won.epoch !== epoch)
    return [...found, broken(kind, `${story} without agreement on epoch ${epoch}`)];
  if (!openedDown) found.push(broken('I1', `${story}: it asked before it saw it down`));
  const outside = proofs.filter(({ atMs }) => atMs >= won.atMs);
  if (guardedMs === null || guardedMs < won.atMs) found.push(broken(kind, `${story} without a guard`));
  else if (!outside.some((proof) => proof.ip !== ip)) {
    const told = outside.map((proof) => proof.ip).join(', ') || 'nothing';
    found.push(broken('I1', `${story}: its guard was told ${told}`));
  }
  if (by.state().addresses[ip]?.series.last?.ok === true)
    found.push(broken('I1', `${story}, though its last probe succeeded`));
  if (proofs.every(({ atMs }) => nowMs - atMs > PROOF_LASTS_MS + callTimeoutMs(by.config)))
    found.push(broken('I9', `${story} without a way out`));
  if (isPaused(by)) found.push(broken('I16', `${what} while paused`));
  return found;
}

/** Whether automatic moves are paused, as far as the run knows. */
export function isPaused(by: RunView): boolean {
  const { pause, now } = by.state();
  return pause.paused && (pause.until === null || now.wall < pause.until);
}

/**
 * I14: the same call again only when enough was read since its answer stayed unknown.
 *
 * @param present the association that there really is, null: none; undefined: that isn't known
 */
export function checkAmbiguity(
  history: RunHistory,
  { by, effect: { address: ip, operation } }: EventOf<'drive'>,
  present: string | null | undefined,
): readonly Broken[] {
  const { unknown } = addressOf(history, ip);
  if (unknown === null || (operation.op !== 'release' && operation.op !== 'take')) return [];
  const since = `${by.run} calls ${operation.op} of ${ip} after ${unknown.op} was answered with unknown at ${unknown.atMs}`;
  const last = unknown.reads.at(-1);
  if (last === undefined) return [broken('I14', `${since}, and nothing was read since`)];
  const op = operation.op === 'take' && operation.reassociate ? 'swap' : operation.op;
  // A claim can't hurt: one read that shows nobody is enough, or one that lags behind an end.
  if (op === 'take' && (last.associationId === null || last.associationId !== present)) return [];
  if (op !== 'take' && (op !== unknown.op || last.associationId !== unknown.before)) return [];
  return isSettled(unknown, last)
    ? []
    : [broken('I14', `${since}, on reads that don't agree yet: ${unknown.reads[0]?.atMs} to ${last.atMs}`)];
}

function isSettled({ atMs, reads }: UnknownCall, last: Shown): boolean {
  const alike = reads.find(({ associationId }) => associationId === last.associationId);
  return (
    last.atMs - atMs >= SETTLE_MS - TOLERANCE_MS ||
    last.atMs - (alike?.atMs ?? last.atMs) >= AGREE_MS - TOLERANCE_MS
  );
}
