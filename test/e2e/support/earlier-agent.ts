/** The agent of an earlier commit, bundled from its sources with the libraries that are here. */
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { commandBanner } from '../../../scripts/build.mjs';
import { must } from './programs.ts';

const root = join(import.meta.dirname, '../../..');

/** The first whose package a node could be set up from. */
const commit = '116d59ecb6974ab91ed1617e5fd6aeddb1360c90';

/** What the packages of that time are called here. */
export const earlierVersion = '0.0.9';

/** Whether the repository has its history here; a shallow clone hasn't. */
export function hasEarlier(): boolean {
  return spawnSync('git', ['cat-file', '-e', `${commit}^{commit}`], { cwd: root }).status === 0;
}

/** Puts that agent in the place of the one in a package's files. */
export async function layEarlierAgent(files: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'failtome-earlier-'));
  try {
    must('sh', '-c', `git -C '${root}' archive ${commit} packages | tar -x -C '${folder}'`);
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    for (const name of readdirSync(join(folder, 'packages'))) {
      const libraries = join(root, 'packages', name, 'node_modules');
      if (existsSync(libraries))
        cpSync(libraries, join(folder, 'packages', name, 'node_modules'), {
          recursive: true,
          verbatimSymlinks: true,
        });
    }
    await build({
      absWorkingDir: folder,
      entryPoints: ['packages/agent/src/main.ts'],
      allowOverwrite: true,
      outfile: join(files, 'usr/lib/failtome/agent/dist/failtome.js'),
      bundle: true,
      platform: 'node',
      target: 'node20.19',
      format: 'esm',
      mainFields: ['module', 'main'],
      alias: { '@failtome/protocol': join(folder, 'packages/protocol/src/index.ts') },
      banner: { js: commandBanner.replace(/^#!.*\n/, '') },
      define: { FAILTOME_VERSION: JSON.stringify(earlierVersion) },
      logLevel: 'error',
    });
    const control = join(files, 'DEBIAN/control');
    writeFileSync(
      control,
      readFileSync(control, 'utf8').replace(/^Version: .*$/m, `Version: ${earlierVersion}`),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
