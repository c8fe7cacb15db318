/**
 * Outages as a client outside sees them, what ended each, and what the nodes were waiting for meanwhile.
 */
import type { Ip, NodeId } from '@failtome/protocol';
import { availabilityOf } from '../world/availability.ts';
import { boundMs, type World } from '../world/index.ts';

/** An outage that ended because another node took the address. */
export interface Failover {
  readonly seed: number;
  readonly address: Ip;
  /** When the address went down, in the world's time, in whole milliseconds, as all of these. */
  readonly fromMs: number;
  readonly lastedMs: number;
  readonly from: NodeId | null;
  readonly to: NodeId;
  /** The longest span of it in which somebody could have taken the address. */
  readonly possibleMs: number;
  /** What such a span may last at most once all faults have stopped. */
  readonly boundMs: number;
  /** What the node that took it was waiting for: reason codes, longest first. */
  readonly waited: readonly (readonly [reason: string, ms: number])[];
}

/** How many outages there were, by how they ended, and for how long. */
export interface OutageCounts {
  takenOver: number;
  cameBack: number;
  unended: number;
  downMs: number;
  rightlyMs: number;
}

interface Outage {
  readonly fromMs: number;
  readonly holder: NodeId | null;
  /** When somebody could last not have. */
  possibleFromMs: number | null;
  possibleMs: number;
  rightlyMs: number;
  readonly waited: Map<NodeId, Map<string, number>>;
}

/** Between two looks, unless something is known to have changed. */
const LOOK_EVERY_MS = 20;
/** How many reasons are told. */
const REASONS_TOLD = 3;

/** When nobody was served, and who ended it. */
export class Outlook {
  readonly #world: World;
  readonly #seed: number;
  readonly #open = new Map<Ip, Outage>();
  readonly failovers: Failover[] = [];
  readonly counts: OutageCounts = { takenOver: 0, cameBack: 0, unended: 0, downMs: 0, rightlyMs: 0 };
  /** Before the first node serves it an address isn't out of service yet. */
  readonly #everServed = new Set<Ip>();
  #lookedMs = 0;

  /** Watch a world that was just built. It only looks, so that the run is the same with and without it. */
  constructor(world: World, seed: number) {
    this.#world = world;
    this.#seed = seed;
    world.watch((event) => {
      if (
        event.kind === 'cloud' ||
        (event.kind === 'stepped' && this.#world.now() - this.#lookedMs >= LOOK_EVERY_MS)
      )
        this.#look();
    });
    world.details.subscribe((detail) => {
      if (detail.kind === 'fault-ended' || detail.kind === 'changed' || detail.kind === 'healed')
        this.#look();
    });
  }

  /** The run is over: what is still down is counted as it stands. */
  end(): void {
    this.#look();
    for (const [ip, outage] of this.#open) this.#close(ip, outage, null);
  }

  #look(): void {
    const now = this.#world.now();
    for (const ip of this.#world.spec.addresses) {
      const server = this.#world.outside.servedBy(ip);
      const outage = this.#open.get(ip);
      if (outage !== undefined) note(this.#world, outage, ip, now - this.#lookedMs);
      if (server !== null && outage !== undefined) this.#close(ip, outage, server);
      else if (server === null && outage === undefined && this.#everServed.has(ip))
        this.#open.set(ip, newOutage(now, this.#world.holder(ip)));
      if (server !== null) this.#everServed.add(ip);
    }
    this.#lookedMs = now;
  }

  #close(ip: Ip, outage: Outage, server: NodeId | null): void {
    this.#open.delete(ip);
    const lastedMs = Math.round(this.#world.now() - outage.fromMs);
    this.counts.downMs += lastedMs;
    this.counts.rightlyMs += Math.min(lastedMs, Math.round(outage.rightlyMs));
    if (server === null) this.counts.unended += 1;
    else if (server === outage.holder) this.counts.cameBack += 1;
    else {
      this.counts.takenOver += 1;
      this.failovers.push({
        seed: this.#seed,
        address: ip,
        fromMs: Math.round(outage.fromMs),
        lastedMs,
        from: outage.holder,
        to: server,
        possibleMs: Math.round(outage.possibleMs),
        boundMs: boundOf(this.#world, server),
        waited: longest(outage.waited.get(server)),
      });
    }
  }
}

function newOutage(fromMs: number, holder: NodeId | null): Outage {
  return { fromMs, holder, possibleFromMs: null, possibleMs: 0, rightlyMs: 0, waited: new Map() };
}

/** Account for the time since the last look. */
function note(world: World, outage: Outage, ip: Ip, sinceMs: number): void {
  const now = world.now();
  if (!couldMove(world, ip)) {
    outage.possibleFromMs = null;
    outage.rightlyMs += sinceMs;
  } else {
    outage.possibleFromMs ??= now - sinceMs;
    outage.possibleMs = Math.max(outage.possibleMs, now - outage.possibleFromMs);
  }
  for (const { node, state } of world.runs()) {
    const reason = state().addresses[ip]?.decision.reason ?? 'starting';
    const waited = outage.waited.get(node) ?? new Map<string, number>();
    outage.waited.set(node, waited.set(reason, (waited.get(reason) ?? 0) + sinceMs));
  }
}

function longest(waited: ReadonlyMap<string, number> | undefined): readonly (readonly [string, number])[] {
  return [...(waited ?? [])]
    .map(([reason, ms]) => [reason, Math.round(ms)] as const)
    .filter(([, ms]) => ms > 0)
    .sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
    .slice(0, REASONS_TOLD);
}

function boundOf(world: World, taker: NodeId): number {
  const candidates = world.spec.nodes.filter(({ role }) => role === 'candidate').length;
  return boundMs(world.config(taker), candidates) + world.spec.associationSettleMs;
}

/**
 * Whether at this moment some node could take the address as if nothing else were wrong: one could as far as L1 goes,
 * no damping may protect the holder, and neither AWS nor the network are disturbed. Where none could, the outage is right.
 */
function couldMove(world: World, ip: Ip): boolean {
  if (world.cloud.state().faults.length > 0 || !areLinksCalm(world)) return false;
  const availability = availabilityOf(world, ip);
  return availability.kind === 'must-serve' && availability.dampedMs === 0;
}

function areLinksCalm({ spec, network }: World): boolean {
  const ids = spec.nodes.map(({ id }) => id);
  return ids.every((from) =>
    ids.every((to) => {
      const { lossPerMille, tailPerMille, keptDead } = network.link(from, to);
      return lossPerMille === 0 && tailPerMille === 0 && !keptDead;
    }),
  );
}
