/** What happens to the web servers, the paths to the addresses, and the external-IP service. */
import { STORE_FAULTS, WEBHOOK_FAULTS } from '../../world/index.ts';
import {
  type ActionKind,
  action,
  anyNode,
  disturbance,
  LONG,
  likelyHolder,
  MIDDLE,
  nodeAction,
  SHORT,
  whoIs,
} from '../action.ts';
import { address, choice, duration, ip, node, optional, share } from '../parameters.ts';

const HAPROXY = ['dead', 'hung', 'error', 'slow'] as const;

const IP_SERVICE_FAULTS = ['hung', 'down', 'html', 'disagree', 'lies'] as const;

/** What happens outside of the nodes, as far as their checks see it. */
export const OUTSIDE: readonly ActionKind[] = [
  nodeAction({
    name: 'haproxy',
    says: 'a web server is dead, hung, answers with errors, or is slow',
    lastsMs: LONG,
    variesBy: 'state',
    parameters: {
      node: node(),
      state: choice(HAPROXY, 'what is wrong with it'),
      slowMs: optional(duration('what a slow one takes'), 1_000),
    },
    draw: (random, spec) => ({
      node: likelyHolder(random, spec),
      state: random.pick(HAPROXY),
      slowMs: random.between(
        Math.floor(spec.settings.probe.timeoutMs / 4),
        2 * spec.settings.probe.timeoutMs,
      ),
    }),
    apply(world, id, given) {
      world.machine(id).slowMs = given.slowMs;
      world.haproxy(id, given.state);
      return () => world.haproxy(id, 'up');
    },
  }),
  disturbance(
    'haproxy-blips',
    'a web server is dead for a moment',
    SHORT,
    (world, id) => world.haproxy(id, 'dead'),
    (world, id) => world.haproxy(id, 'up'),
  ),
  disturbance(
    'no-way-out',
    'a node reaches its peers, and nothing outside',
    MIDDLE,
    (world, id) => world.wayOut(id, 'broken'),
    (world, id) => world.wayOut(id, 'open'),
  ),
  nodeAction({
    name: 'path-blocked',
    says: 'a node does not reach the address, though everybody else may',
    lastsMs: MIDDLE,
    parameters: { node: node(), address: address() },
    draw: (random, spec) => ({ node: anyNode(random, spec), address: random.pick(spec.addresses) }),
    apply(world, id, given) {
      const { blockedPaths } = world.machine(id);
      blockedPaths.add(given.address);
      return () => void blockedPaths.delete(given.address);
    },
  }),
  action({
    name: 'page-gone',
    says: 'the page that is probed answers with an error behind every web server, which are well themselves',
    lastsMs: LONG,
    parameters: {},
    draw: () => ({}),
    apply({ outside }) {
      outside.page = 'gone';
      return () => {
        outside.page = 'served';
      };
    },
  }),
  action({
    name: 'webhook',
    says: 'the web hook is down, hangs, refuses what it is told, or takes it without an answer',
    lastsMs: LONG,
    variesBy: 'state',
    parameters: { state: choice(WEBHOOK_FAULTS, 'what is wrong with it') },
    apply({ outside }, { state }) {
      outside.webhook = state;
      return () => {
        outside.webhook = 'up';
      };
    },
  }),
  action({
    name: 'store',
    says: 'the store does not answer, refuses most calls, applies them without an answer, shows what stood there before, has lost its table, or lies',
    lastsMs: LONG,
    variesBy: 'state',
    parameters: {
      state: choice(STORE_FAULTS, 'what is wrong with it'),
      node: optional(node('for whose calls; left out: for all'), null),
    },
    apply(world, { state, node: named }) {
      const { store } = world;
      const id = named === null ? null : whoIs(world, named);
      if (store === null || (named !== null && id === null)) return null;
      store.fail(id, state);
      return () => store.fail(id, null);
    },
  }),
  nodeAction({
    name: 'outside-loss',
    says: 'connections of a node to the outside come to nothing so often',
    lastsMs: LONG,
    parameters: { node: node(), lossPerMille: share('how many') },
    draw: (random, spec) => ({ node: anyNode(random, spec), lossPerMille: random.pick([200, 500, 800]) }),
    apply(world, id, given) {
      const machine = world.machine(id);
      machine.outsideLossPerMille = given.lossPerMille;
      return () => {
        machine.outsideLossPerMille = 0;
      };
    },
  }),
  action({
    name: 'ip-service',
    says: 'the external-IP service hangs, is down, answers with a page or with two addresses, or lies',
    lastsMs: MIDDLE,
    variesBy: 'state',
    parameters: {
      state: choice(IP_SERVICE_FAULTS, 'what is wrong with it'),
      ip: optional(ip('what it says to everybody when it lies'), '203.0.113.250'),
    },
    draw: (random, spec) => ({
      state: random.pick(IP_SERVICE_FAULTS),
      ip: random.pick([random.pick(spec.addresses), '203.0.113.250']),
    }),
    apply(world, given) {
      const { outside } = world;
      outside.ipService = given.state === 'lies' ? { kind: 'lies', ip: given.ip } : { kind: given.state };
      return () => {
        outside.ipService = { kind: 'up' };
      };
    },
  }),
];
