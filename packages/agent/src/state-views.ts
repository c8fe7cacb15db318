/**
 * What the API and systemd show of a running agent, and of one that is still starting.
 */
import {
  type Instant,
  type Ip,
  isHolder,
  type NodeId,
  ownReadiness,
  readyView,
  type State,
  statusOf,
  whyOf,
} from '@failtome/protocol';
import type { FastifyInstance } from 'fastify';
import type { DiscoveryState } from './adapters/peer-discovery.ts';
import type { Identities } from './auth/identities.ts';
import type { HistoryLine } from './history-line.ts';
import { type ClusterStatus, HISTORY_OF_REPORT } from './http/cluster-view.ts';
import {
  type AdvisedWhy,
  type AgentStatus,
  advisedAddress,
  advisedWhy,
  type NodeReport,
  type StoreView,
} from './http/node-report.ts';
import { refuse } from './http/refusals.ts';
import type { Views } from './http/view-routes.ts';
import { gaugeView } from './observe/gauges.ts';
import type { Metrics } from './observe/metrics.ts';
import type { RecorderCounts } from './observe/recorder.ts';
import { openApiText } from './openapi-text.ts';
import type { Certificate } from './tls/certificate.ts';

/** What the views are made from, at each moment anew. */
export interface ViewSources {
  /** Null until the host runs; the API asks only for what can be told without it. */
  readonly state: () => State | null;
  /** Why the host doesn't run yet. */
  readonly waitingFor: () => string;
  readonly now: () => Instant;
  readonly addresses: () => readonly Ip[];
  /** Newest first. */
  readonly history: () => readonly HistoryLine[];
  /** Where each peer's API is. */
  readonly peerUrls: () => ReadonlyMap<NodeId, string>;
  readonly identities: () => Identities;
  /** Null: the API speaks plain HTTP. */
  readonly certificate: () => Certificate | null;
  /** Of what has to be the same on every node. */
  readonly configDigest: () => string;
  /** Null: nothing is recorded. */
  /** Of each peer that has to be found; null: none has. */
  readonly discovered: () => ReadonlyMap<NodeId, DiscoveryState> | null;
  readonly recorded: () => RecorderCounts | null;
  /** Null: there is no store. */
  readonly relay: () => StoreView | null;
  readonly metrics: Pick<Metrics, 'render' | 'showRecorder' | 'showRelay' | 'showDiscovery'>;
}

/** What of the agent's views is made of others. */
export interface ClusterSource {
  /** Asks the peers. */
  readonly cluster: () => Promise<ClusterStatus>;
}

/** The views of the API, each taken from the state at the moment it is asked for. */
export function createViews(sources: ViewSources, { cluster }: ClusterSource): Views {
  const { now, addresses, history, metrics } = sources;
  return {
    addresses,
    history,
    cluster,
    status: () => agentStatus(sources),
    report: () => nodeReport(sources),
    why: (ip) => advisedWhyOf(sources, ip),
    isHolder: (ip) => isHolder(presentState(sources), ip),
    openApi: openApiText,
    ready() {
      const present = sources.state();
      return present === null ? { ready: false, reason: sources.waitingFor() } : readyView(present);
    },
    metrics() {
      const present = sources.state();
      metrics.showRecorder(sources.recorded());
      metrics.showDiscovery(sources.discovered());
      metrics.showRelay(sources.relay()?.peers ?? null);
      return metrics.render(present === null ? null : gaugeView(present, now(), sources.identities().mode));
    },
  };
}

/** What `/v1/status` answers. */
export function agentStatus(sources: ViewSources): AgentStatus {
  const status = statusOf(presentState(sources), sources.now());
  const urls = sources.peerUrls();
  const identities = sources.identities();
  const certificate = sources.certificate();
  return {
    ...status,
    addresses: status.addresses.map(advisedAddress),
    auth: identities.mode,
    identity: identities.own?.publicKey.id ?? null,
    configDigest: sources.configDigest(),
    peers: status.peers.map((peer) => ({
      ...peer,
      url: urls.get(peer.id) ?? null,
      identities: identities.keyIdsOf(peer.id),
    })),
    store: sources.relay(),
    tls: certificate === null ? null : { validUntil: certificate.notAfter },
  };
}

/** The status, with every ladder and the newest of the history. */
export function nodeReport(sources: ViewSources): NodeReport {
  return {
    ...agentStatus(sources),
    decisions: Object.keys(presentState(sources).addresses).map((ip) => advisedWhyOf(sources, ip)),
    history: sources.history().slice(0, HISTORY_OF_REPORT),
  };
}

function advisedWhyOf(sources: ViewSources, ip: Ip): AdvisedWhy {
  const view = whyOf(presentState(sources), ip, sources.now());
  if (view === null) throw new Error(`${ip} is configured, and the protocol does not know it`);
  return advisedWhy(view);
}

function presentState({ state }: Pick<ViewSources, 'state'>): State {
  const present = state();
  if (present === null) throw new Error('asked for the state before there is one');
  return present;
}

/** Answered from the first moment on. */
const ALWAYS_ANSWERED: ReadonlySet<string> = new Set(['/livez', '/readyz', '/metrics', '/openapi.json']);

/** Until the host runs there is nothing to show, and nobody to hand a message to: all else is answered 503. */
export function answerWhileStarting(
  server: FastifyInstance,
  { state, waitingFor }: Pick<ViewSources, 'state' | 'waitingFor'>,
): void {
  server.addHook('onRequest', async (request, reply) => {
    if (state() !== null || ALWAYS_ANSWERED.has(request.url.split('?')[0] ?? '')) return;
    await refuse(reply, 503, 'starting', waitingFor());
  });
}

/** What `systemctl status` shows. */
export function statusLine(state: State | null, waitingFor: string): string {
  if (state === null) return `starting: ${waitingFor}`;
  const held = Object.keys(state.addresses).filter((ip) => isHolder(state, ip));
  const holds = held.length === 0 ? 'holds no address' : `holds ${held.join(', ')}`;
  const { word, because } = ownReadiness(state);
  switch (word) {
    case 'ready':
      return `${holds}; ready to take over`;
    case 'not-ready':
      return `${holds}; not ready to take over: ${because.join('; ')}`;
    case 'holder':
      return holds;
    case 'witness':
    case 'member':
      return `a ${word}: takes no address`;
    case 'dead':
    case 'unknown':
      return holds; // Words for peers only.
  }
}
