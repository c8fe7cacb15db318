/** An interrupt ends every verb of the simulator, also one that computes without a pause, and the end of npm does, too. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../packages/cluster/src/index.ts';
import { temporaryFolder } from './support/command.ts';

const root = join(import.meta.dirname, '../..');
const simulator = join(root, 'packages/sim/dist/failtome-sim.js');

interface Running {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

function run(command: string, args: readonly string[], home: string): Running {
  const env = { PATH: process.env.PATH ?? '', HOME: home };
  const child = spawn(command, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => void child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const ended = new Promise<number | NodeJS.Signals | null>((resolve) => {
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  return { child, output: () => output, ended };
}

test('an exploration that would go on for minutes ends by an interrupt', async () => {
  const home = await temporaryFolder({ onTestFinished });
  const args = [simulator, 'explore', '--cluster', 'three', '--faults', '3'];
  const { child, output, ended } = run(process.execPath, args, home);
  // The first line of progress: the search has begun.
  await until('a line of progress', () => output().includes('waiting'), { withinMs: 60_000, seen: output });
  child.kill('SIGINT');
  expect(await ended).toBe('SIGINT');
});

test('a run with very many seeds ends by an interrupt', async () => {
  const home = await temporaryFolder({ onTestFinished });
  const file = join(home, 'long.yaml');
  await writeFile(
    file,
    'scenario: long\nproves: Nothing happens.\ncluster: { nodes: [a, b] }\nrun: { for: 60s }\n',
  );
  const { child, output, ended } = run(process.execPath, [simulator, 'run', file, '--seeds', '100000'], home);
  await until('the first seed', () => output().includes('seed 1:'), { withinMs: 60_000, seen: output });
  child.kill('SIGTERM');
  expect(await ended).toBe('SIGTERM');
});

test('what npm runs ends with npm, though npm was killed and its shell passes nothing on', async () => {
  const home = await temporaryFolder({ onTestFinished });
  const args = ['run', 'sim', '--silent', '--', 'cloud', '--json', '--instances', 'i-a'];
  const { child, output } = run('npm', args, home);
  await until('the cloud to run', () => output().includes('endpoint'), { withinMs: 60_000, seen: output });
  const { control } = JSON.parse(/\{.*\}/.exec(output())?.[0] ?? '{}') as { readonly control: string }; // what --json prints
  expect((await fetch(control)).status).toBe(200);
  child.kill('SIGKILL');
  const gone = async (): Promise<boolean> =>
    fetch(control).then(
      () => false,
      () => true,
    );
  await until('the cloud to end', gone, { withinMs: 60_000 });
});
