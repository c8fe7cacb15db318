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

/** Where the lines of the history go. */
export interface HistoryStore {
  append(entry: HistoryLine): void;
  /** Newest first. */
  newest(): readonly HistoryLine[];
}

interface Answer {
  readonly candidate: NodeId;
  readonly epoch: Epoch;
  readonly text: string;
  readonly at: MonotonicMs;
}

/** Writes down what is worth a line, for as long as the agent runs. */
export class HistoryRecorder {
  readonly #store: HistoryStore;
  readonly #holders: Map<string, string>;
  readonly #written = new Map<string, MonotonicMs>();
  readonly #lastAnswers = new Map<Ip, Answer>();
  /** Addresses whose holder at the start nothing on this disk tells of: what peers say of changes before it is awaited. */
  readonly #unsure = new Set<Ip>();
  /** Addresses whose holder has changed, and how that was learned. */
  readonly #changed = new Map<Ip, HolderSource>();

  constructor(store: HistoryStore) {
    this.#store = store;
    this.#holders = lastHolders(store.newest());
  }

  /** What a step has told, and the state and time after it. */
  observe(facts: readonly Fact[], state: State, now: Instant): void {
    for (const fact of facts) {
      if (fact.kind === 'concluded') this.#store.append(fact.entry);
      else if (fact.kind === 'voted') this.#onVote(fact, state, now);
      else if (fact.kind === 'handover') this.#onHandover(fact, state, now);
      else if (fact.kind === 'holder') this.#changed.set(fact.address, fact.source);
    }
    for (const [ip, source] of this.#changed) this.#onHolder(ip, source, facts, state, now);
    this.#onceSure(state, now);
  }

  #onVote(fact: FactOf<'voted'>, state: State, now: Instant): void {
    const { address, candidate, epoch, answer, reason } = fact;
    if (answer === 'pending') return;
    const self = state.config.node.id;
    this.#lastAnswers.set(address, { candidate, epoch, text: `${answer} (${reason})`, at: now.at });
    const key = [address, candidate, modeOf(state, fact), answer, reason].join(' ');
    const before = this.#written.get(key);
    if (before !== undefined && now.at - before < SAME_ANSWER_MS) return;
    this.#written.delete(key);
    this.#written.set(key, now.at);
    for (const oldest of this.#written.keys())
      if (this.#written.size > MAX_ANSWERS) this.#written.delete(oldest);
    this.#store.append({
      ...seenOf(state, address, now),
      id: `${self}-vote-${candidate}-${epoch}-${address}`,
      kind: 'vote',
      from: this.#holders.get(address) ?? 'unknown',
      to: candidate,
      result: answer,
      reason: `${reason}${modeOf(state, fact) === 'handover' ? ', for a planned handover' : ''}; ${sightOf(state, address)}`,
      epoch,
    });
  }

  /** How an operator's handover ended, on every node. Who has moved the address tells of the move itself. */
  #onHandover(fact: FactOf<'handover'>, state: State, now: Instant): void {
    const { id, address, to, state: result, by, reason, detail } = fact;
    if (result === 'open' || (result === 'done' && to === state.config.node.id)) return;
    this.#store.append({
      ...seenOf(state, address, now),
      id: `order-${id}-${result}`,
      kind: 'order',
      from: this.#holders.get(address) ?? 'unknown',
      to,
      result,
      reason: `ordered by ${by}${reason === '' ? '' : `: ${reason}`}; ${detail}`,
      epoch: 0,
    });
  }

  /** Who holds it now, once it has a name: right after a start it may be known by its instance before its node is heard. */
  #onHolder(ip: Ip, source: HolderSource, facts: readonly Fact[], state: State, now: Instant): void {
    const present = state.addresses[ip]?.holder;
    const mayBeNamed = now.at - state.startedAt <= LEARNS_WITHIN_MS;
    if (present?.kind === 'other' && mayBeNamed) return;
    this.#changed.delete(ip);
    const holder = present?.node ?? present?.instanceId ?? null;
    if (holder === null) return;
    const from = this.#holders.get(ip);
    this.#holders.set(ip, holder);
    if (from === undefined) this.#unsure.add(ip);
    if (from === undefined || from === holder) return;
    for (const key of this.#written.keys()) if (key.startsWith(`${ip} `)) this.#written.delete(key);
    if (isOwnMove(facts, state, ip, holder)) return;
    this.#writeChange(state, ip, now, { from, to: holder, learned: SOURCES[source], at: now.wall });
  }

  /** The holder was first heard of after the start; a peer that tells of a change since this node last ran makes it one. */
  #onceSure(state: State, now: Instant): void {
    if (this.#unsure.size === 0) return;
    for (const ip of this.#unsure) {
      const changedAt = state.addresses[ip]?.changes[0];
      const to = this.#holders.get(ip);
      if (changedAt !== undefined && changedAt < state.startedAt && now.at - changedAt < MISSED_WITHIN_MS) {
        this.#unsure.delete(ip);
        const at = now.wall - Math.floor(now.at - changedAt);
        if (to !== undefined && to !== state.config.node.id)
          this.#writeChange(state, ip, now, {
            from: 'unknown',
            to,
            learned: 'a peer, after this node started',
            at,
          });
      }
    }
    if (now.at - state.startedAt > LEARNS_WITHIN_MS) this.#unsure.clear();
  }

  #writeChange(
    state: State,
    ip: Ip,
    now: Instant,
    { from, to, learned, at }: { from: string; to: string; learned: string; at: number },
  ): void {
    const self = state.config.node.id;
    const answer = this.#lastAnswers.get(ip);
    const asked =
      answer !== undefined && answer.candidate === to && now.at - answer.at < BALLOT_OF_CHANGE_MS
        ? answer
        : null;
    this.#store.append({
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
