/**
 * How a takeover is begun and ended: by nobody that holds the address or shuts down (I9), not on the silence of
 * somebody that is heard (I1), with no lease for an id that runs twice (I5), one address at a time (I13), told as it
 * was seen (I17), and with so many calls in a second at most (I19).
 */

import { holderOf } from '@failtome/cloud/model';
import {
  counted,
  type DriveEffect,
  type DriverAnswer,
  type Fact,
  type Ip,
  type NodeId,
} from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';

/** How long an id that two runs use gets no lease, and what a fast clock may make of it. */
const DUPLICATE_MS = 29_900;
/** The most calls of a run for one address in a second. */
const MAX_CALLS = 12;
/** A clock shows whole milliseconds. */
const TOLERANCE_MS = 2;

/** A ballot won by the silence of some. */
interface Silence {
  readonly epoch: number;
  readonly silent: readonly NodeId[];
  heard: NodeId | null;
}

interface Ledger {
  stopping: boolean;
  /** Per address, when the cloud last said that this node holds it; null: it or a peer said otherwise since. */
  readonly held: Map<Ip, number | null>;
  /** Per address, when it last learned that another holds it, or nobody. */
  readonly otherwise: Map<Ip, number>;
  /** By call, when each read on its way began. */
  readonly reads: Map<number, number>;
  /** Since when it has known that its last call came about; what it was told again later is no later acceptance. */
  readonly accepted: Map<Ip, number>;
  readonly silences: Map<Ip, Silence>;
  /** Which ids it has seen twice, and when. */
  readonly doubles: Map<NodeId, number>;
  readonly calls: Map<Ip, { sinceMs: number; count: number }>;
}

export function checkConduct(view: WorldView, violate: Violate): Watcher {
  const ledgers = new Map<string, Ledger>();

  function ledgerOf({ run }: RunView): Ledger {
    const known = ledgers.get(run);
    if (known !== undefined) return known;
    const made: Ledger = {
      stopping: false,
      held: new Map(),
      otherwise: new Map(),
      reads: new Map(),
      accepted: new Map(),
      silences: new Map(),
      doubles: new Map(),
      calls: new Map(),
    };
    ledgers.set(run, made);
    return made;
  }

  function onFact(by: RunView, fact: Fact): void {
    switch (fact.kind) {
      case 'stopping':
        ledgerOf(by).stopping = true;
        return;
      case 'holder':
        if (fact.holder === by.node) return;
        ledgerOf(by).held.set(fact.address, null);
        ledgerOf(by).otherwise.set(fact.address, view.now());
        return;
      case 'duplicate-id':
        if (fact.peer !== by.node) ledgerOf(by).doubles.set(fact.peer, view.now());
        return;
      case 'ballot-opened':
        return checkBeginning(by, fact.address);
      case 'ballot-closed':
        return onClosed(by, fact);
      case 'voted': {
        const seenMs = ledgerOf(by).doubles.get(fact.candidate) ?? Number.NEGATIVE_INFINITY;
        const lends = fact.answer === 'grant' || fact.answer === 'blind';
        if (lends && view.now() - seenMs < DUPLICATE_MS)
          violate('I5', `${by.run} lends to ${fact.candidate}, which it has seen run twice at ${seenMs}`);
        return;
      }
      case 'concluded':
        if (fact.entry.result === 'served') checkServed(by, fact.entry.address);
        return;
      default:
        return;
    }
  }

  /** I9: a ballot borrows what others could use. */
  function checkBeginning(by: RunView, ip: Ip): void {
    const { stopping, held } = ledgerOf(by);
    if (stopping) violate('I9', `${by.run} asks for ${ip} while it shuts down`);
    const heldMs = held.get(ip) ?? null;
    if (heldMs !== null && holderOf(view.aws(), ip) === by.instanceId)
      violate('I9', `${by.run} asks for ${ip}, which it holds and was told so at ${heldMs}`);
  }

  function onClosed(
    by: RunView,
    { address: ip, epoch, result }: Extract<Fact, { kind: 'ballot-closed' }>,
  ): void {
    const { silences } = ledgerOf(by);
    const silent = by.state().addresses[ip]?.campaign?.won?.silent ?? [];
    if (result === 'won' && silent.length > 0) silences.set(ip, { epoch, silent, heard: null });
    else silences.delete(ip);
  }

  function onHeard(by: RunView, from: NodeId): void {
    for (const silence of ledgers.get(by.run)?.silences.values() ?? [])
      if (silence.silent.includes(from)) silence.heard = from;
  }

  function onDrive(by: RunView, { address: ip, operation, callId }: DriveEffect): void {
    const ledger = ledgerOf(by);
    countCall(by, ip, ledger);
    if (operation.op === 'read') ledger.reads.set(callId, view.now());
    if (operation.op !== 'release' && operation.op !== 'take') return;
    ledger.accepted.delete(ip);
    const { addresses } = by.state();
    const move = addresses[ip]?.move;
    if (move == null || move.duty) return;
    const what = `${by.run} calls ${operation.op} of ${ip}`;
    const silence = ledger.silences.get(ip);
    if (silence?.epoch === move.epoch && silence.heard !== null)
      violate('I1', `${what} by the silence of ${silence.heard}, which it has heard since`);
    for (const other in addresses) {
      const meanwhile = addresses[other]?.move;
      if (other === ip || meanwhile == null || meanwhile.duty) continue;
      if (meanwhile.stage.kind === 'releasing' || meanwhile.stage.kind === 'taking')
        violate('I13', `${what} while it moves ${other}`);
    }
  }

  function onDriven(by: RunView, { address: ip, callId }: DriveEffect, answer: DriverAnswer): void {
    const { held, otherwise, reads, accepted } = ledgerOf(by);
    const begunMs = reads.get(callId) ?? view.now();
    reads.delete(callId);
    if (answer.kind !== 'taken' && answer.kind !== 'read') return;
    const self =
      answer.kind === 'taken' || (answer.association.kind === 'associated' && answer.association.self);
    // What came while a read was on its way may be newer than what it shows.
    const isOvertaken = answer.kind === 'read' && (otherwise.get(ip) ?? Number.NEGATIVE_INFINITY) >= begunMs;
    held.set(ip, self && !isOvertaken ? view.now() : null);
    if (self && !accepted.has(ip)) accepted.set(ip, view.now());
  }

  /** I19 */
  function countCall(by: RunView, ip: Ip, { calls }: Ledger): void {
    const known = calls.get(ip);
    if (known === undefined || view.now() - known.sinceMs >= 1_000) {
      calls.set(ip, { sinceMs: view.now(), count: 1 });
      return;
    }
    known.count += 1;
    if (known.count > MAX_CALLS)
      violate('I19', `${by.run} has made ${counted(known.count, 'call')} for ${ip} since ${known.sinceMs}`);
  }

  /** I17: that an address answers is told only when it has, to a probe that began after the move. */
  function checkServed(by: RunView, ip: Ip): void {
    const last = by.state().addresses[ip]?.series.last;
    const heldMs = ledgerOf(by).accepted.get(ip) ?? null;
    const seen =
      last?.ok === true && heldMs !== null && by.worldTimeOf(last.startedAt) >= heldMs - TOLERANCE_MS;
    if (!seen) violate('I17', `${by.run} tells that ${ip} answers, and hasn't seen it since ${heldMs}`);
  }

  return (event) => {
    switch (event.kind) {
      case 'facts':
        for (const fact of event.facts) onFact(event.by, fact);
        return;
      case 'judged':
        if (event.status === 200) onHeard(event.by, event.request.from);
        return;
      case 'heard': {
        const { re, from } = event.message;
        if (re !== null && re.session === event.by.state().session) onHeard(event.by, from);
        return;
      }
      case 'drive':
        return onDrive(event.by, event.effect);
      case 'driven':
        return onDriven(event.by, event.effect, event.result.answer);
      case 'ended':
        ledgers.delete(event.by.run);
        return;
      default:
        return;
    }
  };
}
