import { type ProtocolConfig, TOPIC } from '@failtome/protocol';

export const ADDRESS = '203.0.113.7';

/** As long as nothing else is asked for, a node is always fit: it has no check of its own HAProxy. */
export const PROTOCOL_CONFIG: ProtocolConfig = {
  orders: 'any',
  cluster: 'web',
  node: { id: 'saturn', role: 'candidate', priority: 100, instanceId: 'i-1', version: '1.2.3' },
  peers: [{ id: 'neptune', role: 'candidate', priority: 100 }],
  addresses: [
    {
      ip: ADDRESS,
      probe: { intervalMs: 1000, fastIntervalMs: 500, timeoutMs: 1000, fall: 3, rise: 2 },
      expects: 'GET / answers 200-399',
    },
  ],
  local: null,
  gossip: { intervalMs: 500, timeoutMs: 400, deadMs: 3000, fanout: 3 },
  agreement: { silentPeer: 'takeover', leaseMs: 10_000 },
  guard: { timeoutMs: 3000 },
  driver: { style: 'fenced', swap: true, displace: 'refuse' },
  notify: { receivers: [TOPIC], blockedAfterMs: 60_000 },
  holdDownMs: 60_000,
  flap: { moves: 4, withinMs: 600_000 },
};
