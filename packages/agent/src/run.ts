/**
 * The agent: from its configuration to a node that runs, and to its orderly end.
 *
 * The API listens first, so that health checks have an answer while identity and state are still
 * being found; then the host loop starts, with the adapters of `ports.ts`.
 */
import { randomBytes, randomInt } from 'node:crypto';
import {
  counted,
  createHost,
  type DurationMs,
  decodeDocument,
  type Fact,
  type Host,
  type Instant,
  isFinishingMove,
  readyView,
  type State,
  type StorageState,
} from '@failtome/protocol';
import { type Clock, createClock } from './adapters/clock.ts';
import { HistoryFile } from './adapters/history-file.ts';
import { Names } from './adapters/names.ts';
import { loadState } from './adapters/store.ts';
import {
  createServiceManager,
  runSystemdNotify,
  type ServiceManager,
  serviceManagerOptions,
} from './adapters/systemd.ts';
import { Apis } from './apis.ts';
import { type Identities, SHARED_KEY } from './auth/identities.ts';
import { readSecrets, type Secrets } from './auth/secrets.ts';
import { identityFaults } from './config/electorate.ts';
import { formatFault } from './config/fault.ts';
import type { LoadResult } from './config/load.ts';
import type { Environment } from './config/settings.ts';
import { toProtocolConfig } from './config/to-protocol.ts';
import type { AgentConfig } from './config/types.ts';
import { type FoundIdentity, findIdentity } from './find-identity.ts';
import { Inbox } from './http/inbox.ts';
import { senderAt } from './http/sender.ts';
import { tellCredentials } from './observe/credentials-news.ts';
import { HistoryRecorder } from './observe/history-recorder.ts';
import { identitiesOf, tellSecrets } from './observe/key-news.ts';
import type { Log } from './observe/log.ts';
import { createMetrics, type Metrics } from './observe/metrics.ts';
import { Adapters } from './ports.ts';
import { judgeReload } from './reload.ts';
import { StateDirectory } from './state-directory.ts';
import { statusLine, type ViewSources } from './state-views.ts';
import type { Certificate } from './tls/certificate.ts';
import { CertificateKeeper } from './tls/keeper.ts';

/** A goodbye takes no longer, unless a move has to be finished. */
const GOODBYE_WITHIN_MS: DurationMs = 4000;

/** How often an overdue stop looks whether the move has been finished. */
const MOVE_POLL_MS: DurationMs = 200;

/** What is being written, and connections, get this long to end. */
const CLOSE_WITHIN_MS: DurationMs = 500;

/** Credentials and first connections; nothing waits for it. */
const WARM_TIMEOUT_MS: DurationMs = 10_000;

/** The process's exit code: 0 an orderly end, 2 a configuration that can't work. */
export type ExitCode = 0 | 2;

export interface RunOptions {
  readonly config: AgentConfig;
  /** Null: the API speaks plain HTTP. */
  readonly certificate: Certificate | null;
  /** Where the configuration came from, for messages. */
  readonly file: string;
  readonly env: Environment;
  readonly version: string;
}

export interface RunDependencies {
  readonly log: Log;
  /** Read the configuration again. */
  readonly load: () => Promise<LoadResult>;
}

export interface RunningAgent {
  /** Where the API listens; the port that was given where 0 was asked for. */
  readonly listening: { readonly host: string; readonly port: number };
  readonly ended: Promise<ExitCode>;
  /** Say goodbye, finish or abandon what is under way, and end. */
  stop(): void;
  /** Decide nothing any more, from this moment on: for a process that is about to end. */
  abandon(): void;
  /** Take over a changed configuration, or refuse it and say why in the log. */
  reload(): Promise<void>;
}

/**
 * Start an agent. Resolves when its API listens; the rest of the start goes on, and `/readyz` says how far it is.
 *
 * @throws AgentError when the key can't be read, another agent uses the state directory, or the API can't listen
 */
export async function runAgent(options: RunOptions, dependencies: RunDependencies): Promise<RunningAgent> {
  const { config } = options;
  const { log } = dependencies;
  const read = await readSecrets(config);
  if (read.kind === 'faulty') throw read.faults[0].error;
  const { secrets } = read;
  // Before anything in it is looked at: another agent may be writing there.
  const directory = await StateDirectory.claim(config.stateDir);
  if (directory.unprotected !== null) log.tell('warn', 'state-directory', directory.unprotected);
  tellSecrets(log, secrets);
  const agent = new Agent(options, dependencies, { secrets, directory });
  try {
    await agent.open();
  } catch (error) {
    await directory.release();
    throw error;
  }
  return agent;
}

/** Something that runs only once the node knows who it is. */
interface Running {
  readonly host: Host;
  readonly adapters: Adapters;
  readonly identity: FoundIdentity;
}

class Agent implements RunningAgent {
  readonly ended: Promise<ExitCode>;
  readonly #options: RunOptions;
  readonly #log: Log;
  readonly #load: RunDependencies['load'];
  readonly #directory: StateDirectory;
  /** These two are null until it is known whose history it must be. */
  #history: HistoryFile | null = null;
  #historyRecorder: HistoryRecorder | null = null;
  readonly #metrics: Metrics;
  readonly #clock: Clock = createClock();
  readonly #names: Names;
  readonly #inbox: Inbox;
  readonly #apis: Apis;
  readonly #service: ServiceManager;
  readonly #stopping = new AbortController();
  #resolveEnded: (code: ExitCode) => void = () => undefined;
  #config: AgentConfig;
  #secrets: Secrets;
  readonly #certificates: CertificateKeeper;
  /** Nobody is heard before it is known who this node is. */
  #identities: Identities = SHARED_KEY;
  #running: Running | null = null;
  /** Why it isn't ready, as long as nothing runs. */
  #waitingFor = 'the API is not listening yet';
  #toldReady = false;
  #ending = false;
  #reloads: Promise<void> = Promise.resolve();

  constructor(
    options: RunOptions,
    dependencies: RunDependencies,
    opened: { readonly secrets: Secrets; readonly directory: StateDirectory },
  ) {
    this.#options = options;
    this.#log = dependencies.log;
    this.#load = dependencies.load;
    this.#directory = opened.directory;
    this.#secrets = opened.secrets;
    this.#config = options.config;
    this.#metrics = createMetrics({ version: options.version });
    this.#certificates = new CertificateKeeper(options.certificate, {
      now: Date.now,
      tell: (level, text, fields) => this.#log.tell(level, 'certificate', text, fields),
      show: (notAfter) => this.#metrics.showCertificate(notAfter),
    });
    this.#names = new Names({ monotonicMs: () => this.#clock.monotonicMs() });
    this.#inbox = new Inbox({}, { post: (event) => this.#running?.host.post(event) });
    this.#apis = this.#createApis();
    this.#service = createServiceManager(serviceManagerOptions(options.env, process.pid), {
      notify: runSystemdNotify,
      status: () => statusLine(this.#running?.host.state() ?? null, this.#waitingFor),
      onFault: (detail) => this.#log.tell('warn', 'service-manager', `systemd could not be told: ${detail}`),
    });
    this.ended = new Promise((resolve) => {
      this.#resolveEnded = resolve;
    });
  }

  get listening(): RunningAgent['listening'] {
    return this.#apis.listening;
  }

  /** @throws AgentError */
  async open(): Promise<void> {
    await this.#apis.open();
    const { host, port } = this.listening;
    this.#log.tell('info', 'api-listening', `the API listens on ${host}:${port}`, { host, port });
    const { observing } = this.#apis;
    if (observing !== null) {
      const text = `the reading routes are on ${observing.host}:${observing.port}`;
      this.#log.tell('info', 'api-listening', text, { ...observing });
    }
    this.#waitingFor = 'finding out who this node is';
    // An error in there is a fault of this program, and must end the process.
    void this.#begin();
  }

  stop(): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#service.stopping();
    if (this.#running === null) return this.#end(0);
    setTimeout(() => this.#endWhenIdle(), GOODBYE_WITHIN_MS);
    this.#running.host.post({ kind: 'stop' });
  }

  abandon(): void {
    this.#ending = true;
    this.#stopping.abort();
    this.#running?.host.close();
  }

  reload(): Promise<void> {
    this.#reloads = this.#reloads.then(async () => {
      if (this.#toldReady) this.#service.reloading();
      await this.#reload();
      if (this.#toldReady) this.#service.ready();
    });
    return this.#reloads;
  }

  async #begin(): Promise<void> {
    const found = await this.#findIdentityAndState();
    if (found === null) return;
    const { identity, state } = found;
    const faults = identityFaults(this.#config, identity.id);
    for (const fault of faults)
      this.#log.tell('error', 'configuration', formatFault(fault, this.#options.file));
    if (faults.length > 0) return this.#end(2);
    if (state.problem !== null) this.#log.tell('error', 'state-directory', state.problem.message);
    this.#log.bind({ node: identity.id, cluster: this.#config.cluster });
    this.#log.tell('info', 'identity', `this node is ${identity.id}`, {
      instanceId: identity.instanceId,
      region: identity.region,
    });
    const config = toProtocolConfig(this.#config, identity, this.#options.version);
    this.#metrics.configure(config);
    this.#identities = identitiesOf(this.#config, this.#secrets, identity.id, this.#log);
    const adapters = this.#createAdapters(identity);
    const host = createHost(
      config,
      adapters.ports({
        observer: { observe: (facts, after, now) => this.#observe(facts, after, now) },
        stopped: () => this.#end(0),
      }),
    );
    this.#running = { host, adapters, identity };
    host.post({
      kind: 'started',
      session: randomBytes(8).toString('base64url'),
      seed: randomInt(1, 2 ** 31 - 1),
      storage: this.#judged(state.storage),
    });
    await this.#warm(adapters);
  }

  /** The state directory isn't signed, and what operators have ordered is. */
  #judged(storage: StorageState): StorageState {
    if (storage.kind !== 'loaded') return storage;
    return { kind: 'loaded', document: this.#identities.orders.judgedState(storage.document) };
  }

  /** Null when the agent was stopped meanwhile. */
  async #findIdentityAndState() {
    const signal = this.#stopping.signal;
    const onMissing = (reason: string) => {
      this.#waitingFor = reason;
      this.#log.tell('warn', 'identity-missing', reason);
    };
    const { cluster, stateDir } = this.#config;
    const identity = await findIdentity(this.#config, {
      env: this.#options.env,
      names: this.#names,
      signal,
      onMissing,
    });
    if (identity === null || signal.aborted) return null;
    const state = await loadState({ stateDir, cluster, node: identity.id }, { decode: decodeDocument });
    this.#history = await this.#openHistory(state.storage.kind === 'foreign');
    this.#historyRecorder = new HistoryRecorder(this.#history);
    return signal.aborted ? null : { identity, state };
  }

  async #openHistory(foreign: boolean): Promise<HistoryFile> {
    const { stateDir } = this.#config;
    const failed = (code: string, path: string): void =>
      this.#log.tell('warn', 'history', `${path} could not be used: ${code}`);
    const history = await HistoryFile.open({ stateDir, foreign }, { failed });
    if (history.skipped > 0)
      this.#log.tell('warn', 'history', `${counted(history.skipped, 'line')} could not be read`);
    return history;
  }

  /** The code with which a write fails; the process ends where another has come by the directory. */
  async #mayWrite(): Promise<string | null> {
    const code = await this.#directory.mayWrite();
    const { taken } = this.#directory;
    if (taken !== null && !this.#ending) {
      this.#log.tell('error', 'state-directory', taken.message);
      this.#end(2);
    }
    return code;
  }

  #createAdapters(identity: FoundIdentity): Adapters {
    return new Adapters(
      {
        config: this.#config,
        identity,
        keys: this.#secrets.keyFile.keys,
        identities: this.#identities,
        clients: identity.clients,
        certificate: this.#certificates.current,
      },
      {
        clock: this.#clock,
        names: this.#names,
        post: (event) => this.#running?.host.post(event),
        reply: (effect) => this.#inbox.reply(effect),
        mayWrite: () => this.#mayWrite(),
        logStderr: (operation, text) =>
          this.#log.tell('warn', 'driver-output', `${operation}: ${text}`, { operation }),
        onCertificate: (peer, refusal) =>
          refusal === null
            ? this.#log.tell('info', 'certificate', `${peer} proves over TLS who it is`, { peer })
            : this.#log.tell('error', 'certificate', `${peer} is not spoken to: ${refusal}`, { peer }),
        logCredentials: (news) => tellCredentials(this.#log, news),
      },
    );
  }

  async #warm(adapters: Adapters): Promise<void> {
    const requests = await adapters.warm(WARM_TIMEOUT_MS);
    if (requests.length === 0) return;
    this.#tell({ kind: 'cloud-requests', address: null, requests });
    const failed = requests.find(({ result }) => result !== 'ok');
    if (failed === undefined)
      this.#log.tell('info', 'warmed', 'credentials and connections to the cloud are ready');
    else
      this.#log.tell(
        'warn',
        'warmed',
        `${failed.service} ${failed.operation}: ${failed.code ?? failed.result}`,
      );
  }

  #observe(facts: readonly Fact[], state: State, now: Instant): void {
    this.#log.observe(facts, now.at);
    this.#metrics.observe(facts);
    this.#historyRecorder?.observe(facts, state, now);
    if (this.#toldReady || !readyView(state).ready) return;
    this.#toldReady = true;
    this.#log.tell('info', 'agent-ready', 'ready: the address and the own HAProxy have been looked at');
    this.#service.ready();
  }

  /** Something that no step of the protocol told, in the same words. */
  #tell(fact: Fact): void {
    this.#log.observe([fact], this.#clock.now().at);
    this.#metrics.observe([fact]);
  }

  #createApis(): Apis {
    const sources: ViewSources = {
      state: () => this.#running?.host.state() ?? null,
      waitingFor: () => this.#waitingFor,
      now: () => this.#clock.now(),
      addresses: () => this.#config.addresses.map(({ ip }) => ip),
      history: () => this.#history?.newest() ?? [],
      peerUrls: () => new Map(this.#config.peers.map(({ id, url }) => [id, url])),
      identities: () => this.#identities,
      certificate: () => this.#certificates.current,
      metrics: this.#metrics,
    };
    return new Apis(this.#config.api, {
      sources,
      config: () => this.#config,
      nodeId: () => this.#running?.identity.id ?? null,
      keys: () => this.#secrets.keyFile.keys,
      identities: () => this.#identities,
      tokens: () => this.#secrets.tokenFile.tokens,
      certificate: () => this.#certificates.current,
      inbox: this.#inbox,
      onRejected: (reason, address) =>
        this.#tell({ kind: 'rejected', reason, from: senderAt(address, this.#config.peers) }),
      onFault: (error) => this.#log.tell('error', 'api-fault', error.message, { stack: error.stack }),
    });
  }

  async #reload(): Promise<void> {
    if (this.#running === null) {
      return this.#log.tell(
        'error',
        'reload-refused',
        'still starting: send the signal again when it is ready',
      );
    }
    const { host, adapters, identity } = this.#running;
    // Whatever becomes of the file: new credentials are often why the signal is sent.
    void adapters.renewCredentials();
    const { file, version } = this.#options;
    const present = {
      ...{ config: this.#config, id: identity.id, file, state: () => host.state() },
      certificate: this.#certificates.current,
    };
    const judged = await judgeReload(await this.#load(), present);
    if (judged.kind === 'refused') {
      for (const line of judged.lines) this.#log.tell('error', 'reload-refused', line);
      return;
    }
    if (this.#ending) return;
    const { config, secrets, certificate, warnings } = judged;
    this.#config = config;
    this.#secrets = secrets;
    for (const warning of warnings) this.#log.tell('warn', 'configuration', warning);
    tellSecrets(this.#log, secrets);
    this.#identities = identitiesOf(config, secrets, identity.id, this.#log);
    this.#log.setLevel(config.log.level);
    if (this.#certificates.replace(certificate) && certificate !== null) this.#apis.renew(certificate);
    adapters.reconfigure(config, secrets.keyFile.keys, this.#identities, this.#certificates.current);
    const next = toProtocolConfig(config, identity, version);
    this.#metrics.configure(next);
    const disproved = this.#identities.orders.disprovedIn(host.state());
    host.post({ kind: 'configured', config: next, disproved });
  }

  #endWhenIdle(): void {
    if (this.#ending) return;
    if (this.#running !== null && isFinishingMove(this.#running.host.state())) {
      setTimeout(() => this.#endWhenIdle(), MOVE_POLL_MS);
      return;
    }
    this.#log.tell(
      'warn',
      'stop-overdue',
      `the goodbye took longer than ${GOODBYE_WITHIN_MS} ms; ending without`,
    );
    this.#end(0);
  }

  #end(code: ExitCode): void {
    if (this.#ending) return;
    this.#ending = true;
    this.#stopping.abort();
    void this.#close().then(() => {
      this.#log.tell('info', 'agent-stopped', 'stopped');
      this.#resolveEnded(code);
    });
  }

  async #close(): Promise<void> {
    this.#certificates.close();
    this.#running?.host.close();
    const settled = [this.#history?.settled(), this.#service.close(), this.#running?.adapters.settled()];
    await within(CLOSE_WITHIN_MS, Promise.all(settled));
    this.#running?.adapters.close();
    await within(CLOSE_WITHIN_MS, this.#apis.close());
    await this.#directory.release();
  }
}

/** Wait for it, but no longer than this. */
async function within(limitMs: DurationMs, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
