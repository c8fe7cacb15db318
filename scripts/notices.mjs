// What others wrote of a bundle: their licences, and a bill of materials, from what esbuild says is inside.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './install.mjs';

/**
 * @typedef {object} Package
 * @property {string} name
 * @property {string} version
 * @property {string} license an SPDX expression
 * @property {string} author
 * @property {string} url empty where it has none
 * @property {string} folder below the repository's
 */

/** A file of a package that its licence asks to be passed on. */
const LEGAL_FILE = /^(licen[cs]e|notice|copying)([.-].*)?$/i;

/** What may be shipped in the bundle without asking anybody. */
const PERMISSIVE = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);

/**
 * The packages of which something is in the bundle, by name and version.
 * @param {import('esbuild').Metafile} metafile
 * @returns {Package[]}
 */
export function packagesIn(metafile) {
  const folders = new Set();
  for (const { inputs } of Object.values(metafile.outputs)) {
    for (const [file, { bytesInOutput }] of Object.entries(inputs)) {
      const folder = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(file)?.[1];
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder);
    }
  }
  // The same package may stand in several folders, for several sets of peers.
  const unique = new Map(
    [...folders]
      .sort()
      .map(packageAt)
      .map((one) => [key(one), one]),
  );
  return [...unique.values()].sort((one, other) => compare(key(one), key(other)));
}

/** @param {string} folder @returns {Package} */
function packageAt(folder) {
  const { name, version, license, author, homepage } = JSON.parse(
    readFileSync(join(root, folder, 'package.json'), 'utf8'),
  );
  if (!PERMISSIVE.has(license)) {
    throw new Error(
      `${name} ${version} is under ${license}: may it be shipped? Then add it to scripts/notices.mjs`,
    );
  }
  const by = typeof author === 'object' ? author.name : (author ?? '');
  return { name, version, license, author: by.replace(/\s*<.*/, ''), url: homepage ?? '', folder };
}

/** @param {Package} one */
const key = ({ name, version }) => `${name}@${version}`;

/** @param {string} one @param {string} other */
const compare = (one, other) => (one < other ? -1 : Number(one > other));

/**
 * The text that has to be passed on with the bundle.
 * @param {readonly Package[]} packages
 */
export function noticesOf(packages) {
  /** @type {Map<string, Package[]>} */
  const byText = new Map();
  for (const one of packages) {
    const text = legalText(one, packages);
    byText.set(text, [...(byText.get(text) ?? []), one]);
  }
  const parts = [...byText].map(
    ([text, those]) => `${those.map((one) => `${key(one)} (${one.license})`).join('\n')}\n\n${text}`,
  );
  const head =
    'This program contains the following packages. Their licences ask that these texts go with it.';
  return `${[head, ...parts].join(`\n\n${'-'.repeat(80)}\n\n`)}\n`;
}

/**
 * Its own files; for a package without any, whose repository has one for all, the text of another one under the same
 * licence, after the name of its author.
 * @param {Package} one
 * @param {readonly Package[]} packages
 */
function legalText(one, packages) {
  const own = ownText(one);
  if (own !== '') return own;
  const { license, author } = one;
  const sibling = packages.find((other) => other.license === license && ownText(other) !== '');
  if (sibling === undefined)
    throw new Error(`${key(one)} has no licence text, and no other package under ${license} has`);
  // The terms of the licence begin after the line that names somebody else's copyright.
  const terms = ownText(sibling).replace(/^.*Copyright \(c\).*\n+/im, '');
  return license === 'Apache-2.0' ? ownText(sibling) : `Copyright (c) ${author}\n\n${terms}`;
}

/** @param {Package} one */
function ownText({ folder }) {
  const files = readdirSync(join(root, folder)).filter((file) => LEGAL_FILE.test(file));
  const texts = files.sort().map((file) =>
    readFileSync(join(root, folder, file), 'utf8')
      .replaceAll('\r\n', '\n')
      .trim(),
  );
  return texts.join('\n\n');
}

/**
 * The bill of materials: CycloneDX 1.6 as JSON (https://cyclonedx.org/docs/1.6/json/). No time and no random number is
 * in it, so that the same sources give the same file.
 * @param {readonly Package[]} packages
 * @param {{ name: string, version: string, license: string, contents: Uint8Array }} bundle
 */
export function billOfMaterials(packages, { name, version, license, contents }) {
  const component = {
    type: 'application',
    'bom-ref': `pkg:npm/${name.replace('@', '%40')}@${version}`,
    name,
    version,
    hashes: [{ alg: 'SHA-256', content: createHash('sha256').update(contents).digest('hex') }],
    licenses: [{ license: { id: license } }],
  };
  const components = packages.map((one) => ({
    type: 'library',
    'bom-ref': packageUrl(one),
    name: one.name,
    version: one.version,
    licenses: [{ license: { id: one.license } }],
    purl: packageUrl(one),
    ...(one.url === '' ? {} : { externalReferences: [{ type: 'website', url: one.url }] }),
  }));
  const bill = {
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: { component },
    components,
  };
  return `${JSON.stringify(bill, null, 2)}\n`;
}

/** A package URL (https://github.com/package-url/purl-spec). @param {Package} one */
function packageUrl({ name, version }) {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** Where both files stand, beside the bundle. @param {string} out */
export function besideBundle(out) {
  const stem = out.replace(/\.js$/, '');
  return { notices: join(dirname(out), 'THIRD-PARTY-LICENSES.txt'), bill: `${stem}.cdx.json` };
}
