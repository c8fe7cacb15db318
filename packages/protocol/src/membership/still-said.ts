/**
 * What candidates go on saying of who holds an address, at a node that can't ask the cloud itself (PROTOCOL.md, "What is
 * adopted"). No read of its own refutes a word that wasn't so, and a peer tells its record once, not again with each read. But a
 * candidate that is ready reads the association at least once a minute, and would have told of another by now.
 */

import { isCandidate } from '../election/quorum.ts';
import type { AddressState, Holder } from '../model/address-state.ts';
import type { State } from '../model/state.ts';
import {
  type AssociationId,
  type DurationMs,
  type Ip,
  type MonotonicMs,
  NEVER,
  type NodeId,
} from '../model/units.ts';
import { isSameHolder, isSilent, observeHolder } from '../observation/holder.ts';
import { asksTheCloud, READ_EVERY_MS } from '../observation/idle-reads.ts';
import { READS_LAG_MS } from '../observation/replaced.ts';
import { addressOf, changeAddress, type StepContext } from '../step-context.ts';
import { holderTold } from './hearsay.ts';

/** A candidate has just been heard: what its record still says takes the place of an older word that nobody stands by any more. */
export function hearStillSaid(ctx: StepContext, from: NodeId): void {
  const { config, now, peers } = ctx.state;
  if (asksTheCloud(config) || !isCandidate(config, from) || peers[from]?.record?.ready !== true) return;
  for (const ip of Object.keys(ctx.state.addresses)) {
    const seen = saidBy(ctx.state, from, ip);
    const address = addressOf(ctx.state, ip);
    if (seen === null || isSameAs(address.holder, seen)) continue;
    const { associationId } = seen;
    if (now.at - refutedAt(address, associationId) < stillSaidMs(ctx.state)) continue;
    if (isSaidByAnother(ctx.state, from, address)) continue;
    changeAddress(ctx, ip, {
      ended: address.ended.filter((id) => id !== associationId),
      toldEnded: address.toldEnded.filter(({ id }) => id !== associationId),
    });
    observeHolder(ctx, ip, { ...seen, at: Math.max(seen.at, address.holder.at) }, 'gossip');
  }
}

/** In so long every candidate that is ready has read the association, and not by a read that lagged behind what was known before. */
function stillSaidMs({ addresses }: State): DurationMs {
  return READS_LAG_MS + READ_EVERY_MS * Object.keys(addresses).length;
}

/** Since when something else has been known of the address: another holder, or that this association has ended; `NEVER`: for good. */
function refutedAt(
  { holder, ended, toldEnded }: AddressState,
  associationId: AssociationId | null,
): MonotonicMs {
  if (associationId === null || !ended.includes(associationId)) return holder.at;
  // What it has seen to end itself, as a candidate that it was before its configuration changed, doesn't come again.
  const toldAt = toldEnded.find(({ id }) => id === associationId)?.at ?? NEVER;
  return Math.max(holder.at, toldAt);
}

/** Whom a peer's record names that the cloud has told that peer itself; null: nobody. */
function saidBy(state: State, id: NodeId, ip: Ip): Holder | null {
  const { record, recordAt } = state.peers[id] ?? {};
  const told = record?.addresses.find((one) => one.ip === ip)?.holder ?? null;
  return told === null || recordAt === undefined ? null : holderTold(state, id, told, recordAt);
}

/** Whether a candidate that is heard stands by what is known. */
function isSaidByAnother(state: State, from: NodeId, { ip, holder }: AddressState): boolean {
  return state.config.peers.some(({ id }) => {
    if (id === from || !isCandidate(state.config, id) || isSilent(state, id)) return false;
    const said = saidBy(state, id, ip);
    return said !== null && isSameAs(holder, said);
  });
}

/** One association has several names, and one holder may be known by an association without an id. */
function isSameAs(known: Holder, said: Holder): boolean {
  return (
    isSameHolder(known, said) || (known.associationId !== null && known.associationId === said.associationId)
  );
}
