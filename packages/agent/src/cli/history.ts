/** `failtome history`: what happened, as all nodes tell it: every takeover and refusal, its steps, and what the others saw. */
import type { NodeId } from '@failtome/protocol';
import type { ClusterKeys } from '../auth/keys.ts';
import { type CliDependencies, complain, type ExitCode, print, printJson } from './dependencies.ts';
import { fieldsOf, listOf, textOf } from './fields.ts';
import { mergeHistories, type Story } from './history-merge.ts';
import { readView } from './read.ts';
import { folded } from './table.ts';
import { findTarget, type Target, type TargetOptions, trusting } from './target.ts';
import { age, clean, type Look, lookOf, moment, toned } from './text.ts';
import { type HistoryRow, historyOf } from './view-rows.ts';

/** The options of `failtome history`. */
export interface HistoryOptions extends TargetOptions {
  /** This node's alone. */
  readonly node?: boolean;
}

/** As many as an agent tells at once; one of an older version tells all it has. */
const ALL_ENTRIES = '/v1/history?limit=1000';

/** For each of the other nodes: one that is gone shouldn't keep the others waiting. */
const PEER_TIMEOUT_MS = 3_000;

/** `failtome history`: takeovers, refusals and handovers, as all nodes saw them. */
export async function history(options: HistoryOptions, dependencies: CliDependencies): Promise<ExitCode> {
  const target = await findTarget(options, dependencies);
  if (target === null) return 2;
  const asking = trusting(dependencies, target);
  return options.node === true
    ? await showOwn(target, options, asking)
    : await showMerged(target, options, asking);
}

async function showOwn(
  target: Target,
  { json }: HistoryOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const result = await readView(target.url, ALL_ENTRIES, dependencies, target.readKeys);
  if (result.kind === 'failed') {
    complain(dependencies, result.detail);
    return 1;
  }
  if (json === true) printJson(dependencies, result.json);
  else {
    const alone = historyOf(result.json, '').map((entry): Story => ({ entry, seen: [] }));
    show(alone, dependencies);
  }
  return 0;
}

async function showMerged(
  target: Target,
  { json }: HistoryOptions,
  dependencies: CliDependencies,
): Promise<ExitCode> {
  const told = await readAll(await findNodes(target, dependencies), target.readKeys, dependencies);
  // With --json, too: standard output is the list alone.
  for (const { node, failure } of told)
    if (failure !== null) complain(dependencies, clean(`${node} could not be asked: ${failure}`));
  const answered = told.filter(({ failure }) => failure === null);
  if (answered.length === 0) return 1;
  const stories = mergeHistories(answered.map(({ node, json: list }) => historyOf(list, node)));
  if (json !== true) {
    show(stories, dependencies);
    return 0;
  }
  // As each was told, in the order of the stories. What two nodes tell is the first one's: this node comes first.
  const byId = new Map(answered.toReversed().flatMap(({ node, json: list }) => withNode(list, node)));
  const ids = stories.flatMap(({ entry, seen }) => [entry.id, ...seen.map(({ id }) => id)]);
  printJson(
    dependencies,
    ids.map((id) => byId.get(id)),
  );
  return 0;
}

interface Node {
  readonly id: NodeId;
  readonly url: string | null;
}

/** This node, and all others that vote or take: by its own status, or by its configuration when it doesn't answer. */
async function findNodes(target: Target, dependencies: CliDependencies): Promise<readonly Node[]> {
  const status = await readView(target.url, '/v1/status', dependencies, target.readKeys);
  if (status.kind === 'failed') {
    const self = { id: target.node ?? 'this node', url: target.url };
    return [self, ...target.peers.filter(({ role }) => role !== 'member')];
  }
  const { node, peers } = fieldsOf(status.json);
  const others = listOf(peers).map(fieldsOf);
  return [
    { id: textOf(fieldsOf(node).id, 'this node'), url: target.url },
    ...others
      .filter(({ role }) => role !== 'member')
      .map(({ id, url }) => ({
        id: textOf(id),
        url: textOf(url, target.peers.find((peer) => peer.id === id)?.url ?? '') || null,
      })),
  ];
}

interface Told {
  readonly node: NodeId;
  readonly json: unknown;
  /** Why it told nothing; null: it did. */
  readonly failure: string | null;
}

function readAll(
  nodes: readonly Node[],
  keys: ClusterKeys | null,
  { http, now }: CliDependencies,
): Promise<readonly Told[]> {
  const bounded: Pick<CliDependencies, 'http' | 'now'> = {
    now,
    http: (request) => http({ ...request, timeoutMs: PEER_TIMEOUT_MS }),
  };
  return Promise.all(
    nodes.map(async ({ id: node, url }): Promise<Told> => {
      if (url === null)
        return { node, json: null, failure: 'the agent asked does not tell where its API is' };
      const result = await readView(url, ALL_ENTRIES, bounded, keys);
      return result.kind === 'failed'
        ? { node, json: null, failure: result.detail }
        : { node, json: result.json, failure: null };
    }),
  );
}

/** Each entry as it was told, with who told it, by its id. */
function withNode(json: unknown, node: NodeId): readonly (readonly [string, object])[] {
  return listOf(json).map((item) => {
    const entry = fieldsOf(item);
    return [textOf(entry.id), { ...entry, node: textOf(entry.node, node) }];
  });
}

function show(stories: readonly Story[], dependencies: CliDependencies): void {
  const look = lookOf(dependencies);
  if (stories.length === 0) print(dependencies, 'Nothing has happened yet.');
  print(dependencies, ...stories.flatMap((story) => storyLines(story, look)));
}

/** What happened on the first line, the rest indented under it, what the others saw at the end. */
export function storyLines({ entry, seen }: Story, look: Look): readonly string[] {
  const { paint } = look;
  const lines = [`why: ${entry.reason}`];
  if (entry.steps.length > 0)
    lines.push(entry.steps.map(({ step, durationMs }) => `${step} ${age(durationMs)}`).join(', '));
  if (entry.requestIds.length > 0) lines.push(`requests: ${entry.requestIds.join(', ')}`);
  lines.push(...seen.map((one) => `${moment(one.at)}  ${titleOf(one)}: ${one.result}, ${one.reason}`));
  return [
    ...headline(entry, look),
    ...lines.flatMap((line) => folded(`  ${clean(line)}`, look)),
    `  ${paint(clean(entry.id), 'faint')}`,
  ];
}

function headline(entry: HistoryRow, look: Look): readonly string[] {
  const { paint } = look;
  const [time, title] = [moment(entry.at), clean(titleOf(entry))];
  const { text, tone } = toned(entry.result);
  const whole = `${time}  ${title}: ${clean(text)}`;
  if (whole.length > look.width) return folded(whole, look).map((line) => paint(line, 'strong'));
  return [`${paint(time, 'faint')}  ${paint(title, 'strong')}: ${paint(clean(text), tone)}`];
}

/** What it was, and whose doing. A refusal moves nothing, so it has no arrow. */
function titleOf({ kind, address, from, to, node, result }: HistoryRow): string {
  switch (kind) {
    case 'refusal':
    case 'blocked':
      return `${kind} of ${address}, held by ${from}, at ${to}`;
    case 'vote':
      return `vote of ${node} on ${address} for ${to}`;
    case 'change':
      return result === 'lost'
        ? `${node} lost ${address} to ${to}`
        : `${node} saw ${address} change hands, ${from} -> ${to}`;
    case 'order':
      return `handover of ${address} to ${to}, as ordered`;
    default:
      return from === to ? `${kind} of ${address}, ${to}` : `${kind} of ${address}, ${from} -> ${to}`;
  }
}
