// Asks the registry for known vulnerabilities of everything in the lockfile, with the pnpm that package.json names.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { root } from './install.mjs';

/** The most that pnpm is read; a report of a thousand findings is smaller. */
const maxBytes = 16 * 1_048_576;

/**
 * Why there is no report, for a person; null: there is one.
 *
 * @param {string} output what pnpm has printed
 * @returns {string | null}
 */
export function unanswered(output) {
  const registry = /https?:\/\/[^/\s)]+/.exec(output)?.[0] ?? 'the registry';
  if (output.includes('ERR_PNPM_AUDIT_BAD_RESPONSE') || output.includes('ERR_PNPM_AUDIT_ENDPOINT_NOT_EXISTS'))
    return `${registry} has no audit endpoint, as mirrors often don't: nothing was looked up.
Ask one that has: npm run audit -- --registry URL
or hand packages/agent/dist/failtome.cdx.json, which npm run build leaves, to a scanner of bills of materials.`;
  if (/ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ERR_PNPM_META_FETCH_FAIL/.test(output))
    return `${registry} can't be reached: nothing was looked up.`;
  return null;
}

function main() {
  const pnpm = JSON.parse(readFileSync(`${root}package.json`, 'utf8')).packageManager;
  const { status, stdout, stderr } = spawnSync('npx', ['-y', pnpm, 'audit', ...process.argv.slice(2)], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: maxBytes,
    stdio: ['inherit', 'pipe', 'pipe'],
  });
  const why = status === 0 ? null : unanswered(`${stdout}${stderr}`);
  if (why !== null) {
    console.error(why);
    // Not 1, which says that there are findings.
    process.exit(2);
  }
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  process.exit(status ?? 2);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) main();
