/**
 * The associations that are over: none comes back, so a read that shows one is stale (PROTOCOL.md, invariant I12).
 */

import { type AddressState, MAX_ENDED } from '../model/address-state.ts';
import type { AssociationId, Ip } from '../model/units.ts';
import { addressOf, changeAddress, type StepContext } from '../step-context.ts';

/** Remember that an association has ended. */
export function endAssociation(ctx: StepContext, ip: Ip, id: AssociationId | null): void {
  const address = addressOf(ctx.state, ip);
  const toldEnded = address.toldEnded.filter((one) => one.id !== id);
  changeAddress(ctx, ip, {
    ended: withEnded(address, id),
    toldEnded,
    inForce: address.inForce === id ? null : address.inForce,
  });
}

/**
 * An association was there until now: so it is over, and so is each that was known before it, since none comes back. A read that
 * lags may still show any of them (invariant I12).
 *
 * @param inForce what there is now
 */
export function endAllUntil(
  ctx: StepContext,
  ip: Ip,
  last: AssociationId | null,
  inForce: AssociationId | null,
): void {
  const { holder, heldBefore } = addressOf(ctx.state, ip);
  const isKnownBy = last !== null && holder.associationId === last;
  const before = isKnownBy ? heldBefore.filter((id) => id !== inForce) : [];
  for (const id of before.toReversed()) endAssociation(ctx, ip, id);
  endAssociation(ctx, ip, last);
}

/** What peers alone have told of gives way first. */
function withEnded({ ended, toldEnded }: AddressState, id: AssociationId | null): readonly AssociationId[] {
  if (id === null || ended.includes(id)) return ended;
  const oldest = ended.length < MAX_ENDED ? undefined : (toldEnded.at(-1)?.id ?? ended.at(-1));
  return [id, ...ended.filter((one) => one !== oldest)].slice(0, MAX_ENDED);
}
