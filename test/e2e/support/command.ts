/** Runs the built program for one command, as an operator's shell does. */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestContext } from 'vitest';
import { outputFits } from '../../../packages/agent/test/api/answers.ts';
import type { Cluster, CommandResult } from '../../../packages/cluster/src/index.ts';

export const program: string = join(import.meta.dirname, '../../../packages/agent/dist/failtome.js');

/** A command that says nothing for so long is ended, and its test fails. */
const commandTimeoutMs = 45_000;

export interface Ended {
  /** The exit code, or the name of the signal that ended it. */
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  /** Added to an environment that has nothing of this machine's own. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** When it is ended at the latest; default: after 45 s. */
  readonly timeoutMs?: number;
}

/** Runs `failtome ARGS` to its end. */
export async function failtome(args: readonly string[], options: CommandOptions = {}): Promise<Ended> {
  const ended = await runToEnd(process.execPath, [program, ...args], options);
  checkJson(args, ended);
  return ended;
}

/** Runs `failtome ARGS` in a cluster's folder to its end. */
export async function cliOf(cluster: Cluster, ...args: readonly string[]): Promise<CommandResult> {
  const ended = await cluster.cli(...args);
  checkJson(args, ended);
  return ended;
}

/** Whatever a verb prints as JSON is what its schema says, in every test. */
function checkJson(args: readonly string[], { code, stdout }: Pick<Ended, 'code' | 'stdout'>): void {
  const [verb = ''] = args;
  if (!args.includes('--json') || stdout === '' || typeof code !== 'number') return;
  const fault = outputFits(verb, JSON.parse(stdout));
  if (fault !== '')
    throw new Error(`failtome ${args.join(' ')} printed what its schema does not have: ${fault}`);
}

/** Runs any program to its end. */
export async function runToEnd(
  command: string,
  args: readonly string[],
  { env = {}, cwd = tmpdir(), timeoutMs = commandTimeoutMs }: CommandOptions = {},
): Promise<Ended> {
  const child = spawn(command, args, {
    cwd,
    // Wide enough for every sentence: how what is printed folds has a test of its own.
    env: { PATH: process.env.PATH ?? '', HOME: cwd, NO_COLOR: '1', COLUMNS: '400', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      output[name] += text;
    });
  }
  const late = new AbortController();
  const end = new Promise<number | string>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'));
  });
  void delay(timeoutMs, undefined, { signal: late.signal }).then(
    () => child.kill('SIGKILL'),
    () => undefined,
  );
  try {
    return { code: await end, ...output };
  } finally {
    late.abort();
  }
}

/** A folder that goes when the test ends. */
export async function temporaryFolder({
  onTestFinished,
}: Pick<TestContext, 'onTestFinished'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'failtome-e2e-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
