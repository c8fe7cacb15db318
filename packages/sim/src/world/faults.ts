/**
 * Everything that a swarm breaks. Each fault is applied once and may have an end; what it draws comes from the
 * generator it is given.
 */
import type { AwsActionPattern, FaultEffect } from '../aws/index.ts';
import { associate, disassociate } from '../aws/index.ts';
import { QUIET_LINK } from './network.ts';
import type { Random } from './random.ts';
import { landingOf } from './settings.ts';
import type { World } from './world.ts';

/** Ends what a fault began; for good measure it may be called more than once. */
export type Undo = () => void;

export interface Fault {
  readonly name: string;
  /** How long it lasts, at least and at most; unused where there is nothing to undo. */
  readonly lastsMs: readonly [number, number];
  readonly apply: (world: World, random: Random) => Undo | null;
}

/** A call that was never answered may be applied this much later. */
export const MAX_APPLY_LATE_MS = 20_000;

const SHORT = [100, 4_000] as const;
const MIDDLE = [500, 20_000] as const;
const LONG = [5_000, 60_000] as const;

function anyNode(world: World, random: Random): string {
  return random.pick(world.spec.nodes).id;
}

function twoNodes(world: World, random: Random): readonly [string, string] {
  const a = anyNode(world, random);
  const others = world.spec.nodes.filter(({ id }) => id !== a);
  return [a, random.pick(others).id];
}

/** The holder of an address as often as anybody else. */
function likelyHolder(world: World, random: Random): string {
  const holder = world.holder(random.pick(world.spec.addresses));
  return holder !== null && random.chance(600) ? holder : anyNode(world, random);
}

function haproxy(state: 'dead' | 'hung' | 'error' | 'slow', lastsMs: Fault['lastsMs'], name: string): Fault {
  return {
    name,
    lastsMs,
    apply(world, random) {
      const id = likelyHolder(world, random);
      const { timeoutMs } = world.spec.settings.probe;
      world.machine(id).slowMs = random.between(Math.floor(timeoutMs / 4), 2 * timeoutMs);
      world.haproxy(id, state);
      return () => world.haproxy(id, 'up');
    },
  };
}

function onProcess(
  name: string,
  lastsMs: Fault['lastsMs'],
  down: (world: World, id: string, random: Random) => void,
  up: (world: World, id: string) => void,
): Fault {
  return {
    name,
    lastsMs,
    apply(world, random) {
      const id = likelyHolder(world, random);
      down(world, id, random);
      return () => up(world, id);
    },
  };
}

const PROCESS: readonly Fault[] = [
  onProcess(
    'crash',
    MIDDLE,
    (world, id) => world.crash(id),
    (world, id) => world.start(id),
  ),
  onProcess(
    'crash-between-effects',
    MIDDLE,
    (world, id, random) => world.process(id)?.strikeAfter(random.between(1, 60), 'kill'),
    (world, id) => world.start(id),
  ),
  onProcess(
    'pause',
    MIDDLE,
    (world, id) => world.pause(id),
    (world, id) => world.resume(id),
  ),
  onProcess(
    'pause-between-effects',
    MIDDLE,
    (world, id, random) => world.process(id)?.strikeAfter(random.between(1, 60), 'pause'),
    (world, id) => world.resume(id),
  ),
  onProcess(
    'freeze',
    MIDDLE,
    (world, id) => world.freeze(id),
    (world, id) => world.thaw(id),
  ),
  onProcess(
    'vanish',
    LONG,
    (world, id) => world.vanish(id),
    (world, id) => world.comeBack(id),
  ),
  onProcess(
    'stop',
    SHORT,
    (world, id) => world.stop(id),
    (world, id) => world.start(id),
  ),
];

const LINKS: readonly Fault[] = [
  {
    name: 'cut',
    lastsMs: MIDDLE,
    apply(world, random) {
      const [a, b] = twoNodes(world, random);
      world.link(a, b, { state: 'closed' });
      return () => world.link(a, b, { state: 'open' });
    },
  },
  {
    name: 'one-way',
    lastsMs: MIDDLE,
    apply(world, random) {
      const [a, b] = twoNodes(world, random);
      const link = world.network.link(a, b);
      link.state = random.pick(['closed', 'no-connections', 'reject'] as const);
      return () => {
        link.state = 'open';
      };
    },
  },
  {
    name: 'isolate',
    lastsMs: MIDDLE,
    apply(world, random) {
      const id = anyNode(world, random);
      const others = world.spec.nodes.filter((node) => node.id !== id);
      for (const other of others) world.link(id, other.id, { state: 'closed' });
      return () => {
        for (const other of others) world.link(id, other.id, { state: 'open' });
      };
    },
  },
  {
    name: 'bad-links',
    lastsMs: LONG,
    apply(world, random) {
      const bad = {
        lossPerMille: random.pick([20, 100, 300]),
        tailPerMille: random.pick([0, 100, 400]),
        tailMs: random.pick([100, 1_000, 4_000]),
        duplicatePerMille: random.pick([0, 100, 400]),
      };
      const pairs = world.spec.nodes.flatMap((a) => world.spec.nodes.map((b) => [a.id, b.id] as const));
      for (const [a, b] of pairs) if (a !== b) world.link(a, b, bad);
      return () => {
        for (const [a, b] of pairs)
          if (a !== b) world.link(a, b, { lossPerMille: 0, tailPerMille: 0, duplicatePerMille: 0 });
      };
    },
  },
  {
    name: 'dead-kept-connections',
    lastsMs: MIDDLE,
    apply(world, random) {
      const [a, b] = twoNodes(world, random);
      world.link(a, b, { keptDead: true });
      return () => world.link(a, b, { keptDead: false });
    },
  },
  {
    name: 'replay',
    lastsMs: SHORT,
    apply(world, random) {
      for (let i = 0; i < 20; i += 1) {
        const to = random.chance(200) ? anyNode(world, random) : undefined;
        world.queue.after(random.between(0, 2_000), () => world.network.replay(to));
      }
      return null;
    },
  },
];

const OUTSIDE: readonly Fault[] = [
  onProcess(
    'no-way-out',
    MIDDLE,
    (world, id) => world.wayOut(id, 'broken'),
    (world, id) => world.wayOut(id, 'open'),
  ),
  {
    name: 'path-blocked',
    lastsMs: MIDDLE,
    apply(world, random) {
      const { blockedPaths } = world.machine(anyNode(world, random));
      const ip = random.pick(world.spec.addresses);
      blockedPaths.add(ip);
      return () => void blockedPaths.delete(ip);
    },
  },
  {
    name: 'outside-loss',
    lastsMs: LONG,
    apply(world, random) {
      const machine = world.machine(anyNode(world, random));
      machine.outsideLossPerMille = random.pick([200, 500, 800]);
      return () => {
        machine.outsideLossPerMille = 0;
      };
    },
  },
  {
    name: 'ip-service',
    lastsMs: MIDDLE,
    apply(world, random) {
      const ip = random.pick(world.spec.addresses);
      world.premises.ipService = random.pick([
        { kind: 'hung' },
        { kind: 'down' },
        { kind: 'html' },
        { kind: 'lies', ip },
        { kind: 'lies', ip: '203.0.113.250' },
      ] as const);
      return () => {
        world.premises.ipService = { kind: 'up' };
      };
    },
  },
];

const ACTIONS: readonly AwsActionPattern[] = [
  'ec2:DescribeAddresses',
  'ec2:AssociateAddress',
  'ec2:DisassociateAddress',
  'opsworks:AssociateElasticIp',
  'opsworks:DescribeElasticIps',
  'ec2:*',
  'opsworks:*',
  'sns:Publish',
  '*',
];

function effectOf(random: Random): FaultEffect {
  switch (random.below(13)) {
    case 0:
      return { kind: 'throttle' };
    case 1:
      return { kind: 'server-error', status: random.pick([500, 503] as const) };
    case 2:
      return { kind: 'hang' };
    case 3:
      return { kind: 'reset' };
    case 4:
      return { kind: 'apply-then-hang' };
    case 5:
      return { kind: 'apply-then-error', status: 500 };
    case 6:
      return { kind: 'apply-then-reset' };
    case 7:
      return { kind: 'apply-late', applyAfterMs: random.between(500, MAX_APPLY_LATE_MS) };
    case 8:
      return {
        kind: 'slow',
        applyAfterMs: random.between(0, 3_000),
        answerAfterMs: random.between(0, 3_000),
      };
    case 9:
      return { kind: 'stale', lagMs: random.between(500, 20_000) };
    case 10:
      return { kind: 'non-monotonic', lagMs: random.between(500, 20_000) };
    case 11:
      return { kind: 'unauthorized' };
    default:
      return { kind: 'refuse', code: 'InternalRefusal', message: 'not today', status: 400 };
  }
}

const CLOUD: Fault = {
  name: 'cloud',
  lastsMs: MIDDLE,
  apply(world, random) {
    const action = random.pick(ACTIONS);
    const times = random.pick([1, 1, 2, 5, 20]);
    const id = world.arm({ action, effect: effectOf(random), times, skip: random.pick([0, 0, 1, 2]) });
    return () => world.cloud.clear(id);
  },
};

const DISKS: readonly Fault[] = [
  {
    name: 'disk-fails',
    lastsMs: MIDDLE,
    apply(world, random) {
      const disk = world.disk(anyNode(world, random));
      disk.fail(random.pick(['ENOSPC', 'EROFS', 'EIO']));
      return () => disk.fail(null);
    },
  },
  onProcess(
    'disk-rolled-back',
    SHORT,
    (world, id, random) => {
      world.crash(id);
      world.disk(id).rollBack(random.between(1, 30));
    },
    (world, id) => world.start(id),
  ),
  onProcess(
    'disk-gone',
    SHORT,
    (world, id) => {
      world.crash(id);
      world.disk(id).wipe();
    },
    (world, id) => world.start(id),
  ),
  onProcess(
    'disk-corrupt',
    SHORT,
    (world, id) => {
      world.crash(id);
      world.disk(id).corrupt();
    },
    (world, id) => world.start(id),
  ),
];

const PEOPLE: readonly Fault[] = [
  {
    name: 'pause-order',
    lastsMs: MIDDLE,
    apply(world, random) {
      const forMs = random.pick([null, 5_000, 20_000]);
      world.order(anyNode(world, random), { kind: 'pause', forMs, reason: 'swarm', owner: 'swarm' });
      return () => world.order(anyNode(world, random), { kind: 'resume', reason: 'swarm', owner: 'swarm' });
    },
  },
  {
    name: 'handover-order',
    lastsMs: SHORT,
    apply(world, random) {
      const to = random.chance(500) ? anyNode(world, random) : null;
      const address = random.pick(world.spec.addresses);
      world.order(anyNode(world, random), { kind: 'handover', address, to, reason: 'swarm', owner: 'swarm' });
      return null;
    },
  },
  {
    name: 'console',
    lastsMs: SHORT,
    apply(world, random) {
      const ip = random.pick(world.spec.addresses);
      const by = { kind: 'operator', name: 'console' } as const;
      const candidates = world.spec.nodes.filter(({ role }) => role === 'candidate');
      const index = random.below(candidates.length);
      const place = world.spec.addresses.indexOf(ip);
      const instance = world.cloud
        .state()
        .instances.get(world.machine(world.spec.nodes[index]?.id ?? '').instanceId);
      const interfaceId = instance?.interfaces[0].id ?? '';
      const target = { instanceId: instance?.id ?? '', interfaceId, privateIp: landingOf(index, place) };
      world.cloud.change((state, atMs) =>
        random.chance(500)
          ? disassociate(state, ip, 'disassociated', by, atMs)
          : associate(state, ip, target, by, atMs),
      );
      return null;
    },
  },
  {
    name: 'wall-clock-step',
    lastsMs: SHORT,
    apply(world, random) {
      world.clock(anyNode(world, random)).stepWall(random.between(-100_000, 100_000));
      return null;
    },
  },
  {
    name: 'clone',
    lastsMs: MIDDLE,
    apply(world, random) {
      const clone = world.clone(anyNode(world, random));
      return () => clone.kill();
    },
  },
];

/** All of them, by name. */
export const FAULTS: readonly Fault[] = [
  haproxy('dead', LONG, 'haproxy-dead'),
  haproxy('hung', LONG, 'haproxy-hung'),
  haproxy('error', MIDDLE, 'haproxy-error'),
  haproxy('slow', MIDDLE, 'haproxy-slow'),
  haproxy('dead', SHORT, 'haproxy-blips'),
  ...PROCESS,
  ...LINKS,
  ...OUTSIDE,
  CLOUD,
  ...DISKS,
  ...PEOPLE,
];

/** Everything repaired: whatever is still broken is broken by the caller afterwards. */
export function healAll(world: World): void {
  world.cloud.clear();
  world.premises.ipService = { kind: 'up' };
  for (const a of world.spec.nodes) {
    for (const b of world.spec.nodes) if (a !== b) world.link(a.id, b.id, { ...QUIET_LINK });
    const machine = world.machine(a.id);
    machine.blockedPaths.clear();
    machine.outsideLossPerMille = 0;
    world.haproxy(a.id, 'up');
    world.wayOut(a.id, 'open');
    world.disk(a.id).fail(null);
    world.process(a.id)?.spare();
    world.thaw(a.id);
    world.comeBack(a.id);
    world.resume(a.id);
  }
}
