/** `npm start` takes everything with it, whichever of its processes ends first, and by which signal. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../packages/cluster/src/index.ts';
import { temporaryFolder } from './support/command.ts';

const cleanups = { onTestFinished };
const root = join(import.meta.dirname, '../..');
/** Each waits for real processes, on a machine that may be busy with others. */
const timeoutMs = 120_000;

interface ProcessEntry {
  readonly pid: number;
  readonly parent: number;
  readonly state: string;
  readonly command: string;
}

/** Every process of this machine; proc_pid_stat(5). */
function processes(): readonly ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        return [{ pid: Number(pid), parent: Number(parent), state, command }];
      } catch {
        // It ended meanwhile.
        return [];
      }
    });
}

function withDescendants(pid: number): readonly ProcessEntry[] {
  const all = processes();
  const below = (parent: number): readonly ProcessEntry[] =>
    all.filter((each) => each.parent === parent).flatMap((each) => [each, ...below(each.pid)]);
  return [...all.filter((each) => each.pid === pid), ...below(pid)];
}

/** Those that still run; a zombie doesn't. */
function running(pids: readonly number[]): readonly string[] {
  return processes()
    .filter(({ pid, state }) => pids.includes(pid) && state !== 'Z')
    .map(({ command }) => command);
}

const endings = [
  ['npm', 'SIGTERM'],
  ['npm', 'SIGINT'],
  ['npm', 'SIGHUP'],
  ['npm', 'SIGKILL'],
  ['the program', 'SIGTERM'],
  ['the program', 'SIGHUP'],
  ['the program', 'SIGKILL'],
  ['the whole group', 'SIGINT'],
  ['the whole group', 'SIGHUP'],
] as const;

describe('npm start', () => {
  test.each(endings)(
    'leaves nothing behind when %s gets %s',
    { timeout: timeoutMs },
    async (target, signal) => {
      const [folder, home] = await Promise.all([temporaryFolder(cleanups), temporaryFolder(cleanups)]);
      const npm = spawn('npm', ['start', '--', '--keep'], {
        cwd: root,
        detached: true,
        env: { PATH: process.env.PATH ?? '', HOME: home, TMPDIR: folder },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const pid = npm.pid ?? 0;
      let output = '';
      for (const stream of [npm.stdout, npm.stderr])
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text;
        });
      await until('both agents to be ready', () => output.includes('both agents are ready'), {
        withinMs: timeoutMs,
        seen: () => output,
      });
      const family = withDescendants(pid);
      const pids = family.map((each) => each.pid);
      expect(family.filter(({ command }) => command.includes('failtome.js run'))).toHaveLength(2);
      const program = family.find(
        ({ command }) => command.startsWith('node ') && command.includes('failtome-sim.js'),
      );
      process.kill({ npm: pid, 'the program': program?.pid ?? 0, 'the whole group': -pid }[target], signal);
      await until('all of it to end', () => running(pids).length === 0, {
        withinMs: timeoutMs,
        seen: () => running(pids).join('\n'),
      });
      expect(await readdir(folder)).toEqual([]);
    },
  );
});
