// Bundles the benchmarks, which are TypeScript and use the packages' sources, and runs them.
// `npm run bench -- --help` tells what can be chosen.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = join(import.meta.dirname, '..');
const out = join(root, 'node_modules/.cache/failtome-bench.mjs');

mkdirSync(join(out, '..'), { recursive: true });
await build({
  absWorkingDir: root,
  entryPoints: ['bench/main.ts'],
  outfile: out,
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
await import(pathToFileURL(out).href);
