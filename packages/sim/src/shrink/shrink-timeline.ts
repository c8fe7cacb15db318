/**
 * What happens, made less: fewer entries, simpler arguments, shorter and rounder times.
 */
import { counted } from '@failtome/protocol';
import { ACTIONS, type Arguments, type Entry, type Parameter, type Plan, type Value } from '../plan/index.ts';
import type { Search } from './shrink-search.ts';

/** Times are rounded to the greatest of these that still does. */
const ROUND_MS = [60_000, 10_000, 5_000, 1_000, 500, 100, 50, 10, 1] as const;

/** When a recovery may begin instead. */
const RECOVER_MS = [1_000, 5_000, 10_000, 20_000, 30_000, 60_000, 90_000, 120_000] as const;

/** Whole kinds of faults that have nothing to do with it, the most frequent first. */
export function dropKinds(search: Search): boolean {
  const count = new Map<string, number>();
  for (const { action } of search.plan.timeline) count.set(action, (count.get(action) ?? 0) + 1);
  const kinds = [...count].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  let dropped = false;
  for (const [kind] of kinds.filter(([, times]) => times > 1)) {
    const timeline = search.plan.timeline.filter(({ action }) => action !== kind);
    dropped = search.attempt({ ...search.plan, timeline }, `every ${kind}`) || dropped;
  }
  return dropped;
}

/** Take away as much of the timeline as can go: large parts first, then entries one by one (delta debugging). */
export function dropEntries(search: Search): boolean {
  let dropped = false;
  for (let size = Math.ceil(search.plan.timeline.length / 2); size >= 1; size = nextSize(size)) {
    // From the end: what happens late is needed least.
    for (let from = search.plan.timeline.length - size; from > -size; from -= size) {
      const { timeline } = search.plan;
      const kept = [...timeline.slice(0, Math.max(0, from)), ...timeline.slice(from + size)];
      if (kept.length === timeline.length || search.spent) continue;
      const what = `${timeline.length - kept.length} of ${counted(timeline.length, 'entry', 'entries')}`;
      dropped = search.attempt({ ...search.plan, timeline: kept }, what) || dropped;
    }
  }
  return dropped;
}

function nextSize(size: number): number {
  return size === 1 ? 0 : Math.ceil(size / 2);
}

/** Nothing that happens after the violation, and no recovery when it came before. */
export function endEarlier(search: Search): boolean {
  const { plan, violation } = search;
  const { ending, timeline } = plan;
  const { atMs } = violation;
  const before = timeline.filter((entry) => entry.atMs <= atMs);
  if (ending.kind === 'stop' && before.length === timeline.length) return false;
  const stop: Plan = { ...plan, timeline: before, ending: { kind: 'stop', atMs: Math.ceil(atMs) + 1 } };
  if (search.attempt(stop, 'all that comes after the violation')) return true;
  return ending.kind === 'recover' && simplifyRecovery(search, ending);
}

function simplifyRecovery(search: Search, ending: Extract<Plan['ending'], { kind: 'recover' }>): boolean {
  let simpler = false;
  for (const one of ending.broken) {
    const now = search.plan.ending;
    if (now.kind !== 'recover') return simpler;
    const broken = now.broken.filter((other) => other !== one);
    simpler =
      search.attempt({ ...search.plan, ending: { ...now, broken } }, `${one.action} for good`) || simpler;
  }
  const now = search.plan.ending;
  if (now.kind === 'recover' && now.goal === 'converged') {
    const served: Plan = { ...search.plan, ending: { ...now, goal: 'served' } };
    simpler = search.attempt(served, 'the wait for all to converge') || simpler;
  }
  return recoverEarlier(search) || simpler;
}

/** At a rounder and earlier moment, though after the last thing that happens: a scenario file wants it so. */
function recoverEarlier(search: Search): boolean {
  const { ending, timeline } = search.plan;
  const latest = Math.max(0, ...timeline.map(({ atMs }) => atMs));
  return RECOVER_MS.filter((atMs) => atMs > latest && atMs < ending.atMs).some((atMs) =>
    search.attempt({ ...search.plan, ending: { ...ending, atMs } }, 'time before the recovery'),
  );
}

/** Arguments as they are when nobody says them, and plain values for what must be said. */
export function simplifyArguments(search: Search): boolean {
  let simpler = false;
  for (let index = 0; index < search.plan.timeline.length; index += 1) {
    const action = search.plan.timeline[index]?.action ?? '';
    for (const [name, parameter] of Object.entries(ACTIONS.get(action)?.parameters ?? {})) {
      const value = search.plan.timeline[index]?.with[name];
      const better = value === undefined ? [] : simplerValues(parameter, value);
      simpler =
        better.some((one) =>
          search.attempt(withArgument(search.plan, index, name, one), `${action}'s ${name}`),
        ) || simpler;
    }
  }
  return simpler;
}

function withArgument(plan: Plan, index: number, name: string, value: Value): Plan {
  return changed(plan, index, (entry) => ({ ...entry, with: { ...entry.with, [name]: value } as Arguments }));
}

/** Simplest first; none that isn't simpler than the present one. */
function simplerValues(parameter: Parameter, value: Value): readonly Value[] {
  const usual = parameter.optional;
  if (usual !== undefined && JSON.stringify(usual) === JSON.stringify(value)) return [];
  const better: Value[] = usual === undefined ? [] : [usual];
  if (typeof value !== 'number') return better;
  if (parameter.kind === 'share')
    return [...better, ...[0, 1_000].filter((one) => one !== value && value % 1_000 !== 0)];
  if (parameter.kind === 'duration') return [...better, ...rounder(value)];
  if (parameter.kind === 'whole') {
    const least = Math.max(0, parameter.least);
    return [
      ...better,
      ...[least, Math.floor(value / 2)].filter((one) => one >= parameter.least && one < value),
    ];
  }
  return better;
}

/** Shorter gaps before entries, round moments and round spans. */
export function simplifyTimes(search: Search): boolean {
  let simpler = false;
  for (let index = 0; index < search.plan.timeline.length; index += 1) {
    simpler = shortenGap(search, index) || simpler;
    simpler = roundMoment(search, index) || simpler;
    simpler = roundSpan(search, index) || simpler;
  }
  return simpler;
}

/** Everything from this entry on comes earlier. */
function shortenGap(search: Search, index: number): boolean {
  const { timeline } = search.plan;
  const atMs = timeline[index]?.atMs ?? 0;
  const beforeMs = timeline[index - 1]?.atMs ?? 0;
  const gapMs = atMs - beforeMs;
  const shorter = [0, gapMs / 8, gapMs / 2].map((ms) => Math.floor(ms / 100) * 100);
  return shorter
    .filter((ms) => ms < gapMs)
    .some((ms) => search.attempt(shifted(search.plan, index, gapMs - ms), `${gapMs - ms} ms of waiting`));
}

function shifted(plan: Plan, from: number, byMs: number): Plan {
  const timeline = plan.timeline.map((entry, index) =>
    index < from ? entry : { ...entry, atMs: entry.atMs - byMs },
  );
  return { ...plan, timeline, ending: { ...plan.ending, atMs: Math.max(1, plan.ending.atMs - byMs) } };
}

function roundMoment(search: Search, index: number): boolean {
  const { timeline } = search.plan;
  const entry = timeline[index];
  if (entry === undefined) return false;
  const earliest = timeline[index - 1]?.atMs ?? 0;
  const latest = timeline[index + 1]?.atMs ?? Number.POSITIVE_INFINITY;
  return rounder(entry.atMs)
    .filter((atMs) => atMs >= earliest && atMs <= latest)
    .some((atMs) =>
      search.attempt(
        changed(search.plan, index, (one) => ({ ...one, atMs })),
        'odd moments',
      ),
    );
}

/** For good is simpler than any span. */
function roundSpan(search: Search, index: number): boolean {
  const forMs = search.plan.timeline[index]?.forMs ?? null;
  if (forMs === null) return false;
  return [null, ...rounder(forMs)].some((ms) =>
    search.attempt(
      changed(search.plan, index, (one) => ({ ...one, forMs: ms })),
      'odd spans',
    ),
  );
}

/** Rounder than the present one, roundest first; none that is further away than its own size. */
function rounder(ms: number): readonly number[] {
  const present = ROUND_MS.find((unit) => ms % unit === 0) ?? 0;
  return ROUND_MS.filter((unit) => unit > present && unit <= 2 * ms).flatMap((unit) => [
    ...new Set([Math.floor(ms / unit) * unit, Math.ceil(ms / unit) * unit].filter((one) => one > 0)),
  ]);
}

function changed(plan: Plan, index: number, change: (entry: Entry) => Entry): Plan {
  return { ...plan, timeline: plan.timeline.map((entry, at) => (at === index ? change(entry) : entry)) };
}
