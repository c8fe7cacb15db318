// The files of a package, laid out as they will stand on the machine.
import { createHash } from 'node:crypto';
import { chmodSync, cpSync, lutimesSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { root } from '../install.mjs';
import { commandPage } from './command-page.mjs';
import { bashCompletion, fishCompletion, zshCompletion } from './completions.mjs';
import { referencePage } from './reference-page.mjs';
import { AGENT_ENVIRONMENT, AGENT_FLAGS } from './runtime.mjs';

/**
 * @typedef {import('./commands.mjs').Program} Program
 * @typedef {import('./runtime.mjs').Runtime} Runtime
 * @typedef {'deb' | 'rpm'} Family
 * @typedef {object} Release
 * @property {string} version
 * @property {number} epochS the time that every file bears, in seconds since 1970
 * @property {Program[]} programs
 */

const DOCS = 'usr/share/doc/failtome';
const LIB = 'usr/lib/failtome';

/** Where each shell looks for what a package brings; zsh's folder is another on Debian. */
const zshFolder = { deb: 'usr/share/zsh/vendor-completions', rpm: 'usr/share/zsh/site-functions' };

/**
 * @param {string} target an empty folder
 * @param {Family} family
 * @param {Release} release
 * @param {Runtime} runtime
 */
export function layOut(target, family, release, runtime) {
  const file = writerTo(target);
  layPrograms(target, file, runtime);
  const unit = readFileSync(`${root}packages/agent/deploy/systemd/failtome.service`);
  file('usr/lib/systemd/system/failtome.service', unit);
  for (const program of release.programs) {
    file(`usr/share/man/man1/${program.name}.1.gz`, zipped(commandPage(program, release.epochS)));
    file(`usr/share/bash-completion/completions/${program.name}`, bashCompletion(program));
    file(`${zshFolder[family]}/_${program.name}`, zshCompletion(program));
    file(`usr/share/fish/vendor_completions.d/${program.name}.fish`, fishCompletion(program));
  }
  const text = readFileSync(`${root}docs/configuration.md`, 'utf8');
  file('usr/share/man/man5/failtome.yaml.5.gz', zipped(referencePage({ text, ...release })));
  layDocs(target, file, runtime);
  // Read by root and the service alone: the maintainer's scripts give it its group.
  mkdirSync(join(target, 'etc/failtome'), { recursive: true });
  return file;
}

/** @typedef {(path: string, contents: string | Uint8Array, mode?: number) => void} WriteFile */

/** @param {string} target @returns {WriteFile} */
function writerTo(target) {
  return (path, contents, mode = 0o644) => {
    mkdirSync(dirname(join(target, path)), { recursive: true });
    writeFileSync(join(target, path), contents);
    chmodSync(join(target, path), mode);
  };
}

/** The bundles stand to each other as in the repository, so that one finds the other. */
const bundles = [
  { program: 'failtome', folder: 'agent', flags: AGENT_FLAGS, environment: AGENT_ENVIRONMENT },
  // Its swarms compute for hours.
  { program: 'failtome-sim', folder: 'sim', flags: [], environment: {} },
];

/** @param {string} target @param {WriteFile} file @param {Runtime} runtime */
function layPrograms(target, file, { folder: runtime }) {
  file(`${LIB}/bin/node`, readFileSync(join(runtime, 'bin/node')), 0o755);
  for (const { program, folder, flags, environment } of bundles) {
    const bundle = `${folder}/dist/${program}.js`;
    const source = readFileSync(`${root}packages/${bundle}`, 'utf8');
    // Its first line asks for any Node; /usr/bin has the one way in.
    file(`${LIB}/${bundle}`, source.replace(/^#!.*\n/, '').replace(/\n\/\/# sourceMappingURL=.*\n*$/, '\n'));
    const command = [`/${LIB}/bin/node`, ...flags, `/${LIB}/${bundle}`].join(' ');
    const exported = Object.entries(environment).map(([name, value]) => `export ${name}=${value}\n`);
    file(`usr/bin/${program}`, `#!/bin/sh\n${exported.join('')}exec ${command} "$@"\n`, 0o755);
  }
  cpSync(`${root}packages/sim/scenarios`, join(target, `${LIB}/sim/scenarios`), { recursive: true });
}

/** @param {string} target @param {WriteFile} file @param {Runtime} runtime */
function layDocs(target, file, runtime) {
  const docs = readdirSync(`${root}docs`).filter((name) => name.endsWith('.md'));
  const guides = readdirSync(`${root}docs/guides`).map((name) => `guides/${name}`);
  for (const name of [...docs, ...guides]) file(`${DOCS}/${name}`, readFileSync(`${root}docs/${name}`));
  for (const name of ['README.md', 'SECURITY.md']) file(`${DOCS}/${name}`, readFileSync(root + name));
  file(`${DOCS}/PROTOCOL.md`, readFileSync(`${root}packages/protocol/PROTOCOL.md`));
  // The unit is where systemd looks for it; all else that helps to deploy is to be read.
  for (const entry of readdirSync(`${root}packages/agent/deploy`).filter((name) => name !== 'systemd')) {
    cpSync(`${root}packages/agent/deploy/${entry}`, join(target, DOCS, entry), { recursive: true });
  }
  layLicences(file, runtime);
  file(`${DOCS}/failtome.cdx.json`, billOfPackage(runtime));
}

/** The licences of everything inside. @param {WriteFile} file @param {Runtime} runtime */
function layLicences(file, { folder, name, version }) {
  for (const { program, folder: from } of bundles) {
    const notices = readFileSync(`${root}packages/${from}/dist/THIRD-PARTY-LICENSES.txt`);
    file(`${DOCS}/notices/${program}.txt`, notices);
  }
  file(`${DOCS}/notices/node.txt`, readFileSync(join(folder, 'LICENSE')));
  file(
    `${DOCS}/copyright`,
    `${readFileSync(`${root}LICENSE`, 'utf8').trimEnd()}

What others wrote, and their licences:
/${LIB}/agent  /${DOCS}/notices/failtome.txt
/${LIB}/sim    /${DOCS}/notices/failtome-sim.txt
/${LIB}/bin    /${DOCS}/notices/node.txt
               (Node.js ${version}, unchanged, from the npm package ${name})
`,
  );
}

/** The bills of both bundles, and the runtime, as one. @param {Runtime} runtime */
function billOfPackage({ folder, name, version, integrity }) {
  const bills = bundles.map((one) =>
    JSON.parse(readFileSync(`${root}packages/${one.folder}/dist/${one.program}.cdx.json`, 'utf8')),
  );
  const node = {
    type: 'application',
    'bom-ref': `pkg:npm/${name}@${version}`,
    name: 'node',
    version,
    hashes: [{ alg: 'SHA-256', content: sha256(readFileSync(join(folder, 'bin/node'))) }],
    licenses: [{ license: { id: 'MIT' } }],
    purl: `pkg:npm/${name}@${version}`,
    properties: [{ name: 'npm:integrity', value: integrity }],
  };
  const components = bills.flatMap(({ metadata, components: libraries }) => [
    metadata.component,
    ...libraries,
  ]);
  /** @type {Map<string, unknown>} */
  const unique = new Map([...components, node].map((one) => [one['bom-ref'], one]));
  const [first] = bills;
  const component = {
    ...first.metadata.component,
    'bom-ref': 'failtome',
    name: 'failtome',
    hashes: undefined,
  };
  return `${JSON.stringify({ ...first, metadata: { component }, components: [...unique.values()] }, null, 2)}\n`;
}

/** @param {Uint8Array} bytes */
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** As Debian's policy wants it: without a name and a time. @param {string} text */
export const zipped = (text) => gzipSync(text, { level: 9 });

/**
 * Modes that no umask has touched, and one time for all.
 * @param {string} target
 * @param {number} epochS
 */
export function settle(target, epochS) {
  const entries = readdirSync(target, { recursive: true, withFileTypes: true });
  const paths = entries.map((entry) => ({ path: join(entry.parentPath, entry.name), entry }));
  for (const { path, entry } of paths) {
    if (entry.isDirectory()) chmodSync(path, path === join(target, 'etc/failtome') ? 0o750 : 0o755);
    else if (!path.includes('/bin/') && !path.includes('/DEBIAN/')) chmodSync(path, 0o644);
  }
  chmodSync(target, 0o755);
  for (const path of [
    ...paths
      .map((one) => one.path)
      .sort()
      .reverse(),
    target,
  ])
    lutimesSync(path, epochS, epochS);
}
