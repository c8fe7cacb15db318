/**
 * I13: no other address is thrown off. I15: no more moves than the budget from a holder that is heard, fit and has
 * served, counted by what has really moved.
 */

import { holderOf } from '@failtome/cloud/model';
import { counted, type Ip, MAX_FLAP_MOVES, type NodeId } from '@failtome/protocol';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { type Broken, broken, type EventOf, type Judged, type RunView } from './events.ts';
import { DRIFT, firstCallOf } from './run-history.ts';

/** What a node that learns late of a move counts from then: by a read once a minute, or when it goes on. */
const LEARNT_LATE_MS = 3 * 60_000;
/** Changes closer together count as one (PROTOCOL.md, "Damping"); what two nodes make of a moment differs a little. */
const SAME_CHANGE_MS = 4_000;

interface Change {
  readonly atMs: number;
  /** Since when each run of a candidate has known that it serves there. What others say of that isn't believed. */
  readonly servedAtMs: Readonly<Record<string, number>>;
}

interface Damping {
  /** Newest last, since an operator's hand last moved it. */
  readonly changes: Readonly<Record<Ip, readonly Change[]>>;
  /** Whoever moved it. */
  readonly moves: Readonly<Record<Ip, readonly number[]>>;
}

/** The rules of hold-down and flapping. */
export const DAMPING: ClusterRules<Damping> = {
  start: { changes: {}, moves: {} },
  events: ['cloud', 'drive'],
  facts: ['probe', 'decided'],
  judge(history, event, view) {
    switch (event.kind) {
      case 'cloud':
        return onCloud(history, event, view);
      case 'drive':
        return [history, ...checkTooSoon(history, event, view)];
      case 'fact': {
        const { by, fact } = event;
        if (fact.kind === 'probe' && fact.result.kind === 'ok' && by.config.node.role === 'candidate')
          return [served(history, by.run, fact.address, fact.result.durationMs, view.now())];
        if (fact.kind === 'decided' && fact.reason === 'flapping' && view.driver === 'ec2')
          return [history, ...checkFlapping(history, by, fact.address, view)];
        return [history];
      }
      default:
        return [history];
    }
  },
};

function onCloud(history: Damping, { event }: EventOf<'cloud'>, view: ClusterView): Judged<Damping> {
  if (event.kind === 'published') return [history];
  const { by, publicIp: ip, atMs } = event;
  let { changes, moves } = history;
  if (event.kind === 'associated') {
    moves = { ...moves, [ip]: [...(moves[ip] ?? []), atMs].slice(-MAX_FLAP_MOVES) };
    changes = { ...changes, [ip]: withChange(changes[ip] ?? [], atMs) };
  }
  // What an operator's hand has moved the nodes learn only by and by, and count from then.
  if (by.kind === 'operator') changes = { ...changes, [ip]: [] };
  const isThrownOff = event.kind === 'ended' && event.association.cause === 'displaced';
  const { instanceId } = event.association;
  const allowed = view
    .runs()
    .some((run) => run.instanceId === instanceId && run.config.driver?.displace === 'allow');
  if (!isThrownOff || by.kind !== 'instance' || allowed) return [{ changes, moves }];
  return [
    { changes, moves },
    broken('I13', `${ip} was thrown off ${instanceId} by a call of ${by.instanceId}`),
  ];
}

function served(history: Damping, run: string, ip: Ip, tookMs: number, nowMs: number): Damping {
  const known = history.changes[ip] ?? [];
  const newest = known.at(-1);
  if (newest === undefined || run in newest.servedAtMs || nowMs - tookMs <= newest.atMs) return history;
  const change: Change = { ...newest, servedAtMs: { ...newest.servedAtMs, [run]: nowMs } };
  return { ...history, changes: { ...history.changes, [ip]: [...known.slice(0, -1), change] } };
}

/** I15, at the first call of a move. */
function checkTooSoon({ changes }: Damping, event: EventOf<'drive'>, view: ClusterView): readonly Broken[] {
  const { by, effect } = event;
  const { address: ip, operation } = effect;
  if (firstCallOf(view.historyOf(by), event) === null) return [];
  if (by.state().addresses[ip]?.move?.mode === 'handover') return [];
  const known = changes[ip] ?? [];
  const newest = known.at(-1);
  const instanceId = holderOf(view.aws(), ip);
  const now = view.now();
  if (newest === undefined || instanceId === null) return [];
  const servedAtMs = servedSince(newest, view);
  if (now - newest.atMs < view.learnMs || now - servedAtMs < view.learnMs) return [];
  const holder = protectedHolder(by, instanceId);
  if (holder === null) return [];
  const { holdDownMs, flap } = by.config;
  const what = `${by.run} calls ${operation.op} of ${ip}, whose holder ${holder} is heard, fit and has served since ${servedAtMs}`;
  const found: Broken[] = [];
  if (now - newest.atMs < holdDownMs * DRIFT)
    found.push(broken('I15', `${what}: it moved at ${newest.atMs}, and holds for ${holdDownMs} ms`));
  const withinMs = flap.withinMs * DRIFT;
  const recent = known.filter(({ atMs }) => now - atMs < withinMs && isRemembered(atMs, view));
  if (recent.length >= flap.moves)
    found.push(broken('I15', `${what}: it moved at ${recent.map(({ atMs }) => atMs).join(', ')}`));
  return found;
}

/**
 * I15: the budget is used up by moves that have happened, each once. A run that counts what an earlier one wrote down
 * counts longer than it really lasts.
 */
function checkFlapping({ moves }: Damping, by: RunView, ip: Ip, view: ClusterView): readonly Broken[] {
  const { flap } = by.config;
  if ((by.state().addresses[ip]?.oldChanges.length ?? 0) > 0) return [];
  const since = view.now() - flap.withinMs - LEARNT_LATE_MS;
  const real = (moves[ip] ?? []).filter((atMs) => atMs > since);
  if (real.length >= flap.moves) return [];
  const what = `${by.run} counts ${counted(flap.moves, 'move')} of ${ip}`;
  return [broken('I15', `${what}, and it has moved at ${real.join(', ')}`)];
}

/** A candidate that still runs saw it, of which alone this is believed; what only earlier runs saw counts as long as their disks say so, which is less exact. */
function isRemembered(atMs: number, view: ClusterView): boolean {
  return view
    .runs()
    .some((run) => run.config.node.role === 'candidate' && view.historyOf(run).startedMs < atMs);
}

/** Since when a candidate that still runs has known that it serves; infinite: none does. */
function servedSince({ servedAtMs }: Change, view: ClusterView): number {
  return Math.min(...view.runs().map(({ run }) => servedAtMs[run] ?? Number.POSITIVE_INFINITY));
}

/** The holder, where this run hears it and was told that it is fit. */
function protectedHolder(by: RunView, instanceId: string): NodeId | null {
  const { peers, now } = by.state();
  const peer = Object.values(peers).find(
    ({ id, record }) => record?.instanceId === instanceId && isCandidate(by, id),
  );
  if (peer === undefined || peer.record?.fit !== 'fit') return null;
  const quietMs = now.at - (peer.heardAt ?? Number.NEGATIVE_INFINITY);
  return quietMs < by.config.gossip.deadMs ? peer.id : null;
}

function isCandidate({ config }: RunView, id: NodeId): boolean {
  return config.peers.some((peer) => peer.id === id && peer.role === 'candidate');
}

function withChange(known: readonly Change[], atMs: number): readonly Change[] {
  const others = known.filter((change) => atMs - change.atMs >= SAME_CHANGE_MS);
  return [...others, { atMs, servedAtMs: {} }].slice(-MAX_FLAP_MOVES);
}
