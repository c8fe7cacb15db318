// Bundles the benchmarks, which are TypeScript and use the packages' sources, and runs them.
// `npm run bench -- --help` tells what can be chosen.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const folder = join(root, 'node_modules/.cache');

mkdirSync(folder, { recursive: true });
await build({
  absWorkingDir: root,
  // All but the first are processes of their own.
  entryPoints: {
    'failtome-bench': 'bench/main.ts',
    'failtome-bench-flood': 'bench/flood.ts',
    'failtome-bench-cloud': 'bench/keepalived-cloud.ts',
  },
  outdir: folder,
  outExtension: { '.js': '.mjs' },
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  format: 'esm',
  // CommonJS dependencies ask for Node's own modules through `require`, which an ES module does not have.
  banner: {
    js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
  },
  define: { FAILTOME_ROOT: JSON.stringify(root) },
  logLevel: 'error',
});
await import(pathToFileURL(join(folder, 'failtome-bench.mjs')).href);
