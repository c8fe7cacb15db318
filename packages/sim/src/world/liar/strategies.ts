/**
 * What a liar makes of what its process would have said: each strategy bends the parts that it is about, and leaves the rest.
 */
import {
  type AddressRecord,
  type Ballot,
  type BallotAnswer,
  type BallotReason,
  type EpisodeRecord,
  type Ip,
  type NodeId,
  type NodeRecord,
  PAYLOAD_FORM,
  type Payload,
} from '@failtome/protocol';
import type { Random } from '../random.ts';
import type { WithheldOrders } from '../withheld-orders.ts';
import { bentValue, type Interesting, madeUp } from './generate.ts';

/** What a liar sees of the world: all that could help it. */
export interface LiarView {
  readonly self: NodeId;
  readonly others: readonly NodeId[];
  readonly candidates: readonly NodeId[];
  readonly addresses: readonly Ip[];
  readonly known: Interesting;
  /** The highest epoch that anybody knows of an address. */
  readonly epochOf: (ip: Ip) => number;
  /** What an address is associated by, and to which instance; null: nobody holds it. */
  readonly association: (ip: Ip) => { readonly id: string; readonly instanceId: string } | null;
  /** By which incarnation a node goes now. */
  readonly incarnationOf: (id: NodeId) => number;
  /** How a digest of the probe reads under which an address has been seen up. */
  readonly answered: (ip: Ip) => string;
  /** The ballots that it was last asked by a node. */
  readonly ballotsOf: (id: NodeId) => readonly Ballot[];
  /** What operators have given it, and nobody else has had. */
  readonly withheld: WithheldOrders;
}

/** Now this, now that. */
export const ANYTHING = 'anything' as const;

/** A payload that tells what its sender is. */
export type Told = Payload & { readonly node: NodeRecord };

/** Makes a lie of one kind. */
export type Strategy = (told: Told, to: NodeId, random: Random, view: LiarView) => Payload;

const REFUSALS: readonly BallotReason[] = [
  'up',
  'held-down',
  'lent',
  'lease-unknown',
  'stale-epoch',
  'duplicate-id',
  'paused',
  'starting',
  'storage',
  'move-did-not-help',
];
const LONG_MS = [1_000, 10_000, 30_000, 2 ** 44] as const;

function eachAddress(
  told: Told,
  change: (one: AddressRecord) => AddressRecord,
  parts: Partial<NodeRecord> = {},
): Payload {
  const addresses = told.node.addresses.map(change);
  return { ...told, node: { ...told.node, ...parts, addresses } };
}

/** What it sees, on and off as it likes; and that what was tried before is over. */
const sight: Strategy = (told, _to, random, view) =>
  eachAddress(told, (one) => ({
    ...one,
    verdict: random.pick(['up', 'down', 'unknown'] as const),
    trouble: random.chance(500),
    ...(one.episode === undefined
      ? {}
      : { episode: { ...one.episode, upEpoch: random.pick([0, view.epochOf(one.ip)]) } }),
  }));

/** That the receiver's id runs twice. */
const duplicates: Strategy = (told, _to, random) => ({ ...told, duplicateMs: random.pick(LONG_MS) });

/** Who holds what, what has ended, what has changed when. */
const cloud: Strategy = (told, to, random, view) =>
  eachAddress(told, (one) => {
    const there = view.association(one.ip);
    const holder = random.pick([to, view.self, random.pick(view.candidates), null]);
    const changes = Array.from({ length: random.pick([0, 1, 4, 16, 32]) }, (_, i) => i * 3_500);
    return {
      ...one,
      holder: random.chance(200)
        ? null
        : {
            kind: holder === null ? random.pick(['none', 'other'] as const) : 'node',
            node: holder,
            instanceId: random.pick([null, there?.instanceId ?? null, 'i-nobody']),
            associationId: random.pick([there?.id ?? null, `eipassoc-${random.below(1_000)}`]),
            ageMs: random.pick([0, 0, 5_000, 2 ** 44]),
          },
      ended: there === null || random.chance(300) ? one.ended : [there.id],
      changes,
      changedTo: changes.map(() => random.below(0x1_0000_0000).toString(16).padStart(8, '0')),
      served: random.chance(700),
    };
  });

/** What this episode of failure has shown: that everybody was tried, in vain. */
const episodes: Strategy = (told, _to, random, view) =>
  eachAddress(told, (one) => {
    const epoch = view.epochOf(one.ip) + 8;
    return { ...one, epoch, episode: episodeOf(one, epoch, random, view) };
  });

function episodeOf({ ip }: AddressRecord, epoch: number, random: Random, view: LiarView): EpisodeRecord {
  const moves = random.chance(800) ? view.candidates : [];
  return {
    upEpoch: 0,
    anewEpoch: random.pick([0, epoch, epoch + 1]),
    tries: moves.map((node, i) => ({
      node,
      epoch: Math.max(0, epoch - i),
      from: random.pick(view.candidates),
      ageMs: random.pick([0, 1_000, 60_000]),
    })),
    answered: random.pick(['', view.answered(ip)]),
    upWall: random.pick([0, 8.64e15]),
    told: random.chance(500),
    saw: 'what it liked',
  };
}

/** That it runs on the holder's machine, and is well. */
const machine: Strategy = (told, _to, _random, view) => {
  const [ip = ''] = view.addresses;
  const parts = {
    instanceId: view.association(ip)?.instanceId ?? '',
    role: 'candidate',
    fit: 'fit',
  } as const;
  return { ...told, node: { ...told.node, ...parts } };
};

/** Who it is: the holder's machine, a candidate, fit and unfit, in ever new lives. */
const identity: Strategy = (told, _to, random, view) => {
  const [ip = ''] = view.addresses;
  const instances = ['', view.association(ip)?.instanceId ?? ''];
  const parts: Partial<NodeRecord> = {
    instanceId: random.pick(instances),
    role: random.pick(['candidate', 'candidate', 'witness', 'member'] as const),
    fit: random.pick(['fit', 'unfit'] as const),
    leaving: random.chance(200),
    ready: random.chance(500),
    priority: random.pick([-1_000_000, 1_000_000]),
    incarnation: random.pick(view.known.numbers),
    electorate: random.pick([told.node.electorate, 'another']),
  };
  return { ...told, node: { ...told.node, ...parts } };
};

/** That others are dead, or were other lives: what makes them speak and write. */
const rumours: Strategy = (told, to, random, view) => ({
  ...told,
  known: view.incarnationOf(to) + random.below(2),
  rumours: [to, ...view.others].slice(0, 8).map((id) => ({
    id,
    incarnation: view.incarnationOf(id) + random.below(2),
    state: random.pick(['dead', 'suspect', 'alive'] as const),
  })),
  ask: view.others.slice(0, 8),
});

/** That ballots have come ever so far, to all but one candidate, which will ask. */
const epochs: Strategy = (told, to, random, view) => {
  if (to === view.candidates.at(-1)) return told;
  const ahead = random.pick([1, 2, 50, 2 ** 16]);
  const payload = eachAddress(told, (one) => ({ ...one, epoch: view.epochOf(one.ip) + ahead }));
  const answers = view.addresses.map((address) => ({
    ...answerOf({ address, epoch: 0, candidate: to, ask: 0 }, view.self, 'refuse', random),
    highest: view.epochOf(address) + ahead,
  }));
  return { ...payload, answers: told.answers ?? answers };
};

/** The same, to one candidate alone, faster than it could pass that on. */
const oneEpoch: Strategy = (told, to, random, view) =>
  to === view.candidates.at(-1)
    ? eachAddress(told, (one) => ({ ...one, epoch: view.epochOf(one.ip) + random.pick([2 ** 16, 2 ** 44]) }))
    : told;

/** Ballots of its own, for everything; and gives back what it never had. */
const ballots: Strategy = (told, to, random, view) => ({
  ...told,
  ballots: view.addresses.map((address) => ({
    address,
    epoch: view.epochOf(address) + random.between(0, 3),
    candidate: random.pick([view.self, view.self, to]),
    mode: random.pick(['takeover', 'takeover', 'handover'] as const),
    electorate: told.node.electorate,
    ask: random.below(3),
    fit: true,
  })),
  releases: view.addresses.map((address) => ({
    address,
    epoch: view.epochOf(address) + 1,
    candidate: random.pick([view.self, random.pick(view.candidates)]),
  })),
});

/** Answers that nobody awaited, with epochs that no ballot has come to: to one candidate alone, faster than it could pass them on. */
const unawaited: Strategy = (told, to, random, view) =>
  to === view.candidates.at(-1)
    ? {
        ...told,
        answers: view.addresses.map((address) => ({
          ...answerOf({ address, epoch: 0, candidate: to, ask: 999 }, view.self, 'refuse', random),
          epoch: random.pick([0, view.epochOf(address)]),
          highest: random.pick([2 ** 44 + 2 ** 16, 2 ** 52]),
        })),
      }
    : told;

/** Orders that operators gave to it alone, some time or other. */
const orders: Strategy = (told, _to, random, { withheld }) => ({
  ...told,
  node: {
    ...told.node,
    pause: withheld.pauses.length === 0 ? told.node.pause : random.pick(withheld.pauses),
    handovers: [...withheld.handovers, ...told.node.handovers].slice(0, 8),
  },
});

/** Parts of what is true, replaced. */
const bent: Strategy = (told, _to, random, { known }) =>
  bentValue(PAYLOAD_FORM, told, random.pick([20, 100, 300]), random, known) as Payload; // of its own form

/** Nothing of what is true. */
const nonsense: Strategy = (_told, _to, random, { known }) => madeUp(PAYLOAD_FORM, random, known) as Payload; // of that form

/** What a liar may be about. */
export const TOPICS = [
  'sight',
  'duplicates',
  'cloud',
  'episodes',
  'machine',
  'identity',
  'rumours',
  'epochs',
  'one-epoch',
  'unawaited',
  'ballots',
  'orders',
  'bent',
  'nonsense',
] as const;
/** One of them, or now this, now that. */
export type Topic = (typeof TOPICS)[number] | typeof ANYTHING;

const STRATEGIES: Readonly<Record<(typeof TOPICS)[number], Strategy>> = {
  sight,
  duplicates,
  cloud,
  episodes,
  machine,
  identity,
  rumours,
  epochs,
  'one-epoch': oneEpoch,
  unawaited,
  ballots,
  orders,
  bent,
  nonsense,
};

/** A strategy that bears on a topic. */
export function strategyOf(topic: Topic, random: Random): Strategy {
  return STRATEGIES[topic === ANYTHING ? random.pick(TOPICS) : topic];
}

/** How it votes for a while. */
export const VOTES = [
  'truly',
  'grant',
  'grant-shortly',
  'refuse',
  'lent',
  'pending',
  'blind',
  'anyhow',
] as const;
/** A vote that a liar can make up. */
export type Vote = (typeof VOTES)[number];

/** Its answers to what it was asked last by that node, in place of what it would have said. */
export function voted(payload: Payload, to: NodeId, vote: Vote, random: Random, view: LiarView): Payload {
  const asked = view.ballotsOf(to);
  if (vote === 'truly' || asked.length === 0) return payload;
  return { ...payload, answers: asked.map((ballot) => answerOf(ballot, view.self, vote, random)) };
}

function answerOf(
  ballot: Pick<Ballot, 'address' | 'epoch' | 'candidate' | 'ask'>,
  voter: NodeId,
  vote: Vote,
  random: Random,
): BallotAnswer {
  const { address, epoch, candidate, ask } = ballot;
  const how = vote === 'anyhow' ? random.pick(VOTES) : vote;
  const answer = {
    address,
    epoch,
    candidate,
    voter,
    ask,
    highest: Math.min(Number.MAX_SAFE_INTEGER, epoch + random.pick([0, 0, 1, 1_000])),
    leaseMs: 0,
    retryMs: 0,
  };
  switch (how) {
    case 'grant':
      return { ...answer, answer: 'grant', reason: 'down', leaseMs: 2 ** 44 };
    case 'grant-shortly':
      return { ...answer, answer: 'grant', reason: 'down', leaseMs: random.pick([300, 1_000]) };
    case 'blind':
      return { ...answer, answer: 'blind', reason: 'no-way-out', leaseMs: 2 ** 44 };
    case 'pending':
      return { ...answer, answer: 'pending', reason: 'undecided' };
    case 'lent':
      return { ...answer, answer: 'refuse', reason: 'lent', retryMs: 30_000 };
    default:
      return {
        ...answer,
        answer: 'refuse',
        reason: random.pick(REFUSALS),
        retryMs: random.pick(LONG_MS),
        ...(random.chance(200) ? { consents: true } : {}),
      };
  }
}
