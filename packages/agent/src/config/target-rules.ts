/** What an address may be, and what may be said of it, by the driver that moves it. */
import { isIPv4 } from 'node:net';
import { shown } from '@failtome/config';
import type { Ip } from '@failtome/protocol';
import { type DriverKindName, isForeignDriverKey } from './driver-kinds.ts';
import type { Fault } from './fault.ts';
import * as keys from './file-keys.ts';
import { isLinkLocal } from './host.ts';
import { get, lengthOf, originOf, pathOf, type Settings } from './settings.ts';

/** Every address that the driver can't move, and every key of one that it has no use for. */
export function targetFaults(settings: Settings): readonly Fault[] {
  const kind = settings.present.has('driver') ? get(settings, keys.DRIVER_KIND) : null;
  if (kind === null || get(settings, keys.NODE_ROLE) !== 'candidate') return [];
  const because = `because driver.kind is ${kind}`;
  return Array.from({ length: lengthOf(settings, 'addresses') }, (_, index) => index).flatMap((index) => {
    const foreign = [keys.ADDRESS_ALLOCATION_ID, keys.ADDRESS_PRIVATE_IP].flatMap((key): readonly Fault[] => {
      const value = get(settings, key, index);
      if (value === null || !isForeignDriverKey(kind, key.path)) return [];
      const told = { found: shown(value), expected: `none, ${because}`, hint: 'it is said of Elastic IPs' };
      return [{ path: pathOf(key, index), ...told, origin: originOf(settings, key, index) }];
    });
    const ip = get(settings, keys.ADDRESS_IP, index);
    const unfit = ip === null ? null : unfitFor(kind, ip);
    if (ip === null || unfit === null) return foreign;
    const told = { found: shown(ip), expected: `${unfit.expected}, ${because}`, hint: unfit.hint };
    return [
      { path: pathOf(keys.ADDRESS_IP, index), ...told, origin: originOf(settings, keys.ADDRESS_IP, index) },
      ...foreign,
    ];
  });
}

/** What the driver would move instead of such an address; null: it can move it. */
function unfitFor(kind: DriverKindName, ip: Ip): { readonly expected: string; readonly hint: string } | null {
  if (kind === 'ec2-route' && !isIPv4(ip)) {
    const hint = 'ec2-private-ip moves IPv6 addresses of network interfaces';
    return { expected: 'an IPv4 address', hint };
  }
  if (kind === 'ec2-private-ip' && isLinkLocal(ip))
    return { expected: 'an address of a subnet', hint: 'a link-local one never leaves its machine' };
  return null;
}
