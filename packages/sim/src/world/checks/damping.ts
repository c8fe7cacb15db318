/**
 * I13: no other address is thrown off. I15: no more moves than the budget from a holder that is heard, fit and has
 * served, counted by what has really moved.
 */

import { type AwsEvent, holderOf } from '@failtome/cloud/model';
import { counted, type DriveEffect, type Ip, MAX_FLAP_MOVES, type NodeId } from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';

/** How long it may take until every node has learnt that the address changed hands. */
const LEARN_MS = 4_000;
/** What a node that learns late of a move counts from then: by a read once a minute, or when it goes on. */
const LEARNT_LATE_MS = 3 * 60_000;
/** Changes closer together count as one (PROTOCOL.md, "Damping"); what two nodes make of a moment differs a little. */
const SAME_CHANGE_MS = 4_000;

interface Change {
  readonly atMs: number;
  /** Since when somebody has known that it serves there; null: nobody has seen it. */
  servedAtMs: number | null;
}

export function checkDamping(view: WorldView, driver: 'ec2' | 'opsworks', violate: Violate): Watcher {
  /** Newest last, since an operator's hand last moved it. */
  const changes = new Map<Ip, readonly Change[]>();
  /** Whoever moved it. */
  const moves = new Map<Ip, readonly number[]>();
  const begun = new Map<string, number>();
  /** Since when each run has been running. */
  const started = new Map<string, number>();

  function onCloud(event: AwsEvent): void {
    if (event.kind === 'published') return;
    const { by, publicIp: ip } = event;
    if (event.kind === 'associated')
      moves.set(ip, [...(moves.get(ip) ?? []), event.atMs].slice(-MAX_FLAP_MOVES));
    // What an operator's hand has moved the nodes learn only by and by, and count from then.
    if (by.kind === 'operator') changes.delete(ip);
    else if (event.kind === 'associated') changes.set(ip, withChange(changes.get(ip) ?? [], event.atMs));
    if (event.kind === 'ended' && event.association.cause === 'displaced') checkDisplaced(event);
  }

  /** I13 */
  function checkDisplaced({ publicIp, association, by }: Extract<AwsEvent, { kind: 'ended' }>): void {
    const { instanceId } = association;
    const allowed = view
      .runs()
      .some((run) => run.instanceId === instanceId && run.config.driver?.displace === 'allow');
    if (by.kind === 'instance' && !allowed)
      violate('I13', `${publicIp} was thrown off ${instanceId} by a call of ${by.instanceId}`);
  }

  function servedNow(ip: Ip, tookMs: number): void {
    const newest = changes.get(ip)?.at(-1);
    if (newest !== undefined && view.now() - tookMs > newest.atMs) newest.servedAtMs ??= view.now();
  }

  /** I15, at the first call of a move. */
  function onDrive(by: RunView, { address: ip, operation }: DriveEffect): void {
    if (operation.op !== 'release' && operation.op !== 'take') return;
    const move = by.state().addresses[ip]?.move;
    const key = `${by.run} ${ip}`;
    if (move == null || move.duty || move.mode === 'handover' || begun.get(key) === move.epoch) return;
    begun.set(key, move.epoch);
    const known = changes.get(ip) ?? [];
    const newest = known.at(-1);
    const instanceId = holderOf(view.aws(), ip);
    if (newest === undefined || newest.servedAtMs === null || instanceId === null) return;
    if (view.now() - newest.atMs < LEARN_MS || view.now() - newest.servedAtMs < LEARN_MS) return;
    const holder = protectedHolder(by, instanceId);
    if (holder === null) return;
    const { holdDownMs, flap } = by.config;
    const what = `${by.run} calls ${operation.op} of ${ip}, whose holder ${holder} is heard, fit and has served since ${newest.servedAtMs}`;
    if (view.now() - newest.atMs < holdDownMs)
      violate('I15', `${what}: it moved at ${newest.atMs}, and holds for ${holdDownMs} ms`);
    const recent = known.filter(({ atMs }) => view.now() - atMs < flap.withinMs && isRemembered(atMs));
    if (recent.length >= flap.moves)
      violate('I15', `${what}: it moved at ${recent.map(({ atMs }) => atMs).join(', ')}`);
  }

  /**
   * I15: the budget is used up by moves that have happened, each once. A run that counts what an earlier one wrote down
   * counts longer than it really lasts.
   */
  function onFlapping(by: RunView, ip: Ip): void {
    const { flap } = by.config;
    if ((by.state().addresses[ip]?.oldChanges.length ?? 0) > 0) return;
    const since = view.now() - flap.withinMs - LEARNT_LATE_MS;
    const real = (moves.get(ip) ?? []).filter((atMs) => atMs > since);
    if (real.length < flap.moves)
      violate(
        'I15',
        `${by.run} counts ${counted(flap.moves, 'move')} of ${ip}, and it has moved at ${real.join(', ')}`,
      );
  }

  /** A candidate that still runs saw it, of which alone this is believed; what only earlier runs saw counts as long as their disks say so, which is less exact. */
  function isRemembered(atMs: number): boolean {
    return view
      .runs()
      .some(
        ({ run, config }) =>
          config.node.role === 'candidate' && (started.get(run) ?? Number.POSITIVE_INFINITY) < atMs,
      );
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

  return (event) => {
    switch (event.kind) {
      case 'started':
        started.set(event.by.run, view.now());
        return;
      case 'cloud':
        return onCloud(event.event);
      case 'drive':
        return onDrive(event.by, event.effect);
      case 'facts':
        for (const fact of event.facts) {
          if (fact.kind === 'probe' && fact.result.kind === 'ok')
            servedNow(fact.address, fact.result.durationMs);
          if (fact.kind === 'decided' && fact.reason === 'flapping' && driver === 'ec2')
            onFlapping(event.by, fact.address);
        }
        return;
      default:
        return;
    }
  };
}

function isCandidate({ config }: RunView, id: NodeId): boolean {
  return config.peers.some((peer) => peer.id === id && peer.role === 'candidate');
}

function withChange(known: readonly Change[], atMs: number): readonly Change[] {
  const others = known.filter((change) => atMs - change.atMs >= SAME_CHANGE_MS);
  return [...others, { atMs, servedAtMs: null }].slice(-MAX_FLAP_MOVES);
}
