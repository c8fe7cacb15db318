/** The electorate as each node has it, asked of each by itself. */
import type { DurationMs, Ip, NodeId } from '@failtome/protocol';
import type { CliDependencies } from './dependencies.ts';
import { fieldsOf, listOf, textOf, textsOf } from './fields.ts';
import { readView } from './read.ts';
import type { Target } from './target.ts';
import { type PauseRow, type StatusRow, statusOf } from './view-rows.ts';

/** A node that is gone shouldn't keep the others waiting. */
const ASK_TIMEOUT_MS: DurationMs = 3_000;

/** A node that is asked. */
export interface AskedNode {
  readonly id: NodeId;
  /** As the configuration of whoever asks has it; empty where it doesn't say. */
  readonly role: string;
  /** Null: it is not known where it is. */
  readonly url: string | null;
}

/** What a node says of the electorate and of itself. */
export interface VoterWord {
  readonly id: NodeId;
  readonly cluster: string;
  readonly role: string;
  readonly version: string;
  /** Sorted by id. */
  readonly voters: readonly NodeId[];
  readonly digest: string;
  readonly pause: PauseRow;
  /** Who holds which address, as far as it knows. */
  readonly held: readonly { readonly ip: Ip; readonly by: string }[];
  /** What moves, or is to: a takeover that it is about, an open handover. */
  readonly moves: readonly string[];
  readonly peers: readonly { readonly id: NodeId; readonly state: string; readonly url: string | null }[];
}

/** A node, and its word or why there is none. */
export interface VoterNode extends AskedNode {
  readonly word: VoterWord | null;
  /** Empty where it answered. */
  readonly failure: string;
}

/** Ask all of them at once. The answers come in the order of the nodes. */
export async function readVoters(
  nodes: readonly AskedNode[],
  { readKeys }: Pick<Target, 'readKeys'>,
  dependencies: CliDependencies,
): Promise<readonly VoterNode[]> {
  const bounded: CliDependencies = {
    ...dependencies,
    http: (request) => dependencies.http({ ...request, timeoutMs: ASK_TIMEOUT_MS }),
  };
  return Promise.all(
    nodes.map(async (node): Promise<VoterNode> => {
      if (node.url === null) return { ...node, word: null, failure: 'it is not known where it is' };
      const read = await readView(node.url, '/v1/status', bounded, readKeys);
      if (read.kind === 'failed') return { ...node, word: null, failure: read.detail };
      const word = wordOf(read.json);
      return word === null
        ? { ...node, word: null, failure: `${node.url} is no failtome agent: its answer names no node` }
        : { ...node, word, failure: '' };
    }),
  );
}

function wordOf(json: unknown): VoterWord | null {
  const status = statusOf(json);
  const fields = fieldsOf(json);
  if (status.self.id === '') return null;
  return {
    id: status.self.id,
    cluster: status.cluster,
    role: status.self.role,
    version: status.version,
    voters: [...textsOf(fieldsOf(fields.electorate).voters)].sort(),
    digest: status.self.electorate,
    pause: status.pause,
    held: status.addresses.map(({ ip, holder }) => ({ ip, by: holder })),
    moves: movesIn(status, listOf(fields.addresses)),
    peers: listOf(fields.peers).map((entry) => {
      const { id, state, url } = fieldsOf(entry);
      return { id: textOf(id), state: textOf(state, 'unknown'), url: textOf(url) || null };
    }),
  };
}

function movesIn({ handovers }: StatusRow, addresses: readonly unknown[]): readonly string[] {
  const taken = addresses.map(fieldsOf).filter(({ takeover }) => takeover !== null && takeover !== undefined);
  return [
    ...taken.map(({ ip }) => `a takeover of ${textOf(ip)}`),
    ...handovers
      .filter(({ state }) => state === 'open')
      .map(({ address, to }) => `a handover of ${address} to ${to}`),
  ];
}
