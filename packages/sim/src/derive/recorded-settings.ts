/** The settings of a simulated cluster, from the configuration that a node recorded. */
import { type ProtocolConfig, TOPIC } from '@failtome/protocol';
import { DEFAULT_SETTINGS, type Settings, WEBHOOK } from '../world/index.ts';

/** What the protocol was configured with; what only adapters know isn't there. */
export function recordedSettings(config: ProtocolConfig): Settings {
  const { addresses, local, gossip, agreement, guard, driver, notify, holdDownMs, flap, failback, orders } =
    config;
  const probe = addresses[0]?.probe ?? DEFAULT_SETTINGS.probe;
  const own = addresses.filter((one) => JSON.stringify(one.probe) !== JSON.stringify(probe));
  const homes = addresses.flatMap(({ ip, home }) => (home === undefined ? [] : [[ip, home] as const]));
  const names = new Set(notify.receivers.map(({ name }) => name));
  return {
    identities: orders === 'proven',
    probe,
    ...(own.length === 0
      ? {}
      : { probes: Object.fromEntries(addresses.map((one) => [one.ip, one.probe] as const)) }),
    local,
    gossip,
    agreement,
    // An arbiter is in a store; whether there is one for relaying alone only adapters know.
    ...(agreement.arbiter === true ? { store: true } : {}),
    guardTimeoutMs: guard.timeoutMs,
    displace: driver?.displace ?? DEFAULT_SETTINGS.displace,
    notifies: names.has(TOPIC.name),
    ...(names.has(WEBHOOK.name) ? { webhook: true } : {}),
    ...(homes.length === 0 ? {} : { homes: Object.fromEntries(homes) }),
    ...(failback === undefined ? {} : { failback }),
    blockedAfterMs: notify.blockedAfterMs,
    holdDownMs,
    flap,
  };
}
