/** From checked settings to the agent's configuration. */
import assert from 'node:assert/strict';
import { TROUBLE_OF } from '@failtome/protocol';
import type { OperatorSettings } from '../auth/operators.ts';
import * as discoveryKeys from './discovery-keys.ts';
import * as keys from './file-keys.ts';
import * as homeKeys from './home-keys.ts';
import type { Key } from './key-table.ts';
import { NO_PAGE } from './local-kinds.ts';
import * as notifyKeys from './notify-keys.ts';
import { get, lengthOf, pathOf, type Settings } from './settings.ts';
import * as storeKeys from './store-keys.ts';
import type {
  AddressSettings,
  AgentConfig,
  DiscoverySettings,
  DriverSettings,
  LocalConfig,
  PeerSettings,
  StoreSettings,
  TlsSettings,
  WebhookSettings,
} from './types.ts';

/** @throws AssertionError when the settings had faults: those are the user's to hear of first. */
export function assemble(settings: Settings): AgentConfig {
  const must = <T>(key: Key<T>, index = 0): T => sure(settings, key, index);
  const role = must(keys.NODE_ROLE);
  const candidate = role === 'candidate';
  return {
    cluster: must(keys.CLUSTER),
    node: { id: get(settings, keys.NODE_ID), role, priority: must(keys.NODE_PRIORITY) },
    api: {
      listen: must(keys.API_LISTEN),
      advertise: get(settings, keys.API_ADVERTISE),
      hosts: must(keys.API_HOSTS),
      read: must(keys.API_READ),
      readTokenFile: get(settings, keys.API_READ_TOKEN_FILE),
      observe: get(settings, keys.API_OBSERVE),
      tls: tls(settings),
    },
    peers: each(settings, 'peers', (index) => peer(settings, index)),
    discovery: discovery(settings),
    auth: {
      keyFile: must(keys.AUTH_KEY_FILE),
      identity: get(settings, keys.AUTH_IDENTITY),
      operators: each(settings, 'auth.operators', (index) => operator(settings, index)),
    },
    addresses: each(settings, 'addresses', (index) => address(settings, index)),
    local: candidate ? local(settings) : null,
    gossip: {
      intervalMs: must(keys.GOSSIP_INTERVAL),
      timeoutMs: must(keys.GOSSIP_TIMEOUT),
      deadMs: must(keys.GOSSIP_DEAD),
      fanout: must(keys.GOSSIP_FANOUT),
    },
    agreement: {
      silentPeer: must(keys.AGREEMENT_SILENT_PEER),
      arbiter: must(keys.AGREEMENT_ARBITER),
      leaseMs: must(keys.AGREEMENT_LEASE),
    },
    guard: {
      urls: must(keys.GUARD_URLS),
      timeoutMs: must(keys.GUARD_TIMEOUT),
      allowPrivate: must(keys.GUARD_ALLOW_PRIVATE),
    },
    driver: candidate ? driver(settings) : null,
    store: role === 'member' ? null : store(settings),
    notify: {
      ...(candidate ? receivers(settings) : { sns: null, webhooks: [], exec: null }),
      blockedAfterMs: get(settings, keys.NOTIFY_BLOCKED_AFTER),
    },
    holdDownMs: must(keys.HOLD_DOWN),
    flap: { moves: must(keys.FLAP_MOVES), withinMs: must(keys.FLAP_WITHIN) },
    failback: settings.present.has('failback')
      ? { afterMs: must(homeKeys.FAILBACK_AFTER), window: get(settings, homeKeys.FAILBACK_WINDOW) }
      : null,
    handover: { on: must(keys.HANDOVER_ON) },
    stateDir: must(keys.STATE_DIR),
    recorder: settings.off.has('recorder')
      ? null
      : { keepMs: must(keys.RECORDER_KEEP), sizeBytes: must(keys.RECORDER_SIZE) },
    log: { level: must(keys.LOG_LEVEL) },
  };
}

function sure<T>(settings: Settings, key: Key<T>, index: number): T {
  const value = get(settings, key, index);
  assert(value !== null, `${pathOf(key, index)} was checked and is missing`);
  return value;
}

function each<T>(settings: Settings, list: string, make: (index: number) => T): readonly T[] {
  return Array.from({ length: lengthOf(settings, list) }, (_, index) => make(index));
}

function peer(settings: Settings, index: number): PeerSettings {
  return {
    id: sure(settings, keys.PEER_ID, index),
    url: get(settings, keys.PEER_URL, index),
    isSought: get(settings, keys.PEER_URL, index) === null,
    role: sure(settings, keys.PEER_ROLE, index),
    priority: sure(settings, keys.PEER_PRIORITY, index),
    publicKeys: get(settings, keys.PEER_PUBLIC_KEY, index) ?? [],
  };
}

function discovery(settings: Settings): DiscoverySettings | null {
  if (!settings.present.has('peers.from')) return null;
  return {
    tag: sure(settings, discoveryKeys.DISCOVERY_TAG, 0),
    port: sure(settings, discoveryKeys.DISCOVERY_PORT, 0),
    scheme: sure(settings, discoveryKeys.DISCOVERY_SCHEME, 0),
  };
}

function operator(settings: Settings, index: number): OperatorSettings {
  return {
    name: sure(settings, keys.OPERATOR_NAME, index),
    publicKeys: sure(settings, keys.OPERATOR_PUBLIC_KEY, index),
  };
}

function address(settings: Settings, index: number): AddressSettings {
  const must = <T>(key: Key<T>): T => sure(settings, key, index);
  return {
    ip: must(keys.ADDRESS_IP),
    allocationId: get(settings, keys.ADDRESS_ALLOCATION_ID, index),
    privateIp: get(settings, keys.ADDRESS_PRIVATE_IP, index),
    home: get(settings, homeKeys.ADDRESS_HOME, index),
    probe: {
      scheme: must(keys.PROBE_SCHEME),
      host: must(keys.PROBE_HOST),
      port: must(keys.PROBE_PORT),
      path: must(keys.PROBE_PATH),
      intervalMs: must(keys.PROBE_INTERVAL),
      fastIntervalMs: must(keys.PROBE_FAST_INTERVAL),
      timeoutMs: must(keys.PROBE_TIMEOUT),
      fall: must(keys.PROBE_FALL),
      rise: must(keys.PROBE_RISE),
      expect: must(keys.PROBE_EXPECT),
    },
  };
}

function tls(settings: Settings): TlsSettings | null {
  if (!settings.present.has('api.tls')) return null;
  const must = <T>(key: Key<T>): T => sure(settings, key, 0);
  return {
    certFile: must(keys.TLS_CERT_FILE),
    keyFile: must(keys.TLS_KEY_FILE),
    caFile: get(settings, keys.TLS_CA_FILE),
    clientAuth: must(keys.TLS_CLIENT_AUTH),
    plain: must(keys.TLS_PLAIN),
    observe: must(keys.TLS_OBSERVE),
  };
}

function local(settings: Settings): LocalConfig | null {
  if (!settings.present.has('local')) return null;
  const must = <T>(key: Key<T>): T => sure(settings, key, 0);
  const url = must(keys.LOCAL_URL);
  return {
    url: url === NO_PAGE ? null : url,
    socket: get(settings, keys.LOCAL_SOCKET),
    command: get(settings, keys.LOCAL_COMMAND),
    need: must(keys.LOCAL_NEED),
    intervalMs: must(keys.LOCAL_INTERVAL),
    fastIntervalMs: must(keys.LOCAL_FAST_INTERVAL),
    timeoutMs: must(keys.LOCAL_TIMEOUT),
    fall: must(keys.LOCAL_FALL),
    rise: must(keys.LOCAL_RISE),
  };
}

function driver(settings: Settings): DriverSettings {
  const kind = sure(settings, keys.DRIVER_KIND, 0);
  const displace = sure(settings, keys.DRIVER_DISPLACE, 0);
  if (kind === 'exec') return { kind, command: sure(settings, keys.DRIVER_COMMAND, 0), displace };
  const region = get(settings, keys.DRIVER_REGION);
  const instanceId = get(settings, keys.DRIVER_INSTANCE_ID);
  const assumeRole = get(settings, keys.DRIVER_ASSUME_ROLE);
  const named = { region, instanceId, assumeRole, displace };
  if (kind === 'opsworks') return { kind, ...named };
  const onto = { networkInterfaceId: get(settings, keys.DRIVER_NETWORK_INTERFACE_ID), ...named };
  if (kind !== 'ec2-route') return { kind, ...onto };
  return { kind, routeTables: sure(settings, keys.DRIVER_ROUTE_TABLES, 0), ...onto };
}

function store(settings: Settings): StoreSettings | null {
  if (!settings.present.has('store')) return null;
  const must = <T>(key: Key<T>): T => sure(settings, key, 0);
  const may = <T>(key: Key<T>): T | null => get(settings, key);
  const kind = must(storeKeys.STORE_KIND);
  if (kind === 'dynamodb')
    return {
      kind,
      table: may(storeKeys.STORE_TABLE) ?? storeKeys.USUAL_TABLE,
      region: may(storeKeys.STORE_REGION),
    };
  const user = may(storeKeys.STORE_USER);
  return {
    kind,
    endpoints: must(storeKeys.STORE_ENDPOINTS),
    prefix: may(storeKeys.STORE_PREFIX) ?? storeKeys.USUAL_PREFIX,
    caFile: may(storeKeys.STORE_CA_FILE),
    certFile: may(storeKeys.STORE_CERT_FILE),
    keyFile: may(storeKeys.STORE_KEY_FILE),
    login: user === null ? null : { user, passwordFile: must(storeKeys.STORE_PASSWORD_FILE) },
  };
}

function receivers(settings: Settings): Omit<AgentConfig['notify'], 'blockedAfterMs'> {
  const topicArn = get(settings, notifyKeys.NOTIFY_TOPIC_ARN);
  const command = settings.present.has('notify.exec') ? get(settings, notifyKeys.NOTIFY_COMMAND) : null;
  return {
    sns: topicArn === null ? null : { topicArn, events: sure(settings, notifyKeys.EVENTS_SNS, 0) },
    webhooks: each(settings, 'notify.webhook', (index) => webhook(settings, index)),
    exec:
      command === null
        ? null
        : {
            command,
            timeoutMs: sure(settings, notifyKeys.NOTIFY_COMMAND_TIMEOUT, 0),
            events: sure(settings, notifyKeys.EVENTS_EXEC, 0),
          },
  };
}

function webhook(settings: Settings, index: number): WebhookSettings {
  const form = sure(settings, notifyKeys.WEBHOOK_FORM, index);
  const all = sure(settings, notifyKeys.EVENTS_WEBHOOK, 0);
  // An incident is opened by what begins a trouble, and closed by what ends it.
  const usual = form === 'pagerduty' ? all.filter((event) => TROUBLE_OF[event] !== null) : all;
  return {
    name: sure(settings, notifyKeys.WEBHOOK_NAME, index),
    form,
    url: get(settings, notifyKeys.WEBHOOK_URL, index),
    urlFile: get(settings, notifyKeys.WEBHOOK_URL_FILE, index),
    keyFile: get(settings, notifyKeys.WEBHOOK_KEY_FILE, index),
    timeoutMs: sure(settings, notifyKeys.WEBHOOK_TIMEOUT, index),
    events: get(settings, notifyKeys.WEBHOOK_EVENTS, index) ?? usual,
  };
}
