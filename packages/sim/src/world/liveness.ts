/**
 * What must come true once the faults have stopped (PROTOCOL.md, L1 to L5): every address that can be served is served
 * within the bound, and where one can't, everybody says why.
 */

import { externalIp } from '@failtome/cloud/model';
import {
  blockedAfterMs,
  type CheckConfig,
  callTimeoutMs,
  type Ip,
  type ProtocolConfig,
} from '@failtome/protocol';
import { type Availability, availabilityOf } from './availability.ts';
import { checkConverged, checkExplained } from './convergence.ts';
import type { World } from './interface.ts';

/** Rumours, idle reads (one a minute and node) and retries (30 s) have come round by then. */
const CONVERGES_MS = 140_000;
const HANDOVER_LASTS_MS = 120_000;
/** What a new holder has until the address must serve. */
const SERVES_WITHIN_MS = 15_000;
/** What was ordered last has reached everybody by then. */
const ORDERED_MS = 5_000;
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

/** As if the first time-out were the first sign; eight probes at once are enough for as many failures. */
function detectMs({ intervalMs, fastIntervalMs, timeoutMs, fall }: CheckConfig): number {
  const slowest = Math.max(fastIntervalMs, timeoutMs);
  if (fall < 3 || fall > 8) return intervalMs + (fall - 1) * slowest + timeoutMs;
  return intervalMs + slowest + (fall - 2) * fastIntervalMs + timeoutMs;
}

/**
 * Run a healed world on, in which some of it may stay broken for good, and check that the rest recovers.
 *
 * @param howFar `served`: every address that can be is in service within the bound, and a little later still;
 * `converged`: and all that comes round in minutes has come right
 * @returns what was to be expected of each address
 */
export function checkRecovery(world: World, howFar: 'served' | 'converged'): readonly Availability[] {
  world.runFor(ORDERED_MS);
  waitForWaysOut(world);
  const expected = world.spec.addresses.map((ip) => availabilityOf(world, ip));
  const bound = recoveryMs(world, expected);
  const due = expected.flatMap(({ kind, address }) => (kind === 'must-serve' ? [address] : []));
  const served = (): boolean => due.every((ip) => world.outside.servedBy(ip) !== null);
  if (!world.runTill(served, bound)) {
    const lost = due.filter((ip) => world.outside.servedBy(ip) === null);
    world.violate(
      hasLiar(world) ? 'L6' : 'L1',
      `${lost.join(', ')} not served within ${bound} ms: ${describe(world, lost)}`,
    );
    return expected;
  }
  for (const one of expected) if (one.kind === 'rightly-unavailable') explain(world, one.address, one.why);
  if (howFar === 'served') stillServed(world, due);
  else converge(world, expected, due);
  return expected;
}

/** The bound for this world, with what it leaves out: settling, and a holder that is protected. */
function recoveryMs(world: World, expected: readonly Availability[]): number {
  const candidates = world.spec.nodes.filter(({ role }) => role === 'candidate');
  const bounds = candidates.map(({ id }) => boundMs(world.config(id), candidates.length));
  const damped = expected.map((one) => (one.kind === 'must-serve' ? one.dampedMs : 0));
  return Math.max(...bounds) + Math.max(...damped) + world.spec.associationSettleMs + SLACK_MS;
}

/** It stays down: long enough that people must have been told. */
function explain(world: World, ip: Ip, why: string): void {
  if (world.outside.servedBy(ip) !== null) return;
  const candidates = world.spec.nodes.filter(({ role }) => role === 'candidate');
  const [first] = candidates;
  if (first === undefined) return;
  const config = world.config(first.id);
  world.runFor(blockedAfterMs(config) + boundMs(config, candidates.length));
  if (world.violation() === null && world.outside.servedBy(ip) === null) checkExplained(world, ip, why);
}

function converge(world: World, expected: readonly Availability[], due: readonly Ip[]): void {
  // A handover that was asked for lasts two minutes, and may move an address meanwhile.
  world.runFor(HANDOVER_LASTS_MS);
  world.runFor(CONVERGES_MS + (world.spec.autoAddressDelayMs ?? 0));
  if (world.violation() !== null) return;
  for (const ip of due) checkServed(world, ip);
  checkConverged(world, expected);
}

/** A handover that was asked for may be under way. */
function stillServed(world: World, due: readonly Ip[]): void {
  world.runFor(SLACK_MS);
  const served = (): boolean => due.every((ip) => world.outside.servedBy(ip) !== null);
  world.runTill(served, world.spec.associationSettleMs + 2 * SLACK_MS);
  for (const ip of due) checkServed(world, ip);
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
  if (world.outside.servedBy(ip) === null)
    world.violate(hasLiar(world) ? 'L6' : 'L1', `${ip} is not served any more: ${describe(world, [ip])}`);
}

function hasLiar(world: World): boolean {
  return world.spec.nodes.some(({ id }) => world.isLiar(id));
}
