/**
 * How near a cluster is to a needless move: 0 nothing fails, 1 it is under way. A measure for splitting alone
 * (`splitting.ts`): a better one costs less time, and none changes the estimate.
 */
import type { CheckConfig, Ip, NodeId, ProtocolConfig, State } from '@failtome/protocol';
import type { RunView, World } from '../world/index.ts';

type CheckSeries = State['local']['series'];

/** Of the way: until a campaign begins, from there until it is won by what the others see, and from there on. */
const STAGES = { observing: 0.7, campaign: 0.9, won: 0.92, moving: 0.95 };
/** A check that is still out counts for less than one that has failed. */
const OUT = 0.9;
/** An answer that took no longer than this says nothing. */
const LATE_MS = 30;
/** Of a gossip interval: nor does a peer that was heard so lately. */
const USUAL_GAP = 1.2;

/** A node that runs, as the others' nearness needs it. */
interface Seen {
  readonly run: RunView;
  readonly state: State;
}

/** What is looked at, at one moment. */
interface Moment {
  readonly world: World;
  readonly ip: Ip;
  readonly nodes: ReadonlyMap<NodeId, Seen>;
  readonly holder: NodeId | null;
  /** How near the holder is to call itself unfit. */
  readonly holderUnfit: number;
}

/** The nearest that any candidate is. */
export function nearnessOf(world: World, ip: Ip): number {
  const nodes = new Map<NodeId, Seen>();
  for (const { id } of world.spec.nodes) {
    const run = world.process(id)?.view;
    if (run !== undefined) nodes.set(id, { run, state: run.state() });
  }
  const holder = world.holder(ip);
  const holding = holder === null ? undefined : nodes.get(holder);
  const holderUnfit = holding === undefined ? 0 : unfitness(world, holding.run);
  const moment: Moment = { world, ip, nodes, holder, holderUnfit };
  let nearest = 0;
  for (const seen of nodes.values()) nearest = Math.max(nearest, nearnessOfNode(moment, seen));
  return nearest;
}

function nearnessOfNode(moment: Moment, { run, state }: Seen): number {
  const { world, ip, holder, holderUnfit } = moment;
  const { config } = run;
  const address = state.addresses[ip];
  if (address === undefined || config.driver === null || holder === run.node) return 0;
  if (address.move !== null) return STAGES.moving;
  if (address.campaign?.won != null) return STAGES.won;
  const others = Math.max(holderUnfit, silence(moment, run, state));
  if (address.campaign !== null) return STAGES.observing + (STAGES.campaign - STAGES.observing) * others;
  const fall = holderUnfit >= 1 ? 1 : probeOf(config, ip).fall;
  const own =
    address.verdict === 'down' ? 1 : failing(world, run, address.series, { ...probeOf(config, ip), fall });
  return STAGES.observing * ((own + others) / 2);
}

/** How little as many other voters as are needed have to say against it: their own failures, or nothing at all. */
function silence(moment: Moment, run: RunView, state: State): number {
  const voters = run.config.peers.filter(({ role }) => role !== 'member');
  const needed = Math.floor((voters.length + 1) / 2);
  if (needed === 0) return 1;
  const weak = voters.map(({ id }) => weaknessOf(moment, run, state, id)).sort((a, b) => b - a);
  return weak.slice(0, needed).reduce((sum, one) => sum + one, 0) / needed;
}

function weaknessOf({ world, ip, nodes }: Moment, run: RunView, state: State, id: NodeId): number {
  const heardAt = state.peers[id]?.heardAt ?? null;
  const silentMs = heardAt === null ? 0 : world.now() - run.worldTimeOf(heardAt);
  const { intervalMs, deadMs } = run.config.gossip;
  const silent = shareBeyond(silentMs, USUAL_GAP * intervalMs, deadMs);
  const voter = nodes.get(id);
  const address = voter?.state.addresses[ip];
  if (voter === undefined || address === undefined) return silent;
  const seen =
    address.verdict === 'up' ? failing(world, voter.run, address.series, probeOf(voter.run.config, ip)) : 1;
  return Math.max(silent, seen);
}

function unfitness(world: World, holder: RunView): number {
  const { local } = holder.config;
  if (local === null) return 0;
  const { fit, series } = holder.state().local;
  return fit === 'unfit' ? 1 : failing(world, holder, series, local);
}

/** Failures in a row, with the checks that are still out by how long they have been, as a share of those that it takes. */
function failing(world: World, run: RunView, series: CheckSeries, { fall, timeoutMs }: CheckConfig): number {
  let failures = series.settledFails;
  for (const { counts, startedAt, failsAfter } of series.inFlight) {
    if (!counts) continue;
    const outMs = world.now() - run.worldTimeOf(startedAt);
    failures += failsAfter + OUT * shareBeyond(outMs, LATE_MS, timeoutMs);
  }
  return Math.min(1, failures / fall);
}

/** How far it is on the way from what is usual to where it ends: 0 to 1. */
function shareBeyond(ms: number, usualMs: number, endMs: number): number {
  return Math.min(1, Math.max(0, (ms - usualMs) / (endMs - usualMs)));
}

function probeOf(config: ProtocolConfig, ip: Ip): CheckConfig {
  const found = config.addresses.find((address) => address.ip === ip);
  if (found === undefined) throw new Error(`${ip} is not configured`);
  return found.probe;
}
