/** What operators ask of the agents. */
import { type ActionKind, action, anyNode, MIDDLE, whoIs } from '../action.ts';
import { address, duration, node, optional } from '../parameters.ts';

/** Who gives the orders here. */
const OWNER = 'operator';
const REASON = 'simulated';
const ASKED = node('the node that is asked');

export const PEOPLE: readonly ActionKind[] = [
  action({
    name: 'pause-order',
    says: 'automatic moves are paused, and resumed',
    lastsMs: MIDDLE,
    parameters: {
      node: ASKED,
      expiresMs: optional(duration('until it ends by itself; absent: never'), null),
    },
    draw: (random, spec) => ({ node: anyNode(random, spec), expiresMs: random.pick([null, 5_000, 20_000]) }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      world.order(id, { kind: 'pause', forMs: given.expiresMs, reason: REASON, owner: OWNER });
      return () => world.order(id, { kind: 'resume', reason: REASON, owner: OWNER });
    },
  }),
  action({
    name: 'resume-order',
    says: 'automatic moves are resumed',
    lastsMs: null,
    parameters: { node: ASKED },
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id !== null) world.order(id, { kind: 'resume', reason: REASON, owner: OWNER });
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
    },
    draw: (random, spec) => ({
      node: anyNode(random, spec),
      address: random.pick(spec.addresses),
      to: random.chance(500) ? anyNode(random, spec) : null,
      withinMs: random.pick([null, 10_000]),
    }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      const to = given.to === null ? null : whoIs(world, given.to);
      if (id === null) return null;
      const forMs = given.withinMs === null ? {} : { forMs: given.withinMs };
      world.order(id, {
        kind: 'handover',
        address: given.address,
        to,
        reason: REASON,
        owner: OWNER,
        ...forMs,
      });
      return null;
    },
  }),
  action({
    name: 'handover-cancel',
    says: 'the handover of an address is taken back',
    lastsMs: null,
    parameters: { node: ASKED, address: address() },
    draw: (random, spec) => ({ node: anyNode(random, spec), address: random.pick(spec.addresses) }),
    apply(world, given) {
      const id = whoIs(world, given.node);
      if (id === null) return null;
      world.order(id, {
        kind: 'handover-cancel',
        id: null,
        address: given.address,
        reason: REASON,
        owner: OWNER,
      });
      return null;
    },
  }),
];
