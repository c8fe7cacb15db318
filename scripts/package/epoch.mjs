// The time that every file of a package bears.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

/** What sources without a history bear, so that every build of them is the same. */
const WITHOUT_HISTORY_S = Date.UTC(2026, 0, 1) / 1000;

/**
 * What is asked for (https://reproducible-builds.org/specs/source-date-epoch/), or the last commit's. A clone whose commit
 * can't be read is refused: another time would silently give other bytes than the next build of the same commit.
 * @param {string} folder the sources
 * @param {string} asked SOURCE_DATE_EPOCH; empty where it isn't set
 * @param {string | undefined} git the program, where the machine has it
 * @returns {number} in seconds since 1970
 */
export function epochOf(folder, asked, git) {
  if (/^\d+$/.test(asked)) return Number(asked);
  if (asked !== '') throw new Error(`SOURCE_DATE_EPOCH is '${asked}'; it has to be whole seconds since 1970`);
  if (!existsSync(join(folder, '.git'))) return WITHOUT_HISTORY_S;
  if (git === undefined) throw new Error('git is missing: apt-get install -y git');
  const { status, stdout, stderr } = spawnSync(git, ['log', '-1', '--format=%ct'], {
    cwd: folder,
    encoding: 'utf8',
  });
  if (status === 0) return Number(stdout);
  throw new Error(
    `git can't tell the last commit's time, which every file would bear; set SOURCE_DATE_EPOCH\n${stderr}`,
  );
}
