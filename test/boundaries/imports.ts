/** Reads which modules a source imports, and says which of them its layer forbids. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { join, posix, relative, sep } from 'node:path';
import { LAYERS, type Layer } from './layers.ts';

/** `import … from 'x'`, `export … from 'x'`, `import 'x'` and `import('x')`, of types and of values. */
const IMPORT =
  /^(?:import|export)\b[^'"`;]*?\bfrom\s*(['"])(.+?)\1|^import\s*(['"])(.+?)\3|\bimport\s*\(\s*(['"`])(.+?)\5/gms;

/** What stands for a whole package's name in a row: `@aws-sdk` stands for `@aws-sdk/client-ec2`. */
function isOf(specifier: string, name: string): boolean {
  // A part of a package of the workspace is a layer of its own.
  if (name.startsWith('@failtome/')) return specifier === name;
  return specifier === name || specifier.startsWith(`${name}/`);
}

function layerOf(file: string): Layer | undefined {
  return LAYERS.filter(({ folder }) => file === folder || file.startsWith(`${folder}/`)).toSorted(
    (one, other) => other.folder.length - one.folder.length,
  )[0];
}

function isAllowed(
  file: string,
  { folder, parts = [], packages = [], node }: Layer,
  specifier: string,
): boolean {
  if (specifier.startsWith('.')) {
    const target = layerOf(posix.join(posix.dirname(file), specifier))?.folder;
    return target !== undefined && (target === folder || parts.includes(target));
  }
  return isBuiltin(specifier) ? node === true : packages.some((name) => isOf(specifier, name));
}

/** The imports of a source that its layer doesn't have, as `FILE imports MODULE`. */
export function forbiddenIn(file: string, source: string): readonly string[] {
  const layer = layerOf(file);
  if (layer === undefined) return [`${file} is in no layer`];
  const specifiers = Array.from(source.matchAll(IMPORT), (match) => match[2] ?? match[4] ?? match[6] ?? '');
  return specifiers
    .filter((specifier) => !isAllowed(file, layer, specifier))
    .map((specifier) => `${file} imports ${specifier}`);
}

/** The packages' folders; what another branch has left in its place isn't one. */
export function packagesIn(root: string): readonly string[] {
  return readdirSync(join(root, 'packages')).filter((name) =>
    existsSync(join(root, 'packages', name, 'package.json')),
  );
}

/** Every source of the packages, by its path from the repository's root. */
export function sourcesOf(root: string): readonly string[] {
  return packagesIn(root).flatMap((name) => typeScriptIn(root, `packages/${name}/src`));
}

/** Every test, what tests are made with, and what crosses packages, in the same way. */
export function testsOf(root: string): readonly string[] {
  const folders = packagesIn(root).map((name) => `packages/${name}/test`);
  return [...folders.filter((folder) => existsSync(join(root, folder))), 'test'].flatMap((folder) =>
    typeScriptIn(root, folder),
  );
}

function typeScriptIn(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'));
}

export function readSource(root: string, file: string): string {
  return readFileSync(join(root, file), 'utf8');
}

/** The names of the workspace's packages that a package's layers import. */
export function workspacePackagesOf(name: string): readonly string[] {
  const rows = LAYERS.filter(({ folder }) => folder.startsWith(`packages/${name}/`));
  const names = rows.flatMap(({ packages = [] }) => packages.filter((one) => one.startsWith('@failtome/')));
  return [...new Set(names.map((one) => one.split('/').slice(0, 2).join('/')))].sort();
}
