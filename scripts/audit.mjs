// Asks the registry for known vulnerabilities of everything in the lockfile, with the pnpm that package.json names.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { root } from './install.mjs';

const pnpm = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).packageManager;
const { status } = spawnSync('npx', ['-y', pnpm, 'audit', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
process.exit(status ?? 1);
