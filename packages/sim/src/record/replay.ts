/**
 * Runs a trace's plan again and compares what happens with what was recorded.
 */
import { type Plan, runPlan } from '../plan/index.ts';
import type { World } from '../world/index.ts';
import { Recorder } from './recorder.ts';
import type { RecordedRun, TraceEntry, TraceRecord } from './records.ts';

/** Where to stop: a moment of the world in milliseconds, or the first moment at which so many events have run. */
export type Moment =
  | { readonly kind: 'time'; readonly atMs: number }
  | { readonly kind: 'step'; readonly step: number };

/** How far a replay goes. */
export interface ReplayOptions {
  /** Null: to the end. What happens at that very moment is still seen. */
  readonly until: Moment | null;
  /** Everything that is recorded anew, in order. */
  readonly sink: (entry: TraceEntry) => void;
}

/** Where a replay differs from its trace. */
export interface Difference {
  /** The number of the first record that differs; null: only the end does. */
  readonly n: number | null;
  /** What the file says, and what happened now; null: nothing more. */
  readonly recorded: TraceRecord | null;
  readonly replayed: TraceRecord | null;
}

/** What a replay came to. */
export interface Replayed {
  readonly difference: Difference | null;
  /** It stopped before the end of the plan. */
  readonly stopped: boolean;
  readonly hash: string;
  /** As it was left. */
  readonly world: World;
}

/** Ends a run from within; caught where it began. */
class Stopped extends Error {
  override readonly name = 'Stopped';
}

/**
 * Run it again.
 *
 * @throws Error when the header holds no plan that can be run
 */
export function replay({ header, records, cut, end }: RecordedRun, options: ReplayOptions): Replayed {
  const plan = planIn(header.plan);
  const recorded = new Map(records.map((record) => [record.n, record]));
  const lastN = records.at(-1)?.n ?? 0;
  const compareFrom = cut?.from ?? 1;
  const kept: { world: World | null; recorder: Recorder | null } = { world: null, recorder: null };
  let difference: Difference | null = null;
  let seen = 0;
  let stopping = false;

  function compare(replayed: TraceRecord): void {
    seen = replayed.n;
    if (difference !== null || (end === null && replayed.n > lastN)) return;
    const before = recorded.get(replayed.n);
    if (before === undefined && replayed.n < compareFrom) return;
    if (before === undefined || JSON.stringify(before) !== JSON.stringify(replayed))
      difference = { n: replayed.n, recorded: before ?? null, replayed };
  }

  function take(entry: TraceEntry): void {
    if (entry.kind === 'header' || entry.kind === 'cut' || entry.kind === 'end') return options.sink(entry);
    // The event that stops it is one more than there were.
    const record = stopping ? { ...entry, step: entry.step - 1 } : entry;
    compare(record);
    options.sink(record);
    if (options.until?.kind === 'step' && record.step >= options.until.step) stopSoon();
  }

  /** What is planned at this moment still happens. */
  function stopSoon(): void {
    kept.world?.queue.after(0, () => {
      throw new Stopped();
    });
  }

  const stopped = runUntilStopped(() =>
    runPlan(plan, {
      onWorld(world) {
        kept.world = world;
        kept.recorder = new Recorder(world, { plan: header.plan, title: header.title, sink: take });
        // Planned again at that moment, so that it comes after whatever was planned before.
        if (options.until?.kind === 'time')
          world.queue.at(options.until.atMs, () => {
            stopping = true;
            stopSoon();
          });
      },
    }),
  );
  kept.recorder?.finish();
  const { world } = kept;
  if (world === null) throw new Error('the plan ran without a world');
  const hash = world.trace.hash();
  if (!stopped) difference ??= differenceAtEnd(seen, hash, { records, end });
  return { difference, stopped, hash, world };
}

function differenceAtEnd(
  seen: number,
  hash: string,
  { records, end }: Pick<RecordedRun, 'records' | 'end'>,
): Difference | null {
  const last = records.at(-1) ?? null;
  if (last !== null && last.n > seen) {
    const first = records.find(({ n }) => n > seen) ?? last;
    return { n: first.n, recorded: first, replayed: null };
  }
  if (end === null || end.hash === hash) return null;
  return { n: null, recorded: null, replayed: null };
}

function runUntilStopped(run: () => unknown): boolean {
  try {
    run();
    return false;
  } catch (error) {
    if (error instanceof Stopped) return true;
    throw error;
  }
}

function planIn(plan: unknown): Plan {
  const parts = plan as Partial<Plan> | null; // looked at before it is believed
  if (parts?.world === undefined || !Array.isArray(parts.timeline) || parts.ending === undefined)
    throw new Error('the trace holds no plan, so nothing can make it again');
  return parts as Plan; // written by a recorder; what is wrong inside shows when it runs
}
