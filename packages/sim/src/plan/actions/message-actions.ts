/** What happens to single messages: for scenarios that depend on their order, and that chance would hardly hit. */
import { LIES } from '../../world/forgery.ts';
import { LIAR_MODES } from '../../world/liar/liar.ts';
import { ANYTHING, TOPICS, VOTES } from '../../world/liar/strategies.ts';
import type { MessageRule } from '../../world/network.ts';
import { type ActionKind, action, LONG, nodeAction, whoIs } from '../action.ts';
import { choice, duration, node, optional, whole } from '../parameters.ts';

const MAX_MESSAGES = 100_000;

const WHICH = {
  from: node('who sends it'),
  to: node('who it is for'),
  way: optional(choice(['request', 'response', 'any'], 'requests, answers, or both'), 'any'),
  skip: optional(whole(0, MAX_MESSAGES, 'how many of them pass before'), 0),
  times: optional(whole(1, MAX_MESSAGES, 'how many it happens to'), 1),
} as const;

const BY = { byMs: duration('how much later') };

function single(name: string, says: string, kind: 'late' | 'again'): ActionKind {
  return action({
    name,
    says,
    lastsMs: LONG,
    parameters: { ...WHICH, ...BY },
    apply(world, { from, to, byMs, ...which }) {
      const [a, b] = [whoIs(world, from), whoIs(world, to)];
      if (a === null || b === null) return null;
      return world.network.rule({ from: a, to: b, ...which, fate: { kind, byMs } } satisfies MessageRule);
    },
  });
}

/** What happens to single messages. */
export const MESSAGES: readonly ActionKind[] = [
  action({
    name: 'lose-message',
    says: 'the next message from one node to another is lost',
    lastsMs: LONG,
    parameters: WHICH,
    apply(world, { from, to, ...which }) {
      const [a, b] = [whoIs(world, from), whoIs(world, to)];
      if (a === null || b === null) return null;
      return world.network.rule({ from: a, to: b, ...which, fate: { kind: 'lost' } });
    },
  }),
  single('delay-message', 'the next message from one node to another takes longer', 'late'),
  single('repeat-message', 'the next request from one node to another arrives once more', 'again'),
  nodeAction({
    name: 'forge',
    says: 'a node with the key says what is not so, in every message',
    lastsMs: LONG,
    parameters: {
      node: node('who lies'),
      lie: choice(
        LIES,
        'numbers: near 2^53; lives: that whoever hears it has had 2^50 of them; ended: that the present association has ended; holder: that whoever hears it holds the address; ballots: asks for every lease; news: trouble and unfit on and off; handovers: long ones; pauses: another one in every message; new-pauses, new-resumes, new-handovers: that an operator has ordered that; old-orders: once more what an operator ordered before; withheld-orders: what operators gave to this node alone, who were shown what is not so',
      ),
    },
    apply(world, id, { lie }) {
      world.forge(id, lie);
      return () => world.forge(id, null);
    },
  }),
  action({
    name: 'liar',
    says: 'a witness whose key was stolen sends anything that the key allows',
    lastsMs: LONG,
    parameters: {
      node: node('who lies'),
      mode: optional(
        choice(
          LIAR_MODES,
          'identities: for itself alone; shared-key: it also bends what the others say, in their names',
        ),
        'identities',
      ),
      says: optional(
        choice([...TOPICS, ANYTHING], 'what it lies about; anything: now this, now that'),
        ANYTHING,
      ),
      votes: optional(
        choice([...VOTES, ANYTHING], 'how it answers ballots; anything: now this, now that'),
        ANYTHING,
      ),
      seed: optional(whole(0, 0xffff_ffff, 'what it says follows from this number'), 1),
    },
    apply(world, { node: who, mode, seed, says, votes }) {
      const id = whoIs(world, who);
      return id === null ? null : world.lie(id, mode, { says, votes }, seed);
    },
  }),
  action({
    name: 'delays',
    says: 'every message between the nodes takes this long',
    lastsMs: LONG,
    parameters: { leastMs: duration('at least'), mostMs: duration('at most') },
    apply(world, { leastMs, mostMs }) {
      const ids = world.spec.nodes.map(({ id }) => id);
      const ways = ids.flatMap((from) => ids.filter((to) => to !== from).map((to) => [from, to] as const));
      const before = ways.map(([from, to]) => world.network.link(from, to).delayMs);
      for (const [from, to] of ways) world.oneWay(from, to, { delayMs: [leastMs, mostMs] });
      return () => {
        for (const [index, [from, to]] of ways.entries())
          world.oneWay(from, to, { delayMs: before[index] ?? [leastMs, mostMs] });
      };
    },
  }),
];
