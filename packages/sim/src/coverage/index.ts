/**
 * What a swarm has met. Counts are plain numbers by id, so that workers can send theirs and sums stay small.
 */
import { ACTIONS, LIAR, type Plan, type RunResult, TOPOLOGIES } from '../plan/index.ts';
import type { Availability, Watcher, WorldSpec } from '../world/index.ts';
import { watchArbiter } from './arbiter-marks.ts';
import { CallMarks } from './call-marks.ts';
import { COVERAGE_MARKS, type CoverageMark } from './catalogue.ts';
import { DecisionMarks } from './decision-marks.ts';
import type { Mark } from './mark.ts';
import { watchMessages } from './message-marks.ts';
import { watchRelay } from './relay-marks.ts';

export { ATTEMPT_PHASES, type AttemptPhase, Attempts } from './attempts.ts';
export { COVERAGE_MARKS, type CoverageMark, OUT_OF_REACH } from './catalogue.ts';
export { faultPair, IMPOSSIBLE, PAIRS, reasonPair } from './pair-catalogue.ts';
export { type PairReport, pairReport } from './pair-report.ts';
export { PairCounter } from './pairs.ts';

/** How often each was seen, by its id in `COVERAGE_MARKS`; JSON. */
export type Sightings = Readonly<Record<string, number>>;

/** Counts what is seen in many worlds. */
export interface CoverageCounter {
  /** Watches one world: `world.watch(ledger.watcher())`, a new one for every world. */
  watcher(): Watcher;
  /** Counts what is seen in a run as a whole, once it has ended. */
  ran(result: RunResult): void;
  /** How often each was seen so far. */
  seen(): Sightings;
}

/** Begin to count, each from 0. */
export function createCoverageCounter(): CoverageCounter {
  const counts = new Map<string, number>(COVERAGE_MARKS.map(({ id }) => [id, 0]));
  const mark: Mark = (id) => {
    const before = counts.get(id);
    if (before !== undefined) counts.set(id, before + 1);
  };
  return {
    watcher() {
      const watchers = [
        new DecisionMarks(mark).watch,
        new CallMarks(mark).watch,
        watchMessages(mark),
        watchRelay(mark),
        watchArbiter(mark),
      ];
      return (event) => {
        for (const watch of watchers) watch(event);
      };
    },
    ran({ plan, injected, expected, violation }) {
      if (expected !== null && violation === null) markEnding(plan, expected, mark);
      markWorld(plan.world, mark);
      markActions(plan, injected, mark);
    },
    seen: () => Object.fromEntries(counts),
  };
}

/** Two sums as one. */
export function mergeSightings(a: Sightings, b: Sightings): Sightings {
  const ids = [...Object.keys(a), ...Object.keys(b).filter((id) => a[id] === undefined)];
  return Object.fromEntries(ids.map((id) => [id, (a[id] ?? 0) + (b[id] ?? 0)]));
}

/** What was never seen. */
export function missingFrom(seen: Sightings): readonly CoverageMark[] {
  return COVERAGE_MARKS.filter(({ id }) => (seen[id] ?? 0) === 0);
}

function markActions({ timeline }: Plan, injected: ReadonlyMap<string, number>, mark: Mark): void {
  for (const name of injected.keys()) mark(`action:${name}`);
  for (const { action, with: given } of timeline) {
    if (!injected.has(action)) continue;
    for (const [name, about] of Object.entries(ACTIONS.get(action)?.parameters ?? {}))
      if (about.kind === 'choice' && action === 'store') mark(`store:${String(given[name])}`);
      else if (about.kind === 'choice') mark(`action:${action}:${name}:${String(given[name])}`);
  }
}

function markEnding({ ending, timeline }: Plan, expected: readonly Availability[], mark: Mark): void {
  if (ending.kind !== 'recover') return;
  for (const { kind } of expected)
    mark(kind === 'rightly-unavailable' ? 'ending:rightly-unavailable' : `ending:${ending.goal}`);
  for (const { action } of ending.broken) mark(`ending:despite:${action}`);
  if (timeline.some(({ action, forMs }) => action === LIAR && forMs === null)) mark(`ending:despite:${LIAR}`);
}

function markWorld(world: WorldSpec, mark: Mark): void {
  const roles = world.nodes.map(({ role }) => role).join();
  const topology = TOPOLOGIES.find(
    (one) => one.roles.join() === roles && one.addresses === world.addresses.length,
  );
  if (topology !== undefined) mark(`topology:${topology.name}`);
  mark(`driver:${world.driver}`);
  const { agreement, local, displace, store } = world.settings;
  if (store === true) mark('setting:store');
  if (agreement.arbiter === true) mark('setting:arbiter');
  if (agreement.silentPeer === 'hold') mark('setting:silent-peer-hold');
  if (local === null) mark('setting:no-local-check');
  if (displace === 'allow') mark('setting:displace');
  if (world.occupied.length > 0) mark('setting:occupied');
  if (world.nodes.some(({ nat }) => nat !== undefined)) mark('setting:nat');
  if (world.nodes.some(({ overrides }) => overrides !== undefined)) mark('setting:disagreeing');
  if (world.holders.some((holder) => holder === null)) mark('setting:homeless');
}
