/**
 * The adapters of one run, and the ports that the host loop sees of them.
 *
 * With `agent-parts.ts` this is where adapters are constructed; everything else knows ports only.
 */
import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { askArbiter, type RelayOptions, relayOptionsOf } from '@failtome/ports';
import type { CloudRequest, DurationMs, Event, NodeId, Ports, ReplyEffect } from '@failtome/protocol';
import { type AwsClients, createAwsClients } from './adapters/aws-clients.ts';
import { warmUp } from './adapters/aws-warm-up.ts';
import { type Clock, createTimer } from './adapters/clock.ts';
import type { CredentialsNews } from './adapters/credentials.ts';
import type { Driver } from './adapters/driver.ts';
import { openDriver } from './adapters/drivers.ts';
import { ExternalIp } from './adapters/external-ip.ts';
import { LocalCheck } from './adapters/local.ts';
import type { Names } from './adapters/names.ts';
import { Prober } from './adapters/prober.ts';
import { Receivers, type ReceiversOptions } from './adapters/receivers.ts';
import type { OpenStore } from './adapters/relay-stores.ts';
import { RelayedMessages, type RelayedMessagesDependencies } from './adapters/relayed-messages.ts';
import { Store } from './adapters/store.ts';
import { PeerTransport } from './adapters/transport.ts';
import type { Identities } from './auth/identities.ts';
import type { ClusterKeys } from './auth/keys.ts';
import type { WebhookSecrets } from './auth/webhook-secrets.ts';
import { isOnAws } from './config/driver-kinds.ts';
import { locatedIn } from './config/located.ts';
import { toProtocolConfig } from './config/to-protocol.ts';
import type { AgentConfig, Identity, LocatedPeer } from './config/types.ts';
import type { Certificate } from './tls/certificate.ts';

/** Clients that a reload has replaced may still be answered for so long: the longest call of a move. */
const RETIRE_AFTER_MS: DurationMs = 10_000;

/** What the adapters of a node are made for. */
export interface AdapterOptions {
  readonly config: AgentConfig;
  readonly identity: Identity;
  readonly keys: ClusterKeys;
  readonly identities: Identities;
  /** Null: the nodes speak plain HTTP. */
  readonly certificate: Certificate | null;
  /** Null where neither driver nor notifier needs AWS. */
  readonly clients: AwsClients | null;
  readonly webhooks: readonly WebhookSecrets[];
  /** Null: messages go directly, or not at all. */
  readonly store: OpenStore | null;
}

/** What the adapters share, and whom they tell. */
export interface AdapterDependencies {
  readonly clock: Clock;
  readonly names: Names;
  readonly post: (event: Event) => void;
  readonly reply: (effect: ReplyEffect) => void;
  /** Asked before each write to the state directory: null, or the code with which it fails. */
  readonly mayWrite: () => Promise<string | null>;
  /** Another run has written there. */
  readonly onForeignState: () => void;
  /** What a command of the exec driver wrote to standard error. */
  readonly logStderr: (operation: string, text: string) => void;
  /** What the program of `notify.exec` wrote to standard error. */
  readonly logNotifier: (event: string, text: string) => void;
  /** A peer can't prove over TLS who it is, or null: it can again. */
  readonly onCertificate: (peer: NodeId, refusal: string | null) => void;
  /** What the relay does with what comes through the store. */
  readonly relay: Pick<RelayedMessagesDependencies, 'trust' | 'inbox' | 'onRejected' | 'onNews'>;
  /** What becomes of the AWS credentials. */
  readonly logCredentials: (news: CredentialsNews) => void;
}

/** The clients that this configuration needs; null where it needs none. */
export function clientsFor(config: AgentConfig, identity: Identity): AwsClients | null {
  const { driver, notify, node } = config;
  if (node.role !== 'candidate') return null;
  const topicArn = notify.sns?.topicArn ?? null;
  if (!isOnAws(driver) && topicArn === null) return null;
  const arn = isOnAws(driver) ? driver.assumeRole : null;
  const role = arn === null ? null : { arn, nodeId: identity.id };
  return createAwsClients({ region: identity.region, topicArn, role });
}

/** All adapters of one run. Opened by its constructor, which sends nothing; ended by `close`. */
export class Adapters {
  readonly #identity: Identity;
  readonly #dependencies: AdapterDependencies;
  readonly #prober: Prober;
  readonly #local: LocalCheck;
  readonly #externalIp: ExternalIp;
  readonly #transport: PeerTransport;
  readonly #store: Store;
  readonly #relayStore: OpenStore | null;
  readonly #relay: RelayedMessages | null;
  #config: AgentConfig;
  #clients: AwsClients | null;
  #driver: Driver;
  readonly #receivers: Receivers;
  #webhooks: readonly WebhookSecrets[];

  constructor(options: AdapterOptions, dependencies: AdapterDependencies) {
    const { config, identity, keys, identities, clients, certificate } = options;
    const { post, reply, mayWrite, onForeignState: onForeign, onCertificate } = dependencies;
    this.#identity = identity;
    this.#dependencies = dependencies;
    this.#config = config;
    this.#clients = clients;
    this.#watchCredentials();
    this.#prober = new Prober({ addresses: config.addresses }, dependencies);
    this.#local = new LocalCheck({ local: config.local }, dependencies);
    this.#externalIp = new ExternalIp(config.guard, dependencies);
    this.#relayStore = options.store;
    this.#relay = this.#makeRelay(options.store);
    const beside = this.#relay === null ? {} : { beside: this.#relay };
    this.#transport = new PeerTransport(
      { peers: othersOf(config, identity), keys, identities, certificate },
      { post, reply, onCertificate, ...beside },
    );
    this.#store = new Store({ stateDir: config.stateDir }, { post, mayWrite, onForeign });
    this.#driver = this.#makeDriver();
    this.#webhooks = options.webhooks;
    this.#receivers = new Receivers(this.#receiversOptions(), {
      names: dependencies.names,
      post,
      now: Date.now,
      logStderr: dependencies.logNotifier,
    });
  }

  /** The ports, but for what the agent itself listens to. */
  ports(heard: Pick<Ports, 'observer' | 'stopped' | 'recorder'>): Ports {
    const { clock } = this.#dependencies;
    return {
      ...heard,
      clock,
      timer: createTimer(clock),
      transport: this.#transport,
      prober: this.#prober,
      local: this.#local,
      externalIp: this.#externalIp,
      store: this.#store,
      // A reload replaces it.
      driver: { drive: (effect) => this.#driver.drive(effect) },
      notifier: this.#receivers,
      ...this.#arbiterPort(),
    };
  }

  /** Where there is a store; a reload may begin to ask it. */
  #arbiterPort(): Pick<Ports, 'arbiter'> {
    const store = this.#relayStore;
    const { post } = this.#dependencies;
    if (store === null) return {};
    return {
      arbiter: {
        ask: (effect) =>
          askArbiter(store, this.#config.cluster, effect, (result) =>
            post({ kind: 'arbiter', askId: effect.askId, address: effect.address, result }),
          ),
      },
    };
  }

  /** Fetch credentials and open connections before they are needed. What was asked of AWS for it. */
  warm(timeoutMs: DurationMs): Promise<readonly CloudRequest[]> {
    if (this.#clients === null) return Promise.resolve([]);
    const { driver, addresses, notify } = this.#config;
    return warmUp(
      this.#clients,
      {
        driver: isOnAws(driver) ? driver.kind : null,
        ips: addresses.map(({ ip }) => ip),
        topicArn: notify.sns?.topicArn ?? null,
      },
      timeoutMs,
    );
  }

  /** Ask for credentials again, whatever AWS says of the present ones. */
  async renewCredentials(): Promise<void> {
    await this.#clients?.credentials.renew();
    if (this.#clients?.driverCredentials !== this.#clients?.credentials)
      await this.#clients?.driverCredentials.renew();
  }

  /** Take over a configuration in which nothing has changed that needs a restart. What is under way ends by the old one. */
  reconfigure(
    config: AgentConfig,
    keys: ClusterKeys,
    identities: Identities,
    certificate: Certificate | null,
    webhooks: readonly WebhookSecrets[],
  ): void {
    const before = this.#config;
    this.#webhooks = webhooks;
    this.#config = config;
    this.#prober.reconfigure({ addresses: config.addresses });
    this.#local.reconfigure({ local: config.local });
    this.#externalIp.reconfigure(config.guard);
    const peers = othersOf(config, this.#identity);
    this.#transport.reconfigure({ peers, keys, identities, certificate });
    this.#relay?.reconfigure(this.#relayOptions());
    if (!isDeepStrictEqual(before.notify.sns, config.notify.sns)) this.#replaceClients();
    if (!isDeepStrictEqual(cloudPartsOf(before), cloudPartsOf(config))) {
      this.#driver = this.#makeDriver();
    }
    this.#receivers.reconfigure(this.#receiversOptions());
  }

  /** Speak to the peers where they are now; nothing else of the configuration has changed. */
  relocate(config: AgentConfig): void {
    this.#config = config;
    this.#transport.relocate(othersOf(config, this.#identity));
  }

  /** How each peer is reached; null: there is no store. */
  relayView(): ReturnType<RelayedMessages['view']> | null {
    return this.#relay?.view() ?? null;
  }

  /** Wait until what was to be stored is stored. */
  settled(): Promise<void> {
    return this.#store.settled();
  }

  /** End what is under way, and close every connection. */
  close(): void {
    this.#prober.close();
    this.#local.close();
    this.#externalIp.close();
    this.#relay?.close();
    this.#relayStore?.close();
    this.#transport.close();
    this.#receivers.close();
    this.#clients?.close();
  }

  #makeRelay(store: OpenStore | null): RelayedMessages | null {
    if (store === null) return null;
    const { relay, clock, post } = this.#dependencies;
    return new RelayedMessages(this.#relayOptions(), {
      ...relay,
      store,
      run: randomBytes(8).toString('base64url'),
      monotonicMs: () => clock.monotonicMs(),
      transport: () => this.#transport,
      post,
    });
  }

  #relayOptions(): RelayOptions {
    return relayOptionsOf(toProtocolConfig(this.#config, this.#identity, ''));
  }

  #replaceClients(): void {
    const old = this.#clients;
    this.#clients = clientsFor(this.#config, this.#identity);
    this.#watchCredentials();
    if (old !== null) setTimeout(() => old.close(), RETIRE_AFTER_MS).unref();
  }

  #watchCredentials(): void {
    this.#clients?.credentials.watch(this.#dependencies.logCredentials);
    this.#clients?.driverCredentials.watch(this.#dependencies.logCredentials);
  }

  #makeDriver(): Driver {
    const { driver, addresses, node } = this.#config;
    if (driver === null || node.role !== 'candidate') return { drive: () => unexpected('driver') };
    const clients = (): AwsClients => this.#clients ?? unexpected('AWS client');
    return openDriver({ driver, addresses, identity: this.#identity }, { ...this.#dependencies, clients });
  }

  #receiversOptions(): ReceiversOptions {
    const { id: nodeId } = this.#identity;
    return { config: this.#config, nodeId, webhooks: this.#webhooks, clients: this.#clients };
  }
}

function othersOf({ peers }: AgentConfig, { id }: Identity): readonly LocatedPeer[] {
  return locatedIn(peers).filter((peer) => peer.id !== id);
}

function cloudPartsOf({ driver, addresses, notify }: AgentConfig): unknown {
  const named = addresses.map(({ ip, allocationId, privateIp }) => ({ ip, allocationId, privateIp }));
  return { driver, named, sns: notify.sns };
}

/** The protocol asks only for what its configuration has; anything else is a broken invariant. */
function unexpected(what: string): never {
  throw new Error(`the protocol asked for a ${what}, and this node has none`);
}
