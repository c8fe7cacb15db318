/**
 * Every node's own status, as this node could get it: `/v1/cluster`, and what the status page shows.
 *
 * The peers are asked only while somebody reads, at most so often whoever reads, all at once, each for a bounded time and a
 * bounded number of bytes. A peer that gives no answer is shown with its last one, and how old that is.
 */
import {
  counted,
  type DurationMs,
  type MonotonicMs,
  type NodeId,
  type Role,
  type WallMs,
} from '@failtome/protocol';
import type { PeerRead, PeerReadFailure, ReadBounds } from '../adapters/peer-reads.ts';
import { mergeHistories, type Story } from '../cli/history-merge.ts';
import { historyOf } from '../cli/view-rows.ts';
import type { AgentStatus, NodeReport } from './node-report.ts';

/** Between two rounds of asking. */
export const ROUND_MS: DurationMs = 1_000;
/** While an address is being failed over. */
const BUSY_ROUND_MS: DurationMs = 400;
/** A reader waits so long for the answers of a round; what comes later is shown to the next. */
const WAIT_MS: DurationMs = 700;
/** A peer that gave no answer isn't asked again for so long. */
const AGAIN_MS: DurationMs = 2_000;
/** Longer than a peer lets a reader wait for his turn. */
const READ_BOUNDS: ReadBounds = { timeoutMs: 3_000, maxBytes: 262_144 };
/** The most peers that are asked: first who votes or takes. */
export const MAX_ASKED = 16;
/** The newest entries of each node's history. */
export const HISTORY_OF_REPORT = 30;

/** What is asked of a peer. One of an earlier version answers with its status alone. */
export const REPORT_PATH = '/v1/status?with=decisions,history';

/** One node, as far as this one could get it. */
export interface ClusterNode {
  readonly id: NodeId;
  readonly role: Role;
  /** It is the node that answers. */
  readonly self: boolean;
  readonly url: string | null;
  /** What this node thinks of it; null: itself. */
  readonly state: string | null;
  /** How old `status` is here; null: there is none. */
  readonly ageMs: DurationMs | null;
  /** Why there is no newer one; null: nothing is wrong. */
  readonly failure: { readonly code: PeerReadFailure | 'not-asked'; readonly message: string } | null;
  /** What that node's own `/v1/status` says; a peer's may be of another version. */
  readonly status: unknown;
  /** What its `/v1/why` says of each address; null: it doesn't tell. */
  readonly decisions: unknown;
  /** The newest of its `/v1/history`; null: it doesn't tell. */
  readonly history: unknown;
}

/** What `GET /v1/cluster` answers. */
export interface ClusterStatus {
  readonly cluster: string;
  readonly at: WallMs;
  /** Who answers. */
  readonly node: NodeId;
  /** This node first. */
  readonly nodes: readonly ClusterNode[];
  /** The nodes' histories as one, newest first: each event once, with what others saw of it. */
  readonly stories: readonly Story[];
}

/** Who is asked, and the clocks. */
export interface ClusterViewDependencies {
  /** Of this node, at this moment. */
  readonly report: () => NodeReport;
  readonly read: (id: NodeId, path: string, bounds: ReadBounds) => Promise<PeerRead>;
  readonly monotonicMs: () => MonotonicMs;
  readonly wait: (ms: DurationMs) => Promise<unknown>;
}

interface Heard {
  readonly json: unknown;
  readonly at: MonotonicMs;
}

/** What is known of one peer. */
interface Asked {
  heard: Heard | null;
  failure: ClusterNode['failure'];
  /** Null: none is. */
  underWay: Promise<void> | null;
  nextAt: MonotonicMs;
}

/** Asks the peers for their status, for all who read. */
export class ClusterView {
  readonly #dependencies: ClusterViewDependencies;
  readonly #asked = new Map<NodeId, Asked>();
  #roundAt: MonotonicMs = Number.NEGATIVE_INFINITY;

  constructor(dependencies: ClusterViewDependencies) {
    this.#dependencies = dependencies;
  }

  /** What is known, with answers of this moment as far as they come soon. */
  async get(): Promise<ClusterStatus> {
    const { monotonicMs, wait } = this.#dependencies;
    const report = this.#dependencies.report();
    const roundMs = isBusy(report) ? BUSY_ROUND_MS : ROUND_MS;
    if (monotonicMs() - this.#roundAt >= roundMs) {
      this.#roundAt = monotonicMs();
      this.#askAll(report);
    }
    const underWay = [...this.#asked.values()].flatMap((asked) => asked.underWay ?? []);
    if (underWay.length > 0) await Promise.race([Promise.all(underWay), wait(WAIT_MS)]);
    return this.known();
  }

  /** What is known at once: this node's own, and what the last readers had of the others. */
  known(): ClusterStatus {
    const { history, decisions, ...status } = this.#dependencies.report();
    const { id, role } = status.node;
    const own = { id, role, self: true, url: null, state: null, ageMs: 0, failure: null } as const;
    const peers = inOrder(status.peers).map((peer, at) => this.#nodeOf(peer, at < MAX_ASKED));
    const nodes = [{ ...own, status, decisions, history }, ...peers];
    return { cluster: status.cluster, at: status.at, node: id, nodes, stories: storiesOf(nodes) };
  }

  #nodeOf({ id, role, url, state }: AgentStatus['peers'][number], isAsked: boolean): ClusterNode {
    const asked = this.#asked.get(id);
    const heard = asked?.heard ?? null;
    const failure = isAsked ? (asked?.failure ?? null) : NOT_ASKED;
    const ageMs = heard === null ? null : Math.max(0, this.#dependencies.monotonicMs() - heard.at);
    return { id, role, self: false, url, state, ageMs, failure, ...partsOf(heard?.json) };
  }

  #askAll({ peers }: NodeReport): void {
    for (const id of this.#asked.keys()) if (!peers.some((peer) => peer.id === id)) this.#asked.delete(id);
    for (const { id } of inOrder(peers).slice(0, MAX_ASKED)) {
      const asked = this.#asked.get(id) ?? { heard: null, failure: null, underWay: null, nextAt: 0 };
      this.#asked.set(id, asked);
      if (asked.underWay !== null || asked.nextAt > this.#dependencies.monotonicMs()) continue;
      asked.underWay = this.#ask(id, asked);
    }
  }

  async #ask(id: NodeId, asked: Asked): Promise<void> {
    const { read, monotonicMs } = this.#dependencies;
    const result = await read(id, REPORT_PATH, READ_BOUNDS);
    asked.underWay = null;
    if (result.kind === 'read' && idIn(result.json) === id) {
      asked.heard = { json: result.json, at: monotonicMs() };
      asked.failure = null;
      return;
    }
    asked.nextAt = monotonicMs() + AGAIN_MS;
    asked.failure =
      result.kind === 'failed'
        ? { code: result.code, message: result.message }
        : { code: 'malformed', message: 'its answer is no status of that node' };
  }
}

const NOT_ASKED: ClusterNode['failure'] = {
  code: 'not-asked',
  message: `no more than ${counted(MAX_ASKED, 'node')} are asked`,
};

/** Who votes or takes an address first. */
function inOrder(peers: AgentStatus['peers']): AgentStatus['peers'] {
  return [...peers.filter(({ role }) => role !== 'member'), ...peers.filter(({ role }) => role === 'member')];
}

function isBusy({ addresses }: AgentStatus): boolean {
  return addresses.some(({ protection }) => protection.state === 'failing-over');
}

function storiesOf(nodes: readonly ClusterNode[]): readonly Story[] {
  return mergeHistories(nodes.map(({ id, history }) => historyOf(history, id))).slice(0, HISTORY_OF_REPORT);
}

function partsOf(json: unknown): Pick<ClusterNode, 'status' | 'decisions' | 'history'> {
  if (!isObject(json)) return { status: null, decisions: null, history: null };
  const { decisions = null, history = null, ...status } = json;
  return { status, decisions, history };
}

function idIn(json: unknown): unknown {
  return isObject(json) && isObject(json.node) ? json.node.id : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
