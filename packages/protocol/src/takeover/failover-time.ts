/**
 * How long a failover takes by the settings (PROTOCOL.md, "How long a failover takes"), and what follows from it.
 */
import { BALLOT_LASTS_MS, MAX_BACKOFF_MS } from '../election/campaign.ts';
import type { CheckConfig, ProtocolConfig } from '../model/config.ts';
import type { DurationMs } from '../model/units.ts';
import { SERVES_WITHIN_MS } from './damping.ts';
import { callTimeoutMs } from './view.ts';

/** The settings that the length of a failover follows from. */
type TimedSettings = Pick<
  ProtocolConfig,
  'node' | 'peers' | 'addresses' | 'gossip' | 'agreement' | 'guard' | 'driver'
>;

/** The least that `notify.blockedAfter` is when it isn't set. */
const LEAST_BLOCKED_AFTER_MS: DurationMs = 60_000;

/** Within how long a fit node holds the address once the faults have stopped and nothing failed on the way. */
export function failoverBoundMs(config: TimedSettings): DurationMs {
  const calls = callTimeoutMs(config);
  const candidates = config.peers.filter(({ role }) => role === 'candidate').length + 1;
  const stepMs = config.driver?.style === 'single-call' ? 2 * calls : config.gossip.timeoutMs;
  return (
    Math.max(0, ...config.addresses.map(({ probe }) => detectMs(probe))) +
    config.agreement.leaseMs +
    MAX_BACKOFF_MS +
    candidates * stepMs +
    BALLOT_LASTS_MS +
    config.guard.timeoutMs +
    3 * calls +
    SERVES_WITHIN_MS
  );
}

/** For how long an address is down in vain until people are told. */
export function blockedAfterMs(config: ProtocolConfig): DurationMs {
  return config.notify.blockedAfterMs ?? defaultBlockedAfterMs(config);
}

/**
 * `notify.blockedAfter` where it isn't set: longer than a failover and its sight of success can take by these settings,
 * in whole seconds, and a minute at least. Shorter, and every failover would be told as blocked.
 */
export function defaultBlockedAfterMs(config: TimedSettings): DurationMs {
  const risesMs = Math.max(0, ...config.addresses.map(({ probe }) => probe.rise * probe.intervalMs));
  const takesMs = failoverBoundMs(config) + risesMs;
  return Math.max(LEAST_BLOCKED_AFTER_MS, Math.ceil(takesMs / 1_000) * 1_000);
}

function detectMs({ intervalMs, fastIntervalMs, timeoutMs, fall }: CheckConfig): DurationMs {
  return intervalMs + (fall - 1) * Math.max(fastIntervalMs, timeoutMs) + timeoutMs;
}
