/** What happens between the nodes. */
import type { Packets, World } from '../../world/index.ts';
import {
  type ActionKind,
  action,
  anyNode,
  LONG,
  MIDDLE,
  nodeAction,
  SHORT,
  twoNodes,
  type Undo,
  whoIs,
} from '../action.ts';
import { choice, duration, node, optional, share, whole } from '../parameters.ts';

const ENDS = { from: node('one of the two'), to: node('the other') };

function ends(
  world: World,
  given: { readonly from: string; readonly to: string },
): readonly [string, string] | null {
  const [a, b] = [whoIs(world, given.from), whoIs(world, given.to)];
  return a === null || b === null || a === b ? null : [a, b];
}

function drawEnds(random: Parameters<typeof twoNodes>[0], spec: Parameters<typeof twoNodes>[1]) {
  const [from, to] = twoNodes(random, spec);
  return { from, to };
}

/** Both directions between two nodes are different for a time. */
function between(
  name: string,
  says: string,
  begun: Parameters<World['link']>[2],
  ended: Parameters<World['link']>[2],
): ActionKind {
  return action({
    name,
    says,
    lastsMs: MIDDLE,
    parameters: ENDS,
    draw: drawEnds,
    apply(world, given) {
      const pair = ends(world, given);
      if (pair === null) return null;
      world.link(...pair, begun);
      return () => world.link(...pair, ended);
    },
  });
}

/** What happens to the links between nodes. */
export const LINKS: readonly ActionKind[] = [
  between('cut', 'nothing passes between two nodes', { state: 'closed' }, { state: 'open' }),
  action({
    name: 'one-way',
    says: 'one direction between two nodes is broken, the other works',
    lastsMs: MIDDLE,
    variesBy: 'state',
    parameters: {
      from: node('who is not heard'),
      to: node('who does not hear'),
      state: optional(
        choice(
          ['closed', 'no-connections', 'reject'],
          'closed: packets vanish; no-connections: new requests vanish, answers pass; reject: requests are refused',
        ),
        'closed',
      ),
    },
    draw: (random, spec) => ({
      ...drawEnds(random, spec),
      state: random.pick(['closed', 'no-connections', 'reject'] as const),
    }),
    apply(world, given) {
      const pair = ends(world, given);
      if (pair === null) return null;
      world.oneWay(...pair, { state: given.state });
      return () => world.oneWay(...pair, { state: 'open' });
    },
  }),
  nodeAction({
    name: 'isolate',
    says: 'nothing passes between a node and all others',
    lastsMs: MIDDLE,
    parameters: { node: node() },
    draw: (random, spec) => ({ node: anyNode(random, spec) }),
    apply(world, id) {
      const others = world.spec.nodes.filter((other) => other.id !== id);
      for (const other of others) world.link(id, other.id, { state: 'closed' });
      return () => {
        for (const other of others) world.link(id, other.id, { state: 'open' });
      };
    },
  }),
  action({
    name: 'bad-links',
    says: 'messages between all nodes are lost, late, out of order, or come twice',
    lastsMs: LONG,
    parameters: {
      lossPerMille: optional(share('how many are lost'), 0),
      latePerMille: optional(share('how many take longer'), 0),
      tailMs: optional(duration('by up to how much longer'), 1_000),
      duplicatePerMille: optional(share('how many requests arrive once more'), 0),
    },
    draw: (random) => ({
      lossPerMille: random.pick([20, 100, 300]),
      latePerMille: random.pick([0, 100, 400]),
      tailMs: random.pick([100, 1_000, 4_000]),
      duplicatePerMille: random.pick([0, 100, 400]),
    }),
    apply(world, given): Undo {
      const pairs = pairsOf(world);
      const { latePerMille: tailPerMille, ...rest } = given;
      for (const [a, b] of pairs) world.oneWay(a, b, { ...rest, tailPerMille });
      return () => {
        for (const [a, b] of pairs)
          world.oneWay(a, b, { lossPerMille: 0, tailPerMille: 0, duplicatePerMille: 0 });
      };
    },
  }),
  action({
    name: 'packet-loss',
    says: 'of all packets so many are lost, each by itself, and TCP sends them again; needs `network`',
    lastsMs: LONG,
    parameters: { lossPerMille: share('how many') },
    apply(world, given) {
      const packets = packetsOf(world);
      packets.loss = given.lossPerMille / 1_000;
      return () => {
        packets.loss = packets.spec.loss;
      };
    },
  }),
  nodeAction({
    name: 'packet-burst',
    says: 'the network of a node carries nothing, and TCP sends it again; needs `network`',
    lastsMs: SHORT,
    parameters: { node: node() },
    apply(world, id) {
      const { silent } = packetsOf(world);
      silent.add(id);
      return () => void silent.delete(id);
    },
  }),
  between(
    'dead-kept-connections',
    'the kept connections between two nodes are dead, and neither has noticed',
    { keptDead: true },
    { keptDead: false },
  ),
  action({
    name: 'replay',
    says: 'recorded messages are sent again, some of them to somebody else',
    lastsMs: null,
    parameters: {
      times: optional(whole(1, 1_000, 'how many'), 20),
      withinMs: optional(duration('spread over so long'), 2_000),
      strayPerMille: optional(share('how many go to another node than they went to'), 200),
    },
    draw: () => ({ times: 20, withinMs: 2_000, strayPerMille: 200 }),
    apply(world, given) {
      for (let i = 0; i < given.times; i += 1) world.replayWithin(given.withinMs, given.strayPerMille);
      return null;
    },
  }),
];

function packetsOf({ packets }: World): Packets {
  if (packets === null) throw new Error('this world has no packets: say `network` in its scenario');
  return packets;
}

function pairsOf({ spec: { nodes } }: World): readonly (readonly [string, string])[] {
  return nodes.flatMap((a) => nodes.flatMap((b) => (a === b ? [] : [[a.id, b.id] as const])));
}
