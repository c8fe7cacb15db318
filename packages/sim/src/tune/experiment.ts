/** A settled cluster on a network, and what may be tried on it. */
import { decodeDocument, encodeDocument, type Ip, type NodeId } from '@failtome/protocol';
import { createWorld, type World, type WorldSpec } from '../world/index.ts';
import { nearnessOf } from './nearness.ts';
import type { NetworkModel } from './network-model.ts';
import { type Branch, type Mark, REACHED, type Trajectory } from './splitting.ts';

/** A cluster on a network: plain data. */
export interface Experiment {
  /** With every agent off; its first address is the one that is looked at. */
  readonly world: WorldSpec;
  readonly network: NetworkModel;
  /** Until the cluster has settled. */
  readonly settleMs: number;
  /** How long it is watched for needless moves. */
  readonly windowMs: number;
}

/** How the holder fails. */
export const FAILURES = ['killed', 'hung', 'gone'] as const;
/** One of them. */
export type Failure = (typeof FAILURES)[number];

/** How often it is drawn whether a machine stands still. */
const TICK_MS = 50;
/** How often the score is looked at, on average: an attempt at a probe is out for 30 % of its time-out until the next begins. */
const LOOKS_A_TIMEOUT = 16;
/** And while something is late: what is drawn off at that moment must not be much nearer than it had to be. */
const LATE_LOOKS_A_TIMEOUT = 100;
const HOUR_MS = 3_600_000;
/** An address that isn't served so long after its failure isn't waited for. */
const LONGEST_OUTAGE_MS = 120_000;

/** The address that is looked at. */
export function addressOf({ world }: Experiment): Ip {
  const [ip] = world.addresses;
  if (ip === undefined) throw new Error('a cluster has an address');
  return ip;
}

/** Watch the cluster for one window, in which nothing fails: how near it comes to a needless move. */
export function watchForNeedless(experiment: Experiment, branches: readonly Branch[]): Trajectory {
  const ip = addressOf(experiment);
  const records: Mark[] = [];
  const world = begin(experiment, branches[0]?.seed ?? 0);
  const untilMs = experiment.settleMs + experiment.windowMs;
  let reached = false;
  const record = (score: number): void => {
    const atMs = world.now();
    if (atMs >= experiment.settleMs && score > (records.at(-1)?.score ?? 0)) records.push({ atMs, score });
  };
  world.watch((event) => {
    const moves = event.kind === 'cloud' && 'publicIp' in event.event && event.event.publicIp === ip;
    if (moves && world.now() >= experiment.settleMs) reached = true;
  });
  const { timeoutMs } = experiment.world.settings.probe;
  // At moments of its own, so that no two runs are equally near: splitting can't tell such runs apart.
  const random = world.random.fork();
  const look = (): void => {
    const score = nearnessOf(world, ip);
    record(score);
    const everyMs = timeoutMs / (score > 0 ? LATE_LOOKS_A_TIMEOUT : LOOKS_A_TIMEOUT);
    world.queue.after(-everyMs * Math.log(1 - random.fraction()), look);
  };
  world.queue.at(experiment.settleMs, look);
  for (const { atMs, seed } of branches) {
    world.runUntil(atMs);
    world.random.reseed(seed);
  }
  world.runTill(() => reached, untilMs - world.now());
  if (reached) record(REACHED);
  return { branches, records };
}

/** The holder fails: for how long clients aren't served, in milliseconds; null: for longer than two minutes. */
export function downtimeMs(experiment: Experiment, failure: Failure, seed: number): number | null {
  const ip = addressOf(experiment);
  const world = begin(experiment, seed);
  const { probe, local, gossip } = experiment.world.settings;
  const phaseMs = world.random.between(0, probe.intervalMs + (local?.intervalMs ?? 0) + gossip.intervalMs);
  world.runUntil(experiment.settleMs + phaseMs);
  const holder = world.holder(ip);
  if (holder === null) return null;
  const failedMs = world.now();
  fail(world, holder, failure);
  const servedElsewhere = (): boolean => ![null, holder].includes(world.outside.servedBy(ip));
  return world.runTill(servedElsewhere, LONGEST_OUTAGE_MS) ? world.now() - failedMs : null;
}

function fail(world: World, holder: NodeId, failure: Failure): void {
  if (failure === 'gone') world.vanish(holder);
  else world.haproxy(holder, failure === 'killed' ? 'dead' : 'hung');
}

/** The experiment with the disks of a cluster that has run before, long enough ago that nobody owes a lease: it settles soon. */
export function afterFirstStart(experiment: Experiment, seed: number): Experiment {
  const { settleMs, world: spec } = experiment;
  const world = begin(experiment, seed);
  world.runUntil(settleMs);
  const documents = Object.fromEntries(
    spec.nodes.flatMap(({ id }) => {
      const text = world.disk(id).synced();
      return text === null ? [] : [[id, withoutLeases(text)] as const];
    }),
  );
  return { ...experiment, world: { ...spec, documents } };
}

function withoutLeases(text: string): string {
  const decoded = decodeDocument(text);
  if (decoded.kind !== 'document') throw new Error(`no document of an agent: ${decoded.detail}`);
  const { document } = decoded;
  const addresses = document.addresses.map((address) => ({ ...address, lent: null }));
  return encodeDocument({ ...document, addresses });
}

function begin({ world: spec, network }: Experiment, seed: number): World {
  const { packets, cloud, associationSettleMs } = network;
  const world = createWorld(
    { ...spec, seed, packets, associationSettleMs, cloud: { ...spec.cloud, ...cloud } },
    { keepTrace: 0, judged: false },
  );
  const [least, most] = packets.peerRttMs;
  const ids = spec.nodes.map(({ id }) => id);
  for (const from of ids)
    for (const to of ids) if (from !== to) world.oneWay(from, to, { delayMs: [least / 2, most / 2] });
  // Not in step with each other, as they would be if all began at the same moment.
  const { probe, gossip } = spec.settings;
  for (const id of ids)
    world.queue.at(world.random.between(0, Math.max(probe.intervalMs, gossip.intervalMs)), () =>
      world.start(id),
    );
  if (network.standstills.perHour > 0) standStill(world, ids, network.standstills);
  return world;
}

/** Drawn tick by tick, so that a branch draws its own future. */
function standStill(
  world: World,
  ids: readonly NodeId[],
  { perHour, ms }: NetworkModel['standstills'],
): void {
  const random = world.random.fork();
  const chance = 1 - Math.exp((-perHour * TICK_MS) / HOUR_MS);
  const standing = new Set<NodeId>();
  const tick = (): void => {
    for (const id of ids) {
      if (random.fraction() >= chance || standing.has(id)) continue;
      standing.add(id);
      world.freeze(id);
      world.queue.after(ms, () => {
        standing.delete(id);
        world.thaw(id);
      });
    }
    world.queue.after(TICK_MS, tick);
  };
  tick();
}
