/**
 * I5 from the voters' side: whom each has lent its lease, and until when in true time, whatever became of its process
 * since. I7: at a call that takes something apart, the leases that were really lent outlast the calls still to come.
 */
import { ARBITER, decodeArbiterItem, type Ip, type NodeId } from '@failtome/protocol';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { isDouble } from './duplicate-ids.ts';
import { type Broken, broken, type EventOf, type Judged, type RunView, takesAtOnce } from './events.ts';

/** What drifting clocks may make of a lease. */
const TOLERANCE_MS = 20;
/** A node may have decided before a standstill on what it goes on with after it. */
const MATTERS_MS = 600_000;

interface Lease {
  readonly candidate: NodeId;
  readonly epoch: number;
  readonly run: string;
  readonly atMs: number;
  readonly untilMs: number;
  /** Whether the word has left the node; a crash before takes it back. */
  readonly told: boolean;
  /** It may have been asked again, and lent anew: until then at the latest. */
  readonly latestMs: number;
}

interface Lending {
  /** By voter and address. */
  readonly lent: Readonly<Record<string, Lease>>;
  /** Until when a holder that can't write has agreed to be relieved: by voter, candidate, address, epoch. */
  readonly agreed: Readonly<Record<string, number>>;
}

/** The rules of leases. */
export const LENDING: ClusterRules<Lending> = {
  start: { lent: {}, agreed: {} },
  events: ['heard', 'said', 'drive', 'swapped'],
  facts: ['voted', 'ballot-opened', 'ballot-closed', 'concluded'],
  judge(history, event, view) {
    switch (event.kind) {
      case 'fact':
        return onFact(history, event, view);
      case 'heard':
        return [withReleases(history, event, view)];
      case 'said':
        return [withSaid(history, event, view)];
      case 'swapped':
        return [withSwapped(history, event, view)];
      case 'drive':
        return [history, ...checkLeases(history, event, view)];
      default:
        return [history];
    }
  },
};

function onFact(history: Lending, { by, fact }: EventOf<'fact'>, view: ClusterView): Judged<Lending> {
  switch (fact.kind) {
    case 'voted':
      return fact.answer === 'grant' || fact.answer === 'blind'
        ? lend(history, by, fact.address, fact.candidate, fact.epoch, view)
        : [history];
    case 'ballot-opened':
      return lend(history, by, fact.address, by.node, fact.epoch, view);
    case 'ballot-closed':
      if (fact.result === 'won' || by.state().addresses[fact.address]?.move != null) return [history];
      return [withoutLease(history, by.node, fact.address, by.node, fact.epoch, view)];
    case 'concluded': {
      const { kind, address, epoch } = fact.entry;
      if (kind !== 'takeover' && kind !== 'handover') return [history];
      return [withoutLease(history, by.node, address, by.node, epoch, view)];
    }
    default:
      return [history];
  }
}

/** I5 */
function lend(
  history: Lending,
  by: RunView,
  ip: Ip,
  candidate: NodeId,
  epoch: number,
  view: ClusterView,
): Judged<Lending> {
  const key = `${by.node} ${ip}`;
  const before = history.lent[key];
  const now = view.now();
  const untilMs = now + by.config.agreement.leaseMs;
  const lease: Lease = {
    candidate,
    epoch,
    run: by.run,
    atMs: now,
    untilMs,
    told: false,
    latestMs: untilMs,
  };
  const after: Lending = { ...history, lent: { ...history.lent, [key]: lease } };
  if (before?.told !== true || before.candidate === candidate || before.untilMs <= now + TOLERANCE_MS)
    return [after];
  // A disk that was put back may not know that it had lent; its peers tell it, but perhaps too late.
  const isDoubled = isDouble(view.duplicates, by.node, now);
  if (isDoubled || (before.run !== by.run && view.rolledBack(by.node))) return [after];
  return [
    after,
    broken(
      'I5',
      `${by.run} lends its lease of ${ip} to ${candidate} for epoch ${epoch}, but ${before.run} lent it to ` +
        `${before.candidate} for epoch ${before.epoch} at ${before.atMs}, until ${before.untilMs}`,
    ),
  ];
}

function withoutLease(
  history: Lending,
  voter: NodeId,
  ip: Ip,
  candidate: NodeId,
  epoch: number,
  view: ClusterView,
): Lending {
  const key = `${voter} ${ip}`;
  const one = history.lent[key];
  if (one?.candidate !== candidate || one.epoch > epoch) return history;
  const ended: Lease = { ...one, untilMs: view.now(), latestMs: view.now() };
  return { ...history, lent: { ...history.lent, [key]: ended } };
}

function withReleases(history: Lending, { by, message }: EventOf<'heard'>, view: ClusterView): Lending {
  let after = history;
  for (const { address, candidate, epoch } of message.payload.releases ?? [])
    if (candidate === message.from) after = withoutLease(after, by.node, address, candidate, epoch, view);
  return after;
}

/** The arbiter's lease; to whom it may be lent is I29's affair. */
function withSwapped(
  history: Lending,
  { by, address, text }: EventOf<'swapped'>,
  view: ClusterView,
): Lending {
  const item = decodeArbiterItem(text);
  if (item === null || item.candidate === null) return history;
  const { candidate, epoch, leaseMs } = item;
  if (item.over) return withoutLease(history, ARBITER, address, candidate, epoch, view);
  const atMs = view.now();
  const untilMs = atMs + leaseMs;
  const lease: Lease = { candidate, epoch, run: by.run, atMs, untilMs, told: true, latestMs: untilMs };
  return { ...history, lent: { ...history.lent, [`${ARBITER} ${address}`]: lease } };
}

function withSaid(history: Lending, { by, message }: EventOf<'said'>, view: ClusterView): Lending {
  const { answers, ballots } = message.payload;
  if (answers === undefined && ballots === undefined) return history;
  let { lent, agreed } = history;
  for (const { address, candidate, epoch, leaseMs, consents } of answers ?? []) {
    if (consents === true) {
      const still = Object.entries(agreed).filter(([, untilMs]) => view.now() - untilMs < MATTERS_MS);
      const untilMs = view.now() + by.config.agreement.leaseMs;
      agreed = {
        ...Object.fromEntries(still),
        [`${by.node} ${candidate} ${address} ${epoch}`]: untilMs,
      };
    }
    const key = `${by.node} ${address}`;
    const one = leaseMs > 0 ? lent[key] : undefined;
    if (one?.candidate !== candidate || one.epoch !== epoch) continue;
    const latestMs = Math.max(one.latestMs, view.now() + leaseMs);
    lent = { ...lent, [key]: { ...one, told: true, latestMs } };
  }
  for (const { address, candidate, epoch } of ballots ?? []) {
    const key = `${by.node} ${address}`;
    const one = lent[key];
    if (one?.candidate === candidate && one.epoch === epoch && !one.told)
      lent = { ...lent, [key]: { ...one, told: true } };
  }
  return lent === history.lent && agreed === history.agreed ? history : { lent, agreed };
}

/** I7 */
function checkLeases(
  { lent, agreed }: Lending,
  { by, effect: { address: ip, operation, timeoutMs } }: EventOf<'drive'>,
  view: ClusterView,
): readonly Broken[] {
  const takesApart = operation.op === 'release' || (operation.op === 'take' && operation.reassociate);
  const move = by.state().addresses[ip]?.move;
  if (!takesApart || move == null) return [];
  const voters = [by.node, ...by.config.peers.flatMap(({ id, role }) => (role === 'member' ? [] : [id]))];
  if (by.config.agreement.arbiter === true) voters.push(ARBITER);
  // What was decided before a standstill goes out after it; it was decided in time.
  const decidedAt = by.worldTimeOf(by.state().now.at);
  const calls = !takesAtOnce(view.driver) && operation.op === 'release' ? 2 : 1;
  const untilMs = decidedAt + calls * timeoutMs - TOLERANCE_MS;
  const lasting = voters.filter((voter) => {
    // What a liar lends it may lend again: its word is all there is.
    if (view.isLiar(voter) || (voter === ARBITER && view.storeLied())) return true;
    const one = lent[`${voter} ${ip}`];
    return one?.candidate === by.node && one.epoch === move.epoch && one.latestMs >= untilMs;
  });
  const relieved = voters.some(
    (voter) => (agreed[`${voter} ${by.node} ${ip} ${move.epoch}`] ?? 0) >= untilMs,
  );
  const bySilence =
    voters.length === 2 && (relieved || by.config.agreement.silentPeer === 'takeover') ? 1 : 0;
  const isDoubled = voters.some((voter) => isDouble(view.duplicates, voter, view.now()));
  if ((lasting.length + bySilence) * 2 > voters.length || isDoubled) return [];
  return [
    broken(
      'I7',
      `${by.run} calls ${operation.op} of ${ip} for epoch ${move.epoch}, and only the leases of ` +
        `${lasting.join(', ') || 'nobody'} last until ${untilMs}, when its calls may still take effect`,
    ),
  ];
}
