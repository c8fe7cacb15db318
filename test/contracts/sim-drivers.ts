/** The simulator's drivers over the model of AWS, in virtual time; the driver is the first node's. */
import {
  type AddressSpec,
  type AwsAction,
  associate,
  clearFaults,
  createAws,
  disassociate,
  type FaultEffect,
  holderOf,
  setInstance,
  setPermission,
  targetOn,
} from '../../packages/cloud/src/model/index.ts';
import type { DriveEffect, Event } from '../../packages/protocol/src/index.ts';
import { SimulatedCloud } from '../../packages/sim/src/world/cloud.ts';
import { createDriver } from '../../packages/sim/src/world/drivers.ts';
import { createQueue } from '../../packages/sim/src/world/queue.ts';
import { createRandom } from '../../packages/sim/src/world/random.ts';
import { Subscribers } from '../../packages/sim/src/world/subscribers.ts';
import type { DriverFault, Ec2DriverWorld, Holder } from './driver-world.ts';
import type { RouteDriverWorld } from './route-contract.ts';

const US = 'i-00000000000000001';
const THEM = 'i-00000000000000002';
const ADDRESS = '198.51.100.7';
/** Of the same subnet as the nodes' interfaces, as far as the model has one for IPv6. */
export const IPV6_ADDRESS = '2001:db8::100';
const OTHER = '198.51.100.8';
const TOPIC = 'arn:aws:sns:us-east-1:123456789012:failover';
const OPERATOR = { kind: 'operator', name: 'console' } as const;
const LANDING = '10.0.1.10';
/** A private address never leaves its subnet, and so its zone. */
export const ZONE = 'us-east-1a';

/** The contested address, as the account has it where that driver moves it. */
export function contestedBy(kind: ContractedKind, routeTables: readonly string[] = ['rtb-0a']): AddressSpec {
  switch (kind) {
    case 'ec2-private-ip':
      return { kind: 'private', publicIp: ADDRESS };
    case 'ec2-private-ip over IPv6':
      return { kind: 'private', publicIp: IPV6_ADDRESS };
    case 'ec2-route':
      return { kind: 'route', publicIp: ADDRESS, routeTables };
    case 'ec2':
    case 'opsworks':
      return { publicIp: ADDRESS };
  }
}

/** The faults of the contract, in the model's words. */
export const EFFECTS: Readonly<Record<DriverFault, FaultEffect>> = {
  throttle: { kind: 'throttle' },
  'server-error': { kind: 'server-error', status: 500 },
  hang: { kind: 'hang' },
  reset: { kind: 'reset' },
  'apply-then-hang': { kind: 'apply-then-hang' },
  'apply-then-error': { kind: 'apply-then-error', status: 500 },
  'apply-then-reset': { kind: 'apply-then-reset' },
  refuse: { kind: 'unauthorized' },
};

/** The calls of each driver that the contract breaks. */
export const ACTIONS = {
  ec2: {
    read: 'ec2:DescribeAddresses',
    take: 'ec2:AssociateAddress',
    release: 'ec2:DisassociateAddress',
  },
  'ec2-private-ip': {
    read: 'ec2:DescribeNetworkInterfaces',
    take: 'ec2:AssignPrivateIpAddresses',
    release: 'ec2:UnassignPrivateIpAddresses',
  },
  'ec2-private-ip over IPv6': {
    read: 'ec2:DescribeNetworkInterfaces',
    take: 'ec2:AssignIpv6Addresses',
    release: 'ec2:UnassignIpv6Addresses',
  },
  // From nobody a route is taken by creating it.
  'ec2-route': {
    read: 'ec2:DescribeRouteTables',
    take: 'ec2:CreateRoute',
    release: 'ec2:ReplaceRoute',
  },
  opsworks: {
    read: 'opsworks:DescribeElasticIps',
    take: 'opsworks:AssociateElasticIp',
    release: 'opsworks:DisassociateElasticIp',
  },
} as const satisfies Record<string, Record<'read' | 'take' | 'release', AwsAction>>;

/** The drivers, that of private addresses once for each IP version. */
export type ContractedKind = keyof typeof ACTIONS;

/** The kind of driver that it is for the program. */
function driverOf(kind: ContractedKind): Exclude<ContractedKind, 'ec2-private-ip over IPv6'> {
  return kind === 'ec2-private-ip over IPv6' ? 'ec2-private-ip' : kind;
}

/** What the account is to be like. */
interface SimulatedOptions {
  readonly staleRelease?: 'success';
  readonly unassignSettleMs?: number;
  readonly routeTables?: readonly string[];
  /** By default off, as it has to be for routes. */
  readonly sourceDestCheck?: boolean;
}

/** Start a world in which nobody holds the address. */
export async function openSimulated(
  kind: ContractedKind,
  { staleRelease, unassignSettleMs, routeTables, sourceDestCheck = false }: SimulatedOptions = {},
): Promise<Ec2DriverWorld & RouteDriverWorld> {
  const queue = createQueue();
  const random = createRandom(1);
  let cutOff = false;
  // Whether a call of a node without a way out leaves it over a kept connection is a matter of chance: here it doesn't.
  const chance = (perMille: number): boolean => (cutOff ? perMille > 0 : random.chance(perMille));
  const initial = createAws({
    instances: [
      { id: US, privateIps: [[LANDING]], availabilityZone: ZONE, sourceDestCheck },
      { id: THEM, availabilityZone: ZONE, sourceDestCheck },
    ],
    addresses: [contestedBy(kind, routeTables), { publicIp: OTHER }],
    topics: [TOPIC],
    config: {
      ...(staleRelease === undefined ? {} : { staleDisassociate: staleRelease }),
      ...(unassignSettleMs === undefined ? {} : { unassignSettleMs }),
    },
  });
  const spec = { applyMs: [10, 60], answerMs: [5, 30], lostAnswerPerMille: 0 } as const;
  const listener = { onEvent: () => undefined, onFault: () => undefined };
  const cloud = new SimulatedCloud(queue, { ...random, chance }, initial, spec, listener, new Subscribers());
  const contested = contestedBy(kind, routeTables);
  const address = contested.publicIp;
  const driver = createDriver(cloud, {
    kind: driverOf(kind),
    instanceId: US,
    addresses: [{ ip: address, allocationId: null, privateIp: LANDING }],
    topicArn: TOPIC,
    time: { queue, random },
  });
  const posted: Event[] = [];
  const put = (ip: string, instanceId: string): void =>
    cloud.change((state, atMs) => {
      const instance = state.instances.get(instanceId);
      if (instance === undefined) throw new Error(`no instance ${instanceId}`);
      return associate(state, ip, targetOn(state, ip, instance), OPERATOR, atMs);
    });
  const arm = (operation: 'read' | 'take' | 'release', effect: FaultEffect, times: number): void =>
    void cloud.arm({ action: ACTIONS[kind][operation], effect, times });
  return {
    posted,
    address,
    other: OTHER,
    drive: (effect: DriveEffect) =>
      driver.drive(
        effect,
        queue.now() + effect.timeoutMs,
        (work) => work(),
        (result) => posted.push({ kind: 'driven', callId: effect.callId, purpose: effect.purpose, result }),
      ),
    async next() {
      const before = posted.length;
      while (posted.length === before && queue.runNext(Number.POSITIVE_INFINITY));
    },
    async pass(ms) {
      const until = queue.now() + ms;
      while (queue.runNext(until));
    },
    holder() {
      const holder = holderOf(cloud.state(), address);
      return holder === null ? 'nobody' : holder === US ? 'us' : 'them';
    },
    move(to: Holder) {
      if (to !== 'nobody') put(address, to === 'us' ? US : THEM);
      else if (holderOf(cloud.state(), address) !== null)
        cloud.change((state, atMs) => disassociate(state, address, 'disassociated', OPERATOR, atMs));
    },
    faultReplace: (fault, times) =>
      void cloud.arm({ action: 'ec2:ReplaceRoute', effect: EFFECTS[fault], times }),
    fault: (fault, operation, times = 1) => arm(operation, EFFECTS[fault], times),
    lag(lagMs) {
      cloud.change(clearFaults);
      if (lagMs > 0) arm('read', { kind: 'stale', lagMs }, 1);
    },
    applyLate: (applyAfterMs) => arm('take', { kind: 'apply-late', applyAfterMs }, 1),
    cutOff() {
      cutOff = true;
      cloud.change((state, atMs) => setInstance(state, US, { wayOut: 'broken' }, atMs));
    },
    permit: (action, permission) => cloud.change((state) => setPermission(state, US, action, permission)),
    occupy: () => put(OTHER, US),
    close: () => undefined,
  };
}
