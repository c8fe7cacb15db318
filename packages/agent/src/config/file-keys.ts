/**
 * Every key of the configuration file: its kind, its default, and the environment variable that
 * overrides it. The parser, `failtome config` and the test of docs/configuration.md read this table.
 */
import type { Preset } from '@failtome/config';
import * as shared from '@failtome/config/keys';
import type { DurationMs, Role } from '@failtome/protocol';
import type { PublicKey } from '../auth/identity.ts';
import { DISCOVERY_KEYS } from './discovery-keys.ts';
import { DRIVER_KEYS } from './driver-keys.ts';
import { HOME_KEYS } from './home-keys.ts';
import { derived, type Key, keyTable, none, required, value } from './key-table.ts';
import type { Endpoint } from './kinds.ts';
import * as kinds from './kinds.ts';
import { pageOrNone } from './local-kinds.ts';
import { NOTIFY_KEYS } from './notify-keys.ts';
import { publicKeys } from './public-keys.ts';
import { size } from './size-kind.ts';
import { STORE_KEYS } from './store-keys.ts';
import type { HandoverOccasion, StatusRange } from './types.ts';

export * from './driver-keys.ts';
export type { Key } from './key-table.ts';

const { declared, key } = keyTable();

/** In the order of the reference, which is that of the declarations; a key stands after those that its default follows from. */
export const ALL_KEYS: readonly Key<unknown>[] = declared;

/** A key that the simulator has too. */
function ofDuration({ path, range, fallback }: shared.DurationKey): Key<DurationMs> {
  return key(path, kinds.duration(range.leastMs, range.mostMs, range.why), fallback);
}

function ofWhole({ path, range, fallback }: shared.WholeKey): Key<number> {
  return key(path, kinds.whole(range.least, range.most), fallback);
}

function ofChoice<const T extends string>({ path, range, fallback }: shared.ChoiceKey<T>): Key<T> {
  return key(path, kinds.choice(...range.words), fallback);
}

const rank = kinds.whole(0, 1_000_000);
const role = kinds.choice('candidate', 'witness', 'member');

/** `cluster`. */
export const CLUSTER: Key<string> = key('cluster', kinds.nodeId, required);

/** `preset`. */
export const PRESET: Key<Preset> = ofChoice(shared.PRESET);

/** `node.id`. */
export const NODE_ID: Key<string> = key(
  'node.id',
  kinds.nodeId,
  none(
    'the one of `peers` at an address of this machine, or else the EC2 instance id, from instance metadata',
  ),
  'FAILTOME_NODE_ID',
);
/** `node.role`. */
export const NODE_ROLE: Key<Role> = key(
  'node.role',
  role,
  // Its own entry is only known when the whole file is read (own-entry.ts).
  derived('as its own entry in `peers` says, or candidate', () => 'candidate'),
);
/** `node.priority`. */
export const NODE_PRIORITY: Key<number> = key('node.priority', rank, value(100), 'FAILTOME_PRIORITY');

/** `api.listen`. */
export const API_LISTEN: Key<Endpoint> = key(
  'api.listen',
  kinds.endpoint,
  value('0.0.0.0:8741'),
  'FAILTOME_LISTEN',
);
/** `api.advertise`. */
export const API_ADVERTISE: Key<string> = key(
  'api.advertise',
  kinds.baseUrl,
  none('not told to anybody'),
  'FAILTOME_ADVERTISE',
);
/** `api.hosts`. */
export const API_HOSTS: Key<readonly string[]> = key('api.hosts', kinds.listOf(kinds.host, 0, 32), value([]));
/** `api.read`. */
export const API_READ: Key<'anyone' | 'token' | 'peers'> = key(
  'api.read',
  kinds.choice('anyone', 'token', 'peers'),
  value('anyone'),
);
/** `api.readTokenFile`. */
export const API_READ_TOKEN_FILE: Key<string> = key(
  'api.readTokenFile',
  kinds.words('the path of a file', /^[^\0]*[^\0/]$/),
  none('required with `token`, refused otherwise'),
);
/** `api.observe`. */
export const API_OBSERVE: Key<Endpoint> = key(
  'api.observe',
  kinds.endpoint,
  none('the reading routes are at api.listen'),
);

const pemFile = kinds.words('the path of a PEM file', /^[^\0]*[^\0/]$/);
/** `api.tls.certFile`. */
export const TLS_CERT_FILE: Key<string> = key('api.tls.certFile', pemFile, required);
/** `api.tls.keyFile`. */
export const TLS_KEY_FILE: Key<string> = key('api.tls.keyFile', pemFile, required);
/** `api.tls.caFile`. */
export const TLS_CA_FILE: Key<string> = key(
  'api.tls.caFile',
  pemFile,
  none('the authorities that Node knows'),
);
/** `api.tls.clientAuth`. */
export const TLS_CLIENT_AUTH: Key<'none' | 'required'> = key(
  'api.tls.clientAuth',
  kinds.choice('none', 'required'),
  value('none'),
);
/** `api.tls.plain`. */
export const TLS_PLAIN: Key<'refuse' | 'accept'> = key(
  'api.tls.plain',
  kinds.choice('refuse', 'accept'),
  value('refuse'),
);
/** `api.tls.observe`. */
export const TLS_OBSERVE: Key<'tls' | 'plain'> = key(
  'api.tls.observe',
  kinds.choice('tls', 'plain'),
  value('tls'),
);

declared.push(...DISCOVERY_KEYS);
/** `peers[].id`. */
export const PEER_ID: Key<string> = key('peers[].id', kinds.nodeId, required);
/** `peers[].url`. */
export const PEER_URL: Key<string> = key(
  'peers[].url',
  kinds.baseUrl,
  none('found by `peers.from`, and required without it'),
);
/** `peers[].role`. */
export const PEER_ROLE: Key<Role> = key('peers[].role', role, value('candidate'));
/** `peers[].priority`. */
export const PEER_PRIORITY: Key<number> = key('peers[].priority', rank, value(100));
/** `peers[].publicKey`. */
export const PEER_PUBLIC_KEY: Key<readonly PublicKey[]> = key(
  'peers[].publicKey',
  publicKeys,
  none("the cluster's key alone vouches for it"),
);

/** `auth.keyFile`. */
export const AUTH_KEY_FILE: Key<string> = key(
  'auth.keyFile',
  kinds.keyFilePath,
  required,
  'FAILTOME_KEY_FILE',
);

/** `auth.identity`. */
export const AUTH_IDENTITY: Key<string> = key(
  'auth.identity',
  kinds.keyFilePath,
  none("it signs with the cluster's key alone"),
  'FAILTOME_IDENTITY',
);
/** `auth.operators[].name`. */
export const OPERATOR_NAME: Key<string> = key('auth.operators[].name', kinds.nodeId, required);
/** `auth.operators[].publicKey`. */
export const OPERATOR_PUBLIC_KEY: Key<readonly PublicKey[]> = key(
  'auth.operators[].publicKey',
  publicKeys,
  required,
);

/** `addresses[].ip`. */
export const ADDRESS_IP: Key<string> = key('addresses[].ip', kinds.address, required);
/** `addresses[].allocationId`. */
export const ADDRESS_ALLOCATION_ID: Key<string> = key(
  'addresses[].allocationId',
  kinds.words('an allocation id such as eipalloc-0abc', /^eipalloc-[A-Za-z0-9-]+$/),
  none('looked up by ip'),
);
/** `addresses[].privateIp`. */
export const ADDRESS_PRIVATE_IP: Key<string> = key(
  'addresses[].privateIp',
  kinds.address,
  none("the network interface's primary private address"),
);
/** `addresses[].probe.scheme`. */
export const PROBE_SCHEME: Key<'http' | 'https'> = key(
  'addresses[].probe.scheme',
  kinds.choice('http', 'https'),
  value('http'),
);
/** `addresses[].probe.host`. */
export const PROBE_HOST: Key<string> = key(
  'addresses[].probe.host',
  kinds.host,
  derived('the address', (sibling) => {
    const ip = sibling('../ip');
    return typeof ip === 'string' ? ip : null;
  }),
);
/** `addresses[].probe.port`. */
export const PROBE_PORT: Key<number> = key(
  'addresses[].probe.port',
  kinds.whole(1, 65_535),
  derived('80, or 443 if scheme is https', (sibling) => (sibling('scheme') === 'https' ? 443 : 80)),
);
/** `addresses[].probe.path`. */
export const PROBE_PATH: Key<string> = key(
  'addresses[].probe.path',
  kinds.words('a path that begins with / and holds no space and no #', /^\/[\x21\x22\x24-\x7e]*$/),
  value('/'),
);
/** `addresses[].probe.interval`. */
export const PROBE_INTERVAL: Key<DurationMs> = ofDuration(shared.PROBE_INTERVAL);
/** `addresses[].probe.fastInterval`. */
export const PROBE_FAST_INTERVAL: Key<DurationMs> = ofDuration(shared.PROBE_FAST_INTERVAL);
/** `addresses[].probe.timeout`. */
export const PROBE_TIMEOUT: Key<DurationMs> = ofDuration(shared.PROBE_TIMEOUT);
/** `addresses[].probe.fall`. */
export const PROBE_FALL: Key<number> = ofWhole(shared.PROBE_FALL);
/** `addresses[].probe.rise`. */
export const PROBE_RISE: Key<number> = ofWhole(shared.PROBE_RISE);
/** `addresses[].probe.expect`. */
export const PROBE_EXPECT: Key<readonly StatusRange[]> = key(
  'addresses[].probe.expect',
  kinds.statusRanges,
  value('200-399'),
);

/** `local.url`. */
export const LOCAL_URL: Key<string> = key('local.url', pageOrNone, value('http://127.0.0.1/'));
/** `local.socket`. */
export const LOCAL_SOCKET: Key<string> = key(
  'local.socket',
  kinds.words('the whole path of a socket', /^\/[^\0]{1,106}$/),
  none('its runtime socket is not asked'),
);
/** `local.command`. */
export const LOCAL_COMMAND: Key<readonly string[]> = key(
  'local.command',
  kinds.command,
  none('no program is asked'),
);
/** `local.need`. */
export const LOCAL_NEED: Key<'all' | 'any'> = key('local.need', kinds.choice('all', 'any'), value('all'));
/** `local.interval`. */
export const LOCAL_INTERVAL: Key<DurationMs> = ofDuration(shared.LOCAL_INTERVAL);
/** `local.fastInterval`. */
export const LOCAL_FAST_INTERVAL: Key<DurationMs> = ofDuration(shared.LOCAL_FAST_INTERVAL);
/** `local.timeout`. */
export const LOCAL_TIMEOUT: Key<DurationMs> = ofDuration(shared.LOCAL_TIMEOUT);
/** `local.fall`. */
export const LOCAL_FALL: Key<number> = ofWhole(shared.LOCAL_FALL);
/** `local.rise`. */
export const LOCAL_RISE: Key<number> = ofWhole(shared.LOCAL_RISE);

/** `gossip.interval`. */
export const GOSSIP_INTERVAL: Key<DurationMs> = ofDuration(shared.GOSSIP_INTERVAL);
/** `gossip.dead`. */
export const GOSSIP_DEAD: Key<DurationMs> = ofDuration(shared.GOSSIP_DEAD);
/** `gossip.timeout`. */
export const GOSSIP_TIMEOUT: Key<DurationMs> = ofDuration(shared.GOSSIP_TIMEOUT);
/** `gossip.fanout`. */
export const GOSSIP_FANOUT: Key<number> = ofWhole(shared.GOSSIP_FANOUT);

/** `agreement.silentPeer`. */
export const AGREEMENT_SILENT_PEER: Key<'takeover' | 'hold'> = ofChoice(shared.AGREEMENT_SILENT_PEER);
/** `agreement.arbiter`. */
export const AGREEMENT_ARBITER: Key<boolean> = key('agreement.arbiter', kinds.flag, value(false));
/** `agreement.lease`. */
export const AGREEMENT_LEASE: Key<DurationMs> = ofDuration(shared.AGREEMENT_LEASE);

/** `guard.urls`. */
export const GUARD_URLS: Key<readonly string[]> = key(
  'guard.urls',
  kinds.listOf(kinds.pageUrl, 1, 8),
  value(['http://checkip.amazonaws.com']),
);
/** `guard.timeout`. */
export const GUARD_TIMEOUT: Key<DurationMs> = ofDuration(shared.GUARD_TIMEOUT);

/** `guard.allowPrivate`. */
export const GUARD_ALLOW_PRIVATE: Key<boolean> = key('guard.allowPrivate', kinds.flag, value(false));

declared.push(...DRIVER_KEYS, ...STORE_KEYS, ...HOME_KEYS, ...NOTIFY_KEYS);
/** `notify.blockedAfter`. */
export const NOTIFY_BLOCKED_AFTER: Key<DurationMs> = ofDuration(shared.NOTIFY_BLOCKED_AFTER);

/** `holdDown`. */
export const HOLD_DOWN: Key<DurationMs> = ofDuration(shared.HOLD_DOWN);
/** `flap.moves`. */
export const FLAP_MOVES: Key<number> = ofWhole(shared.FLAP_MOVES);
/** `flap.within`. */
export const FLAP_WITHIN: Key<DurationMs> = ofDuration(shared.FLAP_WITHIN);
/** `handover.on`. */
export const HANDOVER_ON: Key<readonly HandoverOccasion[]> = key(
  'handover.on',
  kinds.listOf(kinds.choice('shutdown', 'spot', 'scale-in', 'maintenance'), 0, 4),
  value(['shutdown', 'spot', 'scale-in', 'maintenance']),
);
/** `stateDir`. */
export const STATE_DIR: Key<string> = key(
  'stateDir',
  kinds.words('the path of a directory', /^[^\0]+$/),
  value('/var/lib/failtome'),
  'FAILTOME_STATE_DIR',
);
/** `recorder.keep`. */
export const RECORDER_KEEP: Key<DurationMs> = key(
  'recorder.keep',
  kinds.duration(600_000, 30 * 86_400_000),
  value('6h'),
);
/** `recorder.size`. */
export const RECORDER_SIZE: Key<number> = key('recorder.size', size(2_000_000, 4_000_000_000), value('64MB'));
/** `log.level`. */
export const LOG_LEVEL: Key<'debug' | 'info' | 'warn' | 'error'> = key(
  'log.level',
  kinds.choice('debug', 'info', 'warn', 'error'),
  value('info'),
  'FAILTOME_LOG_LEVEL',
);
