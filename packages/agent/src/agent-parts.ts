/** What an agent consists of, and what it knows, from its start to its end. */
import { AssertionError } from 'node:assert';
import type { Fact, Host, NodeId } from '@failtome/protocol';
import { type Clock, createClock } from './adapters/clock.ts';
import type { HistoryFile } from './adapters/history-file.ts';
import { Names } from './adapters/names.ts';
import type { DiscoveryState } from './adapters/peer-discovery.ts';
import {
  createServiceManager,
  runSystemdNotify,
  type ServiceManager,
  serviceManagerOptions,
} from './adapters/systemd.ts';
import { Apis } from './apis.ts';
import { type Identities, SHARED_KEY } from './auth/identities.ts';
import type { Secrets } from './auth/secrets.ts';
import { configDigest } from './config/config-digest.ts';
import type { LoadResult } from './config/load.ts';
import { locatedIn } from './config/located.ts';
import type { Environment } from './config/settings.ts';
import type { AgentConfig } from './config/types.ts';
import { throwUncaught } from './errors.ts';
import type { FoundIdentity } from './find-identity.ts';
import { Inbox } from './http/inbox.ts';
import type { StoreView } from './http/node-report.ts';
import { senderAt } from './http/sender.ts';
import type { HistoryRecorder } from './observe/history-recorder.ts';
import type { Log } from './observe/log.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import type { Recorder } from './observe/recorder.ts';
import type { Adapters } from './ports.ts';
import { recordingSource } from './recordings-view.ts';
import type { StateDirectory } from './state-directory.ts';
import { statusLine, type ViewSources } from './state-views.ts';
import type { Certificate } from './tls/certificate.ts';
import { CertificateKeeper } from './tls/keeper.ts';

/** The process's exit code: 0 an orderly end, 2 a configuration that can't work. */
export type ExitCode = 0 | 2;

/** What an agent is started with. */
export interface RunOptions {
  readonly config: AgentConfig;
  /** Null: the API speaks plain HTTP. */
  readonly certificate: Certificate | null;
  /** Where the configuration came from, for messages. */
  readonly file: string;
  readonly env: Environment;
  readonly version: string;
}

/** What an agent needs from its process. */
export interface RunDependencies {
  readonly log: Log;
  /** Read the configuration again. */
  readonly load: () => Promise<LoadResult>;
}

/** Something that runs only once the node knows who it is. */
export interface Running {
  readonly host: Host;
  readonly adapters: Adapters;
  readonly identity: FoundIdentity;
}

/** Where the peers are that have to be found. */
export interface Discovery {
  /** Of each of them, by the last answer. */
  readonly states: ReadonlyMap<NodeId, DiscoveryState>;
  start(): void;
  /** A peer has fallen silent. */
  peerSilent(peer: NodeId): void;
  /** What the file says now, with what was found where it still holds. */
  reconfigured(config: AgentConfig): AgentConfig;
  close(): void;
}

/** All parts of one agent. Starting, reloading and ending it work on them. */
export class AgentParts {
  readonly ended: Promise<ExitCode>;
  readonly options: RunOptions;
  readonly log: Log;
  readonly load: RunDependencies['load'];
  readonly directory: StateDirectory;
  /** These two are null until it is known whose history it must be. */
  history: HistoryFile | null = null;
  historyRecorder: HistoryRecorder | null = null;
  /** Null until the node knows who it is, and where nothing is to be recorded. */
  recorder: Recorder | null = null;
  readonly metrics: Metrics;
  readonly clock: Clock = createClock();
  readonly names: Names;
  readonly inbox: Inbox;
  readonly apis: Apis;
  readonly service: ServiceManager;
  /** Aborted as soon as a stop is asked for. */
  readonly stopping: AbortController = new AbortController();
  /** Ends the promise `ended`. */
  resolveEnded: (code: ExitCode) => void = () => undefined;
  /** As the file has it, with where the peers are as far as that was found. */
  config: AgentConfig;
  secrets: Secrets;
  readonly certificates: CertificateKeeper;
  /** Nobody is heard before it is known who this node is. */
  identities: Identities = SHARED_KEY;
  /** Null until the node knows who it is, and where every peer has its URL. */
  discovery: Discovery | null = null;
  /** Null until the node knows who it is. */
  running: Running | null = null;
  /** Why it isn't ready, as long as nothing runs. */
  waitingFor = 'the API is not listening yet';
  /** Whether the service manager and the log know that it is ready. */
  toldReady = false;
  /** Ends the watch for notices that this instance is about to end. */
  stopWatching: () => void = () => undefined;
  /** A stop was asked for; what the node holds may have to be handed over first. */
  leaving = false;
  /** Nothing is begun any more. */
  ending = false;

  constructor(
    options: RunOptions,
    dependencies: RunDependencies,
    opened: { readonly secrets: Secrets; readonly directory: StateDirectory },
  ) {
    this.options = options;
    this.log = dependencies.log;
    this.load = dependencies.load;
    this.directory = opened.directory;
    this.secrets = opened.secrets;
    this.config = options.config;
    this.metrics = createMetrics({ version: options.version });
    this.certificates = new CertificateKeeper(options.certificate, {
      now: Date.now,
      tell: (level, text, fields) => this.log.tell(level, 'certificate', text, fields),
      show: (notAfter) => this.metrics.showCertificate(notAfter),
    });
    this.names = new Names({ monotonicMs: () => this.clock.monotonicMs() });
    this.inbox = new Inbox({}, { post: (event) => this.running?.host.post(event) });
    this.apis = createApis(this);
    this.service = createServiceManager(serviceManagerOptions(options.env, process.pid), {
      notify: runSystemdNotify,
      status: () => statusLine(this.running?.host.state() ?? null, this.waitingFor),
      onFault: (detail) => this.log.tell('warn', 'service-manager', `systemd could not be told: ${detail}`),
    });
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
  }
}

/** Something that no step of the protocol told, in the same words. */
export function tell(agent: AgentParts, fact: Fact): void {
  agent.log.observe([fact], agent.clock.now().at);
  agent.metrics.observe([fact]);
}

function storeView({ config, running }: AgentParts): StoreView | null {
  const view = running?.adapters.relayView() ?? null;
  return view === null || config.store === null ? null : { kind: config.store.kind, ...view };
}

function createApis(agent: AgentParts): Apis {
  const sources: ViewSources = {
    state: () => agent.running?.host.state() ?? null,
    waitingFor: () => agent.waitingFor,
    now: () => agent.clock.now(),
    addresses: () => agent.config.addresses.map(({ ip }) => ip),
    history: () => agent.history?.newest() ?? [],
    peerUrls: () => new Map(locatedIn(agent.config.peers).map(({ id, url }) => [id, url])),
    identities: () => agent.identities,
    certificate: () => agent.certificates.current,
    configDigest: () => configDigest(agent.config, agent.running?.identity.id ?? ''),
    discovered: () => agent.discovery?.states ?? null,
    recorded: () => agent.recorder?.counts ?? null,
    relay: () => storeView(agent),
    metrics: agent.metrics,
  };
  return new Apis(agent.config.api, {
    sources,
    recordings: recordingSource(agent),
    config: () => agent.config,
    nodeId: () => agent.running?.identity.id ?? null,
    keys: () => agent.secrets.keyFile.keys,
    identities: () => agent.identities,
    tokens: () => agent.secrets.tokenFile.tokens,
    certificate: () => agent.certificates.current,
    inbox: agent.inbox,
    onRejected: (reason, address) =>
      tell(agent, { kind: 'rejected', reason, from: senderAt(address, agent.config.peers) }),
    onFault: (error) => {
      agent.log.tell('error', 'api-fault', error.message, { stack: error.stack });
      // An answer is all that the API makes of an error in it, and a broken invariant ends the agent, wherever it was found.
      if (error instanceof AssertionError) throwUncaught(error);
    },
  });
}
