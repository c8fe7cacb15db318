import { spawn } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { until } from '../../packages/cluster/src/index.ts';
import { temporaryFolder } from './support/command.ts';

const program = join(import.meta.dirname, '../../packages/sim/dist/failtome-sim.js');

/** Each waits for real seconds, on a machine that may be busy with others. */
const demoTimeoutMs = 240_000;

/** Runs `failtome-sim demo ARGS` with a folder of its own for temporary files. */
function runDemo(folder: string, args: readonly string[]) {
  const child = spawn(process.execPath, [program, 'demo', ...args], {
    env: { PATH: process.env.PATH ?? '', TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, ended, output: () => output };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe.concurrent('the demo', () => {
  test('stays up when told to, and leaves nothing behind', { timeout: demoTimeoutMs }, async (context) => {
    const folder = await temporaryFolder(context);
    const { child, ended, output } = runDemo(folder, ['--keep']);
    context.onTestFinished(() => void child.kill('SIGKILL'));
    const kept = (): readonly string[] => output().match(/status page \S+ .*pid.*/g) ?? [];
    await until('both status pages', () => child.exitCode !== null || kept().length === 2, {
      withinMs: demoTimeoutMs,
      seen: output,
    });
    expect(output()).toContain('Subject: HAProxy failover notification');
    expect(output()).toMatch(/all \d+ checks as they should be/);
    const pages = kept().map((line) => /http:\S+/.exec(line)?.[0] ?? '');
    for (const page of pages) expect((await fetch(page)).status).toBe(200);
    const pids = kept().flatMap((line) => [...line.matchAll(/pid (\d+)/g)].map(([, pid]) => Number(pid)));
    expect(pids.map(isRunning)).toEqual([true, true, true, true]);
    // What happens meanwhile is told, with the time of day and its zone.
    process.kill(pids[1] ?? 0, 'SIGKILL');
    const told = /T?\d\d:\d\d:\d\dZ {2}a client is served by neptune again: \d+ requests? failed in \d+ ms/;
    await until('the end of an outage to be told', () => told.test(output()), {
      withinMs: demoTimeoutMs,
      seen: output,
    });
    for (const line of [
      /Z {2}a client gets no answer/,
      /Z {2}EC2 {6}the address is associated with neptune now/,
    ])
      expect(output()).toMatch(line);
    expect(output()).toMatch(/Z {2}neptune {2}decided: move/);
    child.kill('SIGINT');
    expect(await ended).toBe(0);
    expect(pids.map(isRunning)).toEqual([false, false, false, false]);
    expect(await readdir(folder)).toEqual([]);
  });

  test("goes the seed's own way, by OpsWorks", { timeout: demoTimeoutMs }, async (context) => {
    const { ended, output } = runDemo(await temporaryFolder(context), ['--driver', 'opsworks']);
    expect([await ended, output()]).toEqual([0, expect.stringMatching(/all \d+ checks as they should be/)]);
  });

  test('ends with 1, and keeps the logs, when the agents are no good', async (context) => {
    const folder = await temporaryFolder(context);
    const agent = join(folder, 'no-agent.mjs');
    await writeFile(agent, 'console.error("this is no agent"); process.exit(3);');
    const { ended, output } = runDemo(folder, ['--agent', agent]);
    expect(await ended).toBe(1);
    expect(output()).toContain('✗ The agent of');
    expect(output()).toContain('this is no agent');
    const [, kept = ''] = /are kept in (\S+)/.exec(output()) ?? [];
    expect(await readdir(join(kept, 'saturn'))).toContain('agent.log');
  });
});
