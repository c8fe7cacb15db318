// npm run package: the .deb and .rpm packages of every processor, into dist/.
//   --arch x64|arm64   for this processor alone
//   --only deb|rpm     of this family alone
//   --out FOLDER       into another folder
import { readFileSync, statSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { buildOrExit } from './build.mjs';
import { root } from './install.mjs';
import { epochOf } from './package/epoch.mjs';
import { findProgram } from './requirements.mjs';

/** What each family needs of the machine, and the line that brings it. */
const packers = /** @type {const} */ ({
  deb: { program: 'dpkg-deb', install: 'apt-get install -y dpkg' },
  rpm: { program: 'rpmbuild', install: 'apt-get install -y rpm' },
});

/** One processor, by Node's name and by each family's. */
const architectures = /** @type {const} */ ([
  { node: 'x64', deb: 'amd64', rpm: 'x86_64' },
  { node: 'arm64', deb: 'arm64', rpm: 'aarch64' },
]);

const families = /** @type {const} */ (['deb', 'rpm']);

/** The most that a package may have. */
const MAX_BYTES = 40_000_000;

const { values } = parseArgs({
  options: { arch: { type: 'string' }, only: { type: 'string' }, out: { type: 'string' } },
});
const folder = resolve(values.out ?? `${root}dist`);
const wanted = {
  architectures: architectures.filter(({ node }) => values.arch === undefined || values.arch === node),
  families: families.filter((family) => values.only === undefined || values.only === family),
};
if (wanted.architectures.length === 0 || wanted.families.length === 0) {
  console.error('usage: npm run package -- [--arch x64|arm64] [--only deb|rpm] [--out FOLDER]');
  process.exit(2);
}
const absent = wanted.families
  .map((family) => packers[family])
  .filter(({ program }) => !findProgram(program));
for (const { program, install } of absent) console.error(`${program} is missing: ${install}`);
if (absent.length > 0) process.exit(1);

const epochS = epochOrExit();
await buildOrExit();
// These need what the build has installed.
const { programs } = await import('./package/commands.mjs');
const { runtimeFor } = await import('./package/runtime.mjs');
const { debPackage } = await import('./package/deb.mjs');
const { rpmPackage } = await import('./package/rpm.mjs');
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const release = { version, epochS, programs: await programs(version) };
for (const { node, deb, rpm } of wanted.architectures) {
  const runtime = runtimeFor(node);
  for (const family of wanted.families) {
    const file =
      family === 'deb'
        ? debPackage(release, { deb, runtime }, folder)
        : rpmPackage(release, { rpm, runtime }, folder);
    const { size } = statSync(file);
    console.log(`${relative(root, file)}  ${(size / 1e6).toFixed(1)} MB`);
    if (size > MAX_BYTES) throw new Error(`${file} is larger than ${MAX_BYTES / 1e6} MB`);
  }
}

function epochOrExit() {
  try {
    return epochOf(root, process.env.SOURCE_DATE_EPOCH ?? '', findProgram('git'));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}
