// Runs Vitest, and reads from its report what came of it.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { constants, setPriority, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { flakyPrefix } from './flaky-reporter.mjs';
import { root } from './install.mjs';

/**
 * @typedef {{ passed: number, failed: number, skipped: string[], flaky: string[] }} Outcome
 * @typedef {{ code: number | string, output: string }} Ended
 * @typedef {{ nice?: boolean, env?: Record<string, string> }} SpawnOptions nice: others that run at the same time go first
 * @typedef {{ name: string, status: string, assertionResults: { status: string, fullName: string }[] }} FileReport
 */

/** No program runs longer; one that hangs is ended and counted as failed. */
const limitMs = 18 * 60_000;
const flakyReporter = './scripts/flaky-reporter.mjs';

/**
 * What it prints is shown only where something failed.
 * @param {string[]} args
 * @param {SpawnOptions} [options]
 * @returns {Promise<Outcome>}
 */
export async function vitest(args, options = {}) {
  const { ended, files } = await reported([...args, '--reporter=dot'], (all) =>
    spawned('vitest', all, options),
  );
  const outcome = { ...countsOf(files), flaky: flakyIn(ended.output) };
  if (ended.code === 0 && files !== undefined) return outcome;
  console.log(ended.output.trimEnd());
  // A file that did not load or an error outside of any test fails the run, though no test is counted for it.
  return { ...outcome, failed: Math.max(1, outcome.failed) };
}

/**
 * The same for somebody who watches: all that Vitest prints is shown while it runs.
 * @param {string[]} args files, and Vitest's own options
 * @returns {Promise<Outcome>}
 */
export async function vitestShown(args) {
  const { ended, files = [] } = await reported([...args, '--reporter=default'], (all) =>
    shown('vitest', all),
  );
  const outcome = countsOf(files);
  const unmatched = filtersIn(args).filter((filter) => !files.some(({ name }) => name.includes(filter)));
  for (const filter of unmatched) console.log(`no test file matches ${filter}`);
  if (outcome.passed + outcome.failed === 0) console.log('no test ran');
  const isWhole = ended.code === 0 && outcome.passed > 0 && unmatched.length === 0;
  return isWhole ? outcome : { ...outcome, failed: Math.max(1, outcome.failed) };
}

/** The parts of file names, without the line that may stand behind them. @param {string[]} args */
function filtersIn(args) {
  const filters = args.filter((arg, index) => !arg.startsWith('-') && args[index - 1] !== '-t');
  return filters.map((filter) => filter.replace(/^\.\//, '').replace(/:\d+$/, ''));
}

/**
 * @param {string[]} args
 * @param {(args: string[]) => Promise<Ended>} run
 */
async function reported(args, run) {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-test-'));
  try {
    const file = join(folder, 'report.json');
    const reporters = [`--reporter=${flakyReporter}`, '--reporter=json', `--outputFile.json=${file}`];
    return { ended: await run(['run', ...args, ...reporters]), files: readReport(file) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} file @returns {FileReport[] | undefined} */
function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).testResults;
  } catch {
    return undefined;
  }
}

/** @param {FileReport[]} [files] @returns {Outcome} */
function countsOf(files = []) {
  const tests = files.flatMap(({ name, assertionResults }) =>
    assertionResults.map((test) => ({ ...test, file: relative(root, name) })),
  );
  const unloaded = files.filter((file) => file.status === 'failed' && file.assertionResults.length === 0);
  return {
    passed: tests.filter(({ status }) => status === 'passed').length,
    failed: tests.filter(({ status }) => status === 'failed').length + unloaded.length,
    skipped: tests
      .filter(({ status }) => status !== 'passed' && status !== 'failed')
      .map((test) => `${test.file}: ${test.fullName}`),
    flaky: [],
  };
}

/** @param {string} output */
function flakyIn(output) {
  const lines = output.split('\n').filter((line) => line.startsWith(flakyPrefix));
  return lines.map((line) => line.slice(flakyPrefix.length));
}

/**
 * A tool of node_modules with all that it printed.
 * @param {string} tool
 * @param {string[]} args
 * @param {SpawnOptions} [options]
 * @returns {Promise<Ended>}
 */
export function spawned(tool, args, { nice = false, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules/.bin', tool), args, {
      cwd: root,
      env: { ...process.env, ...env, NO_COLOR: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: limitMs,
      killSignal: 'SIGKILL',
    });
    if (nice && child.pid !== undefined) setPriority(child.pid, constants.priority.PRIORITY_LOW);
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal ?? 'unknown', output }));
  });
}

/** @param {string} tool @param {string[]} args @returns {Promise<Ended>} */
function shown(tool, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(join(root, 'node_modules/.bin', tool), args, { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal ?? 'unknown', output: '' }));
  });
}
