/** The commands of a document, as they stand there. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../../..');

/** Commands that belong together: one fenced block. */
export interface Block {
  /** Where they are run: what the fence names besides the language, such as `saturn` or `both`. */
  readonly on: string;
  readonly commands: readonly string[];
}

/** The `sh` blocks below a heading of a page, in order; without a heading those of the whole page. */
export async function blocksOf(page: string, heading?: string): Promise<readonly Block[]> {
  const text = await readFile(join(root, page), 'utf8');
  const from = heading === undefined ? 0 : text.indexOf(`\n## ${heading}\n`);
  if (from < 0) throw new Error(`${page} has no section ${heading}.`);
  const end = heading === undefined ? -1 : text.indexOf('\n## ', from + 1);
  const section = text.slice(from, end < 0 ? undefined : end);
  return [...section.matchAll(/^( *)```sh ?(.*)\n([\s\S]*?)^ *```/gm)].map(
    ([, indent = '', on = '', block = '']) => ({
      on,
      commands: commandsOf(block.replaceAll(new RegExp(`^${indent}`, 'gm'), '')),
    }),
  );
}

/** A command may go on in the next line, after a backslash or while a here-document lasts. */
function commandsOf(block: string): readonly string[] {
  const commands: string[] = [];
  let open = '';
  let until = '';
  for (const line of block.replace(/\n$/, '').split('\n')) {
    open += open === '' ? line : `\n${line}`;
    const [, mark] = /<<'?(\w+)'?/.exec(line) ?? [];
    if (until === '' && mark !== undefined) until = mark;
    else if (until === line) until = '';
    if (until !== '' || line.endsWith('\\')) continue;
    if (open.trim() !== '' && !open.startsWith('#')) commands.push(open);
    open = '';
  }
  return commands;
}
