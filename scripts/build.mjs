// Bundles the entry points with esbuild. Node 20 cannot run TypeScript, and one file starts three times
// faster than the modules it was made of. Types are checked elsewhere (tsc -b).
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, root } from './install.mjs';
import { besideBundle, billOfMaterials, noticesOf, packagesIn } from './notices.mjs';

const stampFile = `${root}node_modules/.failtome-built`;
const protocolSource = `${root}packages/protocol/src/index.ts`;

/** Made by a test from the schemas of what the agent answers (packages/agent/test/openapi.test.ts). */
const openApiFile = 'packages/agent/deploy/openapi.json';

const simulator = 'packages/sim/src/main.ts';
const agent = 'packages/agent/src/main.ts';

const bundles = [
  { entry: 'packages/protocol/src/index.ts', out: 'packages/protocol/dist/index.js', command: false },
  { entry: agent, out: 'packages/agent/dist/failtome.js', command: true },
  { entry: simulator, out: 'packages/sim/dist/failtome-sim.js', command: true },
];

/**
 * CommonJS dependencies ask for Node's own modules through `require`, which an ES module does not have.
 * The AWS SDK warns on standard error about Node 20 at each start; package.json pins versions that run on it.
 */
export const commandBanner = `#!/usr/bin/env node
import { createRequire as __createRequire } from 'node:module';
const require = __createRequire(import.meta.url);
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';`;

/**
 * Builds what changed since the last build; with nothing changed it takes a few milliseconds.
 * @returns {Promise<boolean>} whether anything had to be done
 */
export async function build() {
  ensureInstalled();
  const key = sourcesKey();
  const complete = bundles.flatMap(outputsOf).every((out) => existsSync(root + out));
  if (complete && existsSync(stampFile) && readFileSync(stampFile, 'utf8') === key) return false;
  const esbuild = await import('esbuild');
  // Settled, not all: what can be built is, though another package's source is broken.
  const { reportClient } = await import('./report-client.mjs');
  const { pageParts } = await import('./page-parts.mjs');
  /** @type {Record<string, () => Record<string, string>>} */
  const parts = {
    [simulator]: () => ({ REPORT_CLIENT: JSON.stringify(reportClient()) }),
    [agent]: pageParts,
  };
  const results = await Promise.allSettled(
    bundles.map(async (bundle) => bundleOne(esbuild, bundle, parts[bundle.entry]?.() ?? {})),
  );
  await esbuild.stop();
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  writeFileSync(stampFile, key);
  return true;
}

/** The same for a command: what went wrong is told plainly, without a stack. @returns {Promise<boolean>} */
export async function buildOrExit() {
  try {
    return await build();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exit(1);
  }
}

/** Vitest's name for what runs once before a project's tests. @returns {Promise<void>} */
export async function setup() {
  await build();
}

/**
 * @param {typeof import('esbuild')} esbuild
 * @param {(typeof bundles)[number]} bundle
 * @param {Record<string, string>} parts what is built for itself and carried as text, by its name in the source
 */
async function bundleOne(esbuild, { entry, out, command }, parts) {
  const manifest = JSON.parse(readFileSync(join(root, dirname(entry), '../package.json'), 'utf8'));
  const { outputFiles, metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    write: false,
    platform: command ? 'node' : 'neutral',
    target: 'node20.19',
    format: 'esm',
    mainFields: ['module', 'main'],
    alias: command ? { '@failtome/protocol': protocolSource } : {},
    banner: command ? { js: commandBanner } : {},
    define: {
      FAILTOME_VERSION: JSON.stringify(manifest.version),
      FAILTOME_OPENAPI: JSON.stringify(compact(openApiFile)),
      ...parts,
    },
    metafile: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    // Names stay, so that a stack trace can be read; the shorter text alone saves 8 MB of memory.
    minifySyntax: command,
    minifyWhitespace: command,
    plugins: [shakableAwsSchemas],
    logLevel: 'error',
  });
  mkdirSync(join(root, dirname(out)), { recursive: true });
  for (const { path, contents } of outputFiles) replaceFile(path, contents, command && path.endsWith('.js'));
  if (!command) return;
  const packages = packagesIn(metafile);
  const { notices, bill } = besideBundle(out);
  const contents = outputFiles.find(({ path }) => path.endsWith('.js'))?.contents ?? new Uint8Array();
  replaceFile(root + notices, noticesOf(packages), false);
  replaceFile(root + bill, billOfMaterials(packages, { ...manifest, contents }), false);
}

/**
 * Renamed into place, so that an agent started meanwhile never reads half a file.
 * @param {string} path
 * @param {string | Uint8Array} contents
 * @param {boolean} executable
 */
function replaceFile(path, contents, executable) {
  writeFileSync(`${path}.new`, contents);
  if (executable) chmodSync(`${path}.new`, 0o755);
  renameSync(`${path}.new`, path);
}

/** JSON without its spaces. @param {string} file */
const compact = (file) => JSON.stringify(JSON.parse(readFileSync(root + file, 'utf8')));

/** What a build leaves. @param {(typeof bundles)[number]} bundle @returns {string[]} */
function outputsOf({ out, command }) {
  return command ? [out, ...Object.values(besideBundle(out))] : [out];
}

/**
 * The AWS SDK describes every operation's shapes in one file of `{ [_name]: … }` literals. A computed key
 * might run code, so bundlers keep them all; with the constants written in, unused operations fall away.
 * @type {import('esbuild').Plugin}
 */
export const shakableAwsSchemas = {
  name: 'shakable-aws-schemas',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]@aws-sdk[\\/].*[\\/]schemas_\d+\.js$/ }, ({ path }) => {
      const source = readFileSync(path, 'utf8');
      const constants = new Map(
        Array.from(source.matchAll(/^const (_\w+) = ("[^"\\]*");$/gm), ([, name, text]) => [name, text]),
      );
      const contents = source.replace(/\[(_\w+)\]:/g, (whole, name) => {
        const text = constants.get(name);
        return text === undefined ? whole : `${text}:`;
      });
      return { contents, loader: 'js' };
    });
  },
};

function sourcesKey() {
  const hash = createHash('sha256');
  for (const file of [
    'pnpm-lock.yaml',
    'scripts/build.mjs',
    'scripts/notices.mjs',
    'scripts/report-client.mjs',
    'scripts/page-parts.mjs',
    'docs/operations.md',
    openApiFile,
    ...readdirSync(`${root}packages`).sort().flatMap(inputsOf),
  ]) {
    hash.update(file).update(readFileSync(root + file));
  }
  return hash.digest('hex');
}

/** The files of a package that go into the bundles. @param {string} name */
function inputsOf(name) {
  const source = `packages/${name}/src`;
  const files = existsSync(root + source)
    ? readdirSync(root + source, { recursive: true, withFileTypes: true })
    : [];
  const paths = files
    .filter((file) => file.isFile())
    .map((file) => join(file.parentPath, file.name).slice(root.length));
  return [`packages/${name}/package.json`, ...paths.sort()].filter((file) => existsSync(root + file));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const startedMs = performance.now();
  const built = await buildOrExit();
  console.log(`${built ? 'built' : 'up to date'} in ${Math.round(performance.now() - startedMs)} ms`);
  for (const { out } of bundles.filter(() => built)) {
    console.log(`  ${out}  ${(readFileSync(root + out).length / 1e6).toFixed(2)} MB`);
  }
  if (built) {
    const { pageParts } = await import('./page-parts.mjs');
    const { PAGE_SCRIPT, PAGE_STYLE } = pageParts();
    console.log(`  the status page in it  ${((PAGE_SCRIPT.length + PAGE_STYLE.length) / 1e3).toFixed(0)} kB`);
  }
}
