/**
 * Clusters to simulate: who takes part, with which settings.
 */
import type { CheckConfig, ProtocolConfig, Role } from '@failtome/protocol';

/** What the agents' configuration files would say, apart from who is who. */
export interface Settings {
  readonly probe: CheckConfig;
  readonly local: CheckConfig | null;
  readonly gossip: ProtocolConfig['gossip'];
  readonly agreement: ProtocolConfig['agreement'];
  readonly guardTimeoutMs: number;
  readonly displace: 'refuse' | 'allow';
  readonly blockedAfterMs: number;
  readonly holdDownMs: number;
  readonly flap: ProtocolConfig['flap'];
}

/** The defaults of the agent's configuration file. */
export const DEFAULT_SETTINGS: Settings = {
  probe: { intervalMs: 1_000, fastIntervalMs: 500, timeoutMs: 1_000, fall: 3, rise: 2 },
  local: { intervalMs: 1_000, fastIntervalMs: 200, timeoutMs: 1_000, fall: 2, rise: 2 },
  gossip: { intervalMs: 500, timeoutMs: 400, deadMs: 3_000, fanout: 3 },
  agreement: { silentPeer: 'takeover', leaseMs: 10_000 },
  guardTimeoutMs: 3_000,
  displace: 'refuse',
  blockedAfterMs: 60_000,
  holdDownMs: 60_000,
  flap: { moves: 4, withinMs: 600_000 },
};

/** For those who want it fast, and for swarms: more happens in less time. */
export const FAST_SETTINGS: Settings = {
  probe: { intervalMs: 500, fastIntervalMs: 250, timeoutMs: 500, fall: 3, rise: 2 },
  local: { intervalMs: 500, fastIntervalMs: 100, timeoutMs: 500, fall: 2, rise: 2 },
  gossip: { intervalMs: 200, timeoutMs: 150, deadMs: 1_000, fanout: 3 },
  agreement: { silentPeer: 'takeover', leaseMs: 4_000 },
  guardTimeoutMs: 1_500,
  displace: 'refuse',
  blockedAfterMs: 20_000,
  holdDownMs: 20_000,
  flap: { moves: 4, withinMs: 120_000 },
};

export interface NodeSpec {
  readonly id: string;
  readonly role: Role;
  readonly priority: number;
  readonly clock: { readonly offsetMs: number; readonly driftPpm: number; readonly wallErrorMs: number };
}

/** The private address of a node that a contested address lands on: one each, so that none throws another off. */
export function landingOf(nodeIndex: number, addressIndex: number): string {
  return `10.0.${nodeIndex + 1}.${10 + addressIndex}`;
}

export function instanceIdOf(nodeIndex: number): string {
  return `i-${String(nodeIndex + 1).padStart(17, '0')}`;
}

/** OpsWorks has a name of its own for every instance. */
export function opsworksIdOf(nodeIndex: number): string {
  return `ow-${nodeIndex + 1}`;
}

export function configFor(
  node: NodeSpec,
  nodes: readonly NodeSpec[],
  addresses: readonly string[],
  driver: 'ec2' | 'opsworks',
  settings: Settings,
): ProtocolConfig {
  const candidate = node.role === 'candidate';
  return {
    cluster: 'web',
    node: {
      id: node.id,
      role: node.role,
      priority: node.priority,
      instanceId: candidate ? (driver === 'ec2' ? instanceIdOf : opsworksIdOf)(nodes.indexOf(node)) : '',
      version: '0.0.0-sim',
    },
    peers: nodes.filter(({ id }) => id !== node.id).map(({ id, role, priority }) => ({ id, role, priority })),
    addresses: addresses.map((ip) => ({ ip, probe: settings.probe })),
    local: candidate ? settings.local : null,
    gossip: settings.gossip,
    agreement: settings.agreement,
    guard: { timeoutMs: settings.guardTimeoutMs },
    driver: candidate
      ? {
          kind: driver,
          style: driver === 'ec2' ? 'fenced' : 'single-call',
          swap: driver === 'ec2',
          displace: settings.displace,
        }
      : null,
    notify: { enabled: candidate, blockedAfterMs: settings.blockedAfterMs },
    holdDownMs: settings.holdDownMs,
    flap: settings.flap,
  };
}
