// Bundles the runner, which is TypeScript, and runs it: npm run mutants -- --help tells what can be chosen.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '../..');
const out = join(root, 'node_modules/.cache/failtome-mutants.mjs');

mkdirSync(join(out, '..'), { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: ['test/mutants/main.ts'],
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
