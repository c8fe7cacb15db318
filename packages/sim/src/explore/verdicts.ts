/**
 * The invariants that take more than one node to judge: I4, I5, I10, I13, I15, I17 and I18, of every transition; and
 * what must be true once all is healed.
 */
import type { Ip, NodeId } from '@failtome/protocol';
import { EXPLORED_SETTINGS } from './bounds.ts';
import type { SimNode } from './explored-data.ts';
import { type Global, holderIndex, type SharedHistory } from './explored-world.ts';
import { type Claim, leasesOf } from './node-history.ts';

export interface Broken {
  readonly invariant: string;
  readonly detail: string;
}

/** How long it may take until every node has learnt that the address changed hands. */
const LEARN_MS = 1_500;
/** A node that runs looks around at least this often. */
const MAX_GAP_MS = 1_000;

/** Judge one quantum: `before` it with the calls carried out, `after` it, and what each node claims of it. */
export function judge(
  before: Global,
  after: Global,
  claims: readonly { readonly by: SimNode; readonly claim: Claim }[],
): { readonly shared: SharedHistory; readonly broken: Broken | null } {
  let shared = changed(before, after);
  let broken: Broken | null = displaced(after) ?? lentTwice(after);
  for (const { by, claim } of claims) {
    switch (claim.kind) {
      case 'violation':
        broken ??= { invariant: claim.invariant, detail: claim.detail };
        break;
      case 'won': {
        if (claim.silent) break;
        const key = `${claim.address} ${claim.epoch}`;
        const other = shared.winners[key];
        if (other !== undefined && other !== by.id)
          broken ??= { invariant: 'I4', detail: `${by.id} and ${other} both won epoch ${key}` };
        shared = { ...shared, winners: { ...shared.winners, [key]: by.id } };
        break;
      }
      case 'first-call':
        broken ??=
          againstSight(before, by, claim.address, claim.openedAt) ?? tooSoon(before, by, claim.address);
        break;
      case 'seen-up':
        shared = served(shared, claim.address, claim.sinceMs, after.t);
        break;
      case 'told':
        if (!everHeld(after, by, claim.address))
          broken ??= {
            invariant: 'I17',
            detail: `${by.id} tells of a move of ${claim.address} that never was`,
          };
        break;
      case 'counted-twice':
        broken ??= {
          invariant: 'I18',
          detail: `${claim.message.from}'s message ${claim.message.seq} counted twice at ${by.id}`,
        };
        break;
    }
  }
  return { shared, broken };
}

/** I5: each voter's lease of one address is with one node at most. */
function lentTwice(g: Global): Broken | null {
  for (const ip of g.aws.addresses.keys()) {
    const until = new Map<NodeId, { readonly by: NodeId; readonly until: number }>();
    for (const { id, history } of g.nodes) {
      for (const leases of leasesOf(history, ip)) {
        for (const [voter, end] of Object.entries(leases)) {
          if (end <= g.t) continue;
          const other = until.get(voter);
          if (other !== undefined && other.by !== id)
            return {
              invariant: 'I5',
              detail: `${voter}'s lease of ${ip} is with ${id} until ${end} and with ${other.by} until ${other.until}`,
            };
          until.set(voter, { by: id, until: end });
        }
      }
    }
  }
  return null;
}

/** I10: what the voters themselves have thought since before the ballot. */
function againstSight(g: Global, by: SimNode, ip: Ip, openedAt: number): Broken | null {
  if (g.nodes.length <= 2) return null;
  let sighted = 0;
  let up = 0;
  for (const { core, life } of g.nodes) {
    const address = core.state.addresses[ip];
    if (life.kind !== 'up' || address === undefined || address.series.last === null) continue;
    if (g.t - core.state.now.at > 2 * MAX_GAP_MS) continue;
    const longUp = address.verdict === 'up' && address.series.last.ok && address.verdictSince < openedAt;
    if (longUp) up += 1;
    if (longUp || address.verdict === 'down') sighted += 1;
  }
  if (up * 2 <= sighted) return null;
  return { invariant: 'I10', detail: `${by.id} moves ${ip}, though ${up} of ${sighted} sighted see it up` };
}

/** I15 */
function tooSoon(g: Global, by: SimNode, ip: Ip): Broken | null {
  const change = g.shared.changes[ip];
  const holder = g.nodes[holderIndex(g, ip) ?? -1];
  if (change === undefined || change.servedAtMs === null || holder === undefined || holder === by)
    return null;
  const since = g.t - change.atMs;
  if (since >= EXPLORED_SETTINGS.holdDownMs || since < LEARN_MS) return null;
  if (g.t - change.servedAtMs < LEARN_MS) return null;
  const peer = by.core.state.peers[holder.id];
  const quietMs = g.t - (peer?.heardAt ?? Number.NEGATIVE_INFINITY);
  if (quietMs >= EXPLORED_SETTINGS.gossip.deadMs || peer?.record?.fit !== 'fit') return null;
  return {
    invariant: 'I15',
    detail: `${by.id} moves ${ip} ${since} ms after it moved to ${holder.id}, which is heard, fit and has served`,
  };
}

/** I13 */
function displaced(g: Global): Broken | null {
  for (const { publicIp, history } of g.aws.addresses.values()) {
    const thrown = history.find(({ cause }) => cause === 'displaced');
    if (thrown !== undefined)
      return { invariant: 'I13', detail: `${publicIp} was thrown off ${thrown.instanceId}` };
  }
  return null;
}

/** Whether that node's instance has ever had the address. */
function everHeld(g: Global, by: SimNode, ip: Ip): boolean {
  const address = g.aws.addresses.get(ip);
  const { instanceId } = by.config.node;
  return (
    address?.association?.instanceId === instanceId ||
    (address?.history.some((one) => one.instanceId === instanceId) ?? false)
  );
}

function changed(before: Global, after: Global): SharedHistory {
  let { shared } = after;
  for (const [ip, { association }] of after.aws.addresses) {
    if (association === null || association.sinceMs !== after.t || before.t > after.t) continue;
    const known = shared.changes[ip];
    if (known?.atMs === association.sinceMs) continue;
    const change = { atMs: association.sinceMs, servedAtMs: null };
    shared = { ...shared, changes: { ...shared.changes, [ip]: change } };
  }
  return shared;
}

function served(shared: SharedHistory, ip: Ip, sinceMs: number, t: number): SharedHistory {
  const change = shared.changes[ip];
  if (change === undefined || change.servedAtMs !== null || sinceMs <= change.atMs) return shared;
  return { ...shared, changes: { ...shared.changes, [ip]: { ...change, servedAtMs: t } } };
}
