/**
 * Addresses that the internet does not route: nobody out there can see a packet come from one.
 */
import { BlockList, isIPv6 } from 'node:net';
import type { Ip } from '@failtome/protocol';
import { mappedIpv4 } from './host.ts';

/** The registries of special-purpose addresses: RFC 6890, as IANA keeps them, without those that are globally reachable. */
const NOT_PUBLIC_IPV4 = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
] as const;
/** Of IPv6 only 2000::/3 is given out as public addresses (RFC 4291, 2.4); within it some are for documents and tunnels. */
const PUBLIC_IPV6 = ['2000::', 3] as const;
const NOT_PUBLIC_IPV6 = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
] as const;

const notPublic = new BlockList();
for (const [net, prefix] of NOT_PUBLIC_IPV4) notPublic.addSubnet(net, prefix, 'ipv4');
for (const [net, prefix] of NOT_PUBLIC_IPV6) notPublic.addSubnet(net, prefix, 'ipv6');
const publicIpv6 = new BlockList();
publicIpv6.addSubnet(PUBLIC_IPV6[0], PUBLIC_IPV6[1], 'ipv6');

/** Whether a service on the internet can have seen a packet come from this address. */
export function isPublic(ip: Ip): boolean {
  const ipv4 = mappedIpv4(ip);
  if (ipv4 !== null) return isPublic(ipv4);
  if (!isIPv6(ip)) return !notPublic.check(ip, 'ipv4');
  return publicIpv6.check(ip, 'ipv6') && !notPublic.check(ip, 'ipv6');
}
