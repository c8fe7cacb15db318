/**
 * Whether an address has been seen up since it last changed hands (invariant I15): by this run, or by a candidate that is heard.
 *
 * A peer tells its record once. This node may learn later who holds the address, after a restart say, and the peer may be
 * unable to ask the cloud. So the newest change that both know of is what makes its word count, whoever told of the holder.
 */

import { isCandidate } from '../election/quorum.ts';
import type { AddressState } from '../model/address-state.ts';
import type { State } from '../model/state.ts';
import { nameOfChange } from './changes.ts';
import { isSilent } from './holder.ts';

/** Whether the present holder has served since it holds the address. */
export function hasServed(state: State, address: AddressState): boolean {
  if (address.served) return true;
  const { ip, holder, changedTo } = address;
  const [newest] = changedTo;
  if (holder.kind !== 'node' || newest !== nameOfChange(holder)) return false;
  return state.config.peers.some(({ id }) => {
    if (!isCandidate(state.config, id) || isSilent(state, id)) return false;
    const said = state.peers[id]?.record?.addresses.find((one) => one.ip === ip);
    return said?.served === true && said.changedTo?.[0] === newest;
  });
}
