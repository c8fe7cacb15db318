/**
 * A digest of what has to be the same on every node, so that a difference stands out before it matters.
 *
 * Two parts: of what all nodes share, and of what only candidates read (a witness ignores it). What may differ by host is in
 * neither: ids, URLs, files, private addresses, where the own HAProxy answers, the port by which a node reaches the address.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { type NodeId, TOPIC } from '@failtome/protocol';
import type { AgentConfig, DriverSettings, LocalConfig, StoreSettings } from './types.ts';

/** The hexadecimal digits of a part: enough to tell mistakes apart, few enough to be compared by eye. */
const DIGITS = 8;

/**
 * Such as `1f0c77a2-9be01d43`; of a node that takes no address the first part alone.
 *
 * @param self this node, which its own list of peers may leave out
 */
export function configDigest(config: AgentConfig, self: NodeId): string {
  const shared = digest(sharedPart(config, self));
  return config.node.role === 'candidate' ? `${shared}-${digest(candidatePart(config))}` : shared;
}

function sharedPart(config: AgentConfig, self: NodeId): unknown {
  const others = config.peers.filter(({ id }) => id !== self).map(({ id, role }) => `${id} ${role}`);
  const { gossip, agreement, guard, holdDownMs, flap, failback, cluster } = config;
  return {
    cluster,
    nodes: [...others, `${self} ${config.node.role}`].sort(),
    addresses: config.addresses.map(({ ip, home, probe: { port: _, ...probe } }) => ({
      ip,
      probe,
      ...(home === null ? {} : { home }),
    })),
    gossip,
    agreement,
    guardTimeoutMs: guard.timeoutMs,
    holdDownMs,
    flap,
    // As earlier versions, which know of none.
    ...(failback === null ? {} : { failback }),
  };
}

function candidatePart({ driver, notify, local, addresses, store }: AgentConfig): unknown {
  return {
    ...(store === null ? {} : { store: storePart(store) }),
    driver: driver === null ? null : driverPart(driver),
    notify: notifyPart(notify),
    local: local === null ? null : localPart(local),
    allocations: addresses.map(({ allocationId }) => allocationId),
  };
}

/** Where the items stand; endpoints and files may differ by host. */
function storePart(store: StoreSettings): unknown {
  return store.kind === 'etcd'
    ? { kind: store.kind, prefix: store.prefix }
    : { kind: store.kind, table: store.table };
}

/** What is asked, and not where; a page alone is told as earlier versions do. */
function localPart({ url, socket, command, need, ...check }: LocalConfig): unknown {
  if (socket === null && command === null) return check;
  return { ...check, need, asked: { page: url !== null, socket: socket !== null, command } };
}

/** Neither URLs nor files, which are secret or differ by host; and of the topic alone what earlier versions know. */
function notifyPart({ sns, webhooks, exec, blockedAfterMs }: AgentConfig['notify']): unknown {
  const usual = sns === null || isDeepStrictEqual(sns.events, TOPIC.events);
  return {
    sns: sns === null ? null : { topicArn: sns.topicArn, ...(usual ? {} : { events: sns.events }) },
    blockedAfterMs,
    ...(webhooks.length === 0
      ? {}
      : {
          webhooks: webhooks.map(({ name, form, events, timeoutMs }) => ({ name, form, events, timeoutMs })),
        }),
    ...(exec === null ? {} : { exec }),
  };
}

function driverPart(driver: DriverSettings): unknown {
  if (driver.kind === 'exec') return driver;
  const { kind, region, assumeRole, displace } = driver;
  return {
    kind,
    region,
    displace,
    ...(assumeRole === null ? {} : { assumeRole }),
    ...(kind === 'ec2-route' ? { routeTables: driver.routeTables.toSorted() } : {}),
  };
}

/** Keys in their order, so that where a value stands in the file doesn't matter. */
function digest(part: unknown): string {
  const text = JSON.stringify(part, (_key, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
  return createHash('sha256').update(text).digest('hex').slice(0, DIGITS);
}
