/** What AWS does to the calls of the nodes, and what people do to the addresses behind their backs. */
import {
  type AwsActionPattern,
  associate,
  type Caller,
  disassociate,
  FAULT_KINDS,
  type FaultEffect,
  type FaultKind,
} from '@failtome/cloud/model';
import { landingOf, type World } from '../../world/index.ts';
import { type ActionKind, action, anyNode, MIDDLE, nodeAction, whoIs } from '../action.ts';
import { address, choice, duration, node, optional, text, whole } from '../parameters.ts';

/** A call that was never answered may be applied this much later. */
export const MAX_APPLY_LATE_MS = 20_000;

/** The calls that a drawn fault hits. */
export const CALLS: readonly AwsActionPattern[] = [
  'ec2:DescribeAddresses',
  'ec2:AssociateAddress',
  'ec2:DisassociateAddress',
  'opsworks:AssociateElasticIp',
  'opsworks:DisassociateElasticIp',
  'opsworks:DescribeElasticIps',
  'ec2:*',
  'opsworks:*',
  'sns:Publish',
  '*',
];

/** All that can be named: those of a driver that no swarm draws as well. */
const NAMED_CALLS: readonly AwsActionPattern[] = [
  ...CALLS,
  'ec2:DescribeNetworkInterfaces',
  'ec2:AssignPrivateIpAddresses',
  'ec2:UnassignPrivateIpAddresses',
  'ec2:AssignIpv6Addresses',
  'ec2:UnassignIpv6Addresses',
  'ec2:DescribeRouteTables',
  'ec2:ReplaceRoute',
  'ec2:CreateRoute',
];

interface Effect {
  readonly effect: FaultKind;
  readonly applyAfterMs: number;
  readonly answerAfterMs: number;
  readonly lagMs: number;
  readonly code: string;
}

function effectOf({ effect, applyAfterMs, answerAfterMs, lagMs, code }: Effect): FaultEffect {
  switch (effect) {
    case 'server-error':
      return { kind: effect, status: 503 };
    case 'apply-then-error':
      return { kind: effect, status: 500 };
    case 'apply-late':
      return { kind: effect, applyAfterMs };
    case 'slow':
      return { kind: effect, applyAfterMs, answerAfterMs };
    case 'stale':
    case 'non-monotonic':
      return { kind: effect, lagMs };
    case 'refuse':
      return { kind: effect, code, message: 'not today', status: 400 };
    default:
      return { kind: effect };
  }
}

const AS_OPERATOR: Caller = { kind: 'operator', name: 'console' };

/** Where an address lands on a node. */
function targetOn(world: World, id: string, ip: string): Parameters<typeof associate>[2] {
  const index = world.spec.nodes.findIndex((one) => one.id === id);
  const instance = world.cloud.state().instances.get(world.instanceOf(id));
  if (instance === undefined) throw new Error(`${id} has no instance`);
  const place = world.spec.addresses.indexOf(ip);
  return {
    instanceId: instance.id,
    interfaceId: instance.interfaces[0].id,
    privateIp: landingOf(index, place),
  };
}

/** What happens to AWS. */
export const CLOUD: readonly ActionKind[] = [
  action({
    name: 'cloud',
    says: 'calls to AWS go wrong',
    lastsMs: MIDDLE,
    variesBy: 'effect',
    parameters: {
      call: optional(choice(NAMED_CALLS, 'which calls'), '*'),
      effect: choice(FAULT_KINDS, 'what goes wrong'),
      node: optional(node('only the calls of this node'), null),
      times: optional(whole(1, 1_000, 'how many calls it hits'), 1_000),
      skip: optional(whole(0, 1_000, 'how many calls it lets pass before'), 0),
      applyAfterMs: optional(duration('apply-late and slow: when it is applied'), 1_000),
      answerAfterMs: optional(duration('slow: how much later it is answered'), 1_000),
      lagMs: optional(duration('stale and non-monotonic: how old the facts are'), 5_000),
      code: optional(text('refuse: the error code'), 'InternalRefusal'),
    },
    draw(random) {
      const effect = random.pick(FAULT_KINDS);
      return {
        call: random.pick(CALLS),
        effect,
        node: null,
        times: random.pick([1, 1, 2, 5, 20]),
        skip: random.pick([0, 0, 1, 2]),
        applyAfterMs: effect === 'slow' ? random.between(0, 3_000) : random.between(500, MAX_APPLY_LATE_MS),
        answerAfterMs: random.between(0, 3_000),
        lagMs: random.between(500, 20_000),
        code: 'InternalRefusal',
      };
    },
    apply(world, given) {
      const id = given.node === null ? null : whoIs(world, given.node);
      const { call, times, skip } = given;
      const caller = id === null ? {} : { caller: world.instanceOf(id) };
      const armed = world.arm({ action: call, effect: effectOf(given), times, skip, ...caller });
      return () => world.cloud.clear(armed);
    },
  }),
  action({
    name: 'console',
    says: 'somebody moves the address by hand',
    lastsMs: null,
    parameters: {
      address: address(),
      to: optional(node('who gets it; absent: nobody'), null),
    },
    draw: (random, spec) => ({
      address: random.pick(spec.addresses),
      to: random.chance(500) ? null : random.pick(spec.nodes.filter(({ role }) => role === 'candidate')).id,
    }),
    apply(world, given) {
      const id = given.to === null ? null : whoIs(world, given.to);
      world.cloud.change((state, atMs) =>
        id === null
          ? disassociate(state, given.address, 'disassociated', AS_OPERATOR, atMs)
          : associate(state, given.address, targetOn(world, id, given.address), AS_OPERATOR, atMs),
      );
      return null;
    },
  }),
  nodeAction({
    name: 'revoke',
    says: 'the role of a node loses a permission, and gets it back',
    lastsMs: MIDDLE,
    parameters: {
      call: choice(NAMED_CALLS, 'which calls'),
      node: node(),
    },
    draw: (random, spec) => ({ call: random.pick(CALLS), node: anyNode(random, spec) }),
    apply(world, id, given) {
      const armed = world.arm({
        action: given.call,
        effect: { kind: 'unauthorized' },
        caller: world.instanceOf(id),
      });
      return () => world.cloud.clear(armed);
    },
  }),
];
