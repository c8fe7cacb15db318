/**
 * Whether an address must be served, by what is really broken and what isn't: the premise of L1 in PROTOCOL.md. It
 * distinguishes an unavoidable outage from a liveness fault.
 */

import { addressOnTarget, externalIp } from '@failtome/cloud/model';
import { ARBITER, counted, type Ip, type NodeId, type ProtocolConfig } from '@failtome/protocol';
import type { World } from './interface.ts';
import { landingOf } from './settings.ts';

/** Whether an address must be served, by the state of the world. */
export type Availability =
  /** `by`: a candidate that can take it; `dampedMs`: for so long its present holder may still be protected. */
  | { readonly kind: 'must-serve'; readonly address: Ip; readonly by: NodeId; readonly dampedMs: number }
  | { readonly kind: 'rightly-unavailable'; readonly address: Ip; readonly why: string };

/** How a node really is. */
export interface Condition {
  /** Its process runs and isn't stopped, on a machine that is there. */
  readonly alive: boolean;
  /** Its web server serves; without a check of it, as far as the node can know. */
  readonly fit: boolean;
  /** It reaches the outside, the external-IP service, and the address. */
  readonly sighted: boolean;
  /** Its disk takes writes. */
  readonly writes: boolean;
  readonly paused: boolean;
  /** Where the address would land there is no other, or it may be thrown off. */
  readonly free: boolean;
}

/** How long it may take until every node has learnt of a change. */
const LEARN_MS = 4_000;
/** PROTOCOL.md, "Episodes of failure". */
const FIRST_WAIT_MS = 120_000;
const ROUND_MS = 3_600_000;
const LONGEST_WAIT_MS = 14_400_000;
/** A rest longer than this isn't waited for: then the address is rightly unavailable, and people must have been told. */
const LONGEST_REST_MS = 600_000;

/** How a node really is, as far as that address goes. */
export function conditionOf(world: World, id: NodeId, ip: Ip): Condition {
  return new ConditionNow(world, id, ip);
}

/** Looked at where it is asked, and at that moment: most questions end with one of the first answers. */
class ConditionNow implements Condition {
  readonly #world: World;
  readonly #id: NodeId;
  readonly #ip: Ip;

  constructor(world: World, id: NodeId, ip: Ip) {
    this.#world = world;
    this.#id = id;
    this.#ip = ip;
  }

  get alive(): boolean {
    return this.#world.process(this.#id)?.isPaused() === false && !this.#world.machine(this.#id).frozen;
  }

  get fit(): boolean {
    return this.#world.machine(this.#id).haproxy === 'up' || this.#world.config(this.#id).local === null;
  }

  get sighted(): boolean {
    const { cloud, outside } = this.#world;
    const { instanceId, outsideLossPerMille, blockedPaths } = this.#world.machine(this.#id);
    return (
      externalIp(cloud.state(), instanceId, this.#world.now()).kind !== 'none' &&
      outsideLossPerMille === 0 &&
      !blockedPaths.has(this.#ip) &&
      outside.ipService.kind === 'up'
    );
  }

  get writes(): boolean {
    return this.#world.disk(this.#id).failing() === null;
  }

  get paused(): boolean {
    const pause = this.#world.process(this.#id)?.view.state().pause;
    if (pause?.paused !== true) return false;
    return pause.until === null || this.#world.clock(this.#id).now().wall < pause.until;
  }

  get free(): boolean {
    const isAllowed = this.#world.config(this.#id).driver?.displace === 'allow';
    return isAllowed || !isOccupied(this.#world, this.#id, this.#ip);
  }
}

function isOccupied(world: World, id: NodeId, ip: Ip): boolean {
  const aws = world.cloud.state();
  const place = world.spec.nodes.findIndex((node) => node.id === id);
  const interfaceId = aws.instances.get(world.instanceOf(id))?.interfaces[0].id ?? '';
  const there = addressOnTarget(aws, interfaceId, landingOf(place, world.spec.addresses.indexOf(ip)));
  return there !== undefined && there.publicIp !== ip;
}

/** What is to be expected of an address in a world in which nothing changes any more. */
export function availabilityOf(world: World, ip: Ip): Availability {
  if (world.outside.page === 'gone')
    return { kind: 'rightly-unavailable', address: ip, why: 'its page is gone behind every web server' };
  const objections: string[] = [];
  for (const { id, role } of world.spec.nodes) {
    if (role !== 'candidate') continue;
    const objection = whyNot(world, id, ip);
    const restsMs = objection === null ? restMs(world, ip, id) : 0;
    if (objection === null && restsMs <= LONGEST_REST_MS)
      return {
        kind: 'must-serve',
        address: ip,
        by: id,
        dampedMs: Math.max(dampedMs(world, ip, id), restsMs),
      };
    objections.push(`${id} ${objection ?? `leaves its holder alone for ${restsMs} ms`}`);
  }
  return { kind: 'rightly-unavailable', address: ip, why: objections.join(', ') };
}

/** Why this candidate can't be expected to take the address; null: it can. */
function whyNot(world: World, id: NodeId, ip: Ip): string | null {
  const own = conditionOf(world, id, ip);
  if (!own.alive) return "doesn't run";
  if (own.paused) return 'is paused';
  if (!own.fit) return 'is unfit';
  if (!own.sighted) return 'has no way out';
  if (!own.writes) return 'has a disk that takes no writes';
  if (!own.free) return 'would throw another address off';
  return whyNoMajority(world, id, ip);
}

/** Who would answer its ballot, and with what; null: it would win. */
function whyNoMajority(world: World, id: NodeId, ip: Ip): string | null {
  const config = world.config(id);
  const voters = votersOf(config);
  const count = { leases: 1, down: 1, refuses: 0, silent: 0 };
  for (const voter of voters) {
    if (voter === id) continue;
    if (voter === ARBITER) {
      // It sees nothing. Two whose stores differ don't share it.
      if (world.store?.faultFor(id) === null) count.leases += 1;
      continue;
    }
    const other = conditionOf(world, voter, ip);
    // The worst that a voter can say: that it sees it up. Nothing of what it has lent is counted on.
    if (world.isLiar(voter)) count.refuses += 1;
    else if (!other.alive || !connected(world, id, voter)) count.silent += 1;
    else if (!other.writes || other.paused || !sameElectorate(world, id, voter)) count.refuses += 1;
    else {
      count.leases += 1;
      if (other.sighted) count.down += 1;
    }
  }
  const bySilence = voters.length === 2 && config.agreement.silentPeer === 'takeover' ? count.silent : 0;
  if ((count.leases + bySilence) * 2 <= voters.length)
    return `can borrow ${count.leases} of ${counted(voters.length, 'lease')}`;
  if (count.down <= count.refuses) return `would have ${count.down} against ${count.refuses}`;
  return null;
}

/** For how long the holder may be protected by hold-down or budget: it is heard and fit, and serves nobody. */
function dampedMs(world: World, ip: Ip, by: NodeId): number {
  if (!isProtected(world, ip, by)) return 0;
  const { holdDownMs, flap } = world.config(by);
  const moves = movesOf(world, ip);
  const [newest] = moves;
  if (newest === undefined) return 0;
  const budget = moves[flap.moves - 1];
  const heldUntil = newest + holdDownMs;
  const flappingUntil = budget === undefined ? 0 : budget + flap.withinMs;
  return Math.max(0, Math.max(heldUntil, flappingUntil) + LEARN_MS - world.now());
}

/**
 * For how long the holder may be left alone because of what this episode of failure has shown (PROTOCOL.md, "Episodes of
 * failure"), by when anybody last found the address up and what has moved it since.
 */
function restMs(world: World, ip: Ip, by: NodeId): number {
  if (!isProtected(world, ip, by)) return 0;
  const lastUp = world
    .facts()
    .findLast(({ fact }) => fact.kind === 'verdict' && fact.address === ip && fact.to === 'up');
  if (lastUp === undefined) return Number.POSITIVE_INFINITY;
  const stillUp = world.runs().some(({ state }) => state().addresses[ip]?.verdict === 'up');
  const inVain = stillUp ? [] : movesOf(world, ip).filter((atMs) => atMs > lastUp.atMs);
  const [newest] = inVain;
  if (newest === undefined) return 0;
  const doubledMs = FIRST_WAIT_MS * 2 ** inVain.length;
  // Who took it when isn't asked: each may have been tried, and then waits an hour.
  const waitMs = Math.min(LONGEST_WAIT_MS, inVain.length < 2 ? doubledMs : Math.max(doubledMs, ROUND_MS));
  return Math.max(0, newest + waitMs + LEARN_MS - world.now());
}

/** Heard and fit, and another. Its words come by any way: on connections that it keeps while nothing goes back, or through the store. */
function isProtected(world: World, ip: Ip, by: NodeId): boolean {
  const holder = world.holder(ip);
  if (holder === null || holder === by) return false;
  if (world.network.link(holder, by).state !== 'open' && !relayed(world, holder, by)) return false;
  const { alive, fit } = conditionOf(world, holder, ip);
  return alive && fit;
}

/** When it was associated, newest first. */
function movesOf(world: World, ip: Ip): readonly number[] {
  return world
    .cloudEvents()
    .flatMap((event) => (event.kind === 'associated' && event.publicIp === ip ? [event.atMs] : []))
    .reverse();
}

/** Whether messages pass both ways. */
export function connected(world: World, a: NodeId, b: NodeId): boolean {
  return world.network.link(a, b).state === 'open' && world.network.link(b, a).state === 'open';
}

/** Whether what doesn't pass between two voters passes through the store. */
export function relayed(world: World, a: NodeId, b: NodeId): boolean {
  const { store, spec } = world;
  return (
    store !== null &&
    [a, b].every((id) => {
      const role = spec.nodes.find((node) => node.id === id)?.role;
      return role !== undefined && role !== 'member' && store.faultFor(id) === null;
    })
  );
}

function sameElectorate(world: World, a: NodeId, b: NodeId): boolean {
  const sameWire = (world.overridesOf(a).wire ?? 0) === (world.overridesOf(b).wire ?? 0);
  const [one, other] = [votersOf(world.config(a)), votersOf(world.config(b))];
  return sameWire && one.length === other.length && one.every((id, index) => id === other[index]);
}

/** By configuration, which nobody changes: they are asked for at every look. */
const VOTERS = new WeakMap<ProtocolConfig, readonly NodeId[]>();

function votersOf(config: ProtocolConfig): readonly NodeId[] {
  const known = VOTERS.get(config);
  if (known !== undefined) return known;
  const { node, peers } = config;
  const ids = peers.flatMap(({ id, role }) => (role === 'member' ? [] : [id]));
  if (config.agreement.arbiter === true) ids.push(ARBITER);
  const voters = (node.role === 'member' ? ids : [...ids, node.id]).sort();
  VOTERS.set(config, voters);
  return voters;
}
