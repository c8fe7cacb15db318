/**
 * What comes before a call that takes the address apart, or takes it: I1, I2, I7 to I9, I11, I13 to I16.
 */
import { callTimeoutMs, type DriveEffect, type Fact, type Ip, type NodeId } from '@failtome/protocol';
import { type AwsEvent, holderOf } from '../../aws/index.ts';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';

/** How long a way-out proof counts (PROTOCOL.md, "Observation"). */
const PROOF_LASTS_MS = 5_000;
const TOLERANCE_MS = 20;
/** How long it may take until every node has learnt that the address changed hands. */
const LEARN_MS = 4_000;
const MAX_PROOFS = 8;
/** A node that runs looks around at least this often. */
const MAX_GAP_MS = 1_000;

/** What one run has been seen to do about one address. */
interface Ledger {
  down: boolean;
  won: { readonly epoch: number; readonly openedAt: number; readonly atMs: number } | null;
  openedAt: number;
  guarded: boolean;
  /** The association that the last read showed, and null when it showed nobody. */
  readShows: { readonly associationId: string | null; readonly self: boolean } | null;
  /** The last call whose answer was unknown, until a read. */
  unknown: string | null;
  /** The epoch of the move whose first call has been seen. */
  begun: number | null;
}

interface RunLedger {
  readonly addresses: Map<Ip, Ledger>;
  proofs: readonly number[];
}

interface Change {
  readonly atMs: number;
  /** Since when somebody has known that it serves there; null: nobody has seen it. */
  servedAtMs: number | null;
}

export function checkCalls(view: WorldView, driver: 'ec2' | 'opsworks', violate: Violate): Watcher {
  const runs = new Map<string, RunLedger>();
  const changes = new Map<Ip, Change>();

  function runOf(by: RunView): RunLedger {
    const known = runs.get(by.run);
    if (known !== undefined) return known;
    const made: RunLedger = { addresses: new Map(), proofs: [] };
    runs.set(by.run, made);
    return made;
  }

  function ledgerOf(by: RunView, ip: Ip): Ledger {
    const { addresses } = runOf(by);
    const known = addresses.get(ip);
    if (known !== undefined) return known;
    const made: Ledger = {
      down: false,
      won: null,
      openedAt: 0,
      guarded: false,
      readShows: null,
      unknown: null,
      begun: null,
    };
    addresses.set(ip, made);
    return made;
  }

  function onFact(by: RunView, fact: Fact): void {
    switch (fact.kind) {
      case 'stalled': {
        const run = runOf(by);
        run.proofs = [];
        for (const ledger of run.addresses.values())
          Object.assign(ledger, { down: false, won: null, guarded: false });
        return;
      }
      case 'verdict':
        ledgerOf(by, fact.address).down = fact.to === 'down';
        if (fact.to === 'down') checkProof(by, fact.address);
        return;
      case 'probe':
        if (fact.result.kind === 'ok') servedNow(fact.address, fact.result.durationMs);
        return;
      case 'ballot-opened':
        Object.assign(ledgerOf(by, fact.address), { won: null, guarded: false, openedAt: view.now() });
        return;
      case 'ballot-closed': {
        const ledger = ledgerOf(by, fact.address);
        const won = { epoch: fact.epoch, openedAt: ledger.openedAt, atMs: view.now() };
        Object.assign(ledger, { won: fact.result === 'won' ? won : null, guarded: false });
        return;
      }
      case 'guard':
        ledgerOf(by, fact.address).guarded = fact.passed;
        return;
      default:
        return;
    }
  }

  function servedNow(ip: Ip, tookMs: number): void {
    const change = changes.get(ip);
    if (change !== undefined && view.now() - tookMs > change.atMs) change.servedAtMs ??= view.now();
  }

  /** I2 */
  function checkProof(by: RunView, ip: Ip): void {
    const last = by.state().addresses[ip]?.series.last;
    if (last == null) return violate('I2', `${by.run} sees ${ip} down without a probe`);
    const began = by.worldTimeOf(last.startedAt) + 1;
    const { proofs } = runOf(by);
    const newest = proofs.at(-1) ?? Number.NEGATIVE_INFINITY;
    if (!proofs.some((at) => at <= began) || view.now() - newest > PROOF_LASTS_MS + TOLERANCE_MS)
      violate(
        'I2',
        `${by.run} sees ${ip} down by a probe from ${began}, its proofs are from ${proofs.join(', ')}`,
      );
  }

  function onDrive(by: RunView, { address: ip, operation }: DriveEffect): void {
    if (operation.op === 'read' || operation.op === 'permit') return;
    const address = by.state().addresses[ip];
    const move = address?.move;
    const ledger = ledgerOf(by, ip);
    const what = `${by.run} calls ${operation.op} of ${ip}`;
    if (address === undefined || move == null) return violate('I1', `${what} without a move`);
    if (ledger.unknown !== null) violate('I14', `${what} after ${ledger.unknown} was answered with unknown`);
    const takesApart = operation.op === 'release' || operation.reassociate;
    if (operation.op === 'release' && operation.associationId !== ledger.readShows?.associationId)
      violate(
        'I11',
        `${what}, association ${operation.associationId}, but read ${ledger.readShows?.associationId}`,
      );
    if (
      operation.op === 'take' &&
      operation.reassociate &&
      driver === 'ec2' &&
      !(move.mode === 'handover' && move.consent)
    )
      violate('I11', `${what} with reassociation, without consent`);
    if (ledger.readShows?.self === true) violate('I9', `${what}, which it holds`);
    const leftMs = move.leaseUntil - by.state().now.at;
    const neededMs = (driver === 'ec2' && operation.op === 'release' ? 2 : 1) * callTimeoutMs(by.config);
    if (takesApart && leftMs < neededMs)
      violate('I7', `${what} with ${leftMs} ms left of its leases, ${neededMs} needed`);
    if (takesApart && by.state().local.fit !== 'fit')
      violate('I9', `${what}, itself ${by.state().local.fit}`);
    if (move.duty || ledger.begun === move.epoch) return;
    ledger.begun = move.epoch;
    if (move.mode === 'takeover') checkFirstCall(by, ip, move.epoch, ledger, what);
  }

  /** I1, I10, I15, I16 of an automatic move. */
  function checkFirstCall(by: RunView, ip: Ip, epoch: number, ledger: Ledger, what: string): void {
    const { won } = ledger;
    if (!ledger.down) violate('I1', `${what} without its own verdict`);
    if (won === null || won.epoch !== epoch)
      return violate('I1', `${what} without agreement on epoch ${epoch}`);
    if (!ledger.guarded) violate('I1', `${what} without a guard`);
    const address = by.state().addresses[ip];
    if (address?.series.last?.ok === true) violate('I1', `${what}, though its last probe succeeded`);
    if (runOf(by).proofs.every((at) => view.now() - at > PROOF_LASTS_MS + callTimeoutMs(by.config)))
      violate('I9', `${what} without a way out`);
    const { pause, now } = by.state();
    if (pause.paused && (pause.until === null || now.wall < pause.until))
      violate('I16', `${what} while paused`);
    checkSight(by, ip, won.openedAt, what);
    checkHoldDown(by, ip, what);
  }

  /** I10: what the voters themselves have thought since before the ballot. */
  function checkSight(by: RunView, ip: Ip, openedAt: number, what: string): void {
    const voters = view.runs().filter(({ config }) => config.node.role !== 'member');
    const seen = voters.flatMap((voter) => {
      const address = voter.state().addresses[ip];
      if (address === undefined || address.series.last === null) return [];
      // Whoever stands still thinks what it thought then.
      if (view.now() - voter.worldTimeOf(voter.state().now.at) > 2 * MAX_GAP_MS) return [];
      if (address.verdict === 'down') return ['down'];
      const longUp = address.verdict === 'up' && address.series.last.ok;
      return longUp && voter.worldTimeOf(address.verdictSince) < openedAt ? ['up'] : [];
    });
    const up = seen.filter((one) => one === 'up').length;
    if (up * 2 > seen.length && heardMajority(by))
      violate('I10', `${what}, though ${up} of ${seen.length} sighted see it up`);
  }

  function heardMajority(by: RunView): boolean {
    const voters = by.config.peers.filter(({ role }) => role !== 'member').length + 1;
    return voters > 2;
  }

  /** I15 */
  function checkHoldDown(by: RunView, ip: Ip, what: string): void {
    const change = changes.get(ip);
    const instanceId = holderOf(view.aws(), ip);
    if (change === undefined || instanceId === null) return;
    const since = view.now() - change.atMs;
    if (since >= by.config.holdDownMs || since < LEARN_MS || change.servedAtMs === null) return;
    if (view.now() - change.servedAtMs < LEARN_MS) return;
    const holder = holderNode(by, instanceId);
    if (holder === null) return;
    const peer = by.state().peers[holder];
    const quietMs = by.state().now.at - (peer?.heardAt ?? Number.NEGATIVE_INFINITY);
    if (quietMs < by.config.gossip.deadMs && peer?.record?.fit === 'fit')
      violate('I15', `${what} ${since} ms after it moved to ${holder}, which is heard, fit and has served`);
  }

  function holderNode(by: RunView, instanceId: string): NodeId | null {
    return Object.values(by.state().peers).find((peer) => peer.record?.instanceId === instanceId)?.id ?? null;
  }

  function onCloud(event: AwsEvent): void {
    if (event.kind === 'published') return;
    // What an operator's hand has moved the nodes learn only by and by, and count from then.
    if (event.by.kind === 'operator') changes.delete(event.publicIp);
    else changes.set(event.publicIp, { atMs: event.atMs, servedAtMs: null });
    if (event.kind === 'ended' && event.association.cause === 'displaced')
      violate('I13', `${event.publicIp} was thrown off ${event.association.instanceId}`);
  }

  return (event) => {
    switch (event.kind) {
      case 'facts':
        for (const fact of event.facts) onFact(event.by, fact);
        return;
      case 'proof':
        runOf(event.by).proofs = [...runOf(event.by).proofs, view.now()].slice(-MAX_PROOFS);
        return;
      case 'drive':
        return onDrive(event.by, event.effect);
      case 'driven': {
        const ledger = ledgerOf(event.by, event.effect.address);
        const { answer } = event.result;
        const { op } = event.effect.operation;
        if (answer.kind === 'read') {
          const { association } = answer;
          ledger.unknown = null;
          ledger.readShows =
            association.kind === 'none'
              ? { associationId: null, self: false }
              : { associationId: association.associationId, self: association.self };
        } else if (answer.kind === 'unknown' && (op === 'release' || op === 'take')) ledger.unknown = op;
        else if (answer.kind === 'released') ledger.readShows = { associationId: null, self: false };
        return;
      }
      case 'cloud':
        return onCloud(event.event);
      default:
        return;
    }
  };
}
