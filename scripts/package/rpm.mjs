// The RPM package: rpmbuild packs it, and needs no root for that.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../install.mjs';
import { mustRun } from './run-program.mjs';
import { layOut, settle } from './tree.mjs';

/**
 * @typedef {import('./tree.mjs').Release} Release
 * @typedef {import('./runtime.mjs').Runtime} Runtime
 */

/**
 * @param {Release} release
 * @param {{ rpm: string, runtime: Runtime }} target
 * @param {string} folder where it is laid
 * @returns {string} the file
 */
export function rpmPackage(release, { rpm, runtime }, folder) {
  const { version, epochS } = release;
  const work = mkdtempSync(join(tmpdir(), 'failtome-rpm-'));
  const stage = join(work, 'stage');
  mkdirSync(stage);
  try {
    const file = layOut(stage, 'rpm', release, runtime);
    file('usr/share/doc/failtome/CHANGELOG.md', readFileSync(`${root}CHANGELOG.md`));
    mkdirSync(join(stage, 'var/lib/failtome'), { recursive: true });
    settle(stage, epochS);
    const defines = {
      _topdir: join(work, 'top'),
      _tmppath: work,
      _dbpath: join(work, 'db'),
      stage,
      version_: version,
    };
    mustRun(
      'rpmbuild',
      [
        '-bb',
        '--quiet',
        '--target',
        `${rpm}-linux`,
        ...Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`]),
        `${root}packaging/rpm/failtome.spec`,
      ],
      { env: { ...process.env, SOURCE_DATE_EPOCH: `${epochS}`, LC_ALL: 'C.UTF-8', TZ: 'UTC' } },
    );
    const out = `${folder}/failtome-${version}-1.${rpm}.rpm`;
    mkdirSync(folder, { recursive: true });
    copyFileSync(join(work, `top/RPMS/${rpm}/failtome-${version}-1.${rpm}.rpm`), out);
    return out;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
