/**
 * Which entry of `peers` is this node's own, where `node.id` doesn't say: the one whose URL has an address of this machine.
 * And the role, where `node.role` doesn't say: the one that the own entry has. So one file serves every node.
 */
import { isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { scalarNode } from '@failtome/config';
import type { Ip } from '@failtome/protocol';
import * as keys from './file-keys.ts';
import { canonicalIp, isLinkLocal, isLoopback } from './host.ts';
import { httpUrl } from './http-url.ts';
import { type Entry, get, lengthOf, originOf, type Settings } from './settings.ts';

/** The addresses that this machine has, loopback ones aside: those are every machine's. */
export function machineAddresses(): readonly Ip[] {
  return Object.values(networkInterfaces()).flatMap((cards = []) =>
    cards.filter(({ internal }) => !internal).map(({ address }) => canonicalIp(address.replace(/%.*$/, ''))),
  );
}

/** The settings with this node's id and role as its own entry has them; as they were where no single entry is its own. */
export function withOwnEntry(settings: Settings, addresses: readonly Ip[]): Settings {
  const index = ownIndex(settings, addresses);
  if (index === null) return settings;
  const told: [path: string, value: string | null, isLeftOut: boolean][] = [
    [keys.NODE_ID.path, get(settings, keys.PEER_ID, index), !settings.entries.has(keys.NODE_ID.path)],
    [keys.NODE_ROLE.path, get(settings, keys.PEER_ROLE, index), isDefault(settings)],
  ];
  const entries = told.flatMap(([path, value, isLeftOut]): [string, Entry][] =>
    isLeftOut && value !== null ? [[path, { node: scalarNode(value), origin: { kind: 'default' } }]] : [],
  );
  return { ...settings, entries: new Map([...settings.entries, ...entries]) };
}

/**
 * Whether nothing can say yet which entry is this node's own: no link has come up, so that the machine lacks every address of
 * the kind (IPv4, IPv6) that peers have.
 */
export function lacksAddress(settings: Settings, addresses: readonly Ip[]): boolean {
  if (settings.entries.has(keys.NODE_ID.path) || ownIndex(settings, addresses) !== null) return false;
  const hosts = indicesOf(settings).map((index) => hostOf(settings, index));
  const families = new Set(hosts.filter((host) => !isLoopback(host)).map(isIP));
  families.delete(0);
  return families.size > 0 && !addresses.some((one) => families.has(isIP(one)) && !isLinkLocal(one));
}

function indicesOf(settings: Settings): readonly number[] {
  return Array.from({ length: lengthOf(settings, 'peers') }, (_, index) => index);
}

/** Empty where there is none. */
function hostOf(settings: Settings, index: number): string {
  const url = get(settings, keys.PEER_URL, index);
  return url === null ? '' : httpUrl(url).host;
}

function isDefault(settings: Settings): boolean {
  return originOf(settings, keys.NODE_ROLE).kind === 'default';
}

function ownIndex(settings: Settings, addresses: readonly Ip[]): number | null {
  const isNamed = settings.entries.has(keys.NODE_ID.path);
  const own = indicesOf(settings).filter((index) => {
    if (isNamed) return get(settings, keys.PEER_ID, index) === get(settings, keys.NODE_ID);
    const host = hostOf(settings, index);
    return isIP(host) !== 0 && !isLoopback(host) && addresses.includes(canonicalIp(host));
  });
  return own.length === 1 ? (own[0] ?? null) : null;
}
