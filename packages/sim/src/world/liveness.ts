/**
 * What must come true once the faults have stopped (PROTOCOL.md, L1 to L5, and the second half of I17).
 */
import { type CheckConfig, callTimeoutMs, type Ip, type ProtocolConfig } from '@failtome/protocol';
import { externalIp } from '../aws/index.ts';
import type { World } from './world.ts';

/** Rumours, surveys (one read a minute and node) and retries (30 s) have come round by then. */
const CONVERGES_MS = 140_000;
const HANDOVER_LASTS_MS = 120_000;
/** What a new holder has until the address must serve. */
const SERVES_WITHIN_MS = 15_000;
/** What the formula leaves out: the address's own settling, association, a few round trips. */
const SLACK_MS = 5_000;

/** The bound of PROTOCOL.md, "How long a failover takes". */
export function boundMs(config: ProtocolConfig, candidates: number): number {
  const detect = Math.max(...config.addresses.map(({ probe }) => detectMs(probe)));
  const stepMs = config.driver?.style === 'single-call' ? 2 * callTimeoutMs(config) : config.gossip.timeoutMs;
  return (
    detect +
    config.agreement.leaseMs +
    10_000 +
    candidates * stepMs +
    6_000 +
    config.guard.timeoutMs +
    3 * callTimeoutMs(config) +
    SERVES_WITHIN_MS
  );
}

function detectMs({ intervalMs, fastIntervalMs, timeoutMs, fall }: CheckConfig): number {
  return intervalMs + (fall - 1) * Math.max(fastIntervalMs, timeoutMs) + timeoutMs;
}

/**
 * Run a healed world on, and check that it recovers.
 *
 * @param howFar `served`: every address is in service within the bound, and a little later still;
 * `converged`: and all that comes round in minutes has come right
 */
export function checkRecovery(world: World, howFar: 'served' | 'converged'): void {
  waitForWaysOut(world);
  const candidates = world.spec.nodes.filter(({ role }) => role === 'candidate');
  const first = candidates[0];
  if (first === undefined) return;
  const bound =
    boundMs(world.config(first.id), candidates.length) + world.spec.associationSettleMs + SLACK_MS;
  const served = (): boolean => world.spec.addresses.every((ip) => world.premises.servedBy(ip) !== null);
  world.runFor(0);
  if (!world.runTill(served, bound)) {
    const lost = world.spec.addresses.filter((ip) => world.premises.servedBy(ip) === null);
    return world.violate('L1', `${lost.join(', ')} not served within ${bound} ms: ${describe(world, lost)}`);
  }
  if (howFar === 'served') return stillServed(world);
  // A handover that was asked for lasts two minutes, and may move an address meanwhile.
  world.runFor(HANDOVER_LASTS_MS);
  world.runFor(CONVERGES_MS + (world.spec.autoAddressDelayMs ?? 0));
  if (world.violation() !== null) return;
  for (const ip of world.spec.addresses) checkAddress(world, ip);
  checkViews(world);
  checkTold(world);
}

/** A handover that was asked for may be under way. */
function stillServed(world: World): void {
  world.runFor(SLACK_MS);
  const served = (): boolean => world.spec.addresses.every((ip) => world.premises.servedBy(ip) !== null);
  world.runTill(served, world.spec.associationSettleMs + 2 * SLACK_MS);
  for (const ip of world.spec.addresses) checkServed(world, ip);
}

/** The loser of a move has no way out until it has a public address again. */
function waitForWaysOut(world: World): void {
  const wantsOne = (): boolean =>
    world.spec.nodes.some(({ id }) => {
      if (world.process(id) === null) return false;
      return externalIp(world.cloud.state(), world.instanceOf(id), world.now()).kind === 'none';
    });
  world.runTill(() => !wantsOne(), (world.spec.autoAddressDelayMs ?? 0) + 1_000);
}

function describe(world: World, ips: readonly Ip[]): string {
  const decisions = world.runs().flatMap(({ run, state }) =>
    ips.map((ip) => {
      const address = state().addresses[ip];
      return `${run}: ${address?.verdict} ${address?.decision.reason} (${address?.decision.detail})`;
    }),
  );
  return [`held by ${ips.map((ip) => world.holder(ip)).join(', ')}`, ...decisions].join('; ');
}

function checkServed(world: World, ip: Ip): void {
  if (world.premises.servedBy(ip) === null)
    world.violate('L1', `${ip} is not served any more: ${describe(world, [ip])}`);
}

function checkAddress(world: World, ip: Ip): void {
  checkServed(world, ip);
  const changed = world.cloudEvents().filter((event) => event.kind !== 'published' && event.publicIp === ip);
  const last = changed.at(-1);
  if (last !== undefined && world.now() - last.atMs < CONVERGES_MS / 2)
    world.violate('L1', `${ip} still moves: last at ${last.atMs}`);
}

function checkViews(world: World): void {
  for (const { run, node, state, config } of world.runs()) {
    const now = state();
    if (now.outbox.length > 0) world.violate('L4', `${run} still has ${now.outbox.length} notifications`);
    for (const ip of world.spec.addresses) {
      const address = now.addresses[ip];
      const truth = world.holder(ip);
      // A node that it has never met in this run it can only know by its instance.
      const known = truth === null ? null : world.config(truth).node.instanceId;
      const same = address?.holder.node === truth || (truth !== null && address?.holder.instanceId === known);
      if (!same)
        world.violate(
          'L3',
          `${run} believes ${address?.holder.node ?? address?.holder.kind} to hold ${ip}, not ${truth}`,
        );
      if (address?.verdict !== 'up') world.violate('L3', `${run} sees ${ip} ${address?.verdict}`);
      if (address?.campaign != null || address?.move != null)
        world.violate('L3', `${run} hasn't finished with ${ip}`);
    }
    for (const peer of Object.values(now.peers)) {
      const alive = world.process(peer.id) !== null;
      if ((peer.state === 'alive') !== alive)
        world.violate('L3', `${run} calls ${peer.id} ${peer.state}, which is ${alive ? 'alive' : 'gone'}`);
    }
    const ready = now.ready.ready || config.node.role !== 'candidate' || world.machine(node).haproxy !== 'up';
    if (!ready) world.violate('L5', `${run} isn't ready: ${now.ready.problems.join(', ')}`);
  }
}

/** Every accepted move is told at least once, by a taker that still has its disk; one that came late is counted as late. */
function checkTold(world: World): void {
  for (const { fact, node, atMs } of world.facts()) {
    if (fact.kind !== 'concluded' || (fact.entry.result !== 'served' && fact.entry.result !== 'moved'))
      continue;
    const line = `Instance ${world.config(node).node.instanceId} took over ${fact.entry.address}`;
    const told = world
      .cloudEvents()
      .some((event) => event.kind === 'published' && event.atMs >= atMs && event.message.startsWith(line));
    if (!told && !world.lostDisk(node))
      world.violate('I17', `${node} never told of ${fact.entry.id}, concluded at ${atMs}`);
  }
}
