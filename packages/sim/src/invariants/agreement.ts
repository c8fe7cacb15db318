/**
 * What a won ballot rests on, counted again from what the voters themselves have said: I1 (leases of a majority), I3
 * (the configured electorate, of one mind), I10 (down from a majority of the sighted); and who agrees to be relieved
 * without a lease (I5).
 */

import { holderOf } from '@failtome/cloud/model';
import {
  ARBITER,
  type Ballot,
  type BallotAnswer,
  type BallotReason,
  decodeArbiterItem,
  type Ip,
  type NodeId,
} from '@failtome/protocol';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { type Broken, broken, type EventOf, type FactOf, type Judged, type RunView } from './events.ts';
import { addressOf, withEntry } from './run-history.ts';

/** What drifting clocks may make of a silence. */
const TOLERANCE_MS = 20;
/** What a ballot was asked and answered with matters no longer than this: ballots end within seconds. */
const MATTERS_MS = 600_000;

interface Vote {
  readonly answer: BallotAnswer['answer'];
  readonly reason: BallotReason;
  readonly atMs: number;
}

interface Votes {
  readonly byVoter: Readonly<Record<NodeId, Vote>>;
  /** Of the last of them. */
  readonly atMs: number;
}

const WEIGHT = { pending: 0, refuse: 1, blind: 2, grant: 3 } as const;

/** Who a ballot's sender takes for the voters, and in which version of the wire it says so. */
interface Electorate {
  readonly voters: string;
  readonly wire: string;
  readonly atMs: number;
}

interface Agreement {
  /** By ballot. */
  readonly votes: Readonly<Record<string, Votes>>;
  /** Votes by which a holder that can't write agreed to be relieved. */
  readonly relieved: Readonly<Record<string, { readonly atMs: number }>>;
  /** By ballot. */
  readonly asked: Readonly<Record<string, Electorate>>;
  /** By instance and address: it has been associated once, and isn't any more. */
  readonly lost: readonly string[];
}

/** The rules of agreement. */
export const AGREEMENT: ClusterRules<Agreement> = {
  start: { votes: {}, relieved: {}, asked: {}, lost: [] },
  events: ['cloud', 'said', 'swapped'],
  facts: ['ballot-opened', 'ballot-closed', 'voted'],
  judge(history, event, view) {
    if (event.kind === 'cloud') return [withLost(history, event)];
    if (event.kind === 'said') return onSaid(history, event, view);
    if (event.kind === 'swapped') return [withSwapped(history, event, view)];
    if (event.kind !== 'fact') return [history];
    const { by, fact } = event;
    if (fact.kind === 'ballot-opened') return [withoutVotes(history, by, fact)];
    if (fact.kind === 'voted') return onVoted(history, by, fact, view);
    if (fact.kind !== 'ballot-closed' || fact.result !== 'won') return [history];
    return [history, ...checkWon(history, by, fact, view)];
  },
};

function withLost(history: Agreement, { event }: EventOf<'cloud'>): Agreement {
  if (event.kind !== 'ended') return history;
  const key = `${event.association.instanceId} ${event.publicIp}`;
  return history.lost.includes(key) ? history : { ...history, lost: [...history.lost, key] };
}

/** What the store has accepted is the arbiter's vote, whoever was told of it. */
function withSwapped(
  history: Agreement,
  { address, text }: EventOf<'swapped'>,
  view: ClusterView,
): Agreement {
  const item = decodeArbiterItem(text);
  if (item === null || item.candidate === null || item.over) return history;
  const ballot = ballotOf(address, item.epoch, item.candidate);
  const atMs = view.now();
  const vote: Vote = { answer: 'blind', reason: 'arbiter', atMs };
  const byVoter = withEntry(history.votes[ballot]?.byVoter ?? {}, ARBITER, vote);
  return { ...history, votes: withNew(history.votes, ballot, { byVoter, atMs }) };
}

/** It is asked anew. */
function withoutVotes(history: Agreement, by: RunView, fact: FactOf<'ballot-opened'>): Agreement {
  const ballot = ballotOf(fact.address, fact.epoch, by.node);
  if (history.votes[ballot] === undefined) return history;
  const { [ballot]: _, ...votes } = history.votes;
  return { ...history, votes };
}

function onVoted(
  history: Agreement,
  by: RunView,
  { address, epoch, candidate, answer, reason }: FactOf<'voted'>,
  view: ClusterView,
): Judged<Agreement> {
  const ballot = ballotOf(address, epoch, candidate);
  const lends = answer === 'grant' || answer === 'blind';
  const found = lends ? checkElectorate(history, by, address, epoch, candidate, view) : [];
  // Asked again it may answer less; what it answered first may be what arrives.
  const before = history.votes[ballot]?.byVoter ?? {};
  if (WEIGHT[answer] < WEIGHT[before[by.node]?.answer ?? 'pending']) return [history, ...found];
  const atMs = view.now();
  const byVoter = withEntry(before, by.node, { answer, reason, atMs });
  return [{ ...history, votes: withNew(history.votes, ballot, { byVoter, atMs }) }, ...found];
}

/** I3: whoever lends does so to a candidate, and means the same voters, in the same version of the wire. */
function checkElectorate(
  { asked }: Agreement,
  by: RunView,
  ip: Ip,
  epoch: number,
  candidate: NodeId,
  view: ClusterView,
): readonly Broken[] {
  const found: Broken[] = [];
  const lends = (wire: string): string => `${by.run}${wire} lends its lease of ${ip} to ${candidate}`;
  if (candidate !== by.node && by.config.peers.find(({ id }) => id === candidate)?.role !== 'candidate')
    found.push(broken('I3', `${lends('')}, which is no candidate of its`));
  const ballot = asked[ballotOf(ip, epoch, candidate)];
  const voters = votersOf(by).join();
  const wire = view.historyOf(by).wire;
  if (ballot !== undefined && (ballot.voters !== voters || ballot.wire !== wire))
    found.push(
      broken(
        'I3',
        `${lends(` (voters ${voters}, wire ${wire})`)}, whose ballot ${epoch} is of the voters ` +
          `${ballot.voters}, wire ${ballot.wire}`,
      ),
    );
  return found;
}

function onSaid(
  history: Agreement,
  { by, message: { payload } }: EventOf<'said'>,
  view: ClusterView,
): Judged<Agreement> {
  if (payload.ballots === undefined && payload.answers === undefined) return [history];
  const consents = (payload.answers ?? []).filter((answer) => answer.consents === true);
  if (payload.ballots === undefined && consents.length === 0) return [history];
  let { asked, relieved } = history;
  for (const ballot of payload.ballots ?? []) asked = withAsked(asked, by, ballot, view.now());
  const found: Broken[] = [];
  for (const { address, epoch, candidate } of consents) {
    relieved = withNew(relieved, keyOf(address, epoch, candidate, by.node), { atMs: view.now() });
    if (by.state().storage.failing === null || !mayThinkItHolds(history, by, address, view))
      found.push(
        broken(
          'I5',
          `${by.run} agrees to be relieved of ${address} without a lease, though it can write or knows that it doesn't hold it`,
        ),
      );
  }
  return [{ ...history, asked, relieved }, ...found];
}

function withAsked(asked: Agreement['asked'], by: RunView, ballot: Ballot, atMs: number): Agreement['asked'] {
  const { address, epoch, candidate } = ballot;
  const key = ballotOf(address, epoch, candidate);
  const [voters, wire] = [votersOf(by).join(), wireOf(ballot)];
  const before = asked[key];
  // Every voter is asked, and asked again: what is said once more is no news for a while.
  if (before?.voters === voters && before.wire === wire && atMs - before.atMs < MATTERS_MS / 2) return asked;
  return withNew(asked, key, { voters, wire, atMs });
}

function wireOf({ electorate }: Ballot): string {
  return electorate.split(':')[0] ?? '';
}

/** It holds the address, or did once and has learned of nothing else since: an operator may just have taken it away. */
function mayThinkItHolds({ lost }: Agreement, by: RunView, ip: Ip, view: ClusterView): boolean {
  if (holderOf(view.aws(), ip) === by.instanceId) return true;
  return lost.includes(`${by.instanceId} ${ip}`) && addressOf(view.historyOf(by), ip).holder === by.node;
}

interface Count {
  readonly lent: number;
  readonly down: number;
  readonly blind: number;
  readonly silent: number;
}

/** I1, I3 and I10 of a won ballot. */
function checkWon(
  history: Agreement,
  by: RunView,
  { address: ip, epoch }: FactOf<'ballot-closed'>,
  view: ClusterView,
): readonly Broken[] {
  const voters = votersOf(by);
  const campaign = by.state().addresses[ip]?.campaign;
  if (campaign == null) return [];
  const found: Broken[] = [];
  const strangers = Object.keys(campaign.answers).filter((voter) => !voters.includes(voter));
  if (strangers.length > 0)
    found.push(broken('I3', `${by.run} counts ${strangers.join(', ')}, who are no voters of its`));
  const count = countOf(history, by, ip, epoch, view);
  const what = `${by.run} won ${ip} ${epoch}: ${voters.map((voter) => textOf(history, ip, epoch, by, voter)).join(', ')}`;
  const isRelieved = voters.some((voter) => keyOf(ip, epoch, by.node, voter) in history.relieved);
  const word = campaign.mode === 'handover' && isRelieved;
  const pair = voters.length === 2 && by.config.agreement.silentPeer === 'takeover';
  const other = voters.length === 2 && word ? 1 : pair ? count.silent : 0;
  if ((count.lent + other) * 2 <= voters.length)
    found.push(broken('I1', `${what}; ${count.lent} of ${voters.length} have lent their leases`));
  const against = voters.length - count.blind - count.silent - count.down;
  if (campaign.mode === 'takeover' && count.down <= against)
    found.push(broken('I10', `${what}; ${count.down} see it down, ${against} may see it up`));
  return found;
}

/** What a liar answers has no grounds that could be looked at: it counts as what it said. */
function countOf({ votes }: Agreement, by: RunView, ip: Ip, epoch: number, view: ClusterView): Count {
  let count: Count = { lent: 1, down: 1, blind: 0, silent: 0 };
  const given = by.state().addresses[ip]?.campaign?.answers ?? {};
  for (const voter of votersOf(by)) {
    if (voter === by.node) continue;
    const isBelieved = view.isLiar(voter) || (voter === ARBITER && view.storeLied());
    const answer = isBelieved
      ? given[voter]?.answer
      : votes[ballotOf(ip, epoch, by.node)]?.byVoter[voter]?.answer;
    const lends = answer === 'grant' || answer === 'blind';
    count = {
      lent: count.lent + (lends ? 1 : 0),
      blind: count.blind + (answer === 'blind' ? 1 : 0),
      down: count.down + (answer === 'grant' ? 1 : 0),
      // The arbiter sees nothing that could stand against.
      silent: count.silent + (!lends && (voter === ARBITER || isSilent(by, voter, view)) ? 1 : 0),
    };
  }
  return count;
}

function isSilent(by: RunView, voter: NodeId, view: ClusterView): boolean {
  const { heard, startedMs } = view.historyOf(by);
  return view.now() - (heard[voter] ?? startedMs) >= by.config.gossip.deadMs - TOLERANCE_MS;
}

function textOf({ votes }: Agreement, ip: Ip, epoch: number, by: RunView, voter: NodeId): string {
  if (voter === by.node) return `${voter} itself`;
  const vote = votes[ballotOf(ip, epoch, by.node)]?.byVoter[voter];
  return vote === undefined ? `${voter} nothing` : `${voter} ${vote.answer} (${vote.reason}) at ${vote.atMs}`;
}

/** With one more, and without what is so old that it matters no more. What came first is looked at: it is the oldest, or was. */
function withNew<T extends { readonly atMs: number }>(
  known: Readonly<Record<string, T>>,
  key: string,
  value: T,
): Readonly<Record<string, T>> {
  const matters = ({ atMs }: T): boolean => value.atMs - atMs < MATTERS_MS;
  const first = firstOf(known);
  if (first === undefined || matters(first)) return withEntry(known, key, value);
  const recent = Object.entries(known).filter(([, one]) => matters(one));
  return { ...Object.fromEntries(recent), [key]: value };
}

function firstOf<T>(known: Readonly<Record<string, T>>): T | undefined {
  for (const key in known) return known[key];
  return undefined;
}

function ballotOf(ip: Ip, epoch: number, candidate: NodeId): string {
  return `${ip} ${epoch} ${candidate}`;
}

function keyOf(ip: Ip, epoch: number, candidate: NodeId, voter: NodeId): string {
  return `${ballotOf(ip, epoch, candidate)} ${voter}`;
}

function votersOf({ config }: RunView): readonly NodeId[] {
  const ids = config.peers.flatMap(({ id, role }) => (role === 'member' ? [] : [id]));
  if (config.agreement.arbiter === true) ids.push(ARBITER);
  return (config.node.role === 'member' ? ids : [...ids, config.node.id]).sort();
}
