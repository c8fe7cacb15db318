/** Every node's own status, from whichever node answers: `/v1/cluster`, or what an agent of before can tell. */
import type { DurationMs, NodeId } from '@failtome/protocol';
import type { ClusterKeys } from '../auth/keys.ts';
import type { CliDependencies } from './dependencies.ts';
import { fieldsOf, listOf, numberOf, textOf } from './fields.ts';
import { readView } from './read.ts';
import type { Target } from './target.ts';
import { type StatusRow, statusOf } from './view-rows.ts';

/** A node other than the one that was to be asked: one that is gone shouldn't keep the others waiting. */
const OTHERS_TIMEOUT_MS: DurationMs = 3_000;

/** One node, as far as the node that was asked could get it. */
export interface ToldNode {
  readonly id: NodeId;
  readonly role: string;
  readonly self: boolean;
  /** What the node that was asked thinks of it. */
  readonly state: string;
  /** How old its own word is; null: it has told nothing. */
  readonly ageMs: DurationMs | null;
  /** Why there is no newer word of it; empty: nothing is wrong. */
  readonly failure: string;
  readonly status: StatusRow | null;
  /** Its `/v1/status` as it came. */
  readonly json: unknown;
}

/** The cluster, as its nodes tell it. */
export interface ToldCluster {
  /** Of the node that was asked. */
  readonly own: StatusRow;
  /** Its `/v1/status` as it came. */
  readonly json: unknown;
  /** The node that was asked comes first. */
  readonly nodes: readonly ToldNode[];
  /** Why another node was asked than the one that should have been; empty: it was that one. */
  readonly instead: string;
}

/** The cluster, or why nobody could tell of it. */
export type ClusterResult =
  | { readonly kind: 'read'; readonly cluster: ToldCluster }
  | { readonly kind: 'failed'; readonly detail: string };

/** From the target's agent, or from the first of the others that answers. */
export async function readCluster(target: Target, dependencies: CliDependencies): Promise<ClusterResult> {
  const first = await readFrom(target.url, target.readKeys, dependencies);
  if (first.kind === 'read') return first;
  const bounded: CliDependencies = {
    ...dependencies,
    http: (request) => dependencies.http({ ...request, timeoutMs: OTHERS_TIMEOUT_MS }),
  };
  for (const { url, role } of target.peers) {
    if (role === 'member') continue;
    const other = await readFrom(url, target.readKeys, bounded);
    // Another cluster's agent may have come to that address.
    if (other.kind === 'read' && other.cluster.own.cluster === target.cluster)
      return { kind: 'read', cluster: { ...other.cluster, instead: first.detail } };
  }
  return first;
}

async function readFrom(
  url: string,
  keys: ClusterKeys | null,
  dependencies: CliDependencies,
): Promise<ClusterResult> {
  const whole = await readView(url, '/v1/cluster', dependencies, keys);
  if (whole.kind === 'read') return judged(toldBy(whole.json), url);
  if (whole.status !== 404) return whole;
  // An agent of before tells of itself alone, and what it knows of the others.
  const status = await readView(url, '/v1/status', dependencies, keys);
  return status.kind === 'read' ? judged(alone(status.json), url) : status;
}

function judged(cluster: ToldCluster | null, url: string): ClusterResult {
  if (cluster !== null) return { kind: 'read', cluster };
  return { kind: 'failed', detail: `${url} is no failtome agent: its answer names no node` };
}

function toldBy(json: unknown): ToldCluster | null {
  const nodes = listOf(fieldsOf(json).nodes).map(nodeOf);
  const own = nodes.find(({ self }) => self);
  if (own?.status === null || own === undefined) return null;
  return {
    own: own.status,
    json: own.json,
    nodes: [own, ...nodes.filter((node) => node !== own)],
    instead: '',
  };
}

function nodeOf(entry: unknown): ToldNode {
  const { id, role, self, state, ageMs, failure, status } = fieldsOf(entry);
  const told = status !== null && status !== undefined;
  return {
    id: textOf(id),
    role: textOf(role, '-'),
    self: self === true,
    state: self === true ? 'this node' : textOf(state, 'unknown'),
    ageMs: numberOf(ageMs),
    failure: textOf(fieldsOf(failure).message),
    status: told ? statusOf(status) : null,
    json: status ?? null,
  };
}

function alone(json: unknown): ToldCluster | null {
  const own = statusOf(json);
  if (own.self.id === '') return null;
  const failure = 'the agent that was asked is of an earlier version';
  const { id, role, state } = own.self;
  const self = { id, role, state, self: true, ageMs: 0, failure: '', status: own, json };
  const others = own.peers.map(
    (peer): ToldNode => ({ ...peer, self: false, ageMs: null, failure, status: null, json: null }),
  );
  return { own, json, nodes: [self, ...others], instead: '' };
}
