/**
 * Failovers in the simulated world, each with what must come of it: who takes the address, how often, and what is told.
 */
import { expect, test } from 'vitest';
import { associate } from '../../packages/sim/src/aws/index.ts';
import {
  ADDRESS,
  createCluster,
  FAST_SETTINGS,
  settledCluster,
  type World,
} from '../../packages/sim/src/world/index.ts';

const THREE = [{ id: 'a' }, { id: 'b' }, { id: 'c' }];
const PAIR_AND_WITNESS = [{ id: 'a' }, { id: 'b' }, { id: 'w', role: 'witness' as const }];

/** Who got the address, in order, since the world began. */
function moves(world: World): readonly string[] {
  return world
    .cloudEvents()
    .flatMap((event) =>
      event.kind === 'associated' ? [world.nodeOf(event.association.instanceId) ?? '?'] : [],
    );
}

/** The first lines of what was published. */
function told(world: World): readonly string[] {
  return world
    .cloudEvents()
    .flatMap((event) => (event.kind === 'published' ? [event.message.split('\n')[0] ?? ''] : []));
}

function tookOver(world: World, id: string): string {
  return `Instance ${world.instanceOf(id)} took over ${ADDRESS}`;
}

function servedBy(world: World, id: string): () => boolean {
  return () => world.premises.servedBy(ADDRESS) === id;
}

/** The answers that a node gave as a voter, with their reasons. */
function votes(world: World, id: string): readonly string[] {
  return world
    .facts()
    .flatMap(({ node, fact }) =>
      node === id && fact.kind === 'voted' ? [`${fact.answer} ${fact.reason}`] : [],
    );
}

function decisions(world: World, id: string): readonly string[] {
  return world
    .facts()
    .flatMap(({ node, fact }) => (node === id && fact.kind === 'decided' ? [fact.reason] : []));
}

/** How the attempts of a node ended. */
function concluded(world: World, id: string): readonly string[] {
  return world
    .facts()
    .flatMap(({ node, fact }) =>
      node === id && fact.kind === 'concluded' && fact.entry.kind !== 'refusal' ? [fact.entry.result] : [],
    );
}

function expectSound(world: World): void {
  expect(world.violation()).toBeNull();
}

/** Until a call of that kind has reached the cloud. */
function calling(world: World, id: string, op: 'releasing' | 'taking'): () => boolean {
  return () => world.process(id)?.host.state().addresses[ADDRESS]?.move?.stage.kind === op;
}

/** What an operator does at the console. */
function moveByHand(world: World, to: string): void {
  const by = { kind: 'operator', name: 'console' } as const;
  const target = world.cloud.state().instances.get(world.instanceOf(to));
  if (target === undefined) throw new Error(`no instance for ${to}`);
  const [{ id: interfaceId, privateIps }] = target.interfaces;
  world.cloud.change((state, atMs) =>
    associate(state, ADDRESS, { instanceId: target.id, interfaceId, privateIp: privateIps[0] }, by, atMs),
  );
}

test('a killed web server: the standby takes the address within three seconds, once, and tells it', () => {
  const world = settledCluster();
  const at = world.now();
  world.haproxy('a', 'dead');
  expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
  expect(world.now() - at).toBeLessThan(3_000);
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
  expect(told(world)).toEqual([tookOver(world, 'b')]);
  expect(concluded(world, 'b')).toEqual(['served']);
});

test('a hung web server moves the address as well, only later', () => {
  const world = settledCluster();
  const at = world.now();
  world.haproxy('a', 'hung');
  expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
  expect(world.now() - at).toBeLessThan(6_000);
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('a holder that vanishes: in a pair its silence is enough', () => {
  const world = settledCluster();
  const at = world.now();
  world.vanish('a');
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  expect(world.now() - at).toBeLessThan(8_000);
  world.runFor(60_000);
  world.comeBack('a');
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
  expect(told(world)).toEqual([tookOver(world, 'b')]);
});

test('under silentPeer: hold the same silence moves nothing, and people are told', () => {
  const world = settledCluster({ settings: { agreement: { silentPeer: 'hold', leaseMs: 10_000 } } });
  world.vanish('a');
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
  expect(told(world)).toEqual([`${ADDRESS} is down and no node may take it`]);
});

test("the holder's agent gone while its web server serves: nothing moves", () => {
  const world = settledCluster();
  world.crash('a');
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
});

test('a standby without peer and way out sees the address fail, and takes nothing', () => {
  const world = settledCluster();
  world.link('a', 'b', { state: 'closed' });
  world.wayOut('b', 'broken');
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
  expect(decisions(world, 'b')).not.toContain('address-down');
});

test('peers that lose sight of each other leave an address alone that is fine', () => {
  const world = settledCluster();
  world.link('a', 'b', { state: 'closed' });
  world.runFor(180_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
});

test('peers cut off from each other and the web server dead: the standby takes it once', () => {
  const world = settledCluster();
  world.link('a', 'b', { state: 'closed' });
  world.runFor(10_000);
  world.haproxy('a', 'dead');
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  world.runFor(180_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('a standby whose way out is broken, with its peer in reach: the peer is not even asked', () => {
  const world = settledCluster();
  world.wayOut('b', 'broken');
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
  expect(votes(world, 'a')).toEqual([]);
});

test('a standby that alone does not reach the address is refused by its peer, which sees it up', () => {
  const world = settledCluster();
  world.machine('b').blockedPaths.add(ADDRESS);
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
  expect(votes(world, 'a')).toContain('refuse up');
});

test('both web servers dead: nothing moves, and people are told once by each node', () => {
  const world = settledCluster();
  world.haproxy('b', 'dead');
  world.runFor(5_000);
  world.haproxy('a', 'dead');
  world.runFor(180_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
  expect(told(world)).toEqual([
    `${ADDRESS} is down and no node may take it`,
    `${ADDRESS} is down and no node may take it`,
  ]);
});

test('a web server that flaps every four seconds moves the address at most twice in a minute', () => {
  const world = settledCluster();
  for (let i = 0; i < 15; i += 1) {
    world.haproxy('a', i % 2 === 0 ? 'dead' : 'up');
    world.runFor(4_000);
  }
  expectSound(world);
  expect(moves(world).length).toBeGreaterThan(0);
  expect(moves(world).length).toBeLessThanOrEqual(2);
});

test('a candidate stopped in the middle of its takeover, another takes over: the first takes nothing back', () => {
  const world = settledCluster({ nodes: THREE });
  world.haproxy('a', 'dead');
  const first = (): string | undefined =>
    ['b', 'c'].find((id) => world.process(id)?.host.state().addresses[ADDRESS]?.move !== null);
  expect(world.runTill(() => first() !== undefined, 20_000)).toBe(true);
  const stopped = first() ?? '';
  const other = stopped === 'b' ? 'c' : 'b';
  world.pause(stopped);
  expect(world.runTill(servedBy(world, other), 60_000)).toBe(true);
  world.runFor(5_000);
  world.resume(stopped);
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual([other]);
});

test('an address nobody holds, and two nodes cut off from each other: one takes it, without a fight', () => {
  const world = createCluster({ world: { holders: [null] } });
  world.link('a', 'b', { state: 'closed' });
  world.start('a');
  world.start('b');
  world.runFor(180_000);
  expectSound(world);
  expect(moves(world)).toHaveLength(1);
  expect(world.premises.servedBy(ADDRESS)).not.toBeNull();
});

test('two standbys that see the death at the same moment: one move', () => {
  for (let seed = 1; seed <= 4; seed += 1) {
    const world = settledCluster({ nodes: THREE, seed });
    world.haproxy('a', 'dead');
    world.runFor(90_000);
    expectSound(world);
    expect(moves(world)).toEqual(['b']);
  }
});

test('a voter without a way out does not stop the other two', () => {
  const world = settledCluster({ nodes: THREE });
  world.wayOut('c', 'broken');
  world.runFor(10_000);
  world.haproxy('a', 'hung');
  expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
  expect(votes(world, 'c')).toContain('blind no-way-out');
});

test('an associate that is refused after the release is repeated until somebody holds the address', () => {
  const world = settledCluster();
  world.arm({
    action: 'ec2:AssociateAddress',
    effect: { kind: 'refuse', code: 'InternalRefusal', message: 'not now', status: 400 },
    times: 4,
  });
  world.haproxy('a', 'dead');
  expect(world.runTill(servedBy(world, 'b'), 60_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('a take that was applied and never answered is found by a read, and not repeated', () => {
  const world = settledCluster();
  world.arm({ action: 'ec2:AssociateAddress', effect: { kind: 'apply-then-hang' }, times: 1 });
  world.haproxy('a', 'dead');
  expect(world.runTill(() => concluded(world, 'b').length > 0, 30_000)).toBe(true);
  world.runFor(30_000);
  expectSound(world);
  expect(concluded(world, 'b')).toEqual(['served']);
  expect(moves(world)).toEqual(['b']);
});

test('a take that was not applied and never answered is made again after a read that shows nobody', () => {
  const world = settledCluster();
  world.arm({ action: 'ec2:AssociateAddress', effect: { kind: 'hang' }, times: 1 });
  world.haproxy('a', 'dead');
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  world.runFor(30_000);
  expectSound(world);
  expect(concluded(world, 'b')).toEqual(['served']);
  expect(moves(world)).toEqual(['b']);
});

test('a release that was applied and never answered is found by a read, and the address taken', () => {
  const world = settledCluster();
  world.arm({ action: 'ec2:DisassociateAddress', effect: { kind: 'apply-then-reset' }, times: 1 });
  world.haproxy('a', 'dead');
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  world.runFor(30_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('stale reads delay a move, and never make a second one', () => {
  const world = settledCluster();
  world.haproxy('a', 'dead');
  expect(world.runTill(calling(world, 'b', 'releasing'), 20_000)).toBe(true);
  world.arm({ action: 'ec2:DescribeAddresses', effect: { kind: 'stale', lagMs: 15_000 } });
  expect(world.runTill(servedBy(world, 'b'), 60_000)).toBe(true);
  world.runFor(180_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('killed between release and take: the next run of the agent finishes the move', () => {
  const world = settledCluster();
  world.arm({ action: 'ec2:AssociateAddress', effect: { kind: 'hang' }, times: 1 });
  world.haproxy('a', 'dead');
  expect(world.runTill(calling(world, 'b', 'taking'), 20_000)).toBe(true);
  world.runFor(100);
  world.crash('b');
  expect(world.holder(ADDRESS)).toBeNull();
  world.runFor(2_000);
  world.start('b');
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
  expect(told(world)).toEqual([tookOver(world, 'b')]);
});

test('killed after the move was accepted: the next run tells it', () => {
  const world = settledCluster();
  world.haproxy('a', 'dead');
  const verifying = (): boolean =>
    world.process('b')?.host.state().addresses[ADDRESS]?.move?.stage.kind === 'verifying';
  expect(world.runTill(verifying, 20_000)).toBe(true);
  world.crash('b');
  world.runFor(20_000);
  expect(told(world)).toEqual([]);
  world.start('b');
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
  expect(told(world)).toEqual([tookOver(world, 'b')]);
});

test('a notification outlives an outage of SNS and a restart of the agent', () => {
  const world = settledCluster();
  const fault = world.arm({ action: 'sns:Publish', effect: { kind: 'server-error', status: 500 } });
  world.haproxy('a', 'dead');
  expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
  world.runFor(120_000);
  world.crash('b');
  world.runFor(1_000);
  world.start('b');
  world.runFor(10_000);
  expect(told(world)).toEqual([]);
  world.cloud.clear(fault);
  world.runFor(31_000);
  expectSound(world);
  expect(told(world)).toEqual([tookOver(world, 'b')]);
});

function handOver(world: World, at: string, to: string | null): void {
  world.order(at, { kind: 'handover', address: ADDRESS, to, reason: 'upgrade', owner: 'ops' });
}

test('a handover with the consent of the holder is one swap, although the address is up', () => {
  const world = settledCluster();
  handOver(world, 'a', 'b');
  expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
  expect(concluded(world, 'b')).toEqual(['served']);
  const released = world
    .cloudEvents()
    .some((event) => event.kind === 'ended' && event.association.cause !== 'moved');
  expect(released).toBe(false);
});

test('a handover may come within the hold-down, and back again', () => {
  const world = settledCluster();
  handOver(world, 'a', 'b');
  expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
  world.runFor(15_000);
  handOver(world, 'b', 'a');
  // The loser of the first move has no way out for a minute; the handover waits for it.
  expect(world.runTill(servedBy(world, 'a'), 90_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b', 'a']);
});

test('a handover goes on while automatic moves are paused', () => {
  const world = settledCluster();
  world.order('a', { kind: 'pause', forMs: null, reason: 'works', owner: 'ops' });
  world.runFor(5_000);
  handOver(world, 'b', null);
  expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('a handover from a holder that is silent is a fenced move', () => {
  const world = settledCluster({ nodes: PAIR_AND_WITNESS });
  world.crash('a');
  world.runFor(10_000);
  handOver(world, 'b', 'b');
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
  const ends = world
    .cloudEvents()
    .flatMap((event) => (event.kind === 'ended' ? [event.association.cause] : []));
  expect(ends).toEqual(['disassociated']);
});

test('a pause reaches every node, keeps the address where it is, and ends by itself', () => {
  const world = settledCluster({ nodes: THREE });
  world.order('b', { kind: 'pause', forMs: 60_000, reason: 'works', owner: 'ops' });
  world.runFor(5_000);
  for (const { state } of world.runs()) expect(state().pause.paused).toBe(true);
  world.haproxy('a', 'dead');
  world.runFor(50_000);
  expect(moves(world)).toEqual([]);
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('requests that pass in one direction only are enough to agree', () => {
  for (const closed of ['a', 'b']) {
    const world = settledCluster();
    world.network.link(closed, closed === 'a' ? 'b' : 'a').state = 'no-connections';
    world.runFor(10_000);
    for (const { state } of world.runs())
      for (const peer of Object.values(state().peers)) expect(peer.state).toBe('alive');
    world.haproxy('a', 'dead');
    expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
    world.runFor(60_000);
    expectSound(world);
    expect(moves(world)).toEqual(['b']);
  }
});

test('a voter whose disk was rolled back lends nothing until what it had lent has run out', () => {
  const world = settledCluster({ nodes: THREE });
  world.arm({ action: 'ec2:DescribeAddresses', effect: { kind: 'hang' }, times: 50 });
  world.haproxy('a', 'dead');
  expect(world.runTill(() => votes(world, 'c').length > 0, 20_000)).toBe(true);
  world.crash('c');
  world.disk('c').rollBack(3);
  world.start('c');
  world.runFor(8_000);
  expectSound(world);
  const since = world.facts().findIndex(({ node, fact }) => node === 'c' && fact.kind === 'storage');
  expect(since).toBeGreaterThan(0);
  world.cloud.clear();
  expect(world.runTill(() => world.premises.servedBy(ADDRESS) !== null, 60_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
});

test('a second run with the same id is noticed, and makes no move', () => {
  const world = settledCluster();
  const clone = world.clone('b');
  world.runFor(60_000);
  expect(world.facts().some(({ fact }) => fact.kind === 'duplicate-id')).toBe(true);
  clone.kill();
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
});

test('a rolling restart of all agents moves nothing', () => {
  const world = settledCluster({ nodes: THREE });
  for (const id of ['a', 'b', 'c']) {
    world.stop(id);
    world.runFor(3_000);
    expect(world.process(id)).toBeNull();
    world.start(id);
    world.runFor(5_000);
  }
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
});

test('a standstill of four seconds, of the agent or of its machine, moves nothing', () => {
  for (const id of ['a', 'b']) {
    const world = settledCluster();
    world.pause(id);
    world.runFor(4_000);
    world.resume(id);
    world.runFor(60_000);
    world.freeze(id === 'a' ? 'b' : 'a');
    world.runFor(2_000);
    world.thaw(id === 'a' ? 'b' : 'a');
    world.runFor(60_000);
    expectSound(world);
    expect(moves(world)).toEqual([]);
    expect(world.facts().some(({ fact }) => fact.kind === 'stalled')).toBe(true);
  }
});

test('OpsWorks, three nodes: the standbys do not take it from one another', () => {
  for (let seed = 1; seed <= 4; seed += 1) {
    const world = settledCluster({ nodes: THREE, seed, world: { driver: 'opsworks' } });
    world.haproxy('a', 'dead');
    world.runFor(120_000);
    expectSound(world);
    expect(moves(world)).toEqual(['b']);
  }
});

test('OpsWorks, a pair cut off, the address with nobody: at most one takes it from the other', () => {
  for (let seed = 1; seed <= 4; seed += 1) {
    const world = createCluster({ seed, world: { driver: 'opsworks', holders: [null] } });
    world.link('a', 'b', { state: 'closed' });
    world.start('a');
    world.start('b');
    world.runFor(120_000);
    expectSound(world);
    expect(moves(world)).toHaveLength(1);
  }
});

test('a witness and two candidates: the standby takes over by two of three, and the witness never does', () => {
  const world = settledCluster({ nodes: PAIR_AND_WITNESS });
  world.vanish('a');
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
  expect(votes(world, 'w')).toContain('grant down');
});

test('two addresses on two nodes, each the other’s standby: a dead node leaves both to the other', () => {
  const world = settledCluster({
    world: { addresses: [ADDRESS, '198.51.100.201'], holders: [0, 1] },
  });
  world.vanish('a');
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
  expect(world.holder('198.51.100.201')).toBe('b');
});

test('a standby that would throw another Elastic IP off its interface refuses, and says so beforehand', () => {
  const world = settledCluster({ world: { occupied: ['b'] } });
  expect(world.process('b')?.host.state().ready.problems.join()).toContain('would-displace');
  world.haproxy('a', 'dead');
  world.runFor(120_000);
  expectSound(world);
  expect(moves(world)).toEqual([]);
  expect(decisions(world, 'b')).toContain('would-displace');
});

test('a move call that is throttled is repeated, and made once', () => {
  const world = settledCluster();
  world.arm({ action: 'ec2:DisassociateAddress', effect: { kind: 'throttle' }, times: 3 });
  world.arm({ action: 'ec2:AssociateAddress', effect: { kind: 'throttle' }, times: 3 });
  world.haproxy('a', 'dead');
  expect(world.runTill(servedBy(world, 'b'), 60_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('without permission nothing is taken apart; once it is given the address moves', () => {
  const world = settledCluster();
  world.arm({ action: 'ec2:AssociateAddress', effect: { kind: 'unauthorized' } });
  world.runFor(330_000);
  expect(world.process('b')?.host.state().ready.problems.join()).toContain('not-permitted');
  world.haproxy('a', 'dead');
  world.runFor(30_000);
  expect(world.holder(ADDRESS)).toBe('a');
  world.cloud.clear();
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('an external-IP service that is down, or answers HTML, keeps the address where it is', () => {
  for (const kind of ['down', 'html'] as const) {
    const world = settledCluster();
    world.premises.ipService = { kind };
    world.haproxy('a', 'dead');
    world.runFor(60_000);
    expect(moves(world)).toEqual([]);
    world.premises.ipService = { kind: 'up' };
    expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
    world.runFor(30_000);
    expectSound(world);
  }
});

test('a disk that takes no writes: no lease is lent and no move made; once it does, all goes on', () => {
  const world = settledCluster();
  world.disk('b').fail('ENOSPC');
  world.haproxy('a', 'dead');
  world.runFor(30_000);
  expect(moves(world)).toEqual([]);
  world.disk('b').fail(null);
  expect(world.runTill(servedBy(world, 'b'), 30_000)).toBe(true);
  world.runFor(30_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('fast settings fail over as the defaults do, only faster', () => {
  const world = settledCluster({ settings: FAST_SETTINGS });
  const at = world.now();
  world.vanish('a');
  expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
  expect(world.now() - at).toBeLessThan(4_000);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('an association that takes five seconds to work: nobody else takes the address meanwhile', () => {
  const world = settledCluster({
    nodes: THREE,
    settings: FAST_SETTINGS,
    world: { associationSettleMs: 5_000, autoAddressDelayMs: 2_000 },
  });
  world.haproxy('a', 'dead');
  expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('a new holder that never serves is given fifteen seconds, then the next takes it', () => {
  const world = settledCluster({ nodes: THREE, settings: { local: null } });
  world.haproxy('b', 'hung');
  world.haproxy('a', 'dead');
  expect(world.runTill(() => world.holder(ADDRESS) === 'b', 20_000)).toBe(true);
  const at = world.now();
  expect(world.runTill(servedBy(world, 'c'), 40_000)).toBe(true);
  expect(world.now() - at).toBeGreaterThan(15_000);
  world.runFor(30_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b', 'c']);
});

test('killed with its release on the way: the next run leaves the leases where they are until it can have landed', () => {
  const world = settledCluster({ nodes: THREE });
  world.arm({
    action: 'ec2:DisassociateAddress',
    effect: { kind: 'slow', applyAfterMs: 1_500, answerAfterMs: 0 },
    times: 1,
  });
  world.haproxy('a', 'dead');
  expect(world.runTill(calling(world, 'b', 'releasing'), 20_000)).toBe(true);
  world.runFor(50);
  world.crash('b');
  world.start('b');
  expect(world.runTill(() => world.premises.servedBy(ADDRESS) !== null, 60_000)).toBe(true);
  world.runFor(60_000);
  expectSound(world);
  expect(moves(world)).toHaveLength(1);
});

test('cloned nodes on every side, gone again: all find back to each other', () => {
  const world = settledCluster({ nodes: THREE });
  for (let round = 0; round < 6; round += 1) {
    const clones = ['a', 'b', 'c'].map((id) => world.clone(id));
    world.runFor(3_000);
    for (const clone of clones) clone.kill();
    world.runFor(1_000);
  }
  world.runFor(40_000);
  const since = world.now() - 30_000;
  const rejected = world.facts().filter(({ atMs, fact }) => atMs > since && fact.kind === 'rejected');
  expect(rejected).toEqual([]);
  world.vanish('a');
  expect(world.runTill(() => world.premises.servedBy(ADDRESS) !== null, 40_000)).toBe(true);
  world.runFor(30_000);
  expectSound(world);
  expect(moves(world)).toHaveLength(1);
});

test('nodes that restart together remember that the address has just changed hands', () => {
  const world = settledCluster({ settings: { local: null }, world: { autoAddressDelayMs: 500 } });
  world.haproxy('a', 'dead');
  expect(world.runTill(servedBy(world, 'b'), 20_000)).toBe(true);
  world.haproxy('a', 'up');
  world.runFor(5_000);
  world.crash('a');
  world.crash('b');
  world.start('a');
  world.start('b');
  world.runFor(15_000);
  world.haproxy('b', 'hung');
  world.runFor(20_000);
  expectSound(world);
  expect(moves(world)).toEqual(['b']);
});

test('a holder whose address was moved away by hand does not stand in its own way', () => {
  const world = settledCluster({ world: { autoAddressDelayMs: 500 } });
  world.runFor(31_000); // just after a survey
  moveByHand(world, 'b');
  world.runFor(1_000);
  expect(world.holder(ADDRESS)).toBe('b');
  world.vanish('b');
  expect(world.runTill(servedBy(world, 'a'), 30_000)).toBe(true);
  world.runFor(30_000);
  expectSound(world);
});
