// The Node runtime inside the packages: the official binary, as npm carries it.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../install.mjs';
import { mustRun } from './run-program.mjs';

const lockFile = `${root}packaging/runtime/package-lock.json`;

/**
 * What the agent's Node is told: it computes little and stays for months, so a small heap is worth more than speed. What is called
 * a hundred thousand times is still compiled for speed, as under a flood of requests. Measured by
 * `npm run bench -- --only packaged`.
 *
 * It compiles on its own thread: one that compiles beside it can wait at the exit for a collection of garbage that never comes, and
 * the program hangs (https://github.com/nodejs/node/issues/54918).
 */
export const AGENT_FLAGS = [
  '--optimize-for-size',
  '--max-semi-space-size=1',
  '--v8-pool-size=1',
  '--no-maglev',
  '--no-concurrent-recompilation',
  '--no-concurrent-sparkplug',
  '--invocation-count-for-turbofan=100000',
];

/** What its C library is told: threads that rest most of the time need no heap each. See malloc(3), `M_ARENA_MAX`. */
export const AGENT_ENVIRONMENT = { MALLOC_ARENA_MAX: '1' };

/**
 * @typedef {'x64' | 'arm64'} NodeArchitecture
 * @typedef {object} Runtime
 * @property {string} folder has `bin/node` and `LICENSE`
 * @property {string} name of the npm package
 * @property {string} version
 * @property {string} integrity of what npm served (https://www.w3.org/TR/SRI/)
 */

/**
 * Brings it where it isn't there yet. Not by `npm ci`: that refuses a package for another processor, and would lay down
 * thousands of header files besides.
 * @param {NodeArchitecture} architecture
 * @returns {Runtime}
 */
export function runtimeFor(architecture) {
  const name = `node-linux-${architecture}`;
  const { version, integrity } = JSON.parse(readFileSync(lockFile, 'utf8')).packages[`node_modules/${name}`];
  const cache = `${root}node_modules/.cache/failtome-runtime`;
  const folder = join(cache, `${name}-${version}`);
  if (!existsSync(folder)) bring({ spec: `${name}@${version}`, integrity, cache, folder });
  return { folder, name, version, integrity };
}

/** @param {{ spec: string, integrity: string, cache: string, folder: string }} wanted */
function bring({ spec, integrity, cache, folder }) {
  const fresh = `${folder}.new-${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  try {
    console.log(`bringing ${spec} …`);
    const [{ filename }] = JSON.parse(
      mustRun('npm', ['pack', spec, '--json', '--silent', '--pack-destination', fresh], { cwd: cache }),
    );
    const archive = join(fresh, filename);
    const found = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
    if (found !== integrity)
      throw new Error(
        `${spec}: npm served ${found}, and packaging/runtime/package-lock.json has ${integrity}`,
      );
    mustRun('tar', [
      '-xzf',
      archive,
      '-C',
      fresh,
      '--strip-components=1',
      'package/bin/node',
      'package/LICENSE',
    ]);
    rmSync(archive);
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}
