/** Where the agent's peers are, as far as its configuration leaves that to be found (`adapters/peer-discovery.ts`). */
import type { DurationMs, Ip, NodeId } from '@failtome/protocol';
import { type AwsClients, contextFor, createAwsClients } from './adapters/aws-clients.ts';
import { errnoOf } from './adapters/durable-file.ts';
import { type FoundPeersOf, readFoundPeers, writeFoundPeers } from './adapters/found-peers.ts';
import { type DiscoveryOptions, PeerDiscovery } from './adapters/peer-discovery.ts';
import { readTagged } from './adapters/tagged-instances.ts';
import { type AgentParts, type Discovery, tell } from './agent-parts.ts';
import { readFileBounded } from './config/load.ts';
import { soughtIn, urlsAt, withFound } from './config/located.ts';
import type { AgentConfig, DiscoverySettings, Identity } from './config/types.ts';
import { tellDiscovery } from './observe/discovery-news.ts';

/** One ask. Nothing waits for it. */
const ASK_TIMEOUT_MS: DurationMs = 10_000;

/** What the search needs besides its agent. */
export interface AgentDiscoveryDependencies {
  /** Asked before each write to the state directory: null, or the code with which it fails. */
  readonly mayWrite: () => Promise<string | null>;
}

/** The search of one agent, for as long as it runs. */
export class AgentDiscovery implements Discovery {
  readonly #agent: AgentParts;
  readonly #dependencies: AgentDiscoveryDependencies;
  readonly #node: NodeId;
  readonly #clients: AwsClients;
  readonly #search: PeerDiscovery;
  #settings: DiscoverySettings;
  #addresses: ReadonlyMap<NodeId, Ip>;
  #written: Promise<void> = Promise.resolve();

  /** With clients of its own: what becomes of its asks touches no connection that a move needs. */
  constructor(
    agent: AgentParts,
    { id, region }: Pick<Identity, 'id' | 'region'>,
    settings: DiscoverySettings,
    known: ReadonlyMap<NodeId, Ip>,
    dependencies: AgentDiscoveryDependencies,
  ) {
    this.#agent = agent;
    this.#dependencies = dependencies;
    this.#node = id;
    this.#settings = settings;
    this.#addresses = known;
    this.#clients = createAwsClients({ region, topicArn: null });
    this.#search = new PeerDiscovery(optionsOf(agent.config, settings, id), known, {
      ask: (tag) =>
        readTagged(
          this.#clients,
          tag,
          contextFor(ASK_TIMEOUT_MS, (request) =>
            tell(agent, { kind: 'cloud-requests', address: null, requests: [request] }),
          ),
        ),
      isSilent: (peer) => isSilent(agent, peer),
      onFound: (addresses) => this.#take(addresses),
      onNews: (news) => tellDiscovery(agent.log, news),
      monotonicMs: () => agent.clock.monotonicMs(),
      later: (ms, work) => {
        const timer = setTimeout(work, ms).unref();
        return () => clearTimeout(timer);
      },
      random: Math.random,
    });
  }

  /** Of each peer that is looked for, by the last answer. */
  get states(): PeerDiscovery['states'] {
    return this.#search.states;
  }

  start(): void {
    this.#search.start();
  }

  /** A peer has fallen silent. */
  peerSilent(peer: NodeId): void {
    this.#search.peerSilent(peer);
  }

  /** What the file says now, with what was found where it still holds. */
  reconfigured(config: AgentConfig): AgentConfig {
    const { discovery } = config;
    if (discovery === null) return config;
    if (discovery.tag !== this.#settings.tag) this.#addresses = new Map();
    this.#settings = discovery;
    this.#search.reconfigure(optionsOf(config, discovery, this.#node), this.#addresses);
    return withFound(config, urlsAt(this.#addresses, discovery));
  }

  close(): void {
    this.#search.close();
    this.#clients.close();
  }

  #take(addresses: ReadonlyMap<NodeId, Ip>): void {
    const agent = this.#agent;
    if (agent.ending || agent.running === null) return;
    this.#addresses = addresses;
    agent.config = withFound(agent.config, urlsAt(addresses, this.#settings));
    agent.running.adapters.relocate(agent.config);
    this.#written = this.#written.then(() => this.#keep(addresses));
  }

  /** What isn't kept is found again, or isn't, after the next start. */
  async #keep(addresses: ReadonlyMap<NodeId, Ip>): Promise<void> {
    const agent = this.#agent;
    const told = (code: string): void =>
      agent.log.tell('warn', 'discovery', `where the peers are could not be kept: ${code}`, { code });
    try {
      const code = await this.#dependencies.mayWrite();
      if (code !== null) return told(code);
      await writeFoundPeers(whoseOf(agent.config, this.#settings), addresses);
    } catch (error) {
      told(errnoOf(error));
    }
  }
}

/** With the addresses that were last found filled in; null where nothing is to be found. */
export async function openDiscovery(
  agent: AgentParts,
  identity: Pick<Identity, 'id' | 'region'>,
  dependencies: AgentDiscoveryDependencies,
): Promise<AgentDiscovery | null> {
  const { discovery } = agent.config;
  if (discovery === null) return null;
  const known = await readFoundPeers(whoseOf(agent.config, discovery), readFileBounded);
  agent.config = withFound(agent.config, urlsAt(known, discovery));
  return new AgentDiscovery(agent, identity, discovery, known, dependencies);
}

function whoseOf({ stateDir, cluster }: AgentConfig, { tag }: DiscoverySettings): FoundPeersOf {
  return { stateDir, cluster, tag };
}

function optionsOf(config: AgentConfig, { tag }: DiscoverySettings, self: NodeId): DiscoveryOptions {
  const configured = new Set([self, ...config.peers.map(({ id }) => id)]);
  return { tag, sought: soughtIn(config, self), configured };
}

function isSilent({ running }: AgentParts, peer: NodeId): boolean {
  return running?.host.state().peers[peer]?.state !== 'alive';
}
