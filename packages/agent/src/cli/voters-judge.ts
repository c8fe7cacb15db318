/**
 * What the nodes' words come to: which electorates there are, which of them could decide, and how far a change of one voter
 * has come. It follows from what is seen alone, so that a change that was interrupted goes on from where it stands.
 */
import { ARBITER, counted, majorityOf, type NodeId } from '@failtome/protocol';
import { httpUrl } from '../config/http-url.ts';
import type { VoterNode, VoterWord } from './voters-read.ts';

/** Voters as some nodes have them. */
export interface SeenElectorate {
  readonly digest: string;
  readonly voters: readonly NodeId[];
  /** The nodes that have it. */
  readonly nodes: readonly NodeId[];
  /** How many of its voters decide. */
  readonly needed: number;
  /** Of its voters, those that have it, and those of whom nobody knows what they have, are enough. */
  readonly couldDecide: boolean;
}

/** What decides in an electorate of two. */
export interface PairRule {
  /** One of two decides where the other is silent. */
  readonly oneDecides: boolean;
}

/** Every electorate that there is, the most common first. */
export function electoratesOf(
  nodes: readonly VoterNode[],
  { oneDecides }: PairRule,
): readonly SeenElectorate[] {
  const words = nodes.flatMap(({ word }) => (word === null ? [] : [word]));
  const silent = nodes.filter(({ word }) => word === null).map(({ id }) => id);
  const digests = [...new Set(words.map(({ digest }) => digest))];
  return digests
    .map((digest): SeenElectorate => {
      const same = words.filter((word) => word.digest === digest);
      const voters = same[0]?.voters ?? [];
      const has = new Set([...same.map(({ id }) => id), ...silent, ARBITER]);
      const needed = voters.length === 2 && oneDecides ? 1 : majorityOf(voters.length);
      const able = voters.filter((id) => has.has(id)).length;
      return { digest, voters, nodes: same.map(({ id }) => id), needed, couldDecide: able >= needed };
    })
    .sort((a, b) => b.nodes.length - a.nodes.length);
}

/** One voter more, one less, or another machine under the same id. */
export type VoterChange =
  | { readonly kind: 'add'; readonly id: NodeId }
  | { readonly kind: 'remove'; readonly id: NodeId }
  | { readonly kind: 'replace'; readonly id: NodeId; readonly url: string | null };

/** A node that has still to be told or restarted, and what it still lacks. */
export interface Lacking {
  readonly node: NodeId;
  readonly what: 'entry' | 'gone-entry' | 'url' | 'answer' | 'end' | 'hearing';
  readonly detail: string;
}

/** How far a change has come. */
export type ChangeState =
  /** It must not begin, or not go on. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** `begun`: a node has the other electorate already. */
  | { readonly kind: 'open'; readonly begun: boolean; readonly lacking: readonly Lacking[] }
  | { readonly kind: 'done' };

/** What a change is held against. */
export interface ChangeContext {
  readonly cluster: string;
  /** The node on which the command runs. */
  readonly self: NodeId;
  /** It has been let begin: a node that restarts may be silent for a moment. */
  readonly isUnderWay: boolean;
}

/** Where a change stands. */
export function changeState(
  change: VoterChange,
  nodes: readonly VoterNode[],
  context: ChangeContext,
): ChangeState {
  const { id } = change;
  const refused = (detail: string): ChangeState => ({ kind: 'refused', detail });
  const stranger = nodes.find(
    ({ word, ...node }) => word !== null && (word.id !== node.id || word.cluster !== context.cluster),
  );
  if (stranger?.word != null) {
    const { word, url } = stranger;
    return refused(
      `${url} is ${word.id} of the cluster ${word.cluster}, and should be ${stranger.id} of ${context.cluster}`,
    );
  }
  // Of a machine under an id that votes already only the others' word counts.
  const staying = nodes.filter((node) => node.id !== id && isVoter(node));
  const words = staying.flatMap(({ word }) => (word === null ? [] : [word]));
  const silent = staying.filter(({ word }) => word === null);
  const [first] = words;
  if (first === undefined) return refused('no voter answers');
  const odd = words.find(({ voters }) => rest(voters, id) !== rest(first.voters, id));
  if (odd !== undefined)
    return refused(
      `another change is under way: beside ${id}, ${first.id} has the voters ${rest(first.voters, id)}, and ${odd.id} has ${rest(odd.voters, id)}. Finish that one first: two changes at once could make two majorities`,
    );
  const has = words.filter(({ voters }) => voters.includes(id));
  const begun =
    change.kind === 'add' ? has.length > 0 : change.kind === 'remove' && has.length < words.length;
  if (silent.length > 0 && !context.isUnderWay) return refused(unreachable(silent));
  const answers = nodes.some((node) => node.id === id && node.word !== null);
  const obstacle = obstacleOf(change, words, { ...context, answers });
  if (obstacle !== null && !(begun || context.isUnderWay)) return refused(obstacle);
  const lacking = [
    ...silent.map(({ id: node, failure }) => ({ node, what: 'answer', detail: failure }) as const),
    ...lackingOf(change, nodes, words),
  ];
  if (lacking.length > 0) return { kind: 'open', begun, lacking };
  const unheard = unheardIn(change, nodes);
  return unheard.length > 0 ? { kind: 'open', begun, lacking: unheard } : { kind: 'done' };
}

function isVoter({ role, word }: VoterNode): boolean {
  return (word?.role ?? role) !== 'member';
}

function rest(voters: readonly NodeId[], id: NodeId): string {
  return voters.filter((voter) => voter !== id).join(', ');
}

function unreachable(silent: readonly VoterNode[]): string {
  const names = silent.map(({ id, failure }) => `${id} (${failure})`).join(', ');
  return `${names} cannot be asked, and may have other voters than the rest: start it, or remove it first`;
}

/** Why a change must not begin; null: it may. */
function obstacleOf(
  change: VoterChange,
  words: readonly VoterWord[],
  { self, answers }: ChangeContext & { readonly answers: boolean },
): string | null {
  const { id, kind } = change;
  const moves = words.flatMap((word) => word.moves.map((move) => `${move}, as ${word.id} says`));
  if (moves.length > 0) return `something moves: ${moves.join('; ')}. Wait for its end`;
  const isIn = words.some(({ voters }) => voters.includes(id));
  if (kind !== 'add' && !isIn) return `${id} is no voter`;
  if (kind === 'add') return null;
  const held = words.flatMap((word) => word.held.filter(({ by }) => by === id));
  if (kind === 'remove' && self === id) return `${id} is this node: run it on one that stays`;
  if (kind === 'remove' && held[0] !== undefined)
    return `${id} holds ${held[0].ip}: failtome handover ${held[0].ip} first`;
  if (kind === 'replace' && !answers) return stillThere(change, words);
  return null;
}

function isSameUrl(a: string | null, b: string): boolean {
  return a !== null && httpUrl(a).origin === httpUrl(b).origin;
}

/** Two machines with one id would be two voters with one name. */
function stillThere(
  change: Extract<VoterChange, { kind: 'replace' }>,
  words: readonly VoterWord[],
): string | null {
  for (const { id: by, peers } of words) {
    const known = peers.find(({ id }) => id === change.id);
    if (known?.state !== 'alive' || change.url === null || isSameUrl(known.url, change.url)) continue;
    return `${change.id} still runs: ${by} hears it. Stop it for good first: two machines with one id could make two majorities`;
  }
  return null;
}

function lackingOf(
  change: VoterChange,
  nodes: readonly VoterNode[],
  words: readonly VoterWord[],
): readonly Lacking[] {
  const own = nodes.find(({ id }) => id === change.id) ?? null;
  return change.kind === 'remove'
    ? lackingToLeave(change.id, own, words)
    : [...lackingToKnow(change, words), ...lackingToJoin(change.id, own, words)];
}

function lackingToLeave(id: NodeId, own: VoterNode | null, words: readonly VoterWord[]): readonly Lacking[] {
  const still = words.filter(({ voters }) => voters.includes(id));
  const runs = own?.word != null && own.word.role !== 'member';
  return [
    ...(runs ? [{ node: id, what: 'end', detail: 'it still runs as a voter' } as const] : []),
    ...still.map(({ id: node }) => ({ node, what: 'gone-entry', detail: `it still counts ${id}` }) as const),
  ];
}

function lackingToKnow(
  change: Exclude<VoterChange, { kind: 'remove' }>,
  words: readonly VoterWord[],
): readonly Lacking[] {
  const { id } = change;
  return words.flatMap((word): readonly Lacking[] => {
    const { id: node, voters, peers } = word;
    if (!voters.includes(id)) return [{ node, what: 'entry', detail: `it does not count ${id} yet` }];
    const url = peers.find((peer) => peer.id === id)?.url ?? null;
    if (change.kind === 'add' || change.url === null || isSameUrl(url, change.url)) return [];
    return [{ node, what: 'url', detail: `it speaks to ${id} at ${url ?? 'no address'}` }];
  });
}

function lackingToJoin(id: NodeId, own: VoterNode | null, words: readonly VoterWord[]): readonly Lacking[] {
  if (own?.word == null)
    return [{ node: id, what: 'answer', detail: own?.failure ?? 'it is not known where it is' }];
  const wanted = [...new Set([...(words[0]?.voters ?? []), id])].sort().join(', ');
  const seen = own.word.voters.join(', ');
  return seen === wanted ? [] : [{ node: id, what: 'entry', detail: `it has the voters ${seen}` }];
}

/** Where a node is said to be, or to have been, elsewhere than here. */
export function formerUrls(
  id: NodeId,
  url: string,
  nodes: readonly VoterNode[],
  { peers }: { readonly peers: readonly { readonly id: NodeId; readonly url: string }[] },
): readonly string[] {
  const told = nodes.flatMap(({ word }) => word?.peers ?? []);
  const urls = [...peers, ...told].filter((peer) => peer.id === id).map((peer) => peer.url);
  return [...new Set(urls)].filter((one) => one !== null && !isSameUrl(one, url)).map(String);
}

/** Every voter hears every other. */
function unheardIn(change: VoterChange, nodes: readonly VoterNode[]): readonly Lacking[] {
  const voters = nodes.filter(
    (node) => isVoter(node) && !(change.kind === 'remove' && node.id === change.id),
  );
  return voters.flatMap(({ id: node, word }) =>
    voters
      .filter(({ id }) => id !== node && word?.peers.find((peer) => peer.id === id)?.state !== 'alive')
      .map(({ id }) => ({ node, what: 'hearing', detail: `it does not hear ${id} yet` }) as const),
  );
}

/** Which electorates could decide, as a sentence. */
export function majoritiesText(electorates: readonly SeenElectorate[]): string {
  const able = electorates.filter(({ couldDecide }) => couldDecide);
  if (electorates.length <= 1)
    return able.length === 1
      ? 'One electorate, one majority.'
      : 'One electorate, and no majority that could decide.';
  const head = counted(electorates.length, 'electorate');
  if (able.length > 1)
    return `${head}, and ${able.length} of them could decide: leave automatic moves paused until the nodes agree.`;
  return `${head}, of which ${able.length === 1 ? 'one' : 'none'} could decide, until the nodes agree.`;
}
