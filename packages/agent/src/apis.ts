/** The agent's listeners: its API, and beside it one for the reading routes alone where `api.observe` asks for it. */
import type { KeyObject } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { MonotonicMs, NodeId } from '@failtome/protocol';
import type { FastifyInstance } from 'fastify';
import { PeerReads } from './adapters/peer-reads.ts';
import type { Identities } from './auth/identities.ts';
import type { ClusterKeys } from './auth/keys.ts';
import type { Tokens } from './auth/tokens.ts';
import { httpUrl } from './config/http-url.ts';
import type { Endpoint } from './config/kinds.ts';
import { locatedIn } from './config/located.ts';
import type { AgentConfig, TlsSettings } from './config/types.ts';
import { AgentError } from './errors.ts';
import { ClusterView } from './http/cluster-view.ts';
import { EVENT_STREAMS, EventStreams, type NodeEvent } from './http/event-streams.ts';
import type { Readers } from './http/readers.ts';
import type { RecordingSource } from './http/recording-routes.ts';
import { isPeerAt } from './http/sender.ts';
import { createServer, type ServerDependencies } from './http/server.ts';
import { renewCertificate, reviewConnections } from './http/tls-server.ts';
import {
  agentStatus,
  answerWhileStarting,
  createViews,
  nodeReport,
  type ViewSources,
} from './state-views.ts';
import type { Certificate } from './tls/certificate.ts';

/** What the API shows and whom it asks, at each moment anew. */
export interface ApisDependencies extends Pick<ServerDependencies, 'inbox' | 'onRejected' | 'onFault'> {
  /** The configuration, its keys and its tokens of this moment. */
  readonly config: () => AgentConfig;
  /** Null: not known yet. */
  readonly nodeId: () => NodeId | null;
  readonly keys: () => ClusterKeys;
  readonly identities: () => Identities;
  readonly tokens: () => Tokens;
  /** At this moment; null: plain HTTP. */
  readonly certificate: () => Certificate | null;
  readonly sources: ViewSources;
  readonly recordings: RecordingSource;
}

interface Listener {
  readonly key: 'api.listen' | 'api.observe';
  readonly at: Endpoint;
  readonly server: FastifyInstance;
}

/** The listeners of one agent: the API, and the reading routes where they have an address of their own. */
export class Apis {
  readonly #main: Listener;
  readonly #observe: Listener | null;
  readonly #reads: PeerReads;
  readonly #streams: EventStreams;

  constructor({ listen, observe, tls }: AgentConfig['api'], dependencies: ApisDependencies) {
    const { inbox, onRejected, onFault, keys, identities, config, sources } = dependencies;
    this.#reads = peerReadsOf(dependencies);
    const cluster = clusterViewOf(this.#reads, sources);
    this.#streams = new EventStreams(EVENT_STREAMS, {
      status: () => agentStatus(sources),
      cluster: () => cluster.get(),
      monotonicMs,
      onCut: (address) => onRejected('too-slow', address),
    });
    const serve = (serves: 'everything' | 'reading routes'): FastifyInstance => {
      const server = createServer(
        { serves },
        {
          ...{ keys, identities, inbox, onRejected, onFault },
          receiver: () => ({ cluster: config().cluster, node: dependencies.nodeId() }),
          views: createViews(sources, { cluster: () => cluster.get() }),
          recordings: dependencies.recordings,
          streams: this.#streams,
          isPeerAddress: (address) => isPeerAt(address, config().peers),
          readers: () => readersOf(serves, dependencies),
          ...tlsOf(serves, tls, dependencies),
        },
      );
      answerWhileStarting(server, sources);
      return server;
    };
    this.#main = { key: 'api.listen', at: listen, server: serve('everything') };
    this.#observe =
      observe === null ? null : { key: 'api.observe', at: observe, server: serve('reading routes') };
  }

  /** Where the API listens; the port that was given where 0 was asked for. */
  get listening(): Endpoint {
    return whereOf(this.#main);
  }

  /** Where the reading routes are besides; null: nowhere. */
  get observing(): Endpoint | null {
    return this.#observe === null ? null : whereOf(this.#observe);
  }

  /** @throws AgentError */
  async open(): Promise<void> {
    await open(this.#main);
    if (this.#observe !== null) await open(this.#observe);
  }

  /** Show another certificate from now on. Connections that are there stay as they are. */
  renew(certificate: Certificate): void {
    for (const listener of [this.#main, this.#observe])
      if (listener !== null) renewCertificate(listener.server.server, certificate);
  }

  /** Keys, authorities or settings may have changed: let go who wouldn't be let in any more. */
  review(): void {
    for (const listener of [this.#main, this.#observe])
      if (listener !== null) reviewConnections(listener.server.server);
  }

  /** Tell it to whoever watches. */
  tell(event: NodeEvent): void {
    this.#streams.tell(event);
  }

  /** Something has changed that whoever watches waits for. */
  hurry(): void {
    this.#streams.hurry();
  }

  async close(): Promise<void> {
    this.#reads.close();
    await Promise.all([this.#main.server.close(), this.#observe?.server.close()]);
  }
}

const monotonicMs = (): MonotonicMs => performance.now();

function peerReadsOf({ config, nodeId, keys, certificate }: ApisDependencies): PeerReads {
  return new PeerReads({
    peers: () => locatedIn(config().peers).filter(({ id }) => id !== nodeId()),
    keys,
    certificate,
    wallMs: Date.now,
  });
}

function clusterViewOf(reads: PeerReads, sources: ViewSources): ClusterView {
  return new ClusterView({
    report: () => nodeReport(sources),
    read: (id, path, bounds) => reads.read(id, path, bounds),
    monotonicMs,
    wait: (ms) => wait(ms, null, { ref: false }),
  });
}

function whereOf({ at, server }: Listener): Endpoint {
  const address = server.server.address();
  return { host: at.host, port: typeof address === 'object' && address !== null ? address.port : at.port };
}

async function open({ key, at, server }: Listener): Promise<void> {
  try {
    await server.listen({ ...at }); // a copy: Fastify adds to it
  } catch (error) {
    const cause = error instanceof Error ? error.message : String(error);
    const where = `${at.host}:${at.port}`;
    throw new AgentError('API_NOT_LISTENING', `${key}: cannot listen on ${where}: ${cause}`, 'fatal', error);
  }
}

/** Monitors and browsers have no certificate of their own: only the messages' listener may ask for one. */
function tlsOf(
  serves: 'everything' | 'reading routes',
  tls: TlsSettings | null,
  { certificate: current, config }: ApisDependencies,
): Pick<ServerDependencies, 'tls'> {
  const first = current();
  if (tls === null || first === null) return {};
  const certificate = (): Certificate => current() ?? first;
  const peerKeys = (): readonly KeyObject[] =>
    config().peers.flatMap(({ publicKeys }) => publicKeys.map(({ key }) => key));
  const authorities = (): string | null => {
    const { files, options } = certificate();
    return files.caFile === null ? null : String(options.ca);
  };
  if (serves === 'everything') {
    const plain = (): TlsSettings['plain'] => config().api.tls?.plain ?? 'refuse';
    return { tls: { certificate, clientAuth: tls.clientAuth, plain, peerKeys, authorities } };
  }
  return tls.observe === 'plain'
    ? {}
    : { tls: { certificate, clientAuth: 'none', plain: () => 'refuse', peerKeys, authorities } };
}

/** With a listener of their own, the reading routes beside the messages are for those who have the key. */
function readersOf(
  serves: 'everything' | 'reading routes',
  { config, nodeId, keys, tokens }: ApisDependencies,
): Readers {
  const { api, peers } = config();
  const self = nodeId();
  const own = locatedIn(peers)
    .filter(({ id }) => id === self)
    .map(({ url }) => url);
  const urls = api.advertise === null ? own : [api.advertise, ...own];
  const names = [...urls.map((url) => httpUrl(url).host), ...api.hosts, hostname()];
  return {
    read: serves === 'everything' && api.observe !== null ? 'peers' : api.read,
    tokens: tokens(),
    hosts: new Set(names.map((name) => name.toLowerCase().replace(/\.$/, ''))),
    keys: keys(),
    now: Date.now(),
  };
}
