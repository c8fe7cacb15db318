/**
 * The simulator, bundled with the protocol of a mutant. Nothing in the tree is changed.
 */
import { readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { Edit } from './mutant.ts';

const SOURCES = 'packages/protocol/src';

/**
 * Replace one piece of a source.
 *
 * @throws Error when it doesn't stand there exactly once
 */
export function applied(source: string, { file, find, replace }: Edit): string {
  const parts = source.split(find);
  if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times, not once: ${find}`);
  return parts.join(replace);
}

/** The source with all edits of its file; null: there are none. @throws Error when one doesn't apply */
export function mutated(root: string, file: string, edits: readonly Edit[]): string | null {
  const own = edits.filter((edit) => edit.file === file);
  if (own.length === 0) return null;
  return own.reduce(applied, readFileSync(join(root, SOURCES, file), 'utf8'));
}

/** Bundle the trial with a protocol so edited into `out`, an ES module. */
export async function bundle(root: string, edits: readonly Edit[], out: string): Promise<void> {
  const mutate: Plugin = {
    name: 'mutate',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]packages[\\/](?:protocol|ports)[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
        const file = relative(join(root, SOURCES), path).split(sep).join('/');
        const contents = mutated(root, file, edits);
        return contents === null ? null : { contents, loader: 'ts' };
      });
    },
  };
  await build({
    absWorkingDir: root,
    entryPoints: ['test/mutants/trial.ts'],
    outfile: out,
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    format: 'esm',
    alias: { '@failtome/protocol': join(root, SOURCES, 'index.ts') },
    // CommonJS dependencies ask for Node's own modules through `require`, which an ES module does not have.
    banner: {
      js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
    },
    plugins: [mutate],
    logLevel: 'error',
  });
}
