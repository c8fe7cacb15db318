// npm test: every check, each with its time; the last line is the count.
//   --fast           npm run check: types, lint, boundaries, unused code, the protocol's unit tests
//   --long           npm run test:long: what takes minutes and seldom breaks
//   FILE… [-t NAME]  these test files alone, with all that Vitest prints; only the tests of that name
import { readdirSync } from 'node:fs';
import { build } from './build.mjs';
import { ensureInstalled, root } from './install.mjs';
import { missing } from './requirements.mjs';
import { spawned, vitest, vitestShown } from './vitest.mjs';

/**
 * @typedef {import('./vitest.mjs').Outcome} Outcome
 * @typedef {{ name: string, run: () => Promise<Outcome> }} Stage
 */

const boundaryTests = 'test/boundaries.test.ts';
const protocolTests = 'packages/protocol/test';
const simulatorTests = 'packages/sim/test';

const types = { name: 'types', run: () => command('tsc', '-b') };
const lint = { name: 'lint', run: () => command('biome', 'check', '--error-on-warnings') };
const unused = {
  name: 'unused code',
  run: () => command('knip', '--no-progress', '--no-config-hints'),
};
/** Nothing in these tests outlives its file, so that they can share a process: half the time. */
const protocol = {
  name: 'protocol',
  run: () => vitest(['--project=unit', '--no-isolate', '--pool=threads', protocolTests, boundaryTests]),
};
/** These only compute, so that they may wait for others: they take what the end-to-end tests leave of the processor, and all of it afterwards. */
const simulator = {
  name: 'simulator',
  run: () =>
    vitest(['--project=unit', '--maxWorkers=100%', simulatorTests], {
      nice: true,
      env: { FAILTOME_TEST_TIMEOUT_MS: '600000' },
    }),
};
/** What other stages run; `--exclude` says nothing to the projects of vitest.config.ts. */
const runElsewhere = {
  FAILTOME_RUN_ELSEWHERE: `${boundaryTests},${protocolTests}/**,${simulatorTests}/**`,
};

/** One after the other; those that stand together run at the same time. @type {Stage[][]} */
const fastStages = [[types, lint, unused, protocol]];

/** @type {Stage[][]} */
const longStages = [[{ name: 'long', run: () => vitest(['--project=long']) }]];

/** @type {Stage[][]} */
const allStages = [
  [{ name: 'build', run: () => check(build) }],
  ...fastStages,
  ...readdirSync(`${root}packages`).map((name) => [
    {
      name: `package ${name}`,
      run: () => command('publint', '--strict', '--pack=npm', `packages/${name}`),
    },
  ]),
  // The end-to-end tests wait far more than they compute.
  [{ name: 'end to end', run: () => vitest(['--project=e2e']) }, simulator],
  // Some of these wait for real sockets and time-outs: starved by others they would miss them.
  [
    {
      name: 'unit',
      run: () => vitest(['--project=unit', '--maxWorkers=100%'], { env: runElsewhere }),
    },
  ],
];

const args = process.argv.slice(2);
const install = await check(async () => ensureInstalled());
// Without its tools no stage can run.
const outcomes = install.failed > 0 ? [install] : await outcomesOf(args);
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
process.exitCode = failed > 0 ? 1 : 0;
console.log(`${passed} passed, ${failed} failed`);

/** @param {string[]} args @returns {Promise<Outcome[]>} */
async function outcomesOf(args) {
  if (args.length === 1 && args[0] === '--fast') return allOf(fastStages);
  if (args.length === 1 && args[0] === '--long') {
    const outcomes = await allOf(longStages);
    tellAside(outcomes);
    return outcomes;
  }
  if (args.length > 0) return [await vitestShown(args)];
  const outcomes = await allOf(allStages);
  tellAside(outcomes);
  return outcomes;
}

/** @param {Stage[][]} stages */
async function allOf(stages) {
  /** @type {Outcome[]} */
  const outcomes = [];
  for (const together of stages) outcomes.push(...(await Promise.all(together.map(timed))));
  return outcomes;
}

/** @param {Stage} stage */
async function timed({ name, run }) {
  const startedMs = performance.now();
  const outcome = await run();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
  const counts = `${outcome.passed} passed, ${outcome.failed} failed`;
  const aside = /** @type {const} */ (['skipped', 'flaky'])
    .filter((kind) => outcome[kind].length > 0)
    .map((kind) => `, ${outcome[kind].length} ${kind}`);
  console.log(
    `${outcome.failed > 0 ? '✗' : '✓'} ${name.padEnd(18)}${seconds} s   ${counts}${aside.join('')}`,
  );
  return outcome;
}

/** @param {Outcome[]} outcomes */
function tellAside(outcomes) {
  for (const test of outcomes.flatMap(({ skipped }) => skipped)) console.log(`skipped: ${test}`);
  for (const { name, what, install } of missing()) console.log(`missing: ${name}, for ${what}: ${install}`);
  const flaky = outcomes.flatMap((outcome) => outcome.flaky);
  for (const test of flaky) console.log(`flaky: ${test}`);
  if (flaky.length > 0) console.log(`${flaky.length} flaky: passed, though not at the first try`);
}

/**
 * One check that counts as one.
 * @param {() => Promise<unknown>} work
 * @returns {Promise<Outcome>}
 */
async function check(work) {
  const none = { passed: 0, failed: 0, skipped: [], flaky: [] };
  try {
    await work();
    return { ...none, passed: 1 };
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    return { ...none, failed: 1 };
  }
}

/**
 * A tool of node_modules that counts as one check; what it prints is shown only where it fails.
 * @param {string} tool
 * @param {string[]} args
 */
function command(tool, ...args) {
  return check(async () => {
    const { code, output } = await spawned(tool, args);
    if (code !== 0) throw new Error(`${output.trimEnd()}\n${tool} ${args.join(' ')}: exit ${code}`);
  });
}
