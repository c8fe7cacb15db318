/** Where peers are whose URLs the file leaves out: filled in by what was found, and nothing else of a configuration is. */
import { isIPv6 } from 'node:net';
import type { Ip, NodeId } from '@failtome/protocol';
import type { AgentConfig, DiscoverySettings, LocatedPeer, PeerSettings } from './types.ts';

/** Whether it is known how to reach it. */
export function isLocated(peer: PeerSettings): peer is LocatedPeer {
  return peer.url !== null;
}

/** Those that it is known how to reach. */
export function locatedIn(peers: readonly PeerSettings[]): readonly LocatedPeer[] {
  return peers.filter(isLocated);
}

/** The other nodes that have to be found; none where every one has its URL. */
export function soughtIn(
  { peers, discovery }: Pick<AgentConfig, 'peers' | 'discovery'>,
  self: NodeId | null,
): readonly NodeId[] {
  if (discovery === null) return [];
  return peers.filter(({ id, isSought }) => isSought && id !== self).map(({ id }) => id);
}

/** Whether EC2 is asked by tags at all: for a peer, or for this node's own id. */
export function searches(config: Pick<AgentConfig, 'peers' | 'discovery' | 'node'>): boolean {
  const { id } = config.node;
  return config.discovery !== null && (id === null || soughtIn(config, id).length > 0);
}

/** The same configuration with the URLs that were found, by node. What the file says stays. */
export function withFound<C extends Pick<AgentConfig, 'peers'>>(
  config: C,
  found: ReadonlyMap<NodeId, string>,
): C {
  const peers = config.peers.map((peer) =>
    peer.isSought ? { ...peer, url: found.get(peer.id) ?? peer.url } : peer,
  );
  return { ...config, peers };
}

/** Where the APIs of nodes at these addresses are. */
export function urlsAt(
  addresses: ReadonlyMap<NodeId, Ip>,
  settings: DiscoverySettings,
): ReadonlyMap<NodeId, string> {
  return new Map([...addresses].map(([id, address]) => [id, urlAt(address, settings)]));
}

function urlAt(address: Ip, { scheme, port }: DiscoverySettings): string {
  return `${scheme}://${isIPv6(address) ? `[${address}]` : address}:${port}`;
}
