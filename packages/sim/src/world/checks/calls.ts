/**
 * What comes before a call that takes the address apart, or takes it: I1, I2, I7 to I9, I11, I14, I16, and who sees
 * what (I10).
 */
import { callTimeoutMs, counted, type DriveEffect, type Ip } from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';
import { createLedgers, type Ledger, type Ledgers, type Unknown } from './ledger.ts';

/** How long a way-out proof counts (PROTOCOL.md, "Observation"). */
const PROOF_LASTS_MS = 5_000;
const TOLERANCE_MS = 20;
/** A clock shows whole milliseconds of its own, which may be a little longer. */
const CLOCK_TICK_MS = 1.01;
/** A node that runs looks around at least this often. */
const MAX_GAP_MS = 1_000;
/** How long reads may take to agree, and how far apart two that agree are (PROTOCOL.md, "The move", 5). */
const SETTLE_MS = 5_000;
const AGREE_MS = 1_000;

export function checkCalls(view: WorldView, driver: 'ec2' | 'opsworks', violate: Violate): Watcher {
  const ledgers = createLedgers(view);
  const firstCall = createFirstCall(view, ledgers, violate);

  /** I2 */
  function checkProof(by: RunView, ip: Ip): void {
    const last = by.state().addresses[ip]?.series.last;
    if (last == null) return violate('I2', `${by.run} sees ${ip} down without a probe`);
    const began = by.worldTimeOf(last.startedAt) + CLOCK_TICK_MS;
    const { proofs } = ledgers.run(by);
    const newest = proofs.at(-1)?.atMs ?? Number.NEGATIVE_INFINITY;
    const longest = PROOF_LASTS_MS + TOLERANCE_MS;
    const hadOne = proofs.some(({ atMs }) => atMs <= began && began - atMs <= longest);
    if (!hadOne || view.now() - newest > longest)
      violate(
        'I2',
        `${by.run} sees ${ip} down by a probe from ${began}, its proofs are from ${proofs.map(({ atMs }) => atMs).join(', ')}`,
      );
  }

  function onDrive(by: RunView, { address: ip, operation, timeoutMs }: DriveEffect): void {
    if (operation.op === 'read' || operation.op === 'permit') return;
    const move = by.state().addresses[ip]?.move;
    const ledger = ledgers.of(by, ip);
    const what = `${by.run} calls ${operation.op} of ${ip}`;
    if (move == null) return violate('I1', `${what} without a move`);
    const takesApart = operation.op === 'release' || operation.reassociate;
    const op = operation.op === 'take' && operation.reassociate ? 'swap' : operation.op;
    checkAmbiguity(ip, op, ledger, what);
    if (ledger.shows === null) violate('I11', `${what} without having read who holds it`);
    if (operation.op === 'release' && operation.associationId !== ledger.shows?.associationId)
      violate(
        'I11',
        `${what}, association ${operation.associationId}, but read ${ledger.shows?.associationId} at ${ledger.shows?.atMs}`,
      );
    const consented = move.mode === 'handover' && move.consent;
    if (op === 'swap' && driver === 'ec2' && !consented)
      violate('I11', `${what} with reassociation, without consent`);
    if (ledger.shows?.self === true) violate('I9', `${what}, which it holds since ${ledger.shows.atMs}`);
    const leftMs = move.leaseUntil - by.state().now.at;
    const neededMs = (driver === 'ec2' && operation.op === 'release' ? 2 : 1) * timeoutMs;
    if (takesApart && leftMs < neededMs)
      violate('I7', `${what} with ${leftMs} ms left of its leases, ${neededMs} needed`);
    if (takesApart || !move.duty) checkFitness(by, what);
    if (move.duty || ledger.begun === move.epoch) return;
    ledger.begun = move.epoch;
    if (move.mode === 'takeover') firstCall(by, ip, move.epoch, what);
  }

  /** I14: the same call again only when enough was read since its answer stayed unknown. */
  function checkAmbiguity(ip: Ip, op: Unknown['op'], ledger: Ledger, what: string): void {
    const { unknown } = ledger;
    if (unknown === null) return;
    const [first, last] = [unknown.reads[0], unknown.reads.at(-1)];
    const since = `${what} after ${unknown.op} was answered with unknown at ${unknown.atMs}`;
    if (last === undefined) return violate('I14', `${since}, and nothing was read since`);
    ledger.unknown = null;
    // A claim can't hurt: one read that shows nobody is enough, or one that lags behind an end.
    const present = view.aws().addresses.get(ip)?.association?.id ?? null;
    if (op === 'take' && (last.associationId === null || last.associationId !== present)) return;
    if (op !== 'take' && (op !== unknown.op || last.associationId !== unknown.before)) return;
    const long = last.atMs - unknown.atMs >= SETTLE_MS - TOLERANCE_MS;
    const alike = unknown.reads.filter(({ associationId }) => associationId === last.associationId);
    const apart = last.atMs - (alike[0]?.atMs ?? last.atMs) >= AGREE_MS - TOLERANCE_MS;
    if (!long && !apart)
      violate('I14', `${since}, on reads that don't agree yet: ${first?.atMs} to ${last.atMs}`);
  }

  /** I9, of all moves: by the checks of the own HAProxy themselves, and not by what the node makes of them. */
  function checkFitness(by: RunView, what: string): void {
    const { local } = by.config;
    if (local === null) return;
    const results = ledgers.run(by).local;
    if (results.length === 0) return violate('I9', `${what}, and has never found its own HAProxy well`);
    const last = results.slice(-local.fall);
    if (last.length === local.fall && last.every((ok) => !ok))
      violate('I9', `${what}, and its own HAProxy has failed ${counted(local.fall, 'check')}`);
    if (by.state().local.fit !== 'fit') violate('I9', `${what}, itself ${by.state().local.fit}`);
  }

  return (event) => {
    ledgers.watch(event);
    if (event.kind === 'drive') onDrive(event.by, event.effect);
    if (event.kind !== 'facts') return;
    for (const fact of event.facts)
      if (fact.kind === 'verdict' && fact.to === 'down') checkProof(event.by, fact.address);
  };
}

/** I1, I8, I9, I10, I16 of an automatic move, at its first call. */
function createFirstCall(view: WorldView, ledgers: Ledgers, violate: Violate) {
  return (by: RunView, ip: Ip, epoch: number, what: string): void => {
    const ledger = ledgers.of(by, ip);
    const run = ledgers.run(by);
    // What was decided before a standstill goes out after it.
    const decidedMs = by.worldTimeOf(by.state().now.at);
    if (decidedMs < run.stoodStillMs) return;
    const stood = Number.isFinite(run.stoodStillMs);
    const kind = stood ? 'I8' : 'I1';
    const story = `${what} (down since ${ledger.downMs}, ballot of ${ledger.openedMs} won at ${ledger.won?.atMs}, guard passed at ${ledger.guardedMs}${stood ? `, stood still until ${run.stoodStillMs}` : ''})`;
    if (ledger.downMs === null) violate(kind, `${story} without its own verdict`);
    const { won, guardedMs } = ledger;
    if (won === null || won.epoch !== epoch)
      return violate(kind, `${story} without agreement on epoch ${epoch}`);
    if (!ledger.openedDown) violate('I1', `${story}: it asked before it saw it down`);
    const outside = run.proofs.filter(({ atMs }) => atMs >= won.atMs);
    if (guardedMs === null || guardedMs < won.atMs) violate(kind, `${story} without a guard`);
    else if (!outside.some((proof) => proof.ip !== ip))
      violate(
        'I1',
        `${story}: its guard was told ${outside.map((proof) => proof.ip).join(', ') || 'nothing'}`,
      );
    if (by.state().addresses[ip]?.series.last?.ok === true)
      violate('I1', `${story}, though its last probe succeeded`);
    if (run.proofs.every(({ atMs }) => view.now() - atMs > PROOF_LASTS_MS + callTimeoutMs(by.config)))
      violate('I9', `${story} without a way out`);
    checkPause(view, ledgers, by, ip, what, violate);
    checkSight(view, by, ip, ledger.openedMs, what, violate);
  };
}

/** I16: neither by its own knowledge, nor when a majority has known of the pause since before it asked. */
function checkPause(
  view: WorldView,
  ledgers: Ledgers,
  by: RunView,
  ip: Ip,
  what: string,
  violate: Violate,
): void {
  if (isPaused(by)) violate('I16', `${what} while paused`);
  const { openedMs } = ledgers.of(by, ip);
  const paused = view.runs().filter((voter) => {
    const since = ledgers.run(voter).pauseMs;
    const lasting = isPaused(voter) && voter.state().pause.until === null;
    return voter.config.node.role !== 'member' && lasting && since !== null && since < openedMs;
  });
  const configured = by.config.peers.filter(({ role }) => role !== 'member').length + 1;
  if (configured > 2 && paused.length * 2 > configured)
    violate('I16', `${what}, though ${paused.map(({ run }) => run).join(', ')} know that moves are paused`);
}

function isPaused(by: RunView): boolean {
  const { pause, now } = by.state();
  return pause.paused && (pause.until === null || now.wall < pause.until);
}

/** I10, and where one lies I25: what the voters that don't have thought since before the ballot. */
function checkSight(
  view: WorldView,
  by: RunView,
  ip: Ip,
  openedMs: number,
  what: string,
  violate: Violate,
): void {
  const voting = view.runs().filter(({ config }) => config.node.role !== 'member');
  const voters = voting.filter(({ node }) => !view.isLiar(node));
  const seen = voters.flatMap((voter) => {
    const address = voter.state().addresses[ip];
    if (address === undefined || address.series.last === null) return [];
    // Whoever stands still thinks what it thought then.
    if (view.now() - voter.worldTimeOf(voter.state().now.at) > 2 * MAX_GAP_MS) return [];
    if (address.verdict === 'down') return [{ voter, is: 'down' }];
    const longUp = address.verdict === 'up' && address.series.last.ok;
    return longUp && voter.worldTimeOf(address.verdictSince) < openedMs ? [{ voter, is: 'up' }] : [];
  });
  const up = seen.filter(({ is }) => is === 'up').length;
  const configured = by.config.peers.filter(({ role }) => role !== 'member').length + 1;
  if (up * 2 > seen.length && configured > 2)
    violate(
      voters.length < voting.length ? 'I25' : 'I10',
      `${what}, though ${up} of ${seen.length} sighted see it up: ${seen.map(({ voter, is }) => `${voter.run} ${is}`).join(', ')}`,
    );
}
