/** Where a message came from, as far as the connection tells: nothing vouches for what a refused message says of itself. */
import type { Socket } from 'node:net';
import { mappedIpv4 } from '../config/host.ts';
import { httpUrl } from '../config/http-url.ts';
import { locatedIn } from '../config/located.ts';
import type { PeerSettings } from '../config/types.ts';

/** Of connections that don't know by themselves where they come from. */
const remembered = new WeakMap<object, string>();

/** Remember from where a connection came, for when it has closed. */
export function rememberAddress(socket: Socket, address: string): void {
  remembered.set(socket, address);
}

/** Empty where the connection is gone. A dual-stack listener sees IPv4 addresses in their IPv6 form. */
export function addressOf(socket: Pick<Socket, 'remoteAddress'>): string {
  const { remoteAddress = remembered.get(socket) ?? '' } = socket;
  return remoteAddress.includes(':') && !remoteAddress.includes('%')
    ? (mappedIpv4(remoteAddress) ?? remoteAddress)
    : remoteAddress;
}

/** What a person calls it: the address, with the peers that are configured there. */
export function senderAt(address: string, peers: readonly PeerSettings[]): string {
  const ids = locatedIn(peers)
    .filter(({ url }) => httpUrl(url).host === address)
    .map(({ id }) => id);
  return ids.length === 0 ? address : `${address} (${ids.join(', ')})`;
}

/** The hosts of a configuration's peers. It is asked for with every message, and the URLs of one list never change: they are read once. */
const hostsOf = new WeakMap<readonly PeerSettings[], ReadonlySet<string>>();

/** Whether a peer is configured at the address; one that is configured by its name isn't found. */
export function isPeerAt(address: string, peers: readonly PeerSettings[]): boolean {
  const known = hostsOf.get(peers);
  if (known !== undefined) return known.has(address);
  const hosts = new Set(locatedIn(peers).map(({ url }) => httpUrl(url).host));
  hostsOf.set(peers, hosts);
  return hosts.has(address);
}
