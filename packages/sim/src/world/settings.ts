/**
 * Clusters to simulate: who takes part, with which settings.
 */

import * as keys from '@failtome/config/keys';
import { usualCount, usualMs, usualWord } from '@failtome/config/keys';
import {
  type CheckConfig,
  type FailbackConfig,
  type Ip,
  NOTICE_KINDS,
  type ProtocolConfig,
  type Receiver,
  type Role,
  TOPIC,
} from '@failtome/protocol';
import { takesAtOnce } from '../invariants/index.ts';

/** What the agents' configuration files would say, apart from who is who. */
export interface Settings {
  /** Whether only the orders count that an operator has signed. */
  readonly identities: boolean;
  readonly probe: CheckConfig;
  /** Of addresses whose probe is another. */
  readonly probes?: Readonly<Record<Ip, CheckConfig>>;
  readonly local: CheckConfig | null;
  readonly gossip: ProtocolConfig['gossip'];
  readonly agreement: ProtocolConfig['agreement'];
  readonly guardTimeoutMs: number;
  readonly displace: 'refuse' | 'allow';
  /** Whether there is a topic for notifications. */
  readonly notifies: boolean;
  /** Whether there is a web hook as well, which is told of every event; left out: none, as in plans of earlier versions. */
  readonly webhook?: boolean;
  /** By address, whose it is when all are well; left out: nobody's in particular. */
  readonly homes?: Readonly<Record<Ip, string>>;
  /** Left out: never. */
  readonly failback?: Partial<FailbackConfig>;
  /** Whether there is a store to relay through; left out: none. */
  readonly store?: boolean;
  /** Null: as long as a failover may take by these settings. */
  readonly blockedAfterMs: number | null;
  readonly holdDownMs: number;
  readonly flap: ProtocolConfig['flap'];
}

/** The defaults of the agent's configuration file. */
export const DEFAULT_SETTINGS: Settings = {
  identities: false,
  probe: {
    intervalMs: usualMs(keys.PROBE_INTERVAL),
    fastIntervalMs: usualMs(keys.PROBE_FAST_INTERVAL),
    timeoutMs: usualMs(keys.PROBE_TIMEOUT),
    fall: usualCount(keys.PROBE_FALL),
    rise: usualCount(keys.PROBE_RISE),
  },
  local: {
    intervalMs: usualMs(keys.LOCAL_INTERVAL),
    fastIntervalMs: usualMs(keys.LOCAL_FAST_INTERVAL),
    timeoutMs: usualMs(keys.LOCAL_TIMEOUT),
    fall: usualCount(keys.LOCAL_FALL),
    rise: usualCount(keys.LOCAL_RISE),
  },
  gossip: {
    intervalMs: usualMs(keys.GOSSIP_INTERVAL),
    timeoutMs: usualMs(keys.GOSSIP_TIMEOUT),
    deadMs: usualMs(keys.GOSSIP_DEAD),
    fanout: usualCount(keys.GOSSIP_FANOUT),
  },
  agreement: {
    silentPeer: usualWord(keys.AGREEMENT_SILENT_PEER),
    leaseMs: usualMs(keys.AGREEMENT_LEASE),
  },
  guardTimeoutMs: usualMs(keys.GUARD_TIMEOUT),
  displace: usualWord(keys.DRIVER_DISPLACE),
  notifies: true,
  blockedAfterMs: null,
  holdDownMs: usualMs(keys.HOLD_DOWN),
  flap: { moves: usualCount(keys.FLAP_MOVES), withinMs: usualMs(keys.FLAP_WITHIN) },
};

/** For those who want it fast, and for swarms: more happens in less time. */
export const FAST_SETTINGS: Settings = {
  identities: false,
  probe: { intervalMs: 500, fastIntervalMs: 250, timeoutMs: 500, fall: 3, rise: 2 },
  local: { intervalMs: 500, fastIntervalMs: 100, timeoutMs: 500, fall: 2, rise: 2 },
  gossip: { intervalMs: 200, timeoutMs: 150, deadMs: 1_000, fanout: 3 },
  agreement: { silentPeer: 'takeover', leaseMs: 4_000 },
  guardTimeoutMs: 1_500,
  displace: 'refuse',
  notifies: true,
  blockedAfterMs: 20_000,
  holdDownMs: 20_000,
  flap: { moves: 4, withinMs: 120_000 },
};

const USUAL_FAILBACK: FailbackConfig = { afterMs: usualMs(keys.FAILBACK_AFTER), window: null };

/** The web hook, told of everything. */
export const WEBHOOK: Receiver = { name: 'webhook', events: NOTICE_KINDS, timeoutMs: TOPIC.timeoutMs };

/** Without an arbiter nothing is said of one, as in the agent. */
function agreementOf({ arbiter, ...agreement }: Settings['agreement']): ProtocolConfig['agreement'] {
  return arbiter === true ? { ...agreement, arbiter } : agreement;
}

function receiversOf({ notifies, webhook = false }: Settings): readonly Receiver[] {
  return [...(notifies ? [TOPIC] : []), ...(webhook ? [WEBHOOK] : [])];
}

/** The drivers that can be simulated. */
export const SIM_DRIVERS = ['ec2', 'ec2-private-ip', 'ec2-route', 'opsworks'] as const;
/** What moves the addresses of a world. */
export type SimDriverKind = (typeof SIM_DRIVERS)[number];

/** A node of a world. */
export interface NodeSpec {
  readonly id: string;
  readonly role: Role;
  readonly priority: number;
  readonly clock: { readonly offsetMs: number; readonly driftPpm: number; readonly wallErrorMs: number };
  /** When its agent is started first; null: it stays off. */
  readonly bootMs: number | null;
  /** What its configuration says differently from the others'. */
  readonly overrides?: Overrides;
  /** The address of the NAT gateway it goes out through, without an address of its own; null: it has neither. */
  readonly nat?: string | null;
}

/** Where one node's configuration or version differs from the cluster's. */
export interface Overrides {
  readonly settings?: SettingsChange;
  /** The peers that it knows; absent: all. */
  readonly peers?: readonly string[];
  /** Addresses that its configuration doesn't name. */
  readonly without?: readonly Ip[];
  /** By how much its wire version is above the present one. */
  readonly wire?: number;
}

/** Parts of `Settings`, as deep as it goes. */
export interface SettingsChange {
  readonly [setting: string]: SettingsValue;
}
type SettingsValue = string | number | boolean | null | readonly SettingsValue[] | SettingsChange;

/** The settings with some of them changed; what is null or no object replaces what was there as a whole. */
export function changed(settings: Settings, by: SettingsChange): Settings {
  return merged(settings as unknown as SettingsChange, by) as unknown as Settings; // `by` names only settings: readers see to it
}

function merged(before: SettingsChange, by: SettingsChange): SettingsChange {
  const parts = Object.entries(by).map(([name, value]) => {
    const old = before[name];
    return [name, isObject(old) && isObject(value) ? merged(old, value) : value] as const;
  });
  return { ...before, ...Object.fromEntries(parts) };
}

function isObject(value: SettingsValue | undefined): value is SettingsChange {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The private address of a node that a contested address lands on: one each, so that none throws another off. */
export function landingOf(nodeIndex: number, addressIndex: number): string {
  return `10.0.${nodeIndex + 1}.${10 + addressIndex}`;
}

/** The instance of a node. */
export function instanceIdOf(nodeIndex: number): string {
  return `i-${String(nodeIndex + 1).padStart(17, '0')}`;
}

/** OpsWorks has a name of its own for every instance. */
export function opsworksIdOf(nodeIndex: number): string {
  return `ow-${nodeIndex + 1}`;
}

/** The protocol's configuration of a node. */
export function configFor(
  node: NodeSpec,
  nodes: readonly NodeSpec[],
  addresses: readonly string[],
  driver: SimDriverKind,
  clusterSettings: Settings,
  overrides: Overrides,
): ProtocolConfig {
  const candidate = node.role === 'candidate';
  const settings = changed(clusterSettings, overrides.settings ?? {});
  const known = overrides.peers;
  const peers = nodes.filter(({ id }) => id !== node.id && (known === undefined || known.includes(id)));
  return {
    cluster: 'web',
    orders: settings.identities ? 'proven' : 'any',
    node: {
      id: node.id,
      role: node.role,
      priority: node.priority,
      instanceId: candidate ? (driver === 'opsworks' ? opsworksIdOf : instanceIdOf)(nodes.indexOf(node)) : '',
      version: '0.0.0-sim',
    },
    peers: peers.map(({ id, role, priority }) => ({ id, role, priority })),
    addresses: addresses
      .filter((ip) => overrides.without?.includes(ip) !== true)
      .map((ip) => ({
        ip,
        probe: settings.probes?.[ip] ?? settings.probe,
        expects: `GET http://${ip}/ on port 80 answers 200-399`,
        ...(settings.homes?.[ip] === undefined ? {} : { home: settings.homes[ip] }),
      })),
    local: candidate ? settings.local : null,
    gossip: settings.gossip,
    agreement: agreementOf(settings.agreement),
    guard: { timeoutMs: settings.guardTimeoutMs },
    driver: candidate
      ? {
          style: takesAtOnce(driver) ? 'single-call' : 'fenced',
          swap: driver === 'ec2',
          displace: settings.displace,
        }
      : null,
    notify: {
      receivers: candidate ? receiversOf(settings) : [],
      blockedAfterMs: settings.blockedAfterMs,
    },
    holdDownMs: settings.holdDownMs,
    flap: settings.flap,
    ...(settings.failback === undefined ? {} : { failback: { ...USUAL_FAILBACK, ...settings.failback } }),
  };
}
