/**
 * Violations that hang on some milliseconds, as swarms have found them: each is made small enough to be read. The rules
 * and checks that they were about have been mended since; what was seen then is looked for here by watchers that know
 * no better.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Ip, NodeId } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { type Plan, runPlan } from '../src/plan/index.ts';
import { type Shrunk, shrink } from '../src/shrink/index.ts';
import { ADDRESS, type RunView, type Violation, type World } from '../src/world/index.ts';

/** Whatever changes the protocol shifts chance: the violation comes with another seed then. */
const SEEDS_TRIED = 80;
const MAX_RUNS = 2_400;

type Watching = (world: World) => void;

function planIn(name: string): Plan {
  return JSON.parse(readFileSync(join(import.meta.dirname, `plans/${name}.json`), 'utf8'));
}

function violationIn(watching: Watching, plan: Plan, also?: Watching): Violation | null {
  return runPlan(plan, {
    onWorld(world) {
      watching(world);
      also?.(world);
    },
  }).violation;
}

function shrinkPlan(name: string, watching: Watching, invariant: string, least: number): Shrunk {
  const saved = planIn(name);
  const seeds = [saved.world.seed, ...Array.from({ length: SEEDS_TRIED }, (_, index) => index + 1)];
  const plans = seeds.map((seed): Plan => ({ ...saved, world: { ...saved.world, seed } }));
  const found = plans.find((plan) => violationIn(watching, plan)?.invariant === invariant);
  if (found === undefined) throw new Error(`no seed of ${name} violates ${invariant}`);
  let runs = 0;
  let entries = found.timeline.length;
  const shrunk = shrink(found, {
    // It goes on until nothing more can go; here it needn't.
    enough: () => entries <= least || ++runs > MAX_RUNS,
    onStep: (_what, { plan }) => {
      entries = plan.timeline.length;
    },
    run: (plan, options) => violationIn(watching, plan, options?.onWorld),
  });
  if (shrunk === null) throw new Error('nothing is violated');
  return shrunk;
}

/** Nobody asks for an address that it holds, and that its last read showed here, whatever it has heard meanwhile. */
function watchAsking(world: World): void {
  const told = new Map<string, boolean>();
  world.watch((event) => {
    if (event.kind === 'driven' && event.result.answer.kind === 'read') {
      const { association } = event.result.answer;
      told.set(event.by.run, association.kind === 'associated' && association.self);
    }
    if (event.kind !== 'facts') return;
    for (const fact of event.facts) {
      if (fact.kind === 'holder' && fact.holder !== event.by.node) told.set(event.by.run, false);
      if (fact.kind !== 'ballot-opened' || told.get(event.by.run) !== true) continue;
      if (world.holder(fact.address) === event.by.node)
        world.violate('asks', `${event.by.run} asks for what it holds`);
    }
  });
}

/** No two candidates count on one lease, whoever has given it back in whose name. */
function watchLeases(world: World): void {
  const counted = new Map<string, ReadonlyMap<NodeId, number>>();
  world.watch((event) => {
    if (event.kind === 'ended') counted.delete(event.by.run);
    if (event.kind !== 'stepped') return;
    const { by } = event;
    const mine = leasesOf(by, ADDRESS);
    counted.set(by.run, mine);
    for (const [run, others] of counted) {
      if (run.startsWith(`${by.node}#`)) continue;
      for (const [voter, untilMs] of mine) {
        // Two runs of one voter lend what each believes to be its own.
        if (world.runs().some(({ node, run: its }) => node === voter && !its.endsWith('#1'))) continue;
        if (untilMs > world.now() + 20 && (others.get(voter) ?? 0) > world.now() + 20)
          world.violate('leases', `${by.run} and ${run} count on the lease of ${voter}`);
      }
    }
  });
}

function leasesOf(by: RunView, ip: Ip): ReadonlyMap<NodeId, number> {
  const answers = Object.entries(by.state().addresses[ip]?.campaign?.answers ?? {});
  return new Map(
    answers.flatMap(([voter, { answer, leaseUntil }]) =>
      answer === 'grant' || answer === 'blind' ? [[voter, by.worldTimeOf(leaseUntil)]] : [],
    ),
  );
}

/** A lower bound than I19's: what was sent in bursts isn't any more. */
const MAX_A_SECOND = 16;

function watchPace(world: World): void {
  const paces = new Map<string, { sinceMs: number; count: number }>();
  world.watch((event) => {
    if (event.kind !== 'said' || event.message.re !== null) return;
    const key = `${event.by.run} ${event.message.to}`;
    const pace = paces.get(key);
    if (pace === undefined || world.now() - pace.sinceMs >= 1_000) {
      paces.set(key, { sinceMs: world.now(), count: 1 });
      return;
    }
    pace.count += 1;
    if (pace.count > MAX_A_SECOND)
      world.violate('pace', `${event.by.run} has sent ${pace.count} messages to ${event.message.to}`);
  });
}

/** A member knows who holds the address, at most this much later. */
const MISLED_MS = 20_000;

function watchMembers(world: World): void {
  const since = new Map<string, number>();
  world.watch((event) => {
    if (event.kind !== 'stepped' || event.by.config.node.role !== 'member') return;
    const { run, state } = event.by;
    if (state().addresses[ADDRESS]?.holder.node === world.holder(ADDRESS)) since.delete(run);
    else if (!since.has(run)) since.set(run, world.now());
    if (world.now() - (since.get(run) ?? world.now()) > MISLED_MS)
      world.violate('member', `${run} doesn't know who holds ${ADDRESS}`);
  });
}

test.each<[plan: string, watching: Watching, invariant: string, most: number]>([
  ['asks-though-it-holds', watchAsking, 'asks', 12],
  ['lease-counted-twice', watchLeases, 'leases', 6],
  ['burst-of-ballots', watchPace, 'pace', 3],
  ['member-misled', watchMembers, 'member', 1],
])(
  '%s is made small, though it hangs on timing',
  (name, watching, invariant, most) => {
    const { plan, violation } = shrinkPlan(name, watching, invariant, most);
    expect(violation.invariant).toBe(invariant);
    expect(plan.timeline.length).toBeLessThanOrEqual(most);
  },
  300_000,
);
