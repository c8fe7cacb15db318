/** What operators ask of the agents. */

import { type ActionKind, action, anyNode, MIDDLE, nodeAction, whoIs } from '../action.ts';
import { address, choice, duration, node, optional, whole } from '../parameters.ts';

/** Who gives the orders here. */
const OWNER = 'operator';
const REASON = 'simulated';
const ASKED = node('the node that is asked');
/** The id of no handover. */
const UNKNOWN_HANDOVER = 'nobody-0-0';
const MAX_QUESTIONS = 1_000;
/** By chance; `swarm/draw.ts` makes some of them strangers' where it matters. */
const OPERATOR = 'operator' as const;
const BY = optional(
  choice(
    ['operator', 'stranger'],
    "operator: signs with a key of his own where there are such; stranger: has the cluster's key alone",
  ),
  'operator',
);

/** What operators do, in good faith or not. */
export const PEOPLE: readonly ActionKind[] = [
  nodeAction({
    name: 'pause-order',
    says: 'automatic moves are paused, and resumed',
    lastsMs: MIDDLE,
    parameters: {
      node: ASKED,
      expiresMs: optional(duration('until it ends by itself; absent: never'), null),
      by: BY,
    },
    draw: (random, spec) => ({
      node: anyNode(random, spec),
      expiresMs: random.pick([null, 5_000, 20_000]),
      by: OPERATOR,
    }),
    apply(world, id, given) {
      world.order(id, { kind: 'pause', forMs: given.expiresMs, reason: REASON, owner: OWNER }, given.by);
      return () => world.order(id, { kind: 'resume', reason: REASON, owner: OWNER }, given.by);
    },
  }),
  nodeAction({
    name: 'resume-order',
    says: 'automatic moves are resumed',
    lastsMs: null,
    parameters: { node: ASKED, by: BY },
    apply(world, id, given) {
      world.order(id, { kind: 'resume', reason: REASON, owner: OWNER }, given.by);
      return null;
    },
  }),
  action({
    name: 'handover-order',
    says: 'an address is handed over',
    lastsMs: null,
    parameters: {
      node: ASKED,
      address: address(),
      to: optional(node('who shall take it; absent: whoever ranks first'), null),
      withinMs: optional(duration('how long it may take; absent: as long as a handover may'), null),
      by: BY,
    },
    draw: (random, spec) => ({
      node: anyNode(random, spec),
      address: random.pick(spec.addresses),
      to: random.chance(500) ? anyNode(random, spec) : null,
      withinMs: random.pick([null, 10_000]),
      by: OPERATOR,
    }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      const to = given.to === null ? null : whoIs(world, given.to);
      if (id === null) return null;
      const forMs = given.withinMs === null ? {} : { forMs: given.withinMs };
      world.order(
        id,
        { kind: 'handover', address: given.address, to, reason: REASON, owner: OWNER, ...forMs },
        given.by,
      );
      return null;
    },
  }),
  nodeAction({
    name: 'handover-cancel',
    says: 'the handover of an address is taken back',
    lastsMs: null,
    parameters: { node: ASKED, address: address(), by: BY },
    draw: (random, spec) => ({
      node: anyNode(random, spec),
      address: random.pick(spec.addresses),
      by: OPERATOR,
    }),
    apply(world, id, given) {
      const which = { id: null, address: given.address };
      world.order(id, { kind: 'handover-cancel', ...which, reason: REASON, owner: OWNER }, given.by);
      return null;
    },
  }),
  nodeAction({
    name: 'questions',
    says: "somebody with the cluster's key asks after a handover that nobody ordered, in many sessions at once",
    lastsMs: null,
    parameters: {
      node: ASKED,
      times: optional(whole(1, MAX_QUESTIONS, 'in how many sessions'), 40),
    },
    apply(world, id, given) {
      for (let n = 0; n < given.times; n += 1)
        world.order(id, { kind: 'handover-status', id: UNKNOWN_HANDOVER }, 'stranger');
      return null;
    },
  }),
];
