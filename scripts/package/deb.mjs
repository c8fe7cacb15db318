// The Debian package: dpkg-deb packs it, and needs no root for that.
import { lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../install.mjs';
import { mustRun } from './run-program.mjs';
import { layOut, settle, zipped } from './tree.mjs';

/**
 * @typedef {import('./tree.mjs').Release} Release
 * @typedef {import('./runtime.mjs').Runtime} Runtime
 */

const MAINTAINER = 'failtome maintainers <maintainers@failtome.invalid>';

/**
 * @param {Release} release
 * @param {{ deb: string, runtime: Runtime }} target
 * @param {string} folder where it is laid
 * @returns {string} the file
 */
export function debPackage(release, { deb, runtime }, folder) {
  const { version, epochS } = release;
  const stage = mkdtempSync(join(tmpdir(), 'failtome-deb-'));
  try {
    const file = layOut(stage, 'deb', release, runtime);
    const day = new Date(epochS * 1000).toUTCString().replace('GMT', '+0000');
    const change = `failtome (${version}) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n -- ${MAINTAINER}  ${day}\n`;
    file('usr/share/doc/failtome/changelog.gz', zipped(change));
    file('usr/share/doc/failtome/CHANGELOG.md', readFileSync(`${root}CHANGELOG.md`));
    file('usr/share/lintian/overrides/failtome', readFileSync(`${root}packaging/deb/lintian-overrides`));
    file('DEBIAN/control', control({ version, deb, sizeKib: sizeOf(stage) }));
    for (const script of ['postinst', 'prerm', 'postrm']) {
      file(`DEBIAN/${script}`, readFileSync(`${root}packaging/deb/${script}`), 0o755);
    }
    settle(stage, epochS);
    const out = `${folder}/failtome_${version}_${deb}.deb`;
    mkdirSync(folder, { recursive: true });
    // Level 1 makes 35 MB in a ninth of the time of level 9, which makes 29. One thread: more would give other bytes.
    const packed = ['--root-owner-group', '-Zxz', '-z1', '--threads-max=1', '--build', stage, out];
    mustRun('dpkg-deb', packed, { env: { ...process.env, SOURCE_DATE_EPOCH: `${epochS}` } });
    return out;
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}

/** @param {{ version: string, deb: string, sizeKib: number }} package_ */
function control({ version, deb, sizeKib }) {
  return `Package: failtome
Version: ${version}
Architecture: ${deb}
Maintainer: ${MAINTAINER}
Installed-Size: ${sizeKib}
Depends: libc6 (>= 2.28), libgcc-s1, libstdc++6 (>= 5.2), passwd
Recommends: systemd
Section: net
Priority: optional
Description: failover of an AWS Elastic IP between HAProxy nodes
 An agent on each HAProxy node probes the shared address and exchanges
 heartbeats with its peers. The address is moved only when the node's own
 probe has failed and the peers agree, and every decision is explained.
 .
 The Node.js runtime is inside, for this program alone.
`;
}

/** @param {string} stage */
function sizeOf(stage) {
  const entries = readdirSync(stage, { recursive: true, withFileTypes: true });
  const kib = entries.map((entry) => Math.ceil(lstatSync(join(entry.parentPath, entry.name)).size / 1024));
  return kib.reduce((sum, one) => sum + one, 0);
}
