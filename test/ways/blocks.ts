/** What the ways of setting up have in common is written once, and put where each of them needs it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const deploy = join(import.meta.dirname, '../../packages/agent/deploy');

/** The text of a file of `packages/agent/deploy`. */
export function deployed(path: string): string {
  return readFileSync(join(deploy, path), 'utf8');
}

/** The script that makes an instance a node. */
export const bootstrap = deployed('cloud-init/bootstrap.sh');

/**
 * Puts lines in the place of those that stand, further in, below each line that ends with `# generated: NAME`.
 *
 * @throws Error where there is no such line.
 */
export function withBlock(text: string, name: string, lines: readonly string[]): string {
  const kept: string[] = [];
  let found = false;
  let outer: number | null = null;
  let blanks: string[] = [];
  for (const line of text.split('\n')) {
    const indent = line.length - line.trimStart().length;
    if (outer !== null && line === '') blanks.push(line);
    if (outer !== null && (line === '' || indent > outer)) {
      if (line !== '') blanks = [];
      continue;
    }
    outer = null;
    kept.push(...blanks, line);
    blanks = [];
    if (!line.endsWith(`# generated: ${name}`)) continue;
    found = true;
    outer = indent;
    const inner = ' '.repeat(indent + 2);
    kept.push(...lines.map((each) => (each === '' ? '' : `${inner}${each}`)));
  }
  if (!found) throw new Error(`There is no block ${name}.`);
  return [...kept, ...blanks].join('\n');
}

/** Lines without the end of the last one. */
export function linesOf(text: string): readonly string[] {
  return text.trimEnd().split('\n');
}
