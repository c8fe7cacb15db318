// Brings node_modules in line with the lockfile, and does nothing (no network, no child process) where it is.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
const minimumNode = /** @type {const} */ ([20, 19]);
const stampFile = `${root}node_modules/.failtome-installed`;

/**
 * Installs with the exact pnpm that package.json names, fetched by npx, so that Node and npm are enough.
 * @returns {boolean} whether anything had to be done
 */
export function ensureInstalled() {
  refuseOldNode();
  const wanted = wantedKey();
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === wanted) return false;
  console.log('installing dependencies …');
  const pnpm = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).packageManager;
  const result = spawnSync('npx', ['-y', pnpm, 'install', '--reporter=append-only'], {
    cwd: root,
    encoding: 'utf8',
  });
  if (result.status !== 0) {
    throw new Error(`${pnpm} install failed:\n${result.error ?? ''}${result.stdout}${result.stderr}`);
  }
  // Hashed again: outside CI the install may itself have brought the lockfile up to date.
  writeFileSync(stampFile, wantedKey());
  return true;
}

function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > minimumNode[0] || (major === minimumNode[0] && minor >= minimumNode[1])) return;
  throw new Error(`failtome needs Node ${minimumNode.join('.')} or later; this is ${process.versions.node}`);
}

function wantedKey() {
  const packages = readdirSync(`${root}packages`).map((name) => `packages/${name}/package.json`);
  const hash = createHash('sha256').update(process.versions.modules);
  for (const file of ['package.json', 'pnpm-workspace.yaml', 'pnpm-lock.yaml', ...packages.sort()]) {
    if (existsSync(root + file)) hash.update(file).update(readFileSync(root + file));
  }
  return hash.digest('hex');
}
