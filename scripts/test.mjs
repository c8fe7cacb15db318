// Every check in turn, each with its time; the last line is the count. `--fast`: without the test suites.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { build } from './build.mjs';
import { ensureInstalled, root } from './install.mjs';
import { missing } from './requirements.mjs';

/**
 * @typedef {{ passed: number, failed: number, skipped: string[] }} Outcome
 * @typedef {{ name: string, run: () => Promise<Outcome> }} Stage
 */

/** No stage runs longer; one that hangs is ended and counted as failed. */
const stageLimitMs = 14 * 60_000;
const boundaryTests = 'test/boundaries.test.ts';
const reports = mkdtempSync(join(tmpdir(), 'failtome-test-'));

/** @type {Stage[]} */
const fastStages = [
  { name: 'types', run: () => command('tsc', '-b') },
  { name: 'lint', run: () => command('biome', 'check', '--error-on-warnings') },
  { name: 'boundaries', run: () => vitest('boundaries', '--project=unit', boundaryTests) },
];

/** @type {Stage[]} */
const allStages = [
  { name: 'build', run: () => check(build) },
  ...fastStages,
  { name: 'unused code', run: () => command('knip', '--no-progress', '--no-config-hints') },
  ...['protocol', 'agent', 'sim'].map((name) => ({
    name: `package ${name}`,
    run: () => command('publint', '--strict', '--pack=npm', `packages/${name}`),
  })),
  { name: 'unit', run: () => vitest('unit', '--project=unit', `--exclude=${boundaryTests}`) },
  { name: 'end to end', run: () => vitest('e2e', '--project=e2e') },
];

const fast = process.argv.includes('--fast');
const outcomes = [await check(async () => ensureInstalled())].filter(({ failed }) => failed > 0);
// Without its tools no stage can run.
const stages = outcomes.length > 0 ? [] : fast ? fastStages : allStages;
for (const stage of stages) outcomes.push(await timed(stage));
rmSync(reports, { recursive: true });
if (!fast) tellSkipped(outcomes.flatMap(({ skipped }) => skipped));
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0);
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0);
process.exitCode = failed > 0 ? 1 : 0;
console.log(`${passed} passed, ${failed} failed`);

/** @param {Stage} stage */
async function timed({ name, run }) {
  const startedMs = performance.now();
  const outcome = await run();
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(6);
  const counts = `${outcome.passed} passed, ${outcome.failed} failed`;
  const skipped = outcome.skipped.length > 0 ? `, ${outcome.skipped.length} skipped` : '';
  console.log(`${outcome.failed > 0 ? '✗' : '✓'} ${name.padEnd(18)}${seconds} s   ${counts}${skipped}`);
  return outcome;
}

/** @param {string[]} tests */
function tellSkipped(tests) {
  for (const test of tests) console.log(`skipped: ${test}`);
  for (const { name, what, install } of missing()) console.log(`missing: ${name}, for ${what}: ${install}`);
}

/**
 * One check that counts as one.
 * @param {() => Promise<unknown>} work
 * @returns {Promise<Outcome>}
 */
async function check(work) {
  try {
    await work();
    return { passed: 1, failed: 0, skipped: [] };
  } catch (error) {
    console.log(error instanceof Error ? error.message : error);
    return { passed: 0, failed: 1, skipped: [] };
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

/**
 * @param {string} name
 * @param {string[]} args
 * @returns {Promise<Outcome>}
 */
async function vitest(name, ...args) {
  const file = join(reports, `${name}.json`);
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${file}`];
  const { code, output } = await spawned('vitest', ['run', ...args, ...reporters]);
  const outcome = readReport(file);
  if (code === 0 && outcome !== undefined) return outcome;
  console.log(output.trimEnd());
  // A file that did not load or an error outside of any test fails the run, though no test is counted for it.
  if (outcome === undefined) return { passed: 0, failed: 1, skipped: [] };
  return { ...outcome, failed: Math.max(1, outcome.failed) };
}

/**
 * @param {string} file
 * @returns {Outcome | undefined}
 */
function readReport(file) {
  /** @type {{ testResults: { name: string, status: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  let report;
  try {
    report = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined;
  }
  const tests = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({ ...test, file: relative(root, name) })),
  );
  const unloaded = report.testResults.filter(
    (suite) => suite.status === 'failed' && suite.assertionResults.length === 0,
  );
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: tests.filter(({ status }) => status === 'failed').length + unloaded.length,
    skipped: tests
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map((test) => `${test.file}: ${test.fullName}`),
  };
}

/**
 * @param {string} tool
 * @param {string[]} args
 * @returns {Promise<{ code: number | string, output: string }>}
 */
function spawned(tool, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules/.bin', tool), args, {
      cwd: root,
      env: { ...process.env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: stageLimitMs,
      killSignal: 'SIGKILL',
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal ?? 'unknown', output }));
  });
}
