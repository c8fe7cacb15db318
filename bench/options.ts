import type { CloudPace } from './profiles.ts';

/** What every benchmark is told. */
export interface BenchOptions {
  /** The agent that is measured: FAILTOME_BENCH_AGENT, or the built one. */
  readonly agentFile: string;
  /** The agent as this tree builds it. */
  readonly builtFile: string;
  readonly root: string;
  /** Repetitions are multiplied by this. */
  readonly times: number;
  /** What the cloud is like in the failovers, one after the other. */
  readonly paces: readonly CloudPace[];
  /** Says what is going on, outside the table. */
  readonly note: (text: string) => void;
}

/** A busy machine may need this long for what takes it ten seconds when it is idle. */
export const settleWithinMs = 90_000;
