// npm run fuzz: random input against the codec, a running node and the API's routes, for as long as it is told.

import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { ensureInstalled, root } from './install.mjs';

/** In test/fuzz; each gets as much of the time. */
const properties = ['messages', 'documents', 'a running node', 'requests'];
const unitMs = { s: 1_000, m: 60_000, h: 3_600_000 };

const help = `npm run fuzz -- [--for 10m] [--only NAME] [--seed N [--path P]]
  --for    how long, in seconds (s), minutes (m) or hours (h); 1m by default
  --only   one of: ${properties.join(', ')}
  --seed   where to begin; by default from the clock. What fails tells its seed and path.
A part of it, always the same, runs in npm test.`;

const { values } = parseArgs({
  options: {
    for: { type: 'string', default: '1m' },
    only: { type: 'string' },
    seed: { type: 'string' },
    path: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});
const [, count, unit] = /^(\d+)([smh])$/.exec(values.for) ?? [];
const wrong = count === undefined || (values.only !== undefined && !properties.includes(values.only));
if (values.help || wrong) {
  console.log(help);
  process.exit(values.help ? 0 : 2);
}
ensureInstalled();
const forMs = Number(count) * unitMs[/** @type {keyof typeof unitMs} */ (unit)];
const each = values.only === undefined ? forMs / properties.length : forMs;
const args = ['vitest', 'run', '--project=unit', '--no-file-parallelism', 'test/fuzz'];
const { status } = spawnSync('npx', args, {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    FAILTOME_FUZZ_FOR_MS: String(Math.ceil(each)),
    ...(values.only === undefined ? {} : { FAILTOME_FUZZ_ONLY: values.only }),
    ...(values.seed === undefined ? {} : { FAILTOME_FUZZ_SEED: values.seed }),
    ...(values.path === undefined ? {} : { FAILTOME_FUZZ_PATH: values.path }),
  },
});
process.exit(status ?? 1);
