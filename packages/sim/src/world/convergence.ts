/**
 * What has come right some minutes after the faults have stopped: L2 to L5, and the second half of I17. What stays
 * broken excuses only itself.
 */
import {
  BLOCKED_SUBJECT,
  counted,
  type Ip,
  type NodeId,
  type ProtocolConfig,
  type Reason,
  TOPIC,
} from '@failtome/protocol';
import { type Availability, type Condition, conditionOf, connected, relayed } from './availability.ts';
import type { World } from './interface.ts';
import type { RunView } from './watch.ts';

/** Since the address last moved, or somebody last asked for it; views have settled by then. */
const QUIET_MS = 60_000;
/** A ballot that is lost is held again at most this often in that time: the pauses double to 10 s. */
const MAX_BALLOTS = 30;

/** Which decisions say why a candidate leaves an address that is down, by what is wrong with it. */
const WHY_NOT: readonly (readonly [applies: (own: Condition) => boolean, reasons: readonly Reason[]])[] = [
  [({ paused }) => paused, ['paused']],
  [({ fit }) => !fit, ['local-unfit']],
  [({ sighted }) => !sighted, ['verdict-unknown', 'no-way-out']],
  [({ writes }) => !writes, ['storage-failed']],
  [({ free }) => !free, ['would-displace']],
];
/** Nothing is wrong with it: it asks, and is refused. */
const ASKING: readonly Reason[] = [
  'address-down',
  'ballot-open',
  'ballot-lost',
  'backing-off',
  'staggered',
  'held-down',
  'flapping',
  'move-did-not-help',
  'never-answered',
];
/** A liar may lend what it doesn't keep, so that a ballot is won and comes to nothing. */
const MISLED: readonly Reason[] = ['lease-too-short', 'agreed', 'guard-asked', 'intent-unwritten'];

/** It can't reach the cloud, which alone knows what became of a move that it or its last run has begun. */
const UNFINISHED: readonly Reason[] = ['backing-off', 'call-in-flight', 'settling', 'finish-move'];

/** Check that everything has come right, of addresses that must be served. */
export function checkConverged(world: World, availabilities: readonly Availability[]): void {
  for (const { address, kind } of availabilities) if (kind === 'must-serve') checkAddress(world, address);
  for (const by of world.runs()) {
    checkOutbox(world, by);
    checkPeers(world, by);
    for (const { address, kind } of availabilities) if (kind === 'must-serve') checkView(world, by, address);
    checkReady(world, by);
  }
  checkTold(world);
}

/** An address that nobody can serve: every candidate says why, and people were told. */
export function checkExplained(world: World, ip: Ip, why: string): void {
  const what = `${ip} can't be served (${why})`;
  const candidates = world.runs().filter(({ config }) => config.node.role === 'candidate');
  const alive = candidates.filter(({ node }) => conditionOf(world, node, ip).alive);
  for (const by of alive) {
    const decision = by.state().addresses[ip]?.decision;
    const reason = decision?.reason ?? 'starting';
    if (!reasonsOf(world, by, ip).includes(reason))
      world.violate('L1', `${what}, and ${by.run} says ${reason} (${decision?.detail})`);
  }
  const tellers = alive.filter(({ node, config, state }) => {
    const { sighted, writes } = conditionOf(world, node, ip);
    return sighted && writes && tellsTopic(config) && state().addresses[ip]?.verdict === 'down';
  });
  const told = world
    .cloudEvents()
    .some(
      (event) =>
        event.kind === 'published' && event.subject === BLOCKED_SUBJECT && event.message.startsWith(ip),
    );
  if (tellers.length > 0 && !told)
    world.violate(
      'L1',
      `${what}, and nobody was told: ${tellers.map(({ run }) => run).join(', ')} could have`,
    );
}

function reasonsOf(world: World, by: RunView, ip: Ip): readonly Reason[] {
  const { node: id, state } = by;
  const own = conditionOf(world, id, ip);
  const misled = world.spec.nodes.some((node) => world.isLiar(node.id)) ? MISLED : [];
  const reasons = WHY_NOT.find(([applies]) => applies(own))?.[1] ?? [...ASKING, ...misled];
  // One that is unfinished for another address of its node holds this one back as well.
  const isUnfinished = !own.sighted && Object.values(state().addresses).some(({ move }) => move !== null);
  // Whoever holds it knows that, unless somebody moved it there while this node couldn't read.
  const holds = world.holder(ip) === id || (!own.sighted && lastKnewItself(world, by, ip));
  return [...reasons, ...(holds ? (['is-holder'] as const) : []), ...(isUnfinished ? UNFINISHED : [])];
}

/** Whether the cloud last told it that it holds the address, before somebody moved it: who has no way out can't read that. */
function lastKnewItself(world: World, by: RunView, ip: Ip): boolean {
  const holder = by.state().addresses[ip]?.holder;
  if (holder === undefined || holder.node !== by.node || !holder.firsthand) return false;
  const readMs = by.worldTimeOf(holder.at);
  return world
    .cloudEvents()
    .some((event) => event.kind !== 'published' && event.publicIp === ip && event.atMs > readMs);
}

function checkAddress(world: World, ip: Ip): void {
  if (world.holder(ip) === null) world.violate('L2', `nobody holds ${ip}`);
  const since = world.now() - QUIET_MS;
  const last = world.cloudEvents().findLast((event) => event.kind !== 'published' && event.publicIp === ip);
  if (last !== undefined && last.atMs > since) world.violate('L1', `${ip} still moves: last at ${last.atMs}`);
  const ballots = world
    .facts()
    .filter(
      ({ fact, atMs }) =>
        fact.kind === 'ballot-opened' && fact.address === ip && fact.mode === 'takeover' && atMs > since,
    );
  if (ballots.length > MAX_BALLOTS)
    world.violate('L1', `${counted(ballots.length, 'ballot')} about ${ip} since ${since}, without end`);
}

function checkOutbox(world: World, { run, node, state }: RunView): void {
  const { sighted, writes, alive } = conditionOf(world, node, world.spec.addresses[0] ?? '');
  const { outbox } = state();
  if (alive && sighted && writes && outbox.length > 0)
    world.violate('L4', `${run} still has ${counted(outbox.length, 'notification')}: ${outbox[0]?.message}`);
}

/** Who knows its peers, and which of them live. */
function checkPeers(world: World, { run, node, state }: RunView): void {
  if (!isAlive(world, node)) return;
  for (const peer of Object.values(state().peers)) {
    const reachable =
      isAlive(world, peer.id) && (connected(world, node, peer.id) || relayed(world, node, peer.id));
    if ((peer.state === 'alive') !== reachable)
      world.violate(
        'L3',
        `${run} calls ${peer.id} ${peer.state}, which is ${reachable ? 'there' : 'out of reach'}`,
      );
  }
}

/** What it believes of the address: what it can know from the cloud, or from somebody who does. */
function checkView(world: World, { run, node, state, config }: RunView, ip: Ip): void {
  const own = conditionOf(world, node, ip);
  const asksItself = own.sighted && config.driver !== null;
  const isTold = world.spec.nodes.some(({ id, role }) => {
    const other = conditionOf(world, id, ip);
    const speak = connected(world, node, id) && knows(world, node, id) && knows(world, id, node);
    return role === 'candidate' && other.alive && other.sighted && speak;
  });
  if (!own.alive) return;
  const address = state().addresses[ip];
  const { associationId = null } = address?.holder ?? {};
  const hasEnded = associationId !== null && address?.ended.includes(associationId) === true;
  if (hasEnded && config.driver === null)
    world.violate('L3', `${run} believes in ${associationId} of ${ip}, which it knows to have ended`);
  if (!(asksItself || isTold)) return;
  const truth = world.holder(ip);
  // A node that it has never met in this run it can only know by its instance.
  const known = truth === null ? null : world.config(truth).node.instanceId;
  const same = address?.holder.node === truth || (truth !== null && address?.holder.instanceId === known);
  if (!same)
    world.violate(
      'L3',
      `${run} believes ${address?.holder.node ?? address?.holder.kind} to hold ${ip}, not ${truth}`,
    );
  // What it owes the cloud it can only do where it reaches the cloud.
  if (!own.sighted) return;
  if (address?.verdict !== 'up') world.violate('L3', `${run} sees ${ip} ${address?.verdict}`);
  if (address?.campaign != null || address?.move != null)
    world.violate('L3', `${run} hasn't finished with ${ip}`);
}

/** Nobody takes a word from a stranger. */
function knows(world: World, node: NodeId, other: NodeId): boolean {
  return node === other || world.config(node).peers.some(({ id }) => id === other);
}

/** L5 */
function checkReady(world: World, { run, node, state, config }: RunView): void {
  const broken = world.spec.addresses.some((ip) => {
    const { alive, fit, sighted, writes, free } = conditionOf(world, node, ip);
    return !alive || !fit || !sighted || !writes || !free;
  });
  const { ready } = state();
  if (broken || ready.ready || config.node.role !== 'candidate') return;
  world.violate('L5', `${run} isn't ready: ${ready.problems.join(', ')}`);
}

/**
 * The move by which its holder came to an address is told at least once, by a holder that still has its disk and reaches
 * anybody. What the cloud has done says which that is, and not what the nodes made of it.
 */
function checkTold(world: World): void {
  const events = world.cloudEvents();
  for (const ip of world.spec.addresses) {
    const last = events.findLast((event) => event.kind === 'associated' && event.publicIp === ip);
    if (last?.kind !== 'associated' || last.by.kind !== 'instance') continue;
    const { instanceId } = last.association;
    const node = world.nodeOf(instanceId);
    if (node === null || world.holder(ip) !== node || last.by.instanceId !== instanceId) continue;
    const { alive, sighted, writes } = conditionOf(world, node, ip);
    if (world.lostDisk(node) || !alive || !sighted || !writes || !tellsTopic(world.config(node))) continue;
    const line = `Instance ${world.config(node).node.instanceId} took over ${ip}`;
    const told = events.some(
      (event) => event.kind === 'published' && event.atMs >= last.atMs && event.message.startsWith(line),
    );
    if (!told) world.violate('I17', `${node} never told that it took ${ip} at ${last.atMs}`);
  }
}

function tellsTopic({ notify }: ProtocolConfig): boolean {
  return notify.receivers.some(({ name }) => name === TOPIC.name);
}

function isAlive(world: World, id: NodeId): boolean {
  return world.process(id)?.isPaused() === false && !world.machine(id).frozen;
}
