/** The package of this machine's processor. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { toItsEnd } from './programs.ts';

const root = join(import.meta.dirname, '../../..');

/** Makes the Debian package in a folder of the test's own, and answers its path: other tests make theirs at the same time. */
export function packageIn(folder: string): string {
  const packed = spawnSync(
    process.execPath,
    ['scripts/package.mjs', '--arch', process.arch, '--only', 'deb', '--out', folder],
    { ...toItsEnd, cwd: root },
  );
  if (packed.status !== 0) throw new Error(`${packed.stdout}${packed.stderr}`);
  const [file = ''] = readdirSync(folder).filter((name) => name.endsWith('.deb'));
  return join(folder, file);
}
