/** How an agent starts: it finds out who it is, reads what it remembers, and lets the host loop run. */
import { randomBytes, randomInt } from 'node:crypto';
import {
  counted,
  createHost,
  type DurationMs,
  decodeDocument,
  type Fact,
  type Instant,
  type NodeId,
  readyView,
  type State,
  type StorageState,
} from '@failtome/protocol';
import { HistoryFile } from './adapters/history-file.ts';
import { type OpenStore, openStore } from './adapters/relay-stores.ts';
import { loadState } from './adapters/store.ts';
import { openDiscovery } from './agent-discovery.ts';
import { end } from './agent-end.ts';
import { type AgentParts, tell } from './agent-parts.ts';
import { openRecorder } from './agent-recorder.ts';
import { driverKindOf } from './config/driver-kinds.ts';
import { identityFaults } from './config/electorate.ts';
import { formatFault } from './config/fault.ts';
import { toProtocolConfig } from './config/to-protocol.ts';
import { AgentError } from './errors.ts';
import { type FoundIdentity, findIdentity } from './find-identity.ts';
import { tellCredentials } from './observe/credentials-news.ts';
import { HistoryRecorder, type HistoryStore } from './observe/history-recorder.ts';
import { identitiesOf } from './observe/key-news.ts';
import { tellRelay } from './observe/relay-news.ts';
import { tellWatchers } from './observe/watchers.ts';
import { type AdapterDependencies, Adapters } from './ports.ts';
import { watchNotices } from './watch-notices.ts';

/** Credentials and first connections; nothing waits for it. */
const WARM_TIMEOUT_MS: DurationMs = 10_000;

/** Run the node, once its identity and its state are known; a node that is not one of the cluster ends the agent. */
export async function startNode(agent: AgentParts): Promise<void> {
  const found = await findIdentityAndState(agent);
  if (found === null) return;
  const { identity, state } = found;
  const faults = identityFaults(agent.config, identity.id);
  for (const fault of faults)
    agent.log.tell('error', 'configuration', formatFault(fault, agent.options.file));
  if (faults.length > 0) return end(agent, 2);
  if (state.problem !== null) agent.log.tell('error', 'state-directory', state.problem.message);
  agent.log.bind({ node: identity.id, cluster: agent.config.cluster });
  agent.log.tell('info', 'identity', `this node is ${identity.id}`, {
    instanceId: identity.instanceId,
    region: identity.region,
  });
  const config = toProtocolConfig(agent.config, identity, agent.options.version);
  agent.metrics.configure(config, driverKindOf(agent.config));
  agent.identities = identitiesOf(agent.config, agent.secrets, identity.id, agent.log);
  agent.discovery = await openDiscovery(agent, identity, { mayWrite: () => mayWrite(agent) });
  const store = await openRelayStore(agent, identity);
  if (store === undefined) return end(agent, 2);
  const adapters = createAdapters(agent, identity, store);
  agent.recorder = openRecorder(agent, identity.id);
  const host = createHost(
    config,
    adapters.ports({
      observer: { observe: (facts, after, now) => observe(agent, facts, after, now) },
      stopped: () => end(agent, 0),
      ...(agent.recorder === null ? {} : { recorder: agent.recorder }),
    }),
  );
  agent.running = { host, adapters, identity };
  agent.stopWatching = watchNotices(agent, agent.running);
  host.post({
    kind: 'started',
    session: randomBytes(8).toString('base64url'),
    seed: randomInt(1, 2 ** 31 - 1),
    storage: judged(agent, state.storage),
  });
  agent.discovery?.start();
  await warm(agent, adapters);
}

/** The state directory isn't signed, and what operators have ordered is. */
function judged(agent: AgentParts, storage: StorageState): StorageState {
  if (storage.kind !== 'loaded') return storage;
  return { kind: 'loaded', document: agent.identities.orders.judgedState(storage.document) };
}

/** Null when the agent was stopped meanwhile. */
async function findIdentityAndState(agent: AgentParts) {
  const signal = agent.stopping.signal;
  const onMissing = (reason: string) => {
    agent.waitingFor = reason;
    agent.log.tell('warn', 'identity-missing', reason);
  };
  const { cluster, stateDir } = agent.config;
  const identity = await findIdentity(agent.config, {
    env: agent.options.env,
    names: agent.names,
    signal,
    onMissing,
  });
  if (identity === null || signal.aborted) return null;
  const state = await loadState({ stateDir, cluster, node: identity.id }, { decode: decodeDocument });
  agent.history = await openHistory(agent, state.storage.kind === 'foreign');
  agent.historyRecorder = new HistoryRecorder(watched(agent, agent.history));
  return signal.aborted ? null : { identity, state };
}

async function openHistory(agent: AgentParts, foreign: boolean): Promise<HistoryFile> {
  const { stateDir } = agent.config;
  const failed = (code: string, path: string): void =>
    agent.log.tell('warn', 'history', `${path} could not be used: ${code}`);
  const history = await HistoryFile.open({ stateDir, foreign }, { failed });
  if (history.skipped > 0)
    agent.log.tell('warn', 'history', `${counted(history.skipped, 'line')} could not be read`);
  return history;
}

/** Whoever watches the agent hears of each line as it is written. */
function watched(agent: AgentParts, history: HistoryFile): HistoryStore {
  return {
    newest: () => history.newest(),
    append(entry) {
      history.append(entry);
      agent.apis.tell({ event: 'history', data: entry });
    },
  };
}

/** The code with which a write fails; the process ends where another has come by the directory. */
async function mayWrite(agent: AgentParts): Promise<string | null> {
  const code = await agent.directory.mayWrite();
  const { taken } = agent.directory;
  if (taken !== null && !agent.ending) {
    agent.log.tell('error', 'state-directory', taken.message);
    end(agent, 2);
  }
  return code;
}

/** Two runs that undo what the other has written down are worse than one that has ended. */
function endForForeignState(agent: AgentParts): void {
  if (agent.ending) return;
  const text = `another agent, on another machine perhaps, has written to ${agent.config.stateDir}: give each its own directory`;
  agent.log.tell('error', 'state-directory', text);
  end(agent, 2);
}

/** Null: there is none. Undefined: it can't be opened, as the log says. */
async function openRelayStore(
  { config, log }: AgentParts,
  { region }: FoundIdentity,
): Promise<OpenStore | null | undefined> {
  if (config.store === null) return null;
  try {
    return await openStore(config.store, region);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    log.tell('error', 'configuration', `store: ${error.message}`);
    return undefined;
  }
}

/** What comes through the store, and what becomes of it. */
function relayOf(agent: AgentParts, node: NodeId): AdapterDependencies['relay'] {
  return {
    inbox: agent.inbox,
    trust: () => ({
      keys: agent.secrets.keyFile.keys,
      identities: agent.identities,
      receiver: { cluster: agent.config.cluster, node },
    }),
    onRejected: (reason, from) => tell(agent, { kind: 'rejected', reason, from }),
    onNews(news) {
      agent.metrics.observeRelay(news);
      tellRelay(agent.log, news);
    },
  };
}

function createAdapters(agent: AgentParts, identity: FoundIdentity, store: OpenStore | null): Adapters {
  return new Adapters(
    {
      config: agent.config,
      identity,
      keys: agent.secrets.keyFile.keys,
      identities: agent.identities,
      clients: identity.clients,
      webhooks: agent.secrets.webhooks,
      certificate: agent.certificates.current,
      store,
    },
    {
      clock: agent.clock,
      names: agent.names,
      post: (event) => agent.running?.host.post(event),
      reply: (effect) => agent.inbox.reply(effect),
      mayWrite: () => mayWrite(agent),
      onForeignState: () => endForForeignState(agent),
      logStderr: (operation, text) =>
        agent.log.tell('warn', 'driver-output', `${operation}: ${text}`, { operation }),
      logNotifier: (event, text) =>
        agent.log.tell('warn', 'notifier-output', `${event}: ${text}`, { notice: event }),
      onCertificate: (peer, refusal) =>
        refusal === null
          ? agent.log.tell('info', 'certificate', `${peer} proves over TLS who it is`, { peer })
          : agent.log.tell('error', 'certificate', `${peer} is not spoken to: ${refusal}`, { peer }),
      relay: relayOf(agent, identity.id),
      logCredentials: (news) => tellCredentials(agent.log, news),
    },
  );
}

async function warm(agent: AgentParts, adapters: Adapters): Promise<void> {
  const requests = await adapters.warm(WARM_TIMEOUT_MS);
  if (requests.length === 0) return;
  tell(agent, { kind: 'cloud-requests', address: null, requests });
  const failed = requests.find(({ result }) => result !== 'ok');
  if (failed === undefined)
    agent.log.tell('info', 'warmed', 'credentials and connections to the cloud are ready');
  else
    agent.log.tell(
      'warn',
      'warmed',
      `${failed.service} ${failed.operation}: ${failed.code ?? failed.result}`,
    );
}

function observe(agent: AgentParts, facts: readonly Fact[], state: State, now: Instant): void {
  agent.log.observe(facts, now.at);
  agent.metrics.observe(facts);
  agent.historyRecorder?.observe(facts, state, now);
  tellWatchers(agent.apis, facts, now);
  for (const fact of facts)
    if (fact.kind === 'peer' && fact.to !== 'alive') agent.discovery?.peerSilent(fact.peer);
  if (agent.toldReady || !readyView(state).ready) return;
  agent.toldReady = true;
  agent.log.tell('info', 'agent-ready', 'ready: the address and the own HAProxy have been looked at');
  agent.service.ready();
}
