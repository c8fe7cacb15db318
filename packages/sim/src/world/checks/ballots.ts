/**
 * I4: at most one winner among answered ballots. I5, from the candidates' side: no two of them count on one voter's
 * lease at the same true time.
 */
import type { Fact, Ip, NodeId, State } from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';
import { createDoubles } from './doubles.ts';

/** What drifting clocks may make of a lease. */
const TOLERANCE_MS = 20;

interface Borrowed {
  readonly by: NodeId;
  readonly run: string;
  readonly ip: Ip;
  readonly epoch: number;
  /** Per voter, until when, in the world's time. */
  leases: ReadonlyMap<NodeId, number>;
}

export function checkBallots(view: WorldView, violate: Violate): Watcher {
  const doubles = createDoubles(view);
  const winners = new Map<string, { readonly run: string; readonly node: NodeId; readonly atMs: number }>();
  const borrowed = new Map<string, Borrowed>();
  const looked = new Map<string, State['addresses']>();
  /** Runs whose leases another run of their id has given back, by what `nameOf` says: they go on counting on them. */
  const givenBack = new Set<string>();
  /** Campaigns whose ballot has left their node, by what `nameOf` says. */
  const asked = new Set<string>();

  function onFact(by: RunView, fact: Fact): void {
    // Whoever finds its last run's move accepted gives back what that run had borrowed.
    if (fact.kind === 'concluded' && (fact.entry.result === 'served' || fact.entry.result === 'moved'))
      giveBackOthers(by, fact.entry.address, fact.entry.epoch);
    if (fact.kind === 'ballot-closed' && fact.result === 'won') onWon(by, fact.address, fact.epoch);
  }

  /** Voters can't tell the runs of an id apart: what one gives back is given back for all of them. */
  function giveBackOthers(by: RunView, ip: Ip, epoch: number): void {
    for (const [key, one] of borrowed) {
      if (one.by !== by.node || one.run === by.run || one.ip !== ip || one.epoch > epoch) continue;
      givenBack.add(nameOf(one));
      borrowed.delete(key);
    }
  }

  function onWon(by: RunView, ip: Ip, epoch: number): void {
    const campaign = by.state().addresses[ip]?.campaign;
    const key = `${ip} ${epoch}`;
    if (campaign?.won?.silent.length === 0) {
      const other = winners.get(key);
      // Whom a liar has lent to as well says nothing of the epoch.
      const isLent = Object.entries(campaign.answers).some(
        ([voter, { answer }]) => view.isLiar(voter) && answer !== 'refuse',
      );
      if (isLent) return;
      // Where disks were lost an epoch may come again, once no lease of its first time can be left.
      const longAgo = other !== undefined && view.now() - other.atMs > by.config.agreement.leaseMs;
      if (other !== undefined && other.node !== by.node && !(longAgo && view.disksHarmed()))
        violate('I4', `${by.run} won ${key}, which ${other.run} won at ${other.atMs}`);
      winners.set(key, { run: by.run, node: by.node, atMs: view.now() });
    }
  }

  function onStep(by: RunView): void {
    const { addresses } = by.state();
    if (looked.get(by.run) === addresses) return;
    looked.set(by.run, addresses);
    for (const address of Object.values(addresses)) {
      const { ip, campaign, move } = address;
      const key = `${by.run} ${ip}`;
      if (campaign === null) {
        if (move === null) borrowed.delete(key);
        continue;
      }
      const leases = new Map<NodeId, number>();
      for (const [voter, { answer, leaseUntil }] of Object.entries(campaign.answers))
        if (answer === 'grant' || answer === 'blind') leases.set(voter, by.worldTimeOf(leaseUntil));
      const mine: Borrowed = { by: by.node, run: by.run, ip, epoch: campaign.epoch, leases };
      if (givenBack.has(nameOf(mine))) continue;
      borrowed.set(key, mine);
      compare(mine);
    }
  }

  /**
   * A run is gone. What it had asked for it may have called for, so that its leases count on. A ballot that never left binds
   * nobody: no other has lent for it, no call rests on it, and its own lease need not have reached the disk.
   */
  function onEnded(by: RunView): void {
    for (const [key, one] of borrowed)
      if (one.run === by.run && !asked.has(nameOf(one))) borrowed.delete(key);
  }

  function compare(mine: Borrowed): void {
    const now = view.now();
    for (const other of borrowed.values()) {
      if (other.by === mine.by || other.ip !== mine.ip) continue;
      for (const [voter, until] of mine.leases) {
        // While an id runs twice, each of the two lends what it believes to be its own.
        if (doubles.lately(voter) || view.isLiar(voter)) continue;
        const otherUntil = other.leases.get(voter) ?? 0;
        if (until > now + TOLERANCE_MS && otherUntil > now + TOLERANCE_MS)
          violate(
            'I5',
            `${voter}'s lease of ${mine.ip} is with ${mine.run} until ${until} and with ${other.run} until ${otherUntil}`,
          );
      }
    }
  }

  return (event) => {
    doubles.watch(event);
    if (event.kind === 'facts') for (const fact of event.facts) onFact(event.by, fact);
    if (event.kind === 'said') {
      const { releases = [], ballots = [] } = event.message.payload;
      for (const { address, epoch } of releases) giveBackOthers(event.by, address, epoch);
      for (const { address, epoch } of ballots) asked.add(nameOf({ run: event.by.run, ip: address, epoch }));
    }
    // The step in which a run ends isn't told as one; it may have given back what it had borrowed.
    if (event.kind === 'stepped' || event.kind === 'ended') onStep(event.by);
    if (event.kind === 'ended') onEnded(event.by);
  };
}

function nameOf({ run, ip, epoch }: Pick<Borrowed, 'run' | 'ip' | 'epoch'>): string {
  return `${run} ${ip} ${epoch}`;
}
