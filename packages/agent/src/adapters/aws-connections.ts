/**
 * The pool of kept connections to AWS, which can be emptied.
 *
 * When an Elastic IP comes to this node or leaves it, the node's own public address changes: every
 * connection made from the old one is dead, though both ends still hold it open, and the next request
 * on it would hang until its time-out. For a while after a move nothing is kept at all, because an
 * association takes effect only seconds after it was answered.
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { DurationMs } from '@failtome/protocol';

/** How long after a move no connection is kept: an association takes about one to six seconds to work. */
export const FRESH_AFTER_MOVE_MS: DurationMs = 10_000;

/**
 * A kept connection is given up after so long without use: longer than the minute between idle reads, so
 * that the first read of a failover finds it open. A shorter word of the server's (`Keep-Alive`) counts.
 */
const MAX_IDLE_MS: DurationMs = 90_000;

/**
 * TCP probes an unused connection this often. Ten probes lost, a second apart on Linux, close it, so that
 * a node whose address was taken away is rid of its dead connections in about 20 s.
 */
const TCP_KEEPALIVE_MS: DurationMs = 10_000;

/** The most connections to one endpoint: in use, and kept. */
const MAX_SOCKETS = 16;
const MAX_KEPT_SOCKETS = 4;

/** What every AWS client of one agent connects through. */
export interface Connections {
  readonly httpAgent: HttpAgent;
  readonly httpsAgent: HttpsAgent;
  /** Close every kept connection, and keep none for the next `forMs`. */
  renew(forMs: DurationMs): void;
  /** How many connections are kept just now. */
  kept(): number;
  /** Close everything, requests under way included. */
  close(): void;
}

/** Build a pool; `now` is a monotonic clock in milliseconds. */
export function createConnections(now: () => number = () => performance.now()): Connections {
  const options = {
    keepAlive: true,
    keepAliveMsecs: TCP_KEEPALIVE_MS,
    timeout: MAX_IDLE_MS,
    maxSockets: MAX_SOCKETS,
    maxFreeSockets: MAX_KEPT_SOCKETS,
    // The connection used last is the one most surely alive.
    scheduling: 'lifo',
  } as const;
  const httpAgent = new HttpAgent(options);
  const httpsAgent = new HttpsAgent(options);
  const agents = [httpAgent, httpsAgent];
  let keepFrom = Number.NEGATIVE_INFINITY;
  for (const agent of agents) {
    // Its answer, whether to keep the socket, is missing from the declared type.
    const keep: (socket: Duplex) => unknown = agent.keepSocketAlive.bind(agent);
    agent.keepSocketAlive = (socket: Duplex): unknown => now() >= keepFrom && keep(socket);
  }
  return {
    httpAgent,
    httpsAgent,
    renew(forMs) {
      keepFrom = Math.max(keepFrom, now() + forMs);
      for (const socket of agents.flatMap(keptBy)) socket.destroy();
    },
    kept: () => agents.flatMap(keptBy).length,
    close() {
      for (const agent of agents) agent.destroy();
    },
  };
}

/** A destroyed socket stays in the list until it has closed; the agent passes over it. */
function keptBy(agent: HttpAgent): readonly Socket[] {
  return Object.values(agent.freeSockets).flatMap((sockets = []) =>
    sockets.filter(({ destroyed }) => !destroyed),
  );
}
