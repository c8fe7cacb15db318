/** What the protocol needs to know of the agent's configuration. */
import { type DriverConfig, type ProtocolConfig, type Receiver, TOPIC } from '@failtome/protocol';
import { authModeOf, orderRuleOf } from '../auth/identities.ts';
import { DRIVER_KINDS } from './driver-kinds.ts';
import type { AgentConfig, DriverSettings, Identity, ProbeConfig } from './types.ts';

/**
 * @param identity who this node is; its own entry among the peers is left out
 * @param version the software's version, for people
 */
export function toProtocolConfig(config: AgentConfig, identity: Identity, version: string): ProtocolConfig {
  const { role, priority } = config.node;
  const candidate = role === 'candidate';
  const { auth } = config;
  const others = config.peers.filter((peer) => peer.id !== identity.id);
  return {
    orders: orderRuleOf(authModeOf(others, auth.identity !== null), auth.operators),
    cluster: config.cluster,
    node: { id: identity.id, role, priority, instanceId: identity.instanceId, version },
    peers: others.map((peer) => ({ id: peer.id, role: peer.role, priority: peer.priority })),
    addresses: config.addresses.map(({ ip, probe, home }) => ({
      ip,
      probe: checkOf(probe),
      expects: expectsOf(probe),
      ...(home === null ? {} : { home }),
    })),
    local: candidate && config.local !== null ? checkOf(config.local) : null,
    gossip: config.gossip,
    agreement: agreementOf(config.agreement),
    guard: { timeoutMs: config.guard.timeoutMs },
    driver: candidate && config.driver !== null ? driverOf(config.driver) : null,
    notify: {
      receivers: receiversOf(config.notify),
      blockedAfterMs: config.notify.blockedAfterMs,
    },
    holdDownMs: config.holdDownMs,
    flap: config.flap,
    ...(config.failback === null ? {} : { failback: config.failback }),
  };
}

function agreementOf({
  silentPeer,
  leaseMs,
  arbiter,
}: AgentConfig['agreement']): ProtocolConfig['agreement'] {
  return { silentPeer, leaseMs, ...(arbiter ? { arbiter } : {}) };
}

/** Whom it tells, without how. */
function receiversOf({ sns, webhooks, exec }: AgentConfig['notify']): readonly Receiver[] {
  return [
    ...(sns === null ? [] : [{ ...TOPIC, events: sns.events }]),
    ...webhooks.map(({ name, events, timeoutMs }) => ({ name, events, timeoutMs })),
    ...(exec === null ? [] : [{ name: 'exec', events: exec.events, timeoutMs: exec.timeoutMs }]),
  ];
}

type Check = ProtocolConfig['addresses'][number]['probe'];

function checkOf(check: Check): Check {
  const { intervalMs, fastIntervalMs, timeoutMs, fall, rise } = check;
  return { intervalMs, fastIntervalMs, timeoutMs, fall, rise };
}

/** What the probe asks and what counts as an answer. */
function expectsOf({ scheme, host, port, path, expect }: ProbeConfig): string {
  const ranges = expect.map(({ from, to }) => (from === to ? String(from) : `${from}-${to}`)).join(',');
  return `GET ${scheme}://${host}${path} on port ${port} answers ${ranges}`;
}

function driverOf({ kind, displace }: DriverSettings): DriverConfig {
  const { style, swap } = DRIVER_KINDS[kind];
  return { displace, style, swap };
}
