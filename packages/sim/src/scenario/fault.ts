/**
 * What is wrong with a file, in one line a fault: where, what was found, what was expected, and what was probably meant.
 */
import type { YamlFault } from '@failtome/config';
import { plainText } from '@failtome/protocol';

/** What is wrong with a file, as YAML or in what it says. */
export type Fault = YamlFault;

/** A file that can't be run: every fault of it. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(formatFault).join('\n'));
    this.faults = faults;
  }
}

/** `file:line:column: path: found X, expected Y; hint`. */
export function formatFault({ spot, path, found, expected, hint }: Fault): string {
  const place = spot.line === 0 ? spot.source : `${spot.source}:${spot.line}:${spot.column}`;
  const where = path === '' ? place : `${place}: ${path}`;
  return oneLine(`${where}: found ${found}, expected ${expected}${hint === '' ? '' : `; ${hint}`}`);
}

/** In the order in which they stand. */
export function inOrder(faults: readonly Fault[]): readonly Fault[] {
  return [...faults].sort((a, b) => a.spot.line - b.spot.line || a.spot.column - b.spot.column);
}

/** `a, b and c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/** Line breaks and other control characters of a file must not forge lines of output. */
function oneLine(text: string): string {
  return plainText(text);
}
