/**
 * I4: at most one winner among answered ballots. I5, from the candidates' side: no two of them count on one voter's
 * lease at the same true time.
 */
import { ARBITER, type Ip, type NodeId } from '@failtome/protocol';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { isDouble } from './duplicate-ids.ts';
import { type Broken, broken, type EventOf, type FactOf, type Judged, type RunView } from './events.ts';

/** What drifting clocks may make of a lease. */
const TOLERANCE_MS = 20;

interface Borrowed {
  readonly by: NodeId;
  readonly run: string;
  readonly ip: Ip;
  readonly epoch: number;
  /** Per voter, until when, in the world's time. */
  readonly leases: Readonly<Record<NodeId, number>>;
}

type BorrowedByRun = Readonly<Record<Ip, Borrowed>>;

interface Winner {
  readonly run: string;
  readonly node: NodeId;
  readonly atMs: number;
}

interface Ballots {
  /** By address and epoch. */
  readonly winners: Readonly<Record<string, Winner>>;
  /** By run, and then by address. */
  readonly borrowed: Readonly<Record<string, BorrowedByRun>>;
  /** Runs whose leases another run of their id has given back, by what `nameOf` says: they go on counting on them. */
  readonly givenBack: readonly string[];
  /** By run and address: the newest epoch of which a ballot has left its node. */
  readonly asked: Readonly<Record<string, number>>;
}

/** The rules of ballots. */
export const BALLOTS: ClusterRules<Ballots> = {
  start: { winners: {}, borrowed: {}, givenBack: [], asked: {} },
  events: ['said', 'stepped', 'ended'],
  facts: ['ballot-closed', 'concluded'],
  judge(history, event, view) {
    switch (event.kind) {
      case 'fact':
        return onFact(history, event, view);
      case 'said':
        return [withSaid(history, event)];
      // The step in which a run ends isn't told as one; it may have given back what it had borrowed.
      case 'stepped':
        return onStep(history, event.by, view);
      case 'ended': {
        const [after, ...found] = onStep(history, event.by, view);
        return [withoutUnasked(after, event.by), ...found];
      }
      default:
        return [history];
    }
  },
};

function onFact(history: Ballots, { by, fact }: EventOf<'fact'>, view: ClusterView): Judged<Ballots> {
  if (fact.kind === 'ballot-closed' && fact.result === 'won') return onWon(history, by, fact, view);
  // Whoever finds its last run's move accepted gives back what that run had borrowed.
  if (fact.kind === 'concluded' && (fact.entry.result === 'served' || fact.entry.result === 'moved'))
    return [withoutOthers(history, by, fact.entry.address, fact.entry.epoch)];
  return [history];
}

function withSaid(history: Ballots, { by, message: { payload } }: EventOf<'said'>): Ballots {
  let after = history;
  for (const { address, epoch } of payload.releases ?? []) after = withoutOthers(after, by, address, epoch);
  for (const { address, epoch } of payload.ballots ?? []) {
    const key = `${by.run} ${address}`;
    if ((after.asked[key] ?? -1) < epoch) after = { ...after, asked: { ...after.asked, [key]: epoch } };
  }
  return after;
}

/** Voters can't tell the runs of an id apart: what one gives back is given back for all of them. */
function withoutOthers(history: Ballots, by: RunView, ip: Ip, epoch: number): Ballots {
  const isOther = (one: Borrowed): boolean =>
    one.by === by.node && one.run !== by.run && one.ip === ip && one.epoch <= epoch;
  const others = allOf(history).filter(isOther);
  if (others.length === 0) return history;
  const after = others.reduce(withoutOne, history);
  return { ...after, givenBack: [...history.givenBack, ...others.map(nameOf)] };
}

function onWon(
  history: Ballots,
  by: RunView,
  { address, epoch }: FactOf<'ballot-closed'>,
  view: ClusterView,
): Judged<Ballots> {
  const campaign = by.state().addresses[address]?.campaign;
  if (campaign?.won?.silent.length !== 0) return [history];
  // Whom a liar has lent to as well says nothing of the epoch.
  const isLent = Object.entries(campaign.answers).some(
    ([voter, { answer }]) => isLying(voter, view) && answer !== 'refuse',
  );
  if (isLent) return [history];
  const key = `${address} ${epoch}`;
  const other = history.winners[key];
  const winner: Winner = { run: by.run, node: by.node, atMs: view.now() };
  const after: Ballots = { ...history, winners: { ...history.winners, [key]: winner } };
  // Where disks were lost an epoch may come again, once no lease of its first time can be left.
  const longAgo = other !== undefined && view.now() - other.atMs > by.config.agreement.leaseMs;
  if (other === undefined || other.node === by.node || (longAgo && view.disksHarmed())) return [after];
  return [after, broken('I4', `${by.run} won ${key}, which ${other.run} won at ${other.atMs}`)];
}

function onStep(history: Ballots, by: RunView, view: ClusterView): Judged<Ballots> {
  const { addresses } = by.state();
  let after = history;
  const found: Broken[] = [];
  for (const ip in addresses) {
    const { campaign, move } = addresses[ip] ?? { campaign: null, move: null };
    const known = after.borrowed[by.run]?.[ip];
    if (campaign === null) {
      if (move === null && known !== undefined) after = withoutOne(after, known);
      continue;
    }
    const leases: Record<NodeId, number> = {};
    for (const [voter, { answer, leaseUntil }] of Object.entries(campaign.answers))
      if (answer === 'grant' || answer === 'blind') leases[voter] = by.worldTimeOf(leaseUntil);
    const mine: Borrowed = { by: by.node, run: by.run, ip, epoch: campaign.epoch, leases };
    if (isSame(known, mine) || after.givenBack.includes(nameOf(mine))) continue;
    after = withOne(after, mine);
    found.push(...checkShared(after, mine, view));
  }
  return [after, ...found];
}

function isSame(known: Borrowed | undefined, mine: Borrowed): boolean {
  if (known?.epoch !== mine.epoch) return false;
  const voters = Object.keys(mine.leases);
  return (
    voters.length === Object.keys(known.leases).length &&
    voters.every((voter) => known.leases[voter] === mine.leases[voter])
  );
}

/**
 * A run is gone. What it had asked for it may have called for, so that its leases count on. A ballot that never left binds
 * nobody: no other has lent for it, no call rests on it, and its own lease need not have reached the disk.
 */
function withoutUnasked(history: Ballots, by: RunView): Ballots {
  const unasked = Object.values(history.borrowed[by.run] ?? {}).filter(
    ({ ip, epoch }) => history.asked[`${by.run} ${ip}`] !== epoch,
  );
  return unasked.reduce(withoutOne, history);
}

function allOf({ borrowed }: Ballots): readonly Borrowed[] {
  return Object.values(borrowed).flatMap((byAddress) => Object.values(byAddress));
}

function withOne(history: Ballots, one: Borrowed): Ballots {
  const byAddress = { ...history.borrowed[one.run], [one.ip]: one };
  return { ...history, borrowed: { ...history.borrowed, [one.run]: byAddress } };
}

/** Nothing is left of a run that has borrowed nothing: histories that say the same are the same. */
function withoutOne(history: Ballots, { run, ip }: Borrowed): Ballots {
  const { [run]: ofRun = {}, ...others } = history.borrowed;
  const { [ip]: _, ...left } = ofRun;
  const isEmpty = Object.keys(left).length === 0;
  return { ...history, borrowed: isEmpty ? others : { ...others, [run]: left } };
}

/** I5 */
function checkShared(history: Ballots, mine: Borrowed, view: ClusterView): readonly Broken[] {
  const found: Broken[] = [];
  const still = view.now() + TOLERANCE_MS;
  for (const other of allOf(history)) {
    if (other.by === mine.by || other.ip !== mine.ip) continue;
    for (const [voter, until] of Object.entries(mine.leases)) {
      // While an id runs twice, each of the two lends what it believes to be its own.
      if (isDouble(view.duplicates, voter, view.now()) || isLying(voter, view)) continue;
      const otherUntil = other.leases[voter] ?? 0;
      if (until > still && otherUntil > still)
        found.push(
          broken(
            'I5',
            `${voter}'s lease of ${mine.ip} is with ${mine.run} until ${until} and with ${other.run} until ${otherUntil}`,
          ),
        );
    }
  }
  return found;
}

/** A store that lies may have lent its arbiter's lease to several. */
function isLying(voter: NodeId, view: ClusterView): boolean {
  return view.isLiar(voter) || (voter === ARBITER && view.storeLied());
}

function nameOf({ run, ip, epoch }: Pick<Borrowed, 'run' | 'ip' | 'epoch'>): string {
  return `${run} ${ip} ${epoch}`;
}
