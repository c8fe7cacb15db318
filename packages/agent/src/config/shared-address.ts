/**
 * The shared addresses lead to whichever node holds them. A key that has to mean one machine, or a service outside of the
 * cluster, and names a shared address, works while that address does, and fails just when it is needed.
 *
 * A loopback address is shared by nobody. Where one stands for an Elastic IP, as on a machine that tries a whole cluster,
 * ports tell the nodes apart, and it may stand anywhere.
 */

import { isIP } from 'node:net';
import { shown } from '@failtome/config';
import type { Ip } from '@failtome/protocol';
import type { Fault } from './fault.ts';
import type { Key } from './file-keys.ts';
import * as keys from './file-keys.ts';
import { isLoopback, isSameHost } from './host.ts';
import { httpUrl } from './http-url.ts';
import { NO_PAGE } from './local-kinds.ts';
import { get, lengthOf, originOf, pathOf, type Settings } from './settings.ts';

/** Every key that names a shared address where it must not. */
export function sharedAddressFaults(settings: Settings): readonly Fault[] {
  const shared = each(settings, keys.ADDRESS_IP, 'addresses').filter(({ value }) => !isLoopback(value));
  const check = (key: Key<unknown>, index: number, host: string | null, fault: Told): readonly Fault[] => {
    const found = shared.find(({ value }) => host !== null && isSameHost(host, value));
    if (found === undefined) return [];
    const { expected, why } = fault;
    const value = get(settings, key, index);
    return [
      {
        path: pathOf(key, index),
        found: `${typeof value === 'string' ? shown(value) : host}, which is ${pathOf(keys.ADDRESS_IP, found.index)}`,
        expected,
        hint: why,
        origin: originOf(settings, key, index),
      },
    ];
  };
  return [
    ...check(keys.API_LISTEN, 0, get(settings, keys.API_LISTEN)?.host ?? null, LISTEN),
    ...check(keys.API_OBSERVE, 0, get(settings, keys.API_OBSERVE)?.host ?? null, LISTEN),
    ...check(keys.API_ADVERTISE, 0, hostOf(get(settings, keys.API_ADVERTISE)), NODE_URL),
    ...each(settings, keys.PEER_URL, 'peers').flatMap(({ index, value }) =>
      check(keys.PEER_URL, index, hostOf(value), NODE_URL),
    ),
    ...(settings.present.has('local')
      ? check(keys.LOCAL_URL, 0, hostOf(get(settings, keys.LOCAL_URL)), LOCAL)
      : []),
    ...(get(settings, keys.GUARD_URLS) ?? []).flatMap((url) => check(keys.GUARD_URLS, 0, hostOf(url), GUARD)),
    ...each(settings, keys.ADDRESS_PRIVATE_IP, 'addresses').flatMap(({ index, value }) =>
      value === get(settings, keys.ADDRESS_IP, index) // told in its own words
        ? []
        : check(keys.ADDRESS_PRIVATE_IP, index, value, PRIVATE),
    ),
  ];
}

interface Told {
  readonly expected: string;
  readonly why: string;
}

const LISTEN: Told = {
  expected: 'an address that this node always has, such as 0.0.0.0',
  why: 'the API would be reached at the holder alone, whichever that is',
};

const NODE_URL: Told = {
  expected: "an address of that node's own, best a private one",
  why: 'the shared address leads to whichever node holds it',
};

const LOCAL: Told = {
  expected: "an address of this node's own, such as 127.0.0.1",
  why: "it would tell of the holder's HAProxy, not of this node's",
};

const GUARD: Told = {
  expected: 'services outside of the cluster',
  why: 'it could not be asked while the address is down, which is when it counts',
};

const PRIVATE: Told = {
  expected: "the network interface's own address, not one that moves",
  why: '',
};

function each<T>(
  settings: Settings,
  key: Key<T>,
  list: string,
): readonly { readonly index: number; readonly value: T }[] {
  return Array.from({ length: lengthOf(settings, list) }, (_, index) => index).flatMap((index) => {
    const value = get(settings, key, index);
    return value === null ? [] : [{ index, value }];
  });
}

/** The address that a URL connects to; null for a name. */
function hostOf(url: string | null): Ip | null {
  const host = url === null || url === NO_PAGE ? '' : httpUrl(url).host;
  return isIP(host) === 0 ? null : host;
}
