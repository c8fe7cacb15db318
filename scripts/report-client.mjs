// Bundles the script of the simulator's HTML report, which the report carries as text.
import { buildSync } from 'esbuild';
import { root } from './install.mjs';

/**
 * The script, in one piece.
 * @returns {string}
 */
export function reportClient() {
  const { outputFiles } = buildSync({
    absWorkingDir: root,
    entryPoints: ['packages/sim/src/report/client/report-main.ts'],
    bundle: true,
    alias: { '@failtome/protocol': `${root}packages/protocol/src/index.ts` },
    write: false,
    platform: 'browser',
    target: ['chrome110', 'firefox115', 'safari16.4'],
    format: 'iife',
    minify: true,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'error',
  });
  return outputFiles[0]?.text ?? '';
}
