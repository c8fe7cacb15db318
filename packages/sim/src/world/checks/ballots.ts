/**
 * I4: at most one winner among answered ballots. I5: at most one unexpired lease per voter and address, in true time
 * and across restarts. I10: nobody wins against what a majority of the sighted sees. I20: every decision has a reason.
 */
import { type Fact, type Ip, type NodeId, REASONS, type State } from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';

/** What drifting clocks may make of a lease. */
const TOLERANCE_MS = 20;

/** Two runs of one id may have lent twice for so long after: no lease is longer. */
const TWICE_MS = 15_000;

interface Borrowed {
  readonly by: NodeId;
  readonly run: string;
  readonly ip: Ip;
  /** Per voter, until when, in the world's time. */
  leases: ReadonlyMap<NodeId, number>;
}

export function checkBallots(view: WorldView, violate: Violate): Watcher {
  const doubles = createDoubles(view);
  const winners = new Map<string, { readonly run: string; readonly node: NodeId; readonly atMs: number }>();
  const answers = new Map<string, { readonly answer: string; readonly reason: string }>();
  const borrowed = new Map<string, Borrowed>();
  const looked = new Map<string, State['addresses']>();

  function onFact(by: RunView, fact: Fact): void {
    if (fact.kind === 'decided' && !REASONS.includes(fact.reason))
      violate('I20', `${by.run} decided without a known reason: ${fact.reason}`);
    // A candidate that lost its disk may come to the same epoch again; what was answered then is not the answer now.
    if (fact.kind === 'ballot-opened')
      for (const peer of by.config.peers)
        answers.delete(`${fact.address} ${fact.epoch} ${by.node} ${peer.id}`);
    if (fact.kind === 'voted')
      answers.set(`${fact.address} ${fact.epoch} ${fact.candidate} ${by.node}`, {
        answer: fact.answer,
        reason: fact.reason,
      });
    if (
      fact.kind === 'voted' &&
      fact.reason === 'down' &&
      by.state().addresses[fact.address]?.verdict !== 'down'
    )
      violate(
        'I10',
        `${by.run} says down of ${fact.address}, which it sees ${by.state().addresses[fact.address]?.verdict}`,
      );
    // Whoever finds its last run's move accepted gives back what that run had borrowed.
    if (fact.kind === 'concluded' && (fact.entry.result === 'served' || fact.entry.result === 'moved'))
      for (const [key, one] of borrowed)
        if (one.by === by.node && one.run !== by.run && one.ip === fact.entry.address) borrowed.delete(key);
    if (fact.kind === 'ballot-closed' && fact.result === 'won') onWon(by, fact.address, fact.epoch);
  }

  function onWon(by: RunView, ip: Ip, epoch: number): void {
    const campaign = by.state().addresses[ip]?.campaign;
    const key = `${ip} ${epoch}`;
    if (campaign?.won?.silent.length === 0) {
      const other = winners.get(key);
      // Where disks were lost an epoch may come again, once no lease of its first time can be left.
      const longAgo = other !== undefined && view.now() - other.atMs > by.config.agreement.leaseMs;
      if (other !== undefined && other.node !== by.node && !(longAgo && view.disksHarmed()))
        violate('I4', `${by.run} and ${other.run} both won ${key}`);
      winners.set(key, { run: by.run, node: by.node, atMs: view.now() });
    }
    if (campaign?.mode !== 'takeover') return;
    const voters = [...by.config.peers.filter((peer) => peer.role !== 'member').map(({ id }) => id)];
    const given = voters.map((voter) => answers.get(`${ip} ${epoch} ${by.node} ${voter}`));
    const down = 1 + given.filter((one) => one?.answer === 'grant' && one.reason === 'down').length;
    const up = given.filter((one) => one?.reason === 'up').length;
    if (down * 2 <= down + up) violate('I10', `${by.run} won ${key} with ${down} down and ${up} up`);
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
      const mine: Borrowed = { by: by.node, run: by.run, ip, leases };
      borrowed.set(key, mine);
      compare(mine);
    }
  }

  function compare(mine: Borrowed): void {
    const now = view.now();
    for (const other of borrowed.values()) {
      if (other.by === mine.by || other.ip !== mine.ip) continue;
      for (const [voter, until] of mine.leases) {
        // While an id runs twice, each of the two lends what it believes to be its own.
        if (doubles.lately(voter, TWICE_MS)) continue;
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
    if (event.kind === 'stepped') onStep(event.by);
  };
}

/** Which ids run twice, or did lately. */
function createDoubles(view: WorldView): {
  watch: Watcher;
  lately: (id: NodeId, withinMs: number) => boolean;
} {
  const live = new Map<NodeId, number>();
  const doubleUntil = new Map<NodeId, number>();
  return {
    watch(event) {
      if (event.kind !== 'started' && event.kind !== 'ended') return;
      const { node } = event.by;
      const before = live.get(node) ?? 0;
      live.set(node, before + (event.kind === 'started' ? 1 : -1));
      if (before >= 2) doubleUntil.set(node, view.now());
    },
    lately: (id, withinMs) =>
      (live.get(id) ?? 0) >= 2 || view.now() - (doubleUntil.get(id) ?? Number.NEGATIVE_INFINITY) < withinMs,
  };
}
