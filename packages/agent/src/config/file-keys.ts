/**
 * Every key of the configuration file: its kind, its default, and the environment variable that
 * overrides it. The parser, `failtome config` and the test of docs/configuration.md read this table.
 */
import type { Fallback, Sibling } from '@failtome/config/keys';
import * as shared from '@failtome/config/keys';
import { type DurationMs, MAX_ADDRESSES, MAX_PEERS, type Role } from '@failtome/protocol';
import type { PublicKey } from '../auth/identity.ts';
import { MAX_OPERATORS } from '../auth/operators.ts';
import type { DriverKindName } from './driver-kinds.ts';
import type { Endpoint, ValueKind } from './kinds.ts';
import * as kinds from './kinds.ts';
import { publicKeys } from './public-keys.ts';
import type { StatusRange } from './types.ts';

export interface Key<T> {
  /** With `[]` for every place in a list: `addresses[].probe.interval`. */
  readonly path: string;
  readonly kind: ValueKind<T>;
  readonly fallback: Fallback;
  readonly variable: string | null;
}

const declared: Key<unknown>[] = [];

/** In the order of the reference, which is that of the declarations; a key stands after those that its default follows from. */
export const ALL_KEYS: readonly Key<unknown>[] = declared;

function key<T>(
  path: string,
  kind: ValueKind<T>,
  fallback: Fallback,
  variable: string | null = null,
): Key<T> {
  const made = { path, kind, fallback, variable };
  declared.push(made);
  return made;
}

const required: Fallback = { kind: 'required' };

function value(written: string | number | boolean | readonly string[]): Fallback {
  return { kind: 'value', value: written };
}

function none(meaning: string): Fallback {
  return { kind: 'none', meaning };
}

function derived(documented: string, derive: (sibling: Sibling) => string | number | null): Fallback {
  return { kind: 'derived', documented, derive };
}

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

export const CLUSTER: Key<string> = key('cluster', kinds.nodeId, required);

export const NODE_ID: Key<string> = key(
  'node.id',
  kinds.nodeId,
  none(
    'the one of `peers` at an address of this machine, or else the EC2 instance id, from instance metadata',
  ),
  'FAILTOME_NODE_ID',
);
export const NODE_ROLE: Key<Role> = key(
  'node.role',
  role,
  // Its own entry is only known when the whole file is read (own-entry.ts).
  derived('as its own entry in `peers` says, or candidate', () => 'candidate'),
);
export const NODE_PRIORITY: Key<number> = key('node.priority', rank, value(100), 'FAILTOME_PRIORITY');

export const API_LISTEN: Key<Endpoint> = key(
  'api.listen',
  kinds.endpoint,
  value('0.0.0.0:8741'),
  'FAILTOME_LISTEN',
);
export const API_ADVERTISE: Key<string> = key(
  'api.advertise',
  kinds.baseUrl,
  none('not told to anybody'),
  'FAILTOME_ADVERTISE',
);
export const API_HOSTS: Key<readonly string[]> = key('api.hosts', kinds.listOf(kinds.host, 0, 32), value([]));
export const API_READ: Key<'anyone' | 'token' | 'peers'> = key(
  'api.read',
  kinds.choice('anyone', 'token', 'peers'),
  value('anyone'),
);
export const API_READ_TOKEN_FILE: Key<string> = key(
  'api.readTokenFile',
  kinds.words('the path of a file', /^[^\0]*[^\0/]$/),
  none('required with `token`, refused otherwise'),
);
export const API_OBSERVE: Key<Endpoint> = key(
  'api.observe',
  kinds.endpoint,
  none('the reading routes are at api.listen'),
);

const pemFile = kinds.words('the path of a PEM file', /^[^\0]*[^\0/]$/);
export const TLS_CERT_FILE: Key<string> = key('api.tls.certFile', pemFile, required);
export const TLS_KEY_FILE: Key<string> = key('api.tls.keyFile', pemFile, required);
export const TLS_CA_FILE: Key<string> = key(
  'api.tls.caFile',
  pemFile,
  none('the authorities that Node knows'),
);
export const TLS_CLIENT_AUTH: Key<'none' | 'required'> = key(
  'api.tls.clientAuth',
  kinds.choice('none', 'required'),
  value('none'),
);
export const TLS_PLAIN: Key<'refuse' | 'accept'> = key(
  'api.tls.plain',
  kinds.choice('refuse', 'accept'),
  value('refuse'),
);
export const TLS_OBSERVE: Key<'tls' | 'plain'> = key(
  'api.tls.observe',
  kinds.choice('tls', 'plain'),
  value('tls'),
);

export const PEER_ID: Key<string> = key('peers[].id', kinds.nodeId, required);
export const PEER_URL: Key<string> = key('peers[].url', kinds.baseUrl, required);
export const PEER_ROLE: Key<Role> = key('peers[].role', role, value('candidate'));
export const PEER_PRIORITY: Key<number> = key('peers[].priority', rank, value(100));
export const PEER_PUBLIC_KEY: Key<readonly PublicKey[]> = key(
  'peers[].publicKey',
  publicKeys,
  none("the cluster's key alone vouches for it"),
);

export const AUTH_KEY_FILE: Key<string> = key(
  'auth.keyFile',
  kinds.keyFilePath,
  required,
  'FAILTOME_KEY_FILE',
);

export const AUTH_IDENTITY: Key<string> = key(
  'auth.identity',
  kinds.keyFilePath,
  none("it signs with the cluster's key alone"),
  'FAILTOME_IDENTITY',
);
export const OPERATOR_NAME: Key<string> = key('auth.operators[].name', kinds.nodeId, required);
export const OPERATOR_PUBLIC_KEY: Key<readonly PublicKey[]> = key(
  'auth.operators[].publicKey',
  publicKeys,
  required,
);

export const ADDRESS_IP: Key<string> = key('addresses[].ip', kinds.address, required);
export const ADDRESS_ALLOCATION_ID: Key<string> = key(
  'addresses[].allocationId',
  kinds.words('an allocation id such as eipalloc-0abc', /^eipalloc-[A-Za-z0-9-]+$/),
  none('looked up by ip'),
);
export const ADDRESS_PRIVATE_IP: Key<string> = key(
  'addresses[].privateIp',
  kinds.address,
  none("the network interface's primary private address"),
);
export const PROBE_SCHEME: Key<'http' | 'https'> = key(
  'addresses[].probe.scheme',
  kinds.choice('http', 'https'),
  value('http'),
);
export const PROBE_HOST: Key<string> = key(
  'addresses[].probe.host',
  kinds.host,
  derived('the address', (sibling) => {
    const ip = sibling('../ip');
    return typeof ip === 'string' ? ip : null;
  }),
);
export const PROBE_PORT: Key<number> = key(
  'addresses[].probe.port',
  kinds.whole(1, 65_535),
  derived('80, or 443 if scheme is https', (sibling) => (sibling('scheme') === 'https' ? 443 : 80)),
);
export const PROBE_PATH: Key<string> = key(
  'addresses[].probe.path',
  kinds.words('a path that begins with / and holds no space and no #', /^\/[\x21\x22\x24-\x7e]*$/),
  value('/'),
);
export const PROBE_INTERVAL: Key<DurationMs> = ofDuration(shared.PROBE_INTERVAL);
export const PROBE_FAST_INTERVAL: Key<DurationMs> = ofDuration(shared.PROBE_FAST_INTERVAL);
export const PROBE_TIMEOUT: Key<DurationMs> = ofDuration(shared.PROBE_TIMEOUT);
export const PROBE_FALL: Key<number> = ofWhole(shared.PROBE_FALL);
export const PROBE_RISE: Key<number> = ofWhole(shared.PROBE_RISE);
export const PROBE_EXPECT: Key<readonly StatusRange[]> = key(
  'addresses[].probe.expect',
  kinds.statusRanges,
  value('200-399'),
);

export const LOCAL_URL: Key<string> = key('local.url', kinds.pageUrlWithUser, value('http://127.0.0.1/'));
export const LOCAL_INTERVAL: Key<DurationMs> = ofDuration(shared.LOCAL_INTERVAL);
export const LOCAL_FAST_INTERVAL: Key<DurationMs> = ofDuration(shared.LOCAL_FAST_INTERVAL);
export const LOCAL_TIMEOUT: Key<DurationMs> = ofDuration(shared.LOCAL_TIMEOUT);
export const LOCAL_FALL: Key<number> = ofWhole(shared.LOCAL_FALL);
export const LOCAL_RISE: Key<number> = ofWhole(shared.LOCAL_RISE);

export const GOSSIP_INTERVAL: Key<DurationMs> = ofDuration(shared.GOSSIP_INTERVAL);
export const GOSSIP_DEAD: Key<DurationMs> = ofDuration(shared.GOSSIP_DEAD);
export const GOSSIP_TIMEOUT: Key<DurationMs> = ofDuration(shared.GOSSIP_TIMEOUT);
export const GOSSIP_FANOUT: Key<number> = ofWhole(shared.GOSSIP_FANOUT);

export const AGREEMENT_SILENT_PEER: Key<'takeover' | 'hold'> = ofChoice(shared.AGREEMENT_SILENT_PEER);
export const AGREEMENT_LEASE: Key<DurationMs> = ofDuration(shared.AGREEMENT_LEASE);

export const GUARD_URLS: Key<readonly string[]> = key(
  'guard.urls',
  kinds.listOf(kinds.pageUrl, 1, 8),
  value(['http://checkip.amazonaws.com']),
);
export const GUARD_TIMEOUT: Key<DurationMs> = ofDuration(shared.GUARD_TIMEOUT);

export const GUARD_ALLOW_PRIVATE: Key<boolean> = key('guard.allowPrivate', kinds.flag, value(false));

export const DRIVER_KIND: Key<DriverKindName> = ofChoice(shared.DRIVER_KIND);
export const DRIVER_REGION: Key<string> = key(
  'driver.region',
  kinds.region,
  none('as the AWS SDK finds it: AWS_REGION, then instance metadata'),
);
export const DRIVER_INSTANCE_ID: Key<string> = key(
  'driver.instanceId',
  kinds.words('an instance id without spaces', /^[A-Za-z0-9._-]{1,128}$/),
  none('from instance metadata; with `opsworks` looked up from the EC2 id'),
  'FAILTOME_INSTANCE_ID',
);
export const DRIVER_COMMAND: Key<readonly string[]> = key(
  'driver.command',
  kinds.listOf(kinds.words('a program or an argument, not empty', /^[^\0]+$/), 1, 64),
  none('required with `exec`, refused otherwise'),
);
export const DRIVER_DISPLACE: Key<'refuse' | 'allow'> = ofChoice(shared.DRIVER_DISPLACE);

export const NOTIFY_TOPIC_ARN: Key<string> = key('notify.sns.topicArn', kinds.topicArn, required);
export const NOTIFY_BLOCKED_AFTER: Key<DurationMs> = ofDuration(shared.NOTIFY_BLOCKED_AFTER);

export const HOLD_DOWN: Key<DurationMs> = ofDuration(shared.HOLD_DOWN);
export const FLAP_MOVES: Key<number> = ofWhole(shared.FLAP_MOVES);
export const FLAP_WITHIN: Key<DurationMs> = ofDuration(shared.FLAP_WITHIN);
export const STATE_DIR: Key<string> = key(
  'stateDir',
  kinds.words('the path of a directory', /^[^\0]+$/),
  value('/var/lib/failtome'),
  'FAILTOME_STATE_DIR',
);
export const LOG_LEVEL: Key<'debug' | 'info' | 'warn' | 'error'> = key(
  'log.level',
  kinds.choice('debug', 'info', 'warn', 'error'),
  value('info'),
  'FAILTOME_LOG_LEVEL',
);

/** A list of maps. */
export interface List {
  readonly path: string;
  readonly max: number;
  readonly of: string;
  readonly optional?: boolean;
}

/** Lists, and how long they may be. */
export const LISTS: readonly List[] = [
  { path: 'peers', max: MAX_PEERS, of: '{ id, url, role }' },
  { path: 'auth.operators', max: MAX_OPERATORS, of: '{ name, publicKey }', optional: true },
  { path: 'addresses', max: MAX_ADDRESSES, of: '{ ip, probe }' },
];

/** Sections that may be left out altogether, and what that means; the others take their defaults. */
export const OPTIONAL_SECTIONS: ReadonlyMap<string, string> = new Map([
  ['api.tls', 'the API speaks plain HTTP'],
  ['local', 'this node always counts as fit'],
  ['driver', 'only a witness or a member does without'],
  ['notify.sns', 'no notification is sent'],
]);
