/**
 * I21: in an episode of failure an address isn't moved on and on from holders that are heard and fit, nor at all from
 * one when nobody has ever seen it up. I23: people are told that it is blocked once an episode, and when it is so.
 *
 * Judged by what was really seen, moved, heard and checked, not by what the nodes remember of it.
 */

import { holderOf } from '@failtome/cloud/model';
import { blockedAfterMs, type Ip, type NodeId, type ProtocolConfig } from '@failtome/protocol';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { isDouble } from './duplicate-ids.ts';
import { type Broken, broken, type EventOf, type FactOf, type RunView } from './events.ts';
import { addressOf, FIT_CHECKS, firstCallOf, heardMs } from './run-history.ts';

/** What PROTOCOL.md promises, less what drifting clocks may make of it. */
const FIRST_WAIT_MS = 120_000 - 2_000;
const ROUND_MS = 3_600_000 - 10_000;
const MAX_MOVES = 64;

interface Move {
  readonly node: NodeId;
  readonly atMs: number;
  /** When its taker was told that it holds the address; null: it doesn't know. */
  readonly knownMs: number | null;
  /** When the cloud first answered that it took it: with a single call a read has to prove it, and may come much later. */
  readonly answeredMs: number | null;
}

interface Episode {
  /** Automatic moves since anybody's probe last succeeded. */
  readonly moves: readonly Move[];
  /** When and by whom it was associated last; an operator's move the nodes learn of by and by. */
  readonly lastMs: number | null;
  readonly byOperator: boolean;
  /** When a probe that succeeded last began. */
  readonly upMs: number | null;
  /** Under which probes anybody has seen it up. */
  readonly answered: readonly string[];
}

interface Episodes {
  readonly addresses: Readonly<Record<Ip, Episode>>;
  /** When anybody's check of the own HAProxy last failed. */
  readonly failedCheckMs: number | null;
}

const NEW: Episode = { moves: [], lastMs: null, byOperator: false, upMs: null, answered: [] };
const NEVER = Number.NEGATIVE_INFINITY;

/** The rules of the episodes of an address. */
export const EPISODES: ClusterRules<Episodes> = {
  start: { addresses: {}, failedCheckMs: null },
  events: ['cloud', 'drive', 'driven', 'local-checked', 'heard'],
  facts: ['probe', 'blocked'],
  judge(history, event, view) {
    switch (event.kind) {
      case 'cloud':
        return [withAssociation(history, event, view)];
      case 'drive':
        return [history, ...checkMove(history, event, view)];
      case 'driven':
        return [withAnswer(history, event, view.now())];
      case 'local-checked':
        return [event.ok === false ? { ...history, failedCheckMs: view.now() } : history];
      case 'heard':
        return [view.isLiar(event.message.from) ? withLie(history, event) : history];
      case 'fact':
        if (event.fact.kind === 'probe') return [withProbe(history, event.by, event.fact, view.now())];
        if (event.fact.kind === 'blocked')
          return [history, ...checkBlocked(history, event.by, event.fact.address, view)];
        return [history];
      default:
        return [history];
    }
  },
};

function episodeOf({ addresses }: Episodes, ip: Ip): Episode {
  return addresses[ip] ?? NEW;
}

function withEpisode(history: Episodes, ip: Ip, change: Partial<Episode>): Episodes {
  const episode = { ...episodeOf(history, ip), ...change };
  return { ...history, addresses: { ...history.addresses, [ip]: episode } };
}

function withAssociation(history: Episodes, { event }: EventOf<'cloud'>, view: ClusterView): Episodes {
  if (event.kind !== 'associated') return history;
  const { by, publicIp: ip, atMs } = event;
  const known = withEpisode(history, ip, { lastMs: atMs, byOperator: by.kind === 'operator' });
  if (by.kind !== 'instance') return known;
  const taker = view.runs().find((run) => run.instanceId === by.instanceId);
  if (taker === undefined || taker.state().addresses[ip]?.move?.mode === 'handover') return known;
  const move: Move = { node: taker.node, atMs, knownMs: null, answeredMs: null };
  return withEpisode(known, ip, { moves: [...episodeOf(known, ip).moves, move].slice(-MAX_MOVES) });
}

/** Its taker is told that it holds the address: by a fenced take, or by a read. */
function withAnswer(history: Episodes, { by, effect, result }: EventOf<'driven'>, nowMs: number): Episodes {
  const { answer } = result;
  const { address: ip } = effect;
  const isShown =
    answer.kind === 'read' && answer.association.kind === 'associated' && answer.association.self;
  const { moves } = episodeOf(history, ip);
  const newest = moves.at(-1);
  if ((!isShown && answer.kind !== 'taken') || newest?.node !== by.node) return history;
  const isKnown = isShown || by.config.driver?.style === 'fenced';
  const move: Move = {
    ...newest,
    answeredMs: newest.answeredMs ?? nowMs,
    knownMs: newest.knownMs ?? (isKnown ? nowMs : null),
  };
  return withEpisode(history, ip, { moves: [...moves.slice(0, -1), move] });
}

function withProbe(history: Episodes, by: RunView, fact: FactOf<'probe'>, nowMs: number): Episodes {
  const { address: ip, result } = fact;
  if (result.kind !== 'ok') return history;
  const { upMs, moves, answered } = episodeOf(history, ip);
  const beganMs = nowMs - result.durationMs;
  const probe = probeOf(by.config, ip);
  return withEpisode(history, ip, {
    upMs: Math.max(upMs ?? NEVER, beganMs),
    moves: moves.filter(({ atMs }) => atMs > beganMs),
    answered: answered.includes(probe) ? answered : [...answered, probe],
  });
}

/** I21, at the first call of a move. */
function checkMove(history: Episodes, event: EventOf<'drive'>, view: ClusterView): readonly Broken[] {
  const { by, effect } = event;
  const { address: ip, operation } = effect;
  if (firstCallOf(view.historyOf(by), event) === null) return [];
  if (by.state().addresses[ip]?.move?.mode === 'handover') return [];
  const episode = episodeOf(history, ip);
  const holder = protectedHolder(by, ip, episode, view);
  if (holder === null) return [];
  const what = `${by.run} calls ${operation.op} of ${ip}, whose holder ${holder} is heard and fit`;
  const found = checkMoves(history, by, episode, what, view);
  return episode.answered.includes(probeOf(by.config, ip))
    ? found
    : [broken('I21', `${what}: nobody has ever seen it up by this probe`), ...found];
}

function checkMoves(
  { failedCheckMs }: Episodes,
  by: RunView,
  { moves }: Episode,
  what: string,
  view: ClusterView,
): readonly Broken[] {
  const known = moves.filter((move) => couldKnow(by, move, view));
  const newest = known.at(-1);
  if (newest === undefined) return [];
  const told = known.map(({ node, atMs }) => `${atMs} to ${node}`).join(', ');
  const says = `${what}: it was moved in vain at ${told}`;
  const now = view.now();
  const found: Broken[] = [];
  if (now - newest.atMs < FIRST_WAIT_MS) found.push(broken('I21', `${says}, and rests for two minutes`));
  const lately = known.filter(({ atMs }) => now - atMs < ROUND_MS);
  const candidates = by.config.peers.filter(({ role }) => role === 'candidate').length + 1;
  if (lately.length >= candidates)
    found.push(broken('I21', `${says}, as often as there are candidates (${candidates})`));
  const own = lately.find(({ node }) => node === by.node);
  if (own !== undefined && (failedCheckMs ?? NEVER) < own.atMs)
    found.push(broken('I21', `${says}, and no fitness has changed since this node was tried`));
  return found;
}

/** It was this node's own, or its taker knew of it and has been heard since. What harmed disks remember only who runs on knows. */
function couldKnow(by: RunView, { node, atMs, knownMs }: Move, view: ClusterView): boolean {
  const history = view.historyOf(by);
  if (knownMs === null || (view.disksHarmed() && history.startedMs > atMs)) return false;
  return node === by.node || heardMs(history, node) >= knownMs + view.learnMs;
}

/**
 * The holder, where this run hears it, could know who it is, and it is fit by its own checks. Not one whose id runs
 * twice: it is the other that may be heard, and that may say in its name that it is unfit.
 */
function protectedHolder(
  by: RunView,
  ip: Ip,
  { lastMs, byOperator }: Episode,
  view: ClusterView,
): NodeId | null {
  const instanceId = holderOf(view.aws(), ip);
  const holder = view.runs().find((run) => run.instanceId === instanceId);
  if (holder === undefined || byOperator) return null;
  if (isDouble(view.duplicates, holder.node, view.now())) return null;
  if (view.now() - (lastMs ?? NEVER) < view.learnMs) return null;
  if (!by.config.peers.some(({ id }) => id === holder.node)) return null;
  const quietMs = view.now() - heardMs(view.historyOf(by), holder.node);
  return quietMs < by.config.gossip.deadMs / 2 && isFit(holder, view) ? holder.node : null;
}

function isFit(holder: RunView, view: ClusterView): boolean {
  const { startedMs, okChecks, failedCheckMs } = view.historyOf(holder);
  if (view.now() - startedMs < view.fitMs) return false;
  if (holder.config.local === null) return true;
  return okChecks >= FIT_CHECKS && view.now() - (failedCheckMs ?? NEVER) >= view.fitMs;
}

/** A voter may have seen it up. One that says so untruly frees candidates to move it on, as far as they see it down. */
function withLie(history: Episodes, { by, message }: EventOf<'heard'>): Episodes {
  let after = history;
  for (const { ip, episode: told } of message.payload.node?.addresses ?? []) {
    if (told === undefined) continue;
    const { answered } = episodeOf(after, ip);
    const probe = probeOf(by.config, ip);
    if (told.answered !== '' && !answered.includes(probe))
      after = withEpisode(after, ip, { answered: [...answered, probe] });
    if (told.upEpoch > 0) after = withEpisode(after, ip, { moves: [] });
  }
  return after;
}

/** I23 */
function checkBlocked(history: Episodes, by: RunView, ip: Ip, view: ClusterView): readonly Broken[] {
  const { probedUp, blockedMs } = addressOf(view.historyOf(by), ip);
  const { moves, upMs } = episodeOf(history, ip);
  const tells = `${by.run} tells that ${ip} is blocked`;
  const found: Broken[] = [];
  if (probedUp === true) found.push(broken('I23', `${tells}, and its last probe succeeded`));
  if (blockedMs !== null && (upMs ?? NEVER) < blockedMs)
    found.push(broken('I23', `${tells}, as it did at ${blockedMs}`));
  // The time runs anew when the holder changes, and for whoever took it that is the answer to its call.
  const own = moves.at(-1);
  const sinceMs = view.now() - (own?.answeredMs ?? NEVER);
  if (own?.node === by.node && sinceMs < 0.99 * blockedAfterMs(by.config))
    found.push(broken('I23', `${tells}, which it took ${sinceMs} ms ago`));
  return found;
}

/** What is asked, and how long an answer is waited for. */
function probeOf({ addresses }: ProtocolConfig, ip: Ip): string {
  const address = addresses.find((one) => one.ip === ip);
  return `${address?.expects} ${address?.probe.timeoutMs}`;
}
