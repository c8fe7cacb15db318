/** The packages of this machine's processor, built once for all test files of a run. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { until } from '../../../packages/cluster/src/wait.ts';
import { must, toItsEnd } from './programs.ts';

const root = join(import.meta.dirname, '../../..');
const cache = join(root, 'node_modules/.cache');
const lock = join(cache, 'failtome-packages.lock');
/** Which run has built what stands in `dist`: its files' processes have one parent. */
const stamp = join(cache, 'failtome-packages.run');

const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string;
}; // as npm has it
const [deb, rpm] = process.arch === 'arm64' ? ['arm64', 'aarch64'] : ['amd64', 'x86_64'];

/** What `npm run package` makes for this machine. */
export const packages = {
  version,
  deb: join(root, `dist/failtome_${version}_${deb}.deb`),
  rpm: join(root, `dist/failtome-${version}-1.${rpm}.rpm`),
};

/** A process that is gone holds nothing. */
function isRunning(pid: string): boolean {
  try {
    process.kill(Number(pid), 0);
    return pid !== '';
  } catch {
    return false;
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function claim(): boolean {
  mkdirSync(cache, { recursive: true });
  try {
    writeFileSync(lock, String(process.pid), { flag: 'wx' });
    return true;
  } catch {
    if (!isRunning(read(lock))) rmSync(lock, { force: true });
    return false;
  }
}

/** Builds them, or waits for another file's test that does. */
export async function buildPackages(): Promise<void> {
  await until('the packages', claim, { withinMs: 300_000 });
  try {
    if (read(stamp) === String(process.ppid)) return;
    const args = ['scripts/package.mjs', '--arch', process.arch];
    const packed = spawnSync(process.execPath, args, { ...toItsEnd, cwd: root });
    if (packed.status !== 0) throw new Error(`${packed.stdout}${packed.stderr}`);
    writeFileSync(stamp, String(process.ppid));
  } finally {
    rmSync(lock, { force: true });
  }
}

/**
 * The .deb with the same files, packed without compression: it installs in a third of the time. The real one is what
 * `package.test.ts` installs.
 *
 * @param named what the file is called
 * @param change what is different in it, given the folder with its files
 * @returns where it is, in a folder of its own
 */
export async function quickDeb(
  named: string = basename(packages.deb),
  change?: (folder: string) => Promise<void>,
): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-deb-'));
  must('dpkg-deb', '-R', packages.deb, join(folder, 'files'));
  await change?.(join(folder, 'files'));
  must('dpkg-deb', '-Znone', '-b', join(folder, 'files'), join(folder, named));
  rmSync(join(folder, 'files'), { recursive: true });
  return join(folder, named);
}
