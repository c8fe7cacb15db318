/**
 * Many seeds: which comes next, and when there are enough. Nothing of this decides what a seed comes to.
 */

import type { Focus } from './focus.ts';
import { type SeedRange, seedsLeft } from './ranges.ts';
import type { Runner } from './runner.ts';
import type { Finding, SeedResult } from './seed.ts';
import { chooseFocus } from './steering.ts';
import { enter, type SwarmLedger } from './swarm-ledger.ts';

/** Which seeds a swarm runs, and for how long. */
export interface SwarmOptions {
  readonly seeds: SeedRange;
  /** No seed is begun after so long of the real world; null: no limit. */
  readonly forMs: number | null;
  /** Until the ledger has both; null: no goal. */
  readonly goal: Goal | null;
  /** What seeds are wished to bring about; `unmet`: each what has seldom been met so far; null: nothing. */
  readonly focus: Focus | 'unmet' | null;
  /** Enough findings to stop. */
  readonly maxFindings: number;
}

/** How much a swarm has to see before it ends. */
export interface Goal {
  readonly events: number;
  readonly takeovers: number;
}

/** What a swarm runs on. */
export interface SwarmPorts {
  readonly runner: Runner;
  /** Milliseconds of the real world, from any origin. */
  readonly clock: () => number;
  /** No seed is begun any more; those under way are finished. */
  readonly signal: AbortSignal;
  readonly onResult: (result: SeedResult, ledger: SwarmLedger) => void;
}

/** How a swarm ended. */
export interface SwarmEnd {
  readonly ledger: SwarmLedger;
  /** What was found now, not before. */
  readonly findings: readonly Finding[];
  readonly elapsedMs: number;
  readonly why: 'all seeds' | 'time' | 'goal' | 'findings' | 'interrupted';
}

/** Run seeds that the ledger doesn't have yet, and enter them. */
export async function runSwarm(
  options: SwarmOptions,
  before: SwarmLedger,
  { runner, clock, signal, onResult }: SwarmPorts,
): Promise<SwarmEnd> {
  const startedMs = clock();
  const left = seedsLeft(options.seeds, before.done);
  const findings: Finding[] = [];
  let ledger = before;

  function enough(): SwarmEnd['why'] | null {
    if (signal.aborted) return 'interrupted';
    if (findings.length >= options.maxFindings) return 'findings';
    if (options.goal !== null && reached(ledger, options.goal)) return 'goal';
    return options.forMs !== null && clock() - startedMs >= options.forMs ? 'time' : null;
  }

  /** One of as many as there are jobs: a seed, and another, and so on. */
  async function lane(): Promise<void> {
    while (enough() === null) {
      const next = left.next();
      if (next.done === true) return;
      const begunMs = clock();
      const seed = next.value;
      const focus = options.focus === 'unmet' ? chooseFocus(seed, ledger.tally) : options.focus;
      const result = await runner.run({ seed, focus });
      if (result.finding !== null) findings.push(result.finding);
      ledger = enter(ledger, result, clock() - begunMs);
      onResult(result, ledger);
    }
  }

  await Promise.all(Array.from({ length: runner.jobs }, lane));
  findings.sort((a, b) => a.seed - b.seed);
  return { ledger, findings, elapsedMs: clock() - startedMs, why: enough() ?? 'all seeds' };
}

function reached({ tally }: SwarmLedger, goal: Goal): boolean {
  return tally.events >= goal.events && tally.faultedTakeovers >= goal.takeovers;
}
