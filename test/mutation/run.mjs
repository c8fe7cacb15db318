// npm run mutation: a standard tool's mutants of the protocol. Unit tests judge first, then a short swarm what they let live.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root, runTool } from '../mutants/tool.mjs';

const help = `npm run mutation -- [FILE…] [--jobs N]
  FILE     of packages/protocol/src, such as election/tally.ts or election/*.ts; all of them by default, which takes hours
  --jobs   so many at a time, 2 by default
What the swarm is given stands in test/mutation/survivors.ts. The reports go to reports/mutation.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { jobs: { type: 'string', default: '2' }, help: { type: 'boolean', default: false } },
});
if (values.help || !/^[1-9]\d*$/.test(values.jobs)) {
  console.log(help);
  process.exit(values.help ? 0 : 2);
}

const reports = join(root, 'reports/mutation');
rmSync(reports, { recursive: true, force: true });
mkdirSync(reports, { recursive: true });
const files = positionals.map((file) => `packages/protocol/src/${file}`);
const stryker = spawnSync(
  join(root, 'node_modules/.bin/stryker'),
  [
    'run',
    'test/mutation/stryker.config.mjs',
    '--concurrency',
    values.jobs,
    ...(files.length > 0 ? ['--mutate', files.join(',')] : []),
  ],
  { cwd: root, stdio: 'inherit' },
);
if (stryker.status !== 0 || !existsSync(join(reports, 'unit.json'))) {
  console.error('mutation: the unit tests could not be run on the mutants; see above');
  process.exit(stryker.status || 1);
}
process.env.FAILTOME_MUTATION_JOBS = values.jobs;
await runTool('test/mutation/survivors.ts', 'failtome-mutation');
