/**
 * Every key of the configuration file: its kind, its default, and the environment variable that
 * overrides it. The parser, `failtome config` and the test of docs/configuration.md read this table.
 */
import { formatDuration, parseDuration } from '@failtome/config';
import { type DurationMs, MAX_ADDRESSES, MAX_FLAP_MOVES, MAX_PEERS, type Role } from '@failtome/protocol';
import type { PublicKey } from '../auth/identity.ts';
import { MAX_OPERATORS } from '../auth/operators.ts';
import type { Endpoint, ValueKind } from './kinds.ts';
import * as kinds from './kinds.ts';
import { publicKeys } from './public-keys.ts';
import type { StatusRange } from './types.ts';

/** Reads another key of the same section, or with `../` of the one around it, as it was written or by default. */
export type Sibling = (name: string) => unknown;

export type Fallback =
  | { readonly kind: 'required' }
  /** The value is null when the key is absent. `meaning` says what happens then. */
  | { readonly kind: 'none'; readonly meaning: string }
  | { readonly kind: 'value'; readonly value: string | number | boolean | readonly string[] }
  /** Follows from another key of its section. */
  | {
      readonly kind: 'derived';
      readonly documented: string;
      readonly derive: (sibling: Sibling) => string | number | null;
    };

export interface Key<T> {
  /** With `[]` for every place in a list: `addresses[].probe.interval`. */
  readonly path: string;
  readonly kind: ValueKind<T>;
  readonly fallback: Fallback;
  readonly variable: string | null;
}

function key<T>(
  path: string,
  kind: ValueKind<T>,
  fallback: Fallback,
  variable: string | null = null,
): Key<T> {
  return { path, kind, fallback, variable };
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

/** The usual value, or a sibling's where that is shorter: a default must not contradict what the user chose. */
function atMost(usual: string, name: string): Fallback {
  return derived(`${usual}, or ${name} if shorter`, (sibling) => {
    const chosen = sibling(name);
    const chosenMs = typeof chosen === 'string' ? parseDuration(chosen) : null;
    const usualMs = parseDuration(usual);
    return chosenMs !== null && usualMs !== null && chosenMs < usualMs ? formatDuration(chosenMs) : usual;
  });
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

const rank = kinds.whole(0, 1_000_000);
const role = kinds.choice('candidate', 'witness', 'member');
const checkInterval = kinds.duration(10, 10 * MINUTE);
const checkTimeout = kinds.duration(10, 2 * MINUTE);
const inARow = kinds.whole(1, 100);

export const CLUSTER: Key<string> = key('cluster', kinds.nodeId, required);

export const NODE_ID: Key<string> = key(
  'node.id',
  kinds.nodeId,
  none('the EC2 instance id, from instance metadata'),
  'FAILTOME_NODE_ID',
);
export const NODE_ROLE: Key<Role> = key('node.role', role, value('candidate'));
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
export const PROBE_INTERVAL: Key<DurationMs> = key('addresses[].probe.interval', checkInterval, value('1s'));
export const PROBE_FAST_INTERVAL: Key<DurationMs> = key(
  'addresses[].probe.fastInterval',
  checkInterval,
  atMost('500ms', 'interval'),
);
export const PROBE_TIMEOUT: Key<DurationMs> = key('addresses[].probe.timeout', checkTimeout, value('1s'));
export const PROBE_FALL: Key<number> = key('addresses[].probe.fall', inARow, value(3));
export const PROBE_RISE: Key<number> = key('addresses[].probe.rise', inARow, value(2));
export const PROBE_EXPECT: Key<readonly StatusRange[]> = key(
  'addresses[].probe.expect',
  kinds.statusRanges,
  value('200-399'),
);

export const LOCAL_URL: Key<string> = key('local.url', kinds.pageUrlWithUser, value('http://127.0.0.1/'));
export const LOCAL_INTERVAL: Key<DurationMs> = key('local.interval', checkInterval, value('1s'));
export const LOCAL_FAST_INTERVAL: Key<DurationMs> = key(
  'local.fastInterval',
  checkInterval,
  atMost('200ms', 'interval'),
);
export const LOCAL_TIMEOUT: Key<DurationMs> = key('local.timeout', checkTimeout, value('1s'));
export const LOCAL_FALL: Key<number> = key('local.fall', inARow, value(2));
export const LOCAL_RISE: Key<number> = key('local.rise', inARow, value(2));

export const GOSSIP_INTERVAL: Key<DurationMs> = key(
  'gossip.interval',
  kinds.duration(20, MINUTE),
  value('500ms'),
);
export const GOSSIP_TIMEOUT: Key<DurationMs> = key(
  'gossip.timeout',
  kinds.duration(20, MINUTE),
  derived('400ms, or what dead leaves after two intervals if shorter', (sibling) => {
    const left = durationOf(sibling('dead'), '3s') - 2 * durationOf(sibling('interval'), '500ms');
    return left >= 20 && left < 400 ? `${left}ms` : '400ms';
  }),
);
export const GOSSIP_DEAD: Key<DurationMs> = key('gossip.dead', kinds.duration(100, 10 * MINUTE), value('3s'));
export const GOSSIP_FANOUT: Key<number> = key('gossip.fanout', kinds.whole(1, 16), value(3));

export const AGREEMENT_SILENT_PEER: Key<'takeover' | 'hold'> = key(
  'agreement.silentPeer',
  kinds.choice('takeover', 'hold'),
  value('takeover'),
);
export const AGREEMENT_LEASE: Key<DurationMs> = key(
  'agreement.lease',
  kinds.duration(
    2 * SECOND,
    5 * MINUTE,
    'it has to outlast the guard, a read and the calls of the move, which get a quarter of it each and 500ms at least',
  ),
  value('10s'),
);

export const GUARD_URLS: Key<readonly string[]> = key(
  'guard.urls',
  kinds.listOf(kinds.pageUrl, 1, 8),
  value(['http://checkip.amazonaws.com']),
);
export const GUARD_TIMEOUT: Key<DurationMs> = key(
  'guard.timeout',
  kinds.duration(50, 30 * SECOND),
  value('3s'),
);

export const GUARD_ALLOW_PRIVATE: Key<boolean> = key('guard.allowPrivate', kinds.flag, value(false));

export const DRIVER_KIND: Key<'ec2' | 'opsworks' | 'exec'> = key(
  'driver.kind',
  kinds.choice('ec2', 'opsworks', 'exec'),
  required,
);
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
export const DRIVER_DISPLACE: Key<'refuse' | 'allow'> = key(
  'driver.displace',
  kinds.choice('refuse', 'allow'),
  value('refuse'),
);

export const NOTIFY_TOPIC_ARN: Key<string> = key('notify.sns.topicArn', kinds.topicArn, required);
export const NOTIFY_BLOCKED_AFTER: Key<DurationMs> = key(
  'notify.blockedAfter',
  kinds.duration(SECOND, 24 * HOUR),
  none('longer than a failover can take by these settings, 60s at least'),
);

export const HOLD_DOWN: Key<DurationMs> = key('holdDown', kinds.duration(0, 24 * HOUR), value('60s'));
export const FLAP_MOVES: Key<number> = key('flap.moves', kinds.whole(1, MAX_FLAP_MOVES), value(4));
export const FLAP_WITHIN: Key<DurationMs> = key(
  'flap.within',
  kinds.duration(SECOND, 24 * HOUR),
  value('10m'),
);
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

function durationOf(written: unknown, usual: string): DurationMs {
  const ms = typeof written === 'string' ? parseDuration(written) : null;
  return ms ?? parseDuration(usual) ?? 0;
}

/** In the order of the reference; a key stands after those that its default follows from. */
export const ALL_KEYS: readonly Key<unknown>[] = [
  CLUSTER,
  NODE_ID,
  NODE_ROLE,
  NODE_PRIORITY,
  API_LISTEN,
  API_ADVERTISE,
  API_HOSTS,
  API_READ,
  API_READ_TOKEN_FILE,
  API_OBSERVE,
  PEER_ID,
  PEER_URL,
  PEER_ROLE,
  PEER_PRIORITY,
  PEER_PUBLIC_KEY,
  AUTH_KEY_FILE,
  AUTH_IDENTITY,
  OPERATOR_NAME,
  OPERATOR_PUBLIC_KEY,
  ADDRESS_IP,
  ADDRESS_ALLOCATION_ID,
  ADDRESS_PRIVATE_IP,
  PROBE_SCHEME,
  PROBE_HOST,
  PROBE_PORT,
  PROBE_PATH,
  PROBE_INTERVAL,
  PROBE_FAST_INTERVAL,
  PROBE_TIMEOUT,
  PROBE_FALL,
  PROBE_RISE,
  PROBE_EXPECT,
  LOCAL_URL,
  LOCAL_INTERVAL,
  LOCAL_FAST_INTERVAL,
  LOCAL_TIMEOUT,
  LOCAL_FALL,
  LOCAL_RISE,
  GOSSIP_INTERVAL,
  GOSSIP_DEAD,
  GOSSIP_TIMEOUT,
  GOSSIP_FANOUT,
  AGREEMENT_SILENT_PEER,
  AGREEMENT_LEASE,
  GUARD_URLS,
  GUARD_TIMEOUT,
  GUARD_ALLOW_PRIVATE,
  DRIVER_KIND,
  DRIVER_REGION,
  DRIVER_INSTANCE_ID,
  DRIVER_COMMAND,
  DRIVER_DISPLACE,
  NOTIFY_TOPIC_ARN,
  NOTIFY_BLOCKED_AFTER,
  HOLD_DOWN,
  FLAP_MOVES,
  FLAP_WITHIN,
  STATE_DIR,
  LOG_LEVEL,
];

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
  ['local', 'this node always counts as fit'],
  ['driver', 'only a witness or a member does without'],
  ['notify.sns', 'no notification is sent'],
]);
