// Builds where needed, then becomes the given program: node scripts/run.mjs FILE [ARGUMENT…]
// In this same process, so that signals, exit code and terminal are the program's own.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.mjs';

const [file = ''] = process.argv.slice(2, 3);
await build();
const program = resolve(import.meta.dirname, '..', file);
if (!existsSync(program)) throw new Error(`there is no ${file}`);
process.argv.splice(1, 2, program);
await import(pathToFileURL(program).href);
