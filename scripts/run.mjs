// Builds where needed, then becomes the given program: node scripts/run.mjs FILE [ARGUMENT…]
// In this same process, so that signals, exit code and terminal are the program's own.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildOrExit } from './build.mjs';
import { endWithNpm } from './parents.mjs';

endWithNpm();
const [file = ''] = process.argv.slice(2, 3);
await buildOrExit();
const program = resolve(import.meta.dirname, '..', file);
if (!existsSync(program)) {
  console.error(`there is no ${file}`);
  process.exit(2);
}
process.argv.splice(1, 2, program);
await import(pathToFileURL(program).href);
