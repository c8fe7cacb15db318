/**
 * A node that sends anything its key allows. Its own process goes on beneath it, honest, and keeps the sessions in which it is heard; what
 * leaves is bent or made up, in moods that last a while, and there may be far more of it.
 */
import {
  type Ballot,
  type Envelope,
  encodeMessage,
  MAX_MESSAGE_BYTES,
  type NodeId,
  type NodeRecord,
  type Payload,
  type SessionId,
} from '@failtome/protocol';
import type { Random } from '../random.ts';
import {
  ANYTHING,
  type LiarView,
  type Strategy,
  strategyOf,
  type Told,
  type Topic,
  VOTES,
  type Vote,
  voted,
} from './strategies.ts';

/**
 * What its key allows. `identities`: it speaks for itself alone, and gives no orders, which only operators can.
 * `shared-key`: it can also bend what others say, in their names.
 */
export const LIAR_MODES = ['identities', 'shared-key'] as const;
/** What a liar has: its node's identity, or the key of all. */
export type LiarMode = (typeof LIAR_MODES)[number];

/** What it says and how it votes; `anything`: now this, now that. */
export interface Manner {
  readonly says: Topic;
  readonly votes: Vote | typeof ANYTHING;
}

/** Numbers that are left between two messages of the process's own, for those that are made up. */
const SPREAD = 4;
/** Versions above all that the process has really told. */
const VERSIONS_FROM = 1_000_000;
const MOOD_MS = [3_000, 30_000] as const;
/** Where it says nothing of itself, it looks again after so long. */
const IDLE_MS = 1_000;
/** In the names of others it bends so many. */
const OTHERS_PER_MILLE = 150;

interface Mood {
  readonly strategies: readonly Strategy[];
  readonly vote: Vote;
  readonly liesPerMille: number;
  readonly anotherPerSecond: number;
  readonly untilMs: number;
}

/** What a liar knows. */
export interface LiarDependencies {
  readonly mode: LiarMode;
  readonly manner: Manner;
  /** What the node last told of itself, before it lied. */
  readonly record: NodeRecord | undefined;
  /** Orders carry operators' signatures: whatever it tells of some is seen through. */
  readonly signed: boolean;
  readonly random: Random;
  readonly now: () => number;
  readonly view: (self: NodeId, asked: LiarView['ballotsOf']) => LiarView;
}

/** A node that sends anything that its key allows. */
export class Liar {
  readonly mode: LiarDependencies['mode'];
  readonly #manner: LiarDependencies['manner'];
  readonly #signed: LiarDependencies['signed'];
  readonly #random: LiarDependencies['random'];
  readonly #now: LiarDependencies['now'];
  readonly #viewOf: LiarDependencies['view'];
  readonly #asked = new Map<NodeId, readonly Ballot[]>();
  /** Its own sessions since it began to lie, and how many numbers are taken since the last message of the process's own. */
  readonly #sessions = new Map<SessionId, { newest: number; taken: number }>();
  readonly #records: Map<string, NodeRecord>;
  readonly #last = new Map<NodeId, Envelope>();
  #mood: Mood | null = null;
  #silent = false;

  constructor({ mode, manner, record: first, signed, random, now, view: viewOf }: LiarDependencies) {
    this.mode = mode;
    this.#manner = manner;
    this.#signed = signed;
    this.#random = random;
    this.#now = now;
    this.#viewOf = viewOf;
    this.#records = new Map<NodeId, NodeRecord>(first === undefined ? [] : [[first.id, first]]);
  }

  /** What a message of this node's becomes on its way out. */
  forged(message: Envelope): Envelope {
    this.#remember(message);
    if (this.mode === 'shared-key') {
      const bends = !this.#silent && this.#random.chance(OTHERS_PER_MILLE);
      return bends ? withHeader(this.#bend(message), this.#random) : message;
    }
    const own = this.#numbered(message);
    if (message.re === null) this.#last.set(message.to, own);
    return this.#bend(own);
  }

  /** What an answer is an answer to, in the numbers that its own process gave. */
  meant(message: Envelope): Envelope {
    const { re } = message;
    if (re === null || !this.#sessions.has(re.session)) return message;
    return { ...message, re: { ...re, seq: Math.floor(re.seq / SPREAD) } };
  }

  /** Another request to somebody, made up; null: it has none to say it in, or has said enough. */
  another(): Envelope | null {
    const said = [...this.#last.values()];
    if (this.#silent || said.length === 0) return null;
    const like = this.#random.pick(said);
    const known = this.#sessions.get(like.session);
    if (known === undefined || known.taken + 1 >= SPREAD) return null;
    known.taken += 1;
    const seq = known.newest * SPREAD + known.taken;
    return this.#bend({ ...like, seq, payload: { version: 0, ack: 0 } });
  }

  /** When it would speak again of itself; null: it doesn't, for now. */
  gapMs(): number {
    const { anotherPerSecond } = this.#moodNow();
    return anotherPerSecond === 0 ? IDLE_MS : Math.round(1_000 / anotherPerSecond);
  }

  /** A node has asked it. */
  asked(by: NodeId, ballots: readonly Ballot[]): void {
    this.#asked.set(by, ballots);
  }

  /** It lies no more. What it says is still numbered as it was. */
  fallSilent(): void {
    this.#silent = true;
  }

  #view(self: NodeId): LiarView {
    return this.#viewOf(self, (id) => this.#asked.get(id) ?? []);
  }

  #moodNow(): Mood {
    if (this.#mood !== null && this.#now() < this.#mood.untilMs) return this.#mood;
    this.#mood = {
      strategies: strategiesOf(this.#manner, this.#random),
      vote: this.#manner.votes === ANYTHING ? this.#random.pick(VOTES) : this.#manner.votes,
      liesPerMille: this.#manner.says === ANYTHING ? this.#random.pick([300, 1_000, 1_000]) : 1_000,
      anotherPerSecond: this.#manner.says === ANYTHING ? this.#random.pick([0, 0, 3, 10, 30]) : 20,
      untilMs: this.#now() + this.#random.between(...MOOD_MS),
    };
    return this.#mood;
  }

  #bend(message: Envelope): Envelope {
    const record = this.#records.get(message.from);
    const { strategies, vote, liesPerMille } = this.#moodNow();
    if (this.#silent || record === undefined || message.payload.refused !== undefined) return message;
    if (!this.#random.chance(liesPerMille)) return message;
    const version = VERSIONS_FROM + message.seq;
    const told: Told = { ...message.payload, version, node: record };
    const seen = this.#view(message.from);
    const payload = this.#random.pick(strategies)(told, message.to, this.#random, seen);
    const all = voted(payload, message.to, vote, this.#random, seen);
    const bent = { ...message, payload: this.mode === 'identities' ? allowed(all, told, this.#signed) : all };
    return fits(bent) ? bent : message;
  }

  /** A number of its own for every message, with room after it. */
  #numbered(message: Envelope): Envelope {
    const known = this.#sessions.get(message.session) ?? { newest: 0, taken: 0 };
    if (message.seq > known.newest) Object.assign(known, { newest: message.seq, taken: 0 });
    this.#sessions.set(message.session, known);
    return { ...message, seq: message.seq * SPREAD };
  }

  #remember({ from, payload: { node } }: Envelope): void {
    if (node !== undefined) this.#records.set(from, node);
  }
}

function strategiesOf({ says }: Manner, random: Random): readonly Strategy[] {
  return Array.from({ length: random.between(1, 3) }, () => strategyOf(says, random));
}

/** Commands are operators' alone. Where nothing shows that an order isn't theirs, it tells those that there are. */
function allowed(payload: Payload, { node: { pause, handovers } }: Told, signed: boolean): Payload {
  const { command: _, outcome: __, ...rest } = payload;
  return rest.node === undefined || signed ? rest : { ...rest, node: { ...rest.node, pause, handovers } };
}

/** Whoever has the one key can put anything into the name and numbers of a message, too. */
function withHeader(message: Envelope, random: Random): Envelope {
  const top = Number.MAX_SAFE_INTEGER;
  switch (random.below(10)) {
    case 0:
      return { ...message, seq: random.pick([top, message.seq + 1_000]) };
    case 1:
      return { ...message, t: random.pick([top, 2 ** 44]) };
    default:
      return message;
  }
}

function fits(message: Envelope): boolean {
  return encodeMessage(message).length <= MAX_MESSAGE_BYTES;
}
