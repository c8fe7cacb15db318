/**
 * The combinations of values that cannot work. A rule is silent about values that are faulty by
 * themselves, so that one mistake makes one line.
 */

import { isIP, isIPv4 } from 'node:net';
import { describeNode, formatDuration, shown } from '@failtome/config';
import type { DurationMs } from '@failtome/protocol';
import { DRIVER_KINDS, type DriverKindName, driverKindsWith, isForeignDriverKey } from './driver-kinds.ts';
import { electorateFaults } from './electorate.ts';
import type { Fault } from './fault.ts';
import type { Key } from './file-keys.ts';
import * as keys from './file-keys.ts';
import { homeFaults } from './home-rules.ts';
import { isUnspecified } from './kinds.ts';
import { NO_PAGE } from './local-kinds.ts';
import { publicKeyFaults } from './public-key-rules.ts';
import { faultAt, indices } from './rule-fault.ts';
import { get, lengthOf, NOTHING, originOf, pathOf, type Settings } from './settings.ts';
import { sharedAddressFaults } from './shared-address.ts';
import { arbiterFaults, storeFaults } from './store-rules.ts';
import { targetFaults } from './target-rules.ts';
import { tlsFaults } from './tls-rules.ts';
import { webhookFaults } from './webhook-rules.ts';

/** Every fault of combination, in the order of the reference. */
export function combinationFaults(settings: Settings): readonly Fault[] {
  return [
    ...nodeFaults(settings),
    ...apiFaults(settings),
    ...tlsFaults(settings),
    ...peerFaults(settings),
    ...publicKeyFaults(settings),
    ...addressFaults(settings),
    ...targetFaults(settings),
    ...checkFaults(settings),
    ...gossipFaults(settings),
    ...driverFaults(settings),
    ...storeFaults(settings),
    ...arbiterFaults(settings),
    ...homeFaults(settings),
    ...webhookFaults(settings),
    ...sharedAddressFaults(settings),
  ];
}

function nodeFaults(settings: Settings): readonly Fault[] {
  const role = get(settings, keys.NODE_ROLE);
  const peers = indices(settings, 'peers').flatMap((index) => {
    const id = get(settings, keys.PEER_ID, index);
    const peerRole = get(settings, keys.PEER_ROLE, index);
    const origin = originOf(settings, keys.PEER_ROLE, index);
    return id === null || peerRole === null ? [] : [{ id, role: peerRole, origin }];
  });
  // With a node missing from the count, every count would be wrong.
  if (role === null || peers.length < lengthOf(settings, 'peers')) return [];
  const roleOrigin = originOf(settings, keys.NODE_ROLE);
  const arbiter = get(settings, keys.AGREEMENT_ARBITER) === true;
  const arbiterOrigin = arbiter ? originOf(settings, keys.AGREEMENT_ARBITER) : null;
  return electorateFaults({
    id: get(settings, keys.NODE_ID),
    role,
    roleOrigin,
    peers,
    arbiter,
    arbiterOrigin,
  });
}

function apiFaults(settings: Settings): readonly Fault[] {
  const read = get(settings, keys.API_READ);
  const file = settings.entries.get(keys.API_READ_TOKEN_FILE.path);
  const faults: Fault[] = [];
  if (read === 'token' && file === undefined) {
    const expected = 'a file of tokens, because api.read is token';
    faults.push(faultAt(settings, keys.API_READ_TOKEN_FILE, 0, 'nothing', expected));
  }
  if (read !== null && read !== 'token' && file !== undefined) {
    const expected = `none, because api.read is ${read}`;
    faults.push(
      faultAt(settings, keys.API_READ_TOKEN_FILE, 0, 'a file', expected, 'did you mean api.read: token?'),
    );
  }
  const listen = get(settings, keys.API_LISTEN);
  const observe = get(settings, keys.API_OBSERVE);
  if (listen === null || observe === null || observe.port === 0 || listen.port !== observe.port)
    return faults;
  const sameHost = [listen.host, observe.host].some(isUnspecified) || listen.host === observe.host;
  if (sameHost) {
    const expected = "another port than api.listen's";
    faults.push(faultAt(settings, keys.API_OBSERVE, 0, String(observe.port), expected));
  }
  return faults;
}

function peerFaults(settings: Settings): readonly Fault[] {
  const faults = [
    ...repeated(settings, keys.PEER_ID, 'peers', 'an id of its own'),
    ...repeated(settings, keys.PEER_URL, 'peers', 'a URL of its own'),
    ...unlocated(settings),
  ];
  const own = get(settings, keys.NODE_ID);
  const advertise = get(settings, keys.API_ADVERTISE);
  for (const index of indices(settings, 'peers')) {
    const id = get(settings, keys.PEER_ID, index);
    if (advertise === null || own === null || id === own) continue;
    if (get(settings, keys.PEER_URL, index) !== advertise) continue;
    const expected = "another URL than this node's own api.advertise";
    faults.push(faultAt(settings, keys.PEER_URL, index, shown(advertise), expected));
  }
  return faults;
}

/** Without anything to find it by, a peer has its URL in the file. */
function unlocated(settings: Settings): readonly Fault[] {
  if (settings.present.has('peers.from')) return [];
  const unread = new Set(settings.faults.map(({ path }) => path));
  return indices(settings, 'peers')
    .filter((index) => !settings.entries.has(pathOf(keys.PEER_URL, index)) && !unread.has(`peers[${index}]`))
    .map((index) => faultAt(settings, keys.PEER_URL, index, NOTHING, keys.PEER_URL.kind.expected));
}

function addressFaults(settings: Settings): readonly Fault[] {
  const faults = [
    ...repeated(settings, keys.ADDRESS_IP, 'addresses', 'each address once'),
    ...repeated(settings, keys.ADDRESS_ALLOCATION_ID, 'addresses', 'an allocation id of its own'),
    ...repeated(
      settings,
      keys.ADDRESS_PRIVATE_IP,
      'addresses',
      'a private address of its own, because one carries one Elastic IP at a time',
    ),
  ];
  for (const index of indices(settings, 'addresses')) {
    const ip = get(settings, keys.ADDRESS_IP, index);
    const privateIp = get(settings, keys.ADDRESS_PRIVATE_IP, index);
    if (ip === null || privateIp === null) continue;
    const found = shown(privateIp);
    if (isIP(ip) !== isIP(privateIp)) {
      const family = isIPv4(ip) ? 'an IPv4 address' : 'an IPv6 address';
      faults.push(
        faultAt(settings, keys.ADDRESS_PRIVATE_IP, index, found, `${family}, like the ip beside it`),
      );
    } else if (ip === privateIp) {
      const expected = "the network interface's own address, not the one that moves";
      faults.push(faultAt(settings, keys.ADDRESS_PRIVATE_IP, index, found, expected));
    }
  }
  return faults;
}

function checkFaults(settings: Settings): readonly Fault[] {
  const probes = indices(settings, 'addresses').flatMap((index) =>
    notLonger(settings, keys.PROBE_FAST_INTERVAL, keys.PROBE_INTERVAL, index),
  );
  return [
    ...probes,
    ...localFaults(settings),
    ...notLonger(settings, keys.LOCAL_FAST_INTERVAL, keys.LOCAL_INTERVAL, 0),
  ];
}

/** Something has to be asked. */
function localFaults(settings: Settings): readonly Fault[] {
  const others = [keys.LOCAL_SOCKET, keys.LOCAL_COMMAND];
  if (get(settings, keys.LOCAL_URL) !== NO_PAGE || others.some((key) => settings.entries.has(key.path)))
    return [];
  const expected = 'a page, or beside it local.socket or local.command';
  return [faultAt(settings, keys.LOCAL_URL, 0, NO_PAGE, expected)];
}

function notLonger(
  settings: Settings,
  fast: Key<DurationMs>,
  usual: Key<DurationMs>,
  index: number,
): readonly Fault[] {
  const fastMs = get(settings, fast, index);
  const usualMs = get(settings, usual, index);
  if (fastMs === null || usualMs === null || fastMs <= usualMs) return [];
  const expected = `at most the interval of ${formatDuration(usualMs)}`;
  return [
    faultAt(settings, fast, index, formatDuration(fastMs), expected, 'it is for when something looks wrong'),
  ];
}

function gossipFaults(settings: Settings): readonly Fault[] {
  const intervalMs = get(settings, keys.GOSSIP_INTERVAL);
  const timeoutMs = get(settings, keys.GOSSIP_TIMEOUT);
  const deadMs = get(settings, keys.GOSSIP_DEAD);
  if (intervalMs === null || timeoutMs === null || deadMs === null) return [];
  if (timeoutMs >= deadMs) {
    const expected = `less than gossip.dead (${formatDuration(deadMs)})`;
    const hint = 'a peer would be dead before it could have answered';
    return [faultAt(settings, keys.GOSSIP_TIMEOUT, 0, formatDuration(timeoutMs), expected, hint)];
  }
  const leastMs = 2 * intervalMs + timeoutMs;
  if (deadMs >= leastMs) return [];
  const sum = `2 × ${formatDuration(intervalMs)} + ${formatDuration(timeoutMs)}`;
  const expected = `at least 2 × gossip.interval + gossip.timeout (${sum} = ${formatDuration(leastMs)})`;
  const hint = 'a single lost heartbeat would count as death';
  return [faultAt(settings, keys.GOSSIP_DEAD, 0, formatDuration(deadMs), expected, hint)];
}

function driverFaults(settings: Settings): readonly Fault[] {
  if (!settings.present.has('driver')) return candidateWithoutDriver(settings);
  const kind = get(settings, keys.DRIVER_KIND);
  if (kind === null) return [];
  const because = `because driver.kind is ${kind}`;
  const given = [
    [keys.DRIVER_COMMAND, 'a command'],
    [keys.DRIVER_ROUTE_TABLES, 'route tables'],
    [keys.DRIVER_REGION, shown(get(settings, keys.DRIVER_REGION))],
    [keys.DRIVER_INSTANCE_ID, shown(get(settings, keys.DRIVER_INSTANCE_ID))],
    [keys.DRIVER_NETWORK_INTERFACE_ID, shown(get(settings, keys.DRIVER_NETWORK_INTERFACE_ID))],
    [keys.DRIVER_ASSUME_ROLE, shown(get(settings, keys.DRIVER_ASSUME_ROLE))],
  ] as const;
  const faults = [...commandFaults(settings, kind), ...routeTableFaults(settings, kind)];
  for (const [key, found] of given) {
    // A variable is set for a whole host, and a driver that has no use for it passes it over.
    if (!isForeignDriverKey(kind, key.path) || originOf(settings, key).kind !== 'file') continue;
    const [only, ...more] = driverKindsWith(key.path);
    const hint = more.length === 0 ? `did you mean driver.kind: ${only}?` : '';
    faults.push(faultAt(settings, key, 0, found, `none, ${because}`, hint));
  }
  const instanceId = get(settings, keys.DRIVER_INSTANCE_ID);
  if (DRIVER_KINDS[kind].instancesOf === 'ec2' && instanceId !== null && !instanceId.startsWith('i-')) {
    const expected = `an EC2 instance id such as i-0abc, ${because}`;
    faults.push(faultAt(settings, keys.DRIVER_INSTANCE_ID, 0, shown(instanceId), expected));
  }
  return faults;
}

function commandFaults(settings: Settings, kind: DriverKindName): readonly Fault[] {
  if (kind !== 'exec' || settings.entries.has(keys.DRIVER_COMMAND.path)) return [];
  const expected = 'the program and its arguments, because driver.kind is exec';
  return [faultAt(settings, keys.DRIVER_COMMAND, 0, NOTHING, expected)];
}

function routeTableFaults(settings: Settings, kind: DriverKindName): readonly Fault[] {
  if (kind !== 'ec2-route') return [];
  const key = keys.DRIVER_ROUTE_TABLES;
  if (!settings.entries.has(key.path))
    return [faultAt(settings, key, 0, NOTHING, `${key.kind.expected}, because driver.kind is ec2-route`)];
  const tables = get(settings, key) ?? [];
  const twice = tables.find((id, index) => tables.indexOf(id) !== index);
  return twice === undefined ? [] : [faultAt(settings, key, 0, `${shown(twice)} twice`, 'each table once')];
}

function candidateWithoutDriver(settings: Settings): readonly Fault[] {
  if (
    get(settings, keys.NODE_ROLE) !== 'candidate' ||
    settings.faults.some(({ path }) => path === 'driver')
  ) {
    return [];
  }
  const expected = `${keys.DRIVER_KIND.kind.expected}, because node.role is candidate`;
  const hint = 'a node that never takes an address has role: witness';
  return [faultAt(settings, keys.DRIVER_KIND, 0, 'nothing', expected, hint)];
}

/** A value that a list has twice, told at its second place. */
function repeated(settings: Settings, key: Key<string>, list: string, expected: string): Fault[] {
  const first = new Map<string, number>();
  const faults: Fault[] = [];
  for (const index of indices(settings, list)) {
    const value = get(settings, key, index);
    if (value === null) continue;
    const earlier = first.get(value);
    if (earlier === undefined) first.set(value, index);
    else {
      const hint = `${pathOf(key, earlier)} is the same`;
      // As it was written: an address has several spellings.
      const node = settings.entries.get(pathOf(key, index))?.node;
      const found = node === undefined ? shown(value) : describeNode(node);
      faults.push(faultAt(settings, key, index, found, expected, hint));
    }
  }
  return faults;
}
