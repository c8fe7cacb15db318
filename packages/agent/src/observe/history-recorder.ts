/**
 * The history of this node, from facts: what it concluded, what it answered as a voter, what it saw of moves that
 * others made, and how operators' handovers ended. So the story of a failover stands on every node, the one that lost the address included.
 */
import type { Epoch, Fact, HistoryEntry, Instant, Ip, MonotonicMs, NodeId, State } from '@failtome/protocol';
import type { HistoryLine, SeenEntry } from '../history-line.ts';

type FactOf<K extends Fact['kind']> = Extract<Fact, { kind: K }>;
type HolderSource = FactOf<'holder'>['source'];

/** The same answer to the same candidate isn't written again for this long: one that is refused asks every few seconds. */
const SAME_ANSWER_MS = 10 * 60_000;
/** The most answers that are remembered for that; beyond it the oldest is forgotten, and may be written again. */
const MAX_ANSWERS = 256;
/** A ballot that was answered longer ago than this has nothing to do with a change of holder. */
const BALLOT_OF_CHANGE_MS = 5 * 60_000;
/** After a start peers tell of earlier changes within this time. */
const LEARNS_WITHIN_MS = 15_000;
/** A change before the start is written down if it isn't older than this. */
const MISSED_WITHIN_MS = 3_600_000;

export interface HistoryStore {
  append(entry: HistoryLine): void;
  /** Newest first. */
  newest(): readonly HistoryLine[];
}

export interface Chronicle {
  /** What a step has told, and the state and time after it. */
  observe(facts: readonly Fact[], state: State, now: Instant): void;
}

interface Answer {
  readonly candidate: NodeId;
  readonly epoch: Epoch;
  readonly text: string;
  readonly at: MonotonicMs;
}

/** Write down what is worth a line, for as long as the agent runs. */
export function createChronicle(store: HistoryStore): Chronicle {
  const holders = lastHolders(store.newest());
  const written = new Map<string, MonotonicMs>();
  const lastAnswers = new Map<Ip, Answer>();
  /** Addresses whose holder at the start nothing on this disk tells of: what peers say of changes before it is awaited. */
  const unsure = new Set<Ip>();
  /** Addresses whose holder has changed, and how that was learned. */
  const changed = new Map<Ip, HolderSource>();

  function onVote(fact: FactOf<'voted'>, state: State, now: Instant): void {
    const { address, candidate, epoch, answer, reason } = fact;
    if (answer === 'pending') return;
    const self = state.config.node.id;
    lastAnswers.set(address, { candidate, epoch, text: `${answer} (${reason})`, at: now.at });
    const key = [address, candidate, modeOf(state, fact), answer, reason].join(' ');
    const before = written.get(key);
    if (before !== undefined && now.at - before < SAME_ANSWER_MS) return;
    written.delete(key);
    written.set(key, now.at);
    for (const oldest of written.keys()) if (written.size > MAX_ANSWERS) written.delete(oldest);
    store.append({
      ...seenOf(state, address, now),
      id: `${self}-vote-${candidate}-${epoch}-${address}`,
      kind: 'vote',
      from: holders.get(address) ?? 'unknown',
      to: candidate,
      result: answer,
      reason: `${reason}${modeOf(state, fact) === 'handover' ? ', for a planned handover' : ''}; ${sightOf(state, address)}`,
      epoch,
    });
  }

  /** How an operator's handover ended, on every node. Who has moved the address tells of the move itself. */
  function onHandover(fact: FactOf<'handover'>, state: State, now: Instant): void {
    const { id, address, to, state: result, by, reason, detail } = fact;
    if (result === 'open' || (result === 'done' && to === state.config.node.id)) return;
    store.append({
      ...seenOf(state, address, now),
      id: `order-${id}-${result}`,
      kind: 'order',
      from: holders.get(address) ?? 'unknown',
      to,
      result,
      reason: `ordered by ${by}${reason === '' ? '' : `: ${reason}`}; ${detail}`,
      epoch: 0,
    });
  }

  /** Who holds it now, once it has a name: right after a start it may be known by its instance before its node is heard. */
  function onHolder(ip: Ip, source: HolderSource, facts: readonly Fact[], state: State, now: Instant): void {
    const present = state.addresses[ip]?.holder;
    const mayBeNamed = now.at - state.startedAt <= LEARNS_WITHIN_MS;
    if (present?.kind === 'other' && mayBeNamed) return;
    changed.delete(ip);
    const holder = present?.node ?? present?.instanceId ?? null;
    if (holder === null) return;
    const from = holders.get(ip);
    holders.set(ip, holder);
    if (from === undefined) unsure.add(ip);
    if (from === undefined || from === holder) return;
    for (const key of written.keys()) if (key.startsWith(`${ip} `)) written.delete(key);
    if (isOwnMove(facts, state, ip, holder)) return;
    writeChange(state, ip, now, { from, to: holder, learned: SOURCES[source], at: now.wall });
  }

  /** The holder was first heard of after the start; a peer that tells of a change since this node last ran makes it one. */
  function onceSure(state: State, now: Instant): void {
    if (unsure.size === 0) return;
    for (const ip of unsure) {
      const changedAt = state.addresses[ip]?.changes[0];
      const to = holders.get(ip);
      if (changedAt !== undefined && changedAt < state.startedAt && now.at - changedAt < MISSED_WITHIN_MS) {
        unsure.delete(ip);
        const at = now.wall - Math.floor(now.at - changedAt);
        if (to !== undefined && to !== state.config.node.id)
          writeChange(state, ip, now, {
            from: 'unknown',
            to,
            learned: 'a peer, after this node started',
            at,
          });
      }
    }
    if (now.at - state.startedAt > LEARNS_WITHIN_MS) unsure.clear();
  }

  function writeChange(
    state: State,
    ip: Ip,
    now: Instant,
    { from, to, learned, at }: { from: string; to: string; learned: string; at: number },
  ): void {
    const self = state.config.node.id;
    const answer = lastAnswers.get(ip);
    const asked =
      answer !== undefined && answer.candidate === to && now.at - answer.at < BALLOT_OF_CHANGE_MS
        ? answer
        : null;
    store.append({
      ...seenOf(state, ip, now),
      id: `${self}-change-${at}-${ip}`,
      kind: 'change',
      from,
      to,
      result: from === self ? 'lost' : 'seen',
      reason: [
        `learned from ${learned}`,
        ...(asked === null ? [] : [`had answered ${to}'s ballot with ${asked.text}`]),
        sightOf(state, ip),
      ].join('; '),
      epoch: asked?.epoch ?? 0,
      at,
    });
  }

  return {
    observe(facts, state, now) {
      for (const fact of facts) {
        if (fact.kind === 'concluded') store.append(fact.entry);
        else if (fact.kind === 'voted') onVote(fact, state, now);
        else if (fact.kind === 'handover') onHandover(fact, state, now);
        else if (fact.kind === 'holder') changed.set(fact.address, fact.source);
      }
      for (const [ip, source] of changed) onHolder(ip, source, facts, state, now);
      onceSure(state, now);
    },
  };
}

const SOURCES: Readonly<Record<HolderSource, string>> = {
  read: 'the cloud',
  taken: 'the cloud',
  'external-ip': 'its external IP',
  gossip: 'a peer',
};

function seenOf(state: State, address: Ip, now: Instant) {
  return { node: state.config.node.id, address, at: now.wall, steps: [], requestIds: [] } as const;
}

function sightOf({ addresses, config }: State, ip: Ip): string {
  const address = addresses[ip];
  if (address === undefined) return `${config.node.id} doesn't know the address`;
  const why = address.verdictReason === '' ? '' : `: ${address.verdictReason}`;
  return `${config.node.id} saw it ${address.verdict}${why}`;
}

function modeOf({ addresses }: State, { address, candidate }: FactOf<'voted'>): string {
  return addresses[address]?.openBallots[candidate]?.ballot.mode ?? 'takeover';
}

/** What this node moved to itself it concludes itself. */
function isOwnMove(facts: readonly Fact[], state: State, ip: Ip, holder: string): boolean {
  if (holder !== state.config.node.id) return false;
  const address = state.addresses[ip];
  const underWay = address !== undefined && (address.move !== null || address.intent !== null);
  return underWay || facts.some((fact) => fact.kind === 'concluded' && fact.entry.address === ip);
}

/** Who held each address when this node last knew, by its own history. */
function lastHolders(entries: readonly HistoryLine[]): Map<Ip, string> {
  const holders = new Map<Ip, string>();
  for (const entry of entries) {
    if (MOVED.has(entry.result) && !holders.has(entry.address)) holders.set(entry.address, entry.to);
  }
  return holders;
}

const MOVED: ReadonlySet<HistoryEntry['result'] | SeenEntry['result']> = new Set([
  'served',
  'moved',
  'lost',
  'seen',
] as const);
