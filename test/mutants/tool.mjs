// Runs a tool that is written in TypeScript: bundles it, and imports the bundle.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

export const root = join(import.meta.dirname, '../..');

/** @param {string} entry below the root @param {string} name of the bundle */
export async function runTool(entry, name) {
  const out = join(root, `node_modules/.cache/${name}.mjs`);
  mkdirSync(join(out, '..'), { recursive: true });
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile: out,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    external: ['esbuild'],
    alias: { '@failtome/protocol': join(root, 'packages/protocol/src/index.ts') },
    define: { FAILTOME_ROOT: JSON.stringify(root) },
    logLevel: 'error',
  });
  await import(pathToFileURL(out).href);
}
