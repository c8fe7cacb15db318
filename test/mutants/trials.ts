/**
 * One trial a mutant: its bundle runs in a process of its own, so that whatever it does ends with it.
 */
import { spawn } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import type { Edit } from './mutant.ts';
import type { TrialOptions, TrialResult } from './outcome.ts';

/** A trial begins no seed after its limit of processor time; on a busy machine it may take so much longer. */
const BUSY = 10;
/** A seed that takes longer hangs. */
const HANGS_MS = 60_000;
const MAX_OUTPUT = 1_000_000;

/**
 * @param name of the mutant; names the bundle
 * @throws Error when an edit doesn't apply, or the simulator can't be bundled with it
 */
export async function runTrial(
  root: string,
  name: string,
  edits: readonly Edit[],
  options: TrialOptions,
): Promise<TrialResult> {
  const folder = join(root, 'node_modules/.cache/failtome-mutants');
  const out = join(folder, `${name}-${process.pid}.mjs`);
  mkdirSync(folder, { recursive: true });
  try {
    await bundle(root, edits, out);
    return await inProcess(out, options);
  } finally {
    rmSync(out, { force: true });
  }
}

function inProcess(file: string, options: TrialOptions): Promise<TrialResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file, JSON.stringify(options)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: BUSY * options.limitMs + HANGS_MS,
      killSignal: 'SIGKILL',
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-MAX_OUTPUT)));
    child.stderr.on('data', (chunk: Buffer) => (errors = (errors + chunk.toString()).slice(-MAX_OUTPUT)));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (signal === 'SIGKILL') return resolve(hung(BUSY * options.limitMs + HANGS_MS));
      const line = output.trim().split('\n').at(-1) ?? '';
      if (code !== 0 || !line.startsWith('{'))
        return reject(new Error(`trial ended with ${code}: ${errors}`));
      resolve(JSON.parse(line) as TrialResult); // written by trial.ts
    });
  });
}

function hung(afterMs: number): TrialResult {
  const detail = `one run of the simulator did not end within ${afterMs} ms`;
  const effort = { scenarios: 0, seeds: 0, focused: 0, states: 0, events: 0 };
  return { caught: { by: 'the clock', invariant: 'hangs', detail }, effort, cpuMs: afterMs };
}
