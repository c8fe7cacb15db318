/**
 * Hosts and IP addresses, as a configuration writes them.
 *
 * A host counts only in the one spelling that every program reads alike. `010.0.0.1`, `0x7f.1` and `10.1` are IPv4
 * addresses to some, of which each reads another one, and names to others.
 */
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import type { Ip } from '@failtome/protocol';

/** RFC 1035, 2.3.4; underscores are in use. */
const NAME = /^[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?$/;
const MAX_NAME_CHARACTERS = 253;

/** Null for a host that may stand as it is; otherwise what to mend, empty where there is nothing to add. */
export function hostRemark(host: string): string | null {
  if (isIPv4(host)) return null;
  if (host.includes(':')) return ipv6Remark(host);
  if (endsInNumber(host)) return numbersRemark(host);
  if (NAME.test(host) && host.length <= MAX_NAME_CHARACTERS) return null;
  const ascii = domainToASCII(host);
  return ascii !== host && NAME.test(ascii) ? `write ${ascii}` : '';
}

function ipv6Remark(host: string): string | null {
  if (!isIPv6(host)) return '';
  // A zone (fe80::1%eth0) names an interface of one machine, which means nothing to the others.
  return host.includes('%') ? 'leave out the zone' : null;
}

/** What the URL Standard takes for an IPv4 address ("ends in a number checker"). */
function endsInNumber(host: string): boolean {
  return /^(\d+|0x[0-9a-f]*)$/i.test(host.replace(/\.$/, '').split('.').at(-1) ?? '');
}

function numbersRemark(host: string): string {
  const rule = 'an IPv4 address has four decimal numbers from 0 to 255, without leading zeros';
  const text = `http://${host}/`;
  return URL.canParse(text) ? `${rule}; some programs read this one as ${new URL(text).hostname}` : rule;
}

/** RFC 5952's one form of an IPv6 address, so that equal addresses are equal texts. */
export function canonicalIp(ip: Ip): Ip {
  return isIPv6(ip) ? new URL(`http://[${ip}]/`).hostname.slice(1, -1) : ip;
}

/** The IPv4 address that an IPv6 address stands for (RFC 4291, 2.5.5.2); null for any other. */
export function mappedIpv4(ip: Ip): Ip | null {
  const [, high, low] = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonicalIp(ip)) ?? [];
  if (high === undefined || low === undefined) return null;
  const [a, b] = [Number.parseInt(high, 16), Number.parseInt(low, 16)];
  return [a >> 8, a & 255, b >> 8, b & 255].join('.');
}

/** Whether a connection to this host is one to that address, whatever the spelling. Names are not resolved. */
export function isSameHost(host: string, ip: Ip): boolean {
  if (isIP(host) === 0) return false;
  const [one, other] = [canonicalIp(host), canonicalIp(ip)];
  return (mappedIpv4(one) ?? one) === (mappedIpv4(other) ?? other);
}

/** Addresses that no machine has to itself: unspecified, broadcast and multicast. */
export function isNobodysOwn(ip: Ip): boolean {
  if (isIPv6(ip)) return ['::'].includes(canonicalIp(ip)) || canonicalIp(ip).startsWith('ff');
  const first = Number(ip.split('.')[0]);
  return first === 0 || first >= 224;
}

/** Whether an address is this machine's own loopback. */
export function isLoopback(ip: Ip): boolean {
  return ip.startsWith('127.') || ip === '::1';
}

/** What a machine gives itself without anybody's help (RFC 3927, RFC 4291). */
export function isLinkLocal(ip: Ip): boolean {
  return /^(169\.254\.|fe[89ab])/.test(ip);
}
