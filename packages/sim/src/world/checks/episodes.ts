/**
 * I21: in an episode of failure an address isn't moved on and on from holders that are heard and fit, nor at all from
 * one when nobody has ever seen it up. I23: people are told that it is blocked once an episode, and when it is so.
 *
 * Judged by what was really seen, moved, heard and checked, not by what the nodes remember of it.
 */

import { type AwsEvent, holderOf } from '@failtome/cloud/model';
import {
  blockedAfterMs,
  type DriveEffect,
  type DriverAnswer,
  type Envelope,
  type Fact,
  type Ip,
  type NodeId,
  type ProtocolConfig,
} from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';

/** What PROTOCOL.md promises, less what drifting clocks may make of it. */
const FIRST_WAIT_MS = 120_000 - 2_000;
const ROUND_MS = 3_600_000 - 10_000;
/** How long it may take until every node that is heard has told its news. */
const LEARN_MS = 4_000;
/** For so long a holder must have been fit without a failed check. */
const FIT_MS = 10_000;
const MAX_MOVES = 64;

interface Move {
  readonly node: NodeId;
  readonly atMs: number;
  /** When its taker was told that it holds the address; null: it doesn't know. */
  knownMs: number | null;
  /** When the cloud first answered that it took it: with a single call a read has to prove it, and may come much later. */
  answeredMs: number | null;
}

interface Episode {
  /** Automatic moves since anybody's probe last succeeded. */
  moves: readonly Move[];
  /** When and by whom it was associated last; an operator's move the nodes learn of by and by. */
  lastMs: number;
  byOperator: boolean;
  /** When a probe that succeeded last began. */
  upMs: number;
  /** Under which probes anybody has seen it up. */
  readonly answered: Set<string>;
}

interface Run {
  readonly startedMs: number;
  /** When each node was last heard. */
  readonly heard: Map<NodeId, number>;
  okChecks: number;
  failedCheckMs: number;
  /** Whether its last probe of each address succeeded. */
  readonly probed: Map<Ip, boolean>;
  readonly told: Map<Ip, number>;
  readonly begun: Map<Ip, number>;
}

export function checkEpisodes(view: WorldView, violate: Violate): Watcher {
  const episodes = new Map<Ip, Episode>();
  const runs = new Map<string, Run>();
  let lastFailedCheckMs = Number.NEGATIVE_INFINITY;

  function episodeOf(ip: Ip): Episode {
    const known = episodes.get(ip);
    if (known !== undefined) return known;
    const never = Number.NEGATIVE_INFINITY;
    const made: Episode = { moves: [], lastMs: never, byOperator: false, upMs: never, answered: new Set() };
    episodes.set(ip, made);
    return made;
  }

  function runOf({ run }: RunView): Run {
    const known = runs.get(run);
    if (known !== undefined) return known;
    const made: Run = {
      startedMs: view.now(),
      heard: new Map(),
      okChecks: 0,
      failedCheckMs: Number.NEGATIVE_INFINITY,
      probed: new Map(),
      told: new Map(),
      begun: new Map(),
    };
    runs.set(run, made);
    return made;
  }

  function onCloud(event: AwsEvent): void {
    if (event.kind !== 'associated') return;
    const { by, publicIp: ip, atMs } = event;
    const episode = episodeOf(ip);
    episode.lastMs = atMs;
    episode.byOperator = by.kind === 'operator';
    if (by.kind !== 'instance') return;
    const taker = view.runs().find((run) => run.instanceId === by.instanceId);
    if (taker === undefined || taker.state().addresses[ip]?.move?.mode === 'handover') return;
    episode.moves = [...episode.moves, { node: taker.node, atMs, knownMs: null, answeredMs: null }].slice(
      -MAX_MOVES,
    );
  }

  /** Its taker is told that it holds the address: by a fenced take, or by a read. */
  function onDriven(by: RunView, ip: Ip, answer: DriverAnswer): void {
    const isShown =
      answer.kind === 'read' && answer.association.kind === 'associated' && answer.association.self;
    const newest = episodeOf(ip).moves.at(-1);
    if ((!isShown && answer.kind !== 'taken') || newest?.node !== by.node) return;
    newest.answeredMs ??= view.now();
    if (isShown || by.config.driver?.style === 'fenced') newest.knownMs ??= view.now();
  }

  function onProbe(by: RunView, fact: Extract<Fact, { kind: 'probe' }>): void {
    const { address: ip, result } = fact;
    if (result.kind !== 'inconclusive') runOf(by).probed.set(ip, result.kind === 'ok');
    if (result.kind !== 'ok') return;
    const episode = episodeOf(ip);
    const beganMs = view.now() - result.durationMs;
    episode.upMs = Math.max(episode.upMs, beganMs);
    episode.moves = episode.moves.filter(({ atMs }) => atMs > beganMs);
    episode.answered.add(probeOf(by.config, ip));
  }

  /** I21, at the first call of a move. */
  function onDrive(by: RunView, { address: ip, operation }: DriveEffect): void {
    if (operation.op !== 'release' && operation.op !== 'take') return;
    const move = by.state().addresses[ip]?.move;
    const { begun } = runOf(by);
    if (move == null || move.duty || move.mode === 'handover' || begun.get(ip) === move.epoch) return;
    begun.set(ip, move.epoch);
    const episode = episodeOf(ip);
    const holder = protectedHolder(by, ip, episode);
    if (holder === null) return;
    const what = `${by.run} calls ${operation.op} of ${ip}, whose holder ${holder} is heard and fit`;
    if (!episode.answered.has(probeOf(by.config, ip)))
      violate('I21', `${what}: nobody has ever seen it up by this probe`);
    checkMoves(by, episode, what);
  }

  function checkMoves(by: RunView, { moves }: Episode, what: string): void {
    const known = moves.filter((move) => couldKnow(by, move));
    const newest = known.at(-1);
    if (newest === undefined) return;
    const says = `${what}: it was moved in vain at ${known.map(({ node, atMs }) => `${atMs} to ${node}`).join(', ')}`;
    if (view.now() - newest.atMs < FIRST_WAIT_MS) violate('I21', `${says}, and rests for two minutes`);
    const lately = known.filter(({ atMs }) => view.now() - atMs < ROUND_MS);
    const candidates = by.config.peers.filter(({ role }) => role === 'candidate').length + 1;
    if (lately.length >= candidates)
      violate('I21', `${says}, as often as there are candidates (${candidates})`);
    const own = lately.find(({ node }) => node === by.node);
    if (own !== undefined && lastFailedCheckMs < own.atMs)
      violate('I21', `${says}, and no fitness has changed since this node was tried`);
  }

  /** It was this node's own, or its taker knew of it and has been heard since. What harmed disks remember only who runs on knows. */
  function couldKnow(by: RunView, { node, atMs, knownMs }: Move): boolean {
    if (knownMs === null || (view.disksHarmed() && runOf(by).startedMs > atMs)) return false;
    return node === by.node || (runOf(by).heard.get(node) ?? Number.NEGATIVE_INFINITY) >= knownMs + LEARN_MS;
  }

  /** The holder, where this run hears it, could know who it is, and it is fit by its own checks. */
  function protectedHolder(by: RunView, ip: Ip, { lastMs, byOperator }: Episode): NodeId | null {
    const instanceId = holderOf(view.aws(), ip);
    const all = view.runs().filter((run) => run.instanceId === instanceId);
    const [holder] = all;
    if (holder === undefined || all.length > 1 || byOperator || view.now() - lastMs < LEARN_MS) return null;
    if (!by.config.peers.some(({ id }) => id === holder.node)) return null;
    const heardMs = runOf(by).heard.get(holder.node) ?? Number.NEGATIVE_INFINITY;
    const isHeard = view.now() - heardMs < by.config.gossip.deadMs / 2;
    return isHeard && isFit(holder) ? holder.node : null;
  }

  function isFit(holder: RunView): boolean {
    const run = runOf(holder);
    if (view.now() - run.startedMs < FIT_MS) return false;
    if (holder.config.local === null) return true;
    return run.okChecks >= 3 && view.now() - run.failedCheckMs >= FIT_MS;
  }

  /** A voter may have seen it up. One that says so untruly frees candidates to move it on, as far as they see it down. */
  function onLie(by: RunView, { payload: { node } }: Envelope): void {
    for (const { ip, episode: told } of node?.addresses ?? []) {
      if (told === undefined) continue;
      const episode = episodeOf(ip);
      if (told.answered !== '') episode.answered.add(probeOf(by.config, ip));
      if (told.upEpoch > 0) episode.moves = [];
    }
  }

  /** I23 */
  function onBlocked(by: RunView, ip: Ip): void {
    const { probed, told } = runOf(by);
    const episode = episodeOf(ip);
    if (probed.get(ip) === true)
      violate('I23', `${by.run} tells that ${ip} is blocked, and its last probe succeeded`);
    const toldMs = told.get(ip);
    if (toldMs !== undefined && episode.upMs < toldMs)
      violate('I23', `${by.run} tells that ${ip} is blocked, as it did at ${toldMs}`);
    // The time runs anew when the holder changes, and for whoever took it that is the answer to its call.
    const own = episode.moves.at(-1);
    const sinceMs = view.now() - (own?.answeredMs ?? Number.NEGATIVE_INFINITY);
    if (own?.node === by.node && sinceMs < 0.99 * blockedAfterMs(by.config))
      violate('I23', `${by.run} tells that ${ip} is blocked, which it took ${sinceMs} ms ago`);
    told.set(ip, view.now());
  }

  function onFact(by: RunView, fact: Fact): void {
    switch (fact.kind) {
      case 'probe':
        return onProbe(by, fact);
      case 'blocked':
        return onBlocked(by, fact.address);
      case 'configured':
        return runOf(by).told.clear();
      default:
        return;
    }
  }

  function onChecked(by: RunView, ok: boolean | null): void {
    const run = runOf(by);
    if (ok === true) run.okChecks += 1;
    if (ok !== false) return;
    run.failedCheckMs = view.now();
    lastFailedCheckMs = view.now();
  }

  return (event) => {
    switch (event.kind) {
      case 'started':
        runOf(event.by);
        return;
      case 'ended':
        runs.delete(event.by.run);
        return;
      case 'cloud':
        return onCloud(event.event);
      case 'drive':
        return onDrive(event.by, event.effect);
      case 'driven':
        return onDriven(event.by, event.effect.address, event.result.answer);
      case 'local-checked':
        return onChecked(event.by, event.ok);
      case 'heard':
        runOf(event.by).heard.set(event.message.from, view.now());
        if (view.isLiar(event.message.from)) onLie(event.by, event.message);
        return;
      case 'facts':
        for (const fact of event.facts) onFact(event.by, fact);
        return;
      default:
        return;
    }
  };
}

/** What is asked, and how long an answer is waited for. */
function probeOf({ addresses }: ProtocolConfig, ip: Ip): string {
  const address = addresses.find((one) => one.ip === ip);
  return `${address?.expects} ${address?.probe.timeoutMs}`;
}
