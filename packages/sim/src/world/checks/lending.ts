/**
 * I5 from the voters' side: whom each has lent its lease, and until when in true time, whatever became of its process
 * since. I7: at a call that takes something apart, the leases that were really lent outlast the calls still to come.
 */
import type { DriveEffect, Fact, Ip, NodeId } from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';
import { createDoubles } from './doubles.ts';

/** What drifting clocks may make of a lease. */
const TOLERANCE_MS = 20;

interface Lending {
  readonly candidate: NodeId;
  readonly epoch: number;
  readonly run: string;
  readonly atMs: number;
  untilMs: number;
  /** Whether the word has left the node; a crash before takes it back. */
  told: boolean;
  /** It may have been asked again, and lent anew: until then at the latest. */
  latestMs: number;
}

export function checkLending(view: WorldView, driver: 'ec2' | 'opsworks', violate: Violate): Watcher {
  const doubles = createDoubles(view);
  const lent = new Map<string, Lending>();
  /** Until when a holder that can't write has agreed to be relieved: by voter, candidate, address, epoch. */
  const agreed = new Map<string, number>();

  function lend(by: RunView, ip: Ip, candidate: NodeId, epoch: number): void {
    const key = `${by.node} ${ip}`;
    const before = lent.get(key);
    const now = view.now();
    const untilMs = now + by.config.agreement.leaseMs;
    lent.set(key, { candidate, epoch, run: by.run, atMs: now, untilMs, told: false, latestMs: untilMs });
    if (before?.told !== true || before.candidate === candidate || before.untilMs <= now + TOLERANCE_MS)
      return;
    // A disk that was put back may not know that it had lent; its peers tell it, but perhaps too late.
    if (doubles.lately(by.node) || (before.run !== by.run && view.rolledBack(by.node))) return;
    violate(
      'I5',
      `${by.run} lends its lease of ${ip} to ${candidate} for epoch ${epoch}, but ${before.run} lent it to ` +
        `${before.candidate} for epoch ${before.epoch} at ${before.atMs}, until ${before.untilMs}`,
    );
  }

  function giveBack(voter: NodeId, ip: Ip, candidate: NodeId, epoch: number): void {
    const one = lent.get(`${voter} ${ip}`);
    if (one?.candidate === candidate && one.epoch <= epoch)
      Object.assign(one, { untilMs: view.now(), latestMs: view.now() });
  }

  function onFact(by: RunView, fact: Fact): void {
    switch (fact.kind) {
      case 'voted':
        if (fact.answer === 'grant' || fact.answer === 'blind')
          lend(by, fact.address, fact.candidate, fact.epoch);
        return;
      case 'ballot-opened':
        return lend(by, fact.address, by.node, fact.epoch);
      case 'ballot-closed':
        if (fact.result !== 'won' && by.state().addresses[fact.address]?.move == null)
          giveBack(by.node, fact.address, by.node, fact.epoch);
        return;
      case 'concluded':
        if (fact.entry.kind === 'takeover' || fact.entry.kind === 'handover')
          giveBack(by.node, fact.entry.address, by.node, fact.entry.epoch);
        return;
      default:
        return;
    }
  }

  /** I7 */
  function onDrive(by: RunView, { address: ip, operation, timeoutMs }: DriveEffect): void {
    const takesApart = operation.op === 'release' || (operation.op === 'take' && operation.reassociate);
    const move = by.state().addresses[ip]?.move;
    if (!takesApart || move == null) return;
    const voters = [by.node, ...by.config.peers.flatMap(({ id, role }) => (role === 'member' ? [] : [id]))];
    // What was decided before a standstill goes out after it; it was decided in time.
    const decidedAt = by.worldTimeOf(by.state().now.at);
    const calls = driver === 'ec2' && operation.op === 'release' ? 2 : 1;
    const untilMs = decidedAt + calls * timeoutMs - TOLERANCE_MS;
    const lasting = voters.filter((voter) => {
      // What a liar lends it may lend again: its word is all there is.
      if (view.isLiar(voter)) return true;
      const one = lent.get(`${voter} ${ip}`);
      return one?.candidate === by.node && one.epoch === move.epoch && one.latestMs >= untilMs;
    });
    const relieved = voters.some(
      (voter) => (agreed.get(`${voter} ${by.node} ${ip} ${move.epoch}`) ?? 0) >= untilMs,
    );
    const bySilence =
      voters.length === 2 && (relieved || by.config.agreement.silentPeer === 'takeover') ? 1 : 0;
    if ((lasting.length + bySilence) * 2 <= voters.length && !voters.some(doubles.lately))
      violate(
        'I7',
        `${by.run} calls ${operation.op} of ${ip} for epoch ${move.epoch}, and only the leases of ` +
          `${lasting.join(', ') || 'nobody'} last until ${untilMs}, when its calls may still take effect`,
      );
  }

  return (event) => {
    doubles.watch(event);
    switch (event.kind) {
      case 'facts':
        for (const fact of event.facts) onFact(event.by, fact);
        return;
      case 'heard':
        for (const { address, candidate, epoch } of event.message.payload.releases ?? [])
          if (candidate === event.message.from) giveBack(event.by.node, address, candidate, epoch);
        return;
      case 'said':
        for (const { address, candidate, epoch, leaseMs, consents } of event.message.payload.answers ?? []) {
          if (consents === true)
            agreed.set(
              `${event.by.node} ${candidate} ${address} ${epoch}`,
              view.now() + event.by.config.agreement.leaseMs,
            );
          const one = leaseMs > 0 ? lent.get(`${event.by.node} ${address}`) : undefined;
          if (one?.candidate !== candidate || one.epoch !== epoch) continue;
          one.told = true;
          one.latestMs = Math.max(one.latestMs, view.now() + leaseMs);
        }
        for (const { address, candidate, epoch } of event.message.payload.ballots ?? []) {
          const one = lent.get(`${event.by.node} ${address}`);
          if (one?.candidate === candidate && one.epoch === epoch) one.told = true;
        }
        return;
      case 'drive':
        return onDrive(event.by, event.effect);
      default:
        return;
    }
  };
}
