/**
 * Only the last part of a plan. What led to a violation is mostly what came last; but whatever is taken away shifts what
 * chance does afterwards, so where the violation hangs on some milliseconds, nothing can go for as long as all of the
 * past stays. A short run costs little, and can be tried with hundreds of seeds.
 */
import type { Entry, Plan } from '../plan/index.ts';
import { runChecked, type Search } from './shrink-search.ts';

/** How much is kept, the least first. */
const WINDOWS_MS = [2_500, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000] as const;
/** The nodes meet before anything happens to them. */
const MET_MS = 15_000;
/** The violation may come later than it did. */
const LATER_MS = 3_000;
/** With which seeds all windows are tried in turn. */
const TURNS = [
  [1, 8],
  [9, 24],
  [33, 96],
] as const;
/** Of the world's time, that is spent on one window in one turn. */
const TURN_MS = 3_500_000;

type Holders = Plan['world']['holders'];

/** The last part, moved to the beginning: every later run is shorter by what is gone. */
export function keepLastPart(search: Search): boolean {
  const { plan, violation } = search;
  const { ending } = plan;
  // What a recovery doesn't mend was broken before it.
  const untilMs = ending.kind === 'recover' ? Math.min(ending.atMs, violation.atMs) : violation.atMs;
  if (untilMs <= MET_MS + LATER_MS) return false;
  const holdersAt = holdersOver(plan);
  const windows = WINDOWS_MS.flatMap((windowMs) => {
    const fromMs = untilMs - windowMs;
    const earlierMs = Math.floor(fromMs) - MET_MS;
    if (earlierMs <= LATER_MS) return [];
    const timeline = lastPart(plan.timeline, fromMs, untilMs).map((entry) => ({
      ...entry,
      atMs: entry.atMs - earlierMs,
    }));
    const endsMs = ending.kind === 'recover' ? ending.atMs : Math.ceil(violation.atMs) + LATER_MS;
    const world = { ...plan.world, holders: holdersAt(fromMs) };
    const kept: Plan = { ...plan, world, timeline, ending: { ...ending, atMs: endsMs - earlierMs } };
    return [{ kept, lastsMs: violation.atMs + LATER_MS - earlierMs, windowMs }];
  });
  // A few seeds of each before many of one: the smallest may be too small.
  return TURNS.some(([fromSeed, seeds]) =>
    windows.some(({ kept, lastsMs, windowMs }) => {
      const most = Math.floor(TURN_MS / lastsMs);
      if (fromSeed > 1 && seeds > most) return false;
      return search.attempt(kept, `all but the last ${windowMs / 1_000} s`, seeds, fromSeed);
    }),
  );
}

/** What begins from then on, and what still lasts then; that begins as late as it may. */
function lastPart(timeline: readonly Entry[], fromMs: number, untilMs: number): readonly Entry[] {
  const first = Math.floor(fromMs);
  return timeline.flatMap((entry) => {
    const { atMs, forMs } = entry;
    if (atMs > untilMs) return [];
    if (atMs >= first) return [entry];
    if (forMs === null || atMs + forMs <= first) return [];
    return [{ ...entry, atMs: first, forMs: atMs + forMs - first }];
  });
}

/** Who holds each address at a moment of the plan's run. */
function holdersOver(plan: Plan): (atMs: number) => Holders {
  const seen: (readonly [atMs: number, holders: Holders])[] = [[0, plan.world.holders]];
  const place = new Map(plan.world.nodes.map(({ id }, index) => [id, index]));
  runChecked(plan, {
    onWorld(world) {
      world.watch((event) => {
        if (event.kind !== 'cloud') return;
        const holders = plan.world.addresses.map((ip) => place.get(world.holder(ip) ?? '') ?? null);
        seen.push([world.now(), holders]);
      });
    },
  });
  return (atMs) => seen.findLast(([fromMs]) => fromMs <= atMs)?.[1] ?? plan.world.holders;
}
