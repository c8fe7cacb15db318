/**
 * A disk that shows an earlier state: peers notice, and tell its node, which can't know what it had lent since (PROTOCOL.md, "Restart,
 * stall, shutdown"; invariant I5).
 */

import type { Peer } from '../model/peer-state.ts';
import type { NodeId } from '../model/units.ts';
import {
  announce,
  change,
  changeAddress,
  changePeer,
  emitFact,
  persist,
  type StepContext,
} from '../step-context.ts';
import type { NodeRecord } from '../wire/messages.ts';
import { adopted, ignorePart, isReachable } from './bounded.ts';
import { mayHurry } from './budget.ts';

/**
 * Whether a later run of a peer's doesn't know of a lease that an earlier one had told of: its disk was rolled back to an earlier
 * moment of that run, and it has to be told as if it had lost a whole one.
 */
export function hasForgottenLease(before: NodeRecord | null, record: NodeRecord): boolean {
  if (before === null || before.incarnation >= record.incarnation) return false;
  return record.addresses.some(({ ip, lentEpoch }) => {
    const told = before.addresses.find((one) => one.ip === ip)?.lentEpoch ?? 0;
    return lentEpoch !== undefined && lentEpoch < told;
  });
}

/** What to tell a peer whose disk has been rolled back; undefined: nothing. */
export function knownIncarnation(peer: Peer): number | undefined {
  const present = peer.record?.incarnation ?? 0;
  return peer.recordVersion > 0 && peer.priorIncarnation >= present && peer.priorIncarnation > 0
    ? peer.priorIncarnation
    : undefined;
}

/**
 * A peer knew this node by an incarnation that its disk doesn't know of: what it had lent then can't be known. That is so
 * however far ahead the number is, and counts once a run from each peer; the number itself is followed like any counter.
 */
export function onKnown(ctx: StepContext, from: NodeId, known: number): void {
  const { incarnation, peers } = ctx.state;
  if (known < incarnation) return;
  if (!isReachable(known)) return ignorePart(ctx, from);
  const next = adopted(incarnation, known);
  if (peers[from]?.provedRollback !== true) onRolledBack(ctx, from);
  else if (!mayHurry(ctx, from)) return;
  change(ctx, { incarnation: next + 1 });
  persist(ctx);
  announce(ctx);
}

/** Whatever an earlier run had lent is over a lease after this one's start, whenever a peer comes to tell. */
function onRolledBack(ctx: StepContext, from: NodeId): void {
  const { addresses, config, startedAt } = ctx.state;
  changePeer(ctx, from, { provedRollback: true });
  const lendFrom = startedAt + config.agreement.leaseMs;
  for (const { ip, lendFrom: before } of Object.values(addresses))
    changeAddress(ctx, ip, { lendFrom: Math.max(before, lendFrom) });
  emitFact(ctx, { kind: 'storage', ok: true, code: 'ROLLED_BACK' });
}
