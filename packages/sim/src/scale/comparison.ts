/** The whole comparison: each number of members, under both protocols. */
import { counted } from '@failtome/protocol';
import { startFailtome } from './failtome-cluster.ts';
import { measureQuiet, measureSlow, type Quiet, type Slow, type Spans } from './growth.ts';
import type { StartCluster } from './measured-cluster.ts';
import { startSwim } from './swim-cluster.ts';

/** The protocols that are compared, in this order. */
export const PROTOCOLS = ['failtome', 'swim'] as const;
/** One of them. */
export type ProtocolName = (typeof PROTOCOLS)[number];

/** The fewest members: two candidates and a witness. */
export const FEWEST = 3;
/** The most: what a configuration may name as peers, and itself. */
export const MOST = 1_000;

const STARTS: Readonly<Record<ProtocolName, StartCluster>> = { failtome: startFailtome, swim: startSwim };

/** What is asked for. */
export interface ScaleOptions {
  readonly members: readonly number[];
  /** Shares of the members that are slow, from 0 to 1; none: they aren't measured. */
  readonly slowShares: readonly number[];
  readonly slowForMs: readonly number[];
  /** How long a slow member goes on between two stops; null: for as long as it stops. */
  readonly restMs: number | null;
  /** Clusters of more members aren't measured with slow ones. */
  readonly slowUpTo: number;
  readonly lossPerMille: number;
  readonly seed: number;
  readonly spans: Spans;
}

/** One number of members under one protocol. */
export interface QuietRow extends Quiet {
  readonly protocol: ProtocolName;
  readonly members: number;
}

/** The same with slow members. */
export interface SlowRow extends Slow {
  readonly protocol: ProtocolName;
  readonly members: number;
}

/** What came of it. */
export interface ScaleResult {
  readonly options: ScaleOptions;
  readonly quiet: readonly QuietRow[];
  readonly slow: readonly SlowRow[];
  /** What the time was up for, in words. */
  readonly left: readonly string[];
}

/** Whoever watches it go on. */
export interface ScaleHooks {
  /** Whether the time is up: nothing more is begun. */
  readonly isOver: () => boolean;
  /** One more has been measured. */
  readonly onProgress: (last: string, count: { readonly measured: number; readonly planned: number }) => void;
}

interface Task {
  readonly what: string;
  readonly run: () => void;
}

/** Measure all of it, small clusters first. The same options give the same result, but for what the time was up for. */
export function measureScale(options: ScaleOptions, { isOver, onProgress }: ScaleHooks): ScaleResult {
  const quiet: QuietRow[] = [];
  const slow: SlowRow[] = [];
  const left: string[] = [];
  const tasks = options.members.flatMap((members) =>
    PROTOCOLS.flatMap((protocol): readonly Task[] => {
      const start = STARTS[protocol];
      const { lossPerMille, seed, spans } = options;
      const cluster = { members, seed, lossPerMille };
      return [
        {
          what: `${protocol}, ${counted(members, 'member')}`,
          run: () => quiet.push({ protocol, members, ...measureQuiet(start, cluster, spans) }),
        },
        ...slowCases(options, members).map(({ count, slowForMs }) => ({
          what: `${protocol}, ${counted(members, 'member')}, ${count} of them slow for ${slowForMs} ms`,
          run: () =>
            slow.push({
              protocol,
              members,
              ...measureSlow(start, cluster, spans, {
                slow: count,
                slowForMs,
                restMs: options.restMs ?? slowForMs,
              }),
            }),
        })),
      ];
    }),
  );
  for (const [index, { what, run }] of tasks.entries()) {
    if (isOver()) left.push(what);
    else {
      run();
      onProgress(what, { measured: index + 1, planned: tasks.length });
    }
  }
  return { options, quiet, slow, left };
}

function slowCases(
  { slowShares, slowForMs, slowUpTo }: ScaleOptions,
  members: number,
): readonly { readonly count: number; readonly slowForMs: number }[] {
  if (members > slowUpTo) return [];
  const counts = new Set(slowShares.map((share) => Math.max(1, Math.round(share * members))));
  return [...counts].flatMap((count) => slowForMs.map((ms) => ({ count, slowForMs: ms })));
}

/** `1, 3, 10, 30, …` between two numbers, and the two themselves. */
export function stepsBetween(least: number, most: number): readonly number[] {
  const steps = new Set([least, most]);
  for (let power = 1; power <= most; power *= 10)
    for (const step of [power, 3 * power]) if (step > least && step < most) steps.add(step);
  return [...steps].sort((a, b) => a - b);
}
