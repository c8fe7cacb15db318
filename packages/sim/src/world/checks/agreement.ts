/**
 * What a won ballot rests on, counted again from what the voters themselves have said: I1 (leases of a majority), I3
 * (the configured electorate, of one mind), I10 (down from a majority of the sighted).
 */

import { holderOf } from '@failtome/cloud/model';
import type { BallotReason, Fact, Ip, NodeId } from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';

/** What drifting clocks may make of a silence. */
const TOLERANCE_MS = 20;

interface Vote {
  readonly answer: 'grant' | 'blind' | 'refuse' | 'pending';
  readonly reason: BallotReason;
  readonly atMs: number;
}

const WEIGHT = { pending: 0, refuse: 1, blind: 2, grant: 3 } as const;

/** Who a ballot's sender takes for the voters, and in which version of the wire it says so. */
interface Electorate {
  readonly voters: string;
  readonly wire: string;
}

export function checkAgreement(view: WorldView, violate: Violate): Watcher {
  const votes = new Map<string, Vote>();
  /** Votes by which a holder that can't write agreed to be relieved. */
  const relieved = new Set<string>();
  const asked = new Map<string, Electorate>();
  const wires = new Map<string, string>();
  /** When a run last took in a message of a peer. */
  const heard = new Map<string, Map<NodeId, number>>();
  const began = new Map<string, number>();
  /** By instance and address: it has been associated once, and isn't any more. */
  const lost = new Set<string>();
  /** By run and address: who holds it, as the run has learned last. */
  const learned = new Map<string, NodeId | null>();

  function onHeard(by: RunView, from: NodeId, atMs: number): void {
    const known = heard.get(by.run);
    if (known === undefined) heard.set(by.run, new Map([[from, atMs]]));
    else known.set(from, Math.max(known.get(from) ?? 0, atMs));
  }

  function isSilent(by: RunView, voter: NodeId): boolean {
    const lastMs = heard.get(by.run)?.get(voter) ?? began.get(by.run) ?? 0;
    return view.now() - lastMs >= by.config.gossip.deadMs - TOLERANCE_MS;
  }

  function onFact(by: RunView, fact: Fact): void {
    if (fact.kind === 'ballot-opened')
      for (const voter of votersOf(by)) votes.delete(keyOf(fact.address, fact.epoch, by.node, voter));
    if (fact.kind === 'voted') {
      const { answer, reason } = fact;
      const key = keyOf(fact.address, fact.epoch, fact.candidate, by.node);
      // Asked again it may answer less; what it answered first may be what arrives.
      if (WEIGHT[answer] >= WEIGHT[votes.get(key)?.answer ?? 'pending'])
        votes.set(key, { answer, reason, atMs: view.now() });
      if (answer === 'grant' || answer === 'blind')
        checkElectorate(by, fact.address, fact.epoch, fact.candidate);
      if (reason === 'down' && by.state().addresses[fact.address]?.verdict !== 'down')
        violate('I10', `${by.run} says that ${fact.address} is down, and doesn't see it down`);
    }
    if (fact.kind === 'holder') learned.set(`${by.run} ${fact.address}`, fact.holder);
    if (fact.kind === 'ballot-closed' && fact.result === 'won') onWon(by, fact.address, fact.epoch);
  }

  /** It holds the address, or did once and has learned of nothing else since: an operator may just have taken it away. */
  function mayThinkItHolds(by: RunView, ip: Ip): boolean {
    if (holderOf(view.aws(), ip) === by.instanceId) return true;
    return lost.has(`${by.instanceId} ${ip}`) && learned.get(`${by.run} ${ip}`) === by.node;
  }

  /** I3: whoever lends does so to a candidate, and means the same voters, in the same version of the wire. */
  function checkElectorate(by: RunView, ip: Ip, epoch: number, candidate: NodeId): void {
    if (candidate !== by.node && by.config.peers.find(({ id }) => id === candidate)?.role !== 'candidate')
      violate('I3', `${by.run} lends its lease of ${ip} to ${candidate}, which is no candidate of its`);
    const ballot = asked.get(`${ip} ${epoch} ${candidate}`);
    const voters = votersOf(by).join();
    const wire = wires.get(by.run) ?? '1';
    if (ballot !== undefined && (ballot.voters !== voters || ballot.wire !== wire))
      violate(
        'I3',
        `${by.run} (voters ${voters}, wire ${wire}) lends its lease of ${ip} to ${candidate}, whose ballot ${epoch} ` +
          `is of the voters ${ballot.voters}, wire ${ballot.wire}`,
      );
  }

  function onWon(by: RunView, ip: Ip, epoch: number): void {
    const voters = votersOf(by);
    const campaign = by.state().addresses[ip]?.campaign;
    if (campaign == null) return;
    const strangers = Object.keys(campaign.answers).filter((voter) => !voters.includes(voter));
    if (strangers.length > 0)
      violate('I3', `${by.run} counts ${strangers.join(', ')}, who are no voters of its`);
    const count = { lent: 1, down: 1, blind: 0, silent: 0 };
    for (const voter of voters)
      if (voter !== by.node)
        addVote(
          by,
          voter,
          view.isLiar(voter) ? campaign.answers[voter] : voteOf(ip, epoch, by, voter),
          count,
        );
    const pair = voters.length === 2 && by.config.agreement.silentPeer === 'takeover';
    const what = `${by.run} won ${ip} ${epoch}: ${voters.map((voter) => say(ip, epoch, by, voter)).join(', ')}`;
    const word =
      campaign.mode === 'handover' && voters.some((voter) => relieved.has(keyOf(ip, epoch, by.node, voter)));
    const other = voters.length === 2 && word ? 1 : pair ? count.silent : 0;
    if ((count.lent + other) * 2 <= voters.length)
      violate('I1', `${what}; ${count.lent} of ${voters.length} have lent their leases`);
    const against = voters.length - count.blind - count.silent - count.down;
    if (campaign.mode === 'takeover' && count.down <= against)
      violate('I10', `${what}; ${count.down} see it down, ${against} may see it up`);
  }

  function voteOf(ip: Ip, epoch: number, by: RunView, voter: NodeId): Vote | undefined {
    return votes.get(keyOf(ip, epoch, by.node, voter));
  }

  /** What a liar answers has no grounds that could be looked at: it counts as what it said. */
  function addVote(
    by: RunView,
    voter: NodeId,
    vote: Pick<Vote, 'answer'> | undefined,
    count: { lent: number; down: number; blind: number; silent: number },
  ): void {
    const lends = vote?.answer === 'grant' || vote?.answer === 'blind';
    if (lends) count.lent += 1;
    if (vote?.answer === 'blind') count.blind += 1;
    else if (vote?.answer === 'grant') count.down += 1;
    else if (isSilent(by, voter)) count.silent += 1;
  }

  function say(ip: Ip, epoch: number, by: RunView, voter: NodeId): string {
    const vote = voteOf(ip, epoch, by, voter);
    if (voter === by.node) return `${voter} itself`;
    return vote === undefined
      ? `${voter} nothing`
      : `${voter} ${vote.answer} (${vote.reason}) at ${vote.atMs}`;
  }

  return (event) => {
    switch (event.kind) {
      case 'facts':
        for (const fact of event.facts) onFact(event.by, fact);
        return;
      case 'cloud':
        if (event.event.kind === 'ended')
          lost.add(`${event.event.association.instanceId} ${event.event.publicIp}`);
        return;
      case 'started':
        began.set(event.by.run, view.now());
        return;
      case 'heard': {
        const { re, from, payload } = event.message;
        if (re !== null && re.session === event.by.state().session && payload.refused !== 'unknown-sender')
          onHeard(event.by, from, view.now());
        return;
      }
      case 'judged':
        if (event.status === 200) onHeard(event.by, event.request.from, event.readAtMs);
        return;
      case 'said': {
        const { by, message } = event;
        wires.set(by.run, String(message.v));
        for (const { address, epoch, candidate, electorate } of message.payload.ballots ?? [])
          asked.set(`${address} ${epoch} ${candidate}`, {
            voters: votersOf(by).join(),
            wire: electorate.split(':')[0] ?? '',
          });
        for (const { address, epoch, candidate, consents } of message.payload.answers ?? []) {
          if (consents !== true) continue;
          relieved.add(keyOf(address, epoch, candidate, by.node));
          if (by.state().storage.failing === null || !mayThinkItHolds(by, address))
            violate(
              'I5',
              `${by.run} agrees to be relieved of ${address} without a lease, though it can write or knows that it doesn't hold it`,
            );
        }
        return;
      }
      default:
        return;
    }
  };
}

function keyOf(ip: Ip, epoch: number, candidate: NodeId, voter: NodeId): string {
  return `${ip} ${epoch} ${candidate} ${voter}`;
}

function votersOf({ config }: RunView): readonly NodeId[] {
  const ids = config.peers.flatMap(({ id, role }) => (role === 'member' ? [] : [id]));
  return (config.node.role === 'member' ? ids : [...ids, config.node.id]).sort();
}
