/** `npm run bench`: every figure measured beside its yardstick, in one run. */
import { join } from 'node:path';
import { parseArgs } from 'node:util';

import { decisions } from './decision.ts';
import { encryption } from './encryption.ts';
import { explorer } from './explorer.ts';
import { failovers } from './failover.ts';

import { footprint } from './footprint.ts';
import { gossip } from './gossip.ts';
import { identities } from './identities.ts';
import { idle } from './idle.ts';
import type { BenchOptions } from './options.ts';
import { packaged } from './packaged.ts';
import { recorder } from './recorder.ts';
import { simulator } from './simulator.ts';
import { strangers } from './strangers.ts';
import { type Row, tableOf } from './table.ts';

declare const FAILTOME_ROOT: string;

type Benchmark = (options: BenchOptions) => Promise<readonly Row[]>;

const BENCHMARKS: Readonly<Record<string, Benchmark>> = {
  footprint,
  packaged,
  failover: failovers,
  decision: decisions,
  gossip,
  identities,
  simulator,
  explorer,
  strangers,
  idle,
  encryption,
  recorder,
};
const FULL_TIMES = 5;
const USUAL_CALLS = '0,200';
const USUAL_SETTLES = '0,300,2000';

const help = `npm run bench -- [--full] [--only NAME,…] [--json]
  --full   ${FULL_TIMES} times the repetitions (more than two hours; without it about half an hour)
  --only   some of: ${Object.keys(BENCHMARKS).join(', ')}
  --calls  how long a call to the cloud takes in the failovers, in milliseconds; ${USUAL_CALLS}
  --works  from an association until it works there; ${USUAL_SETTLES}
  --json   the rows as JSON instead of a table
FAILTOME_BENCH_AGENT=FILE measures another build of the agent instead; idle compares this build with that one.
Figures are medians with the 99th percentile (of few samples: the largest) in parentheses. The machine should be idle:
ratios forgive a slow one, not a busy one.`;

const { values } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    only: { type: 'string' },
    calls: { type: 'string', default: USUAL_CALLS },
    works: { type: 'string', default: USUAL_SETTLES },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

if (values.help) console.log(help);
else await run(values.only?.split(',') ?? Object.keys(BENCHMARKS));

function numbersIn(text: string): readonly number[] {
  return text.split(',').map((part) => {
    const number = Number(part);
    if (!(number >= 0)) throw new Error(`${part} is no number of milliseconds`);
    return number;
  });
}

async function run(names: readonly string[]): Promise<void> {
  const startedAt = performance.now();
  const builtFile = join(FAILTOME_ROOT, 'packages/agent/dist/failtome.js');
  const options: BenchOptions = {
    agentFile: process.env.FAILTOME_BENCH_AGENT ?? builtFile,
    builtFile,
    root: FAILTOME_ROOT,
    times: values.full ? FULL_TIMES : 1,
    paces: numbersIn(values.calls).flatMap((callMs) =>
      numbersIn(values.works).map((settlesMs) => ({ callMs, settlesMs })),
    ),
    note: (text) =>
      console.error(`  ${((performance.now() - startedAt) / 1000).toFixed(0).padStart(4)} s  ${text}`),
  };
  const rows: Row[] = [];
  for (const name of names) {
    const benchmark = BENCHMARKS[name];
    if (benchmark === undefined)
      throw new Error(`There is no benchmark ${name}: ${Object.keys(BENCHMARKS).join(', ')}.`);
    options.note(name);
    rows.push(...(await benchmark(options)));
  }
  console.log(values.json ? JSON.stringify(rows, null, 2) : tableOf(rows));
  const missed = rows.filter(({ ok }) => ok === false).length;
  console.log(
    values.json ? '' : `\n${missed === 0 ? 'Every bound is kept.' : `${missed} of the bounds are not kept.`}`,
  );
}
