/**
 * How long a failover takes by the settings (PROTOCOL.md, "How long a failover takes"), and what follows from it.
 */
import { BALLOT_LASTS_MS, MAX_BACKOFF_MS } from '../election/campaign.ts';
import type { CheckConfig, ProtocolConfig } from '../model/config.ts';
import type { DurationMs } from '../model/units.ts';
import { MAX_OVERLAPPING } from '../observation/check.ts';
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

/** By a server that hangs, and where nothing is known of how long an answer usually takes: the first time-out is the sign. */
function detectMs({ intervalMs, fastIntervalMs, timeoutMs, fall }: CheckConfig): DurationMs {
  const starts = [0];
  for (let count = 1; count < fall; count += 1) {
    const gapMs = count === 1 ? Math.max(fastIntervalMs, timeoutMs) : fastIntervalMs;
    const roomAt = (starts[count - MAX_OVERLAPPING] ?? -timeoutMs) + timeoutMs;
    starts.push(Math.max((starts[count - 1] ?? 0) + gapMs, roomAt));
  }
  return intervalMs + (starts.at(-1) ?? 0) + timeoutMs;
}
