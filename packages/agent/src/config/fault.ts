/**
 * What is wrong with a configuration, said in one line a fault: where, what was found, what was
 * expected, and what was probably meant.
 */
import { plainText } from '@failtome/protocol';

/** Where a value came from. */
export type Origin =
  | { readonly kind: 'file'; readonly line: number }
  | { readonly kind: 'environment'; readonly variable: string }
  | { readonly kind: 'preset'; readonly name: string }
  | { readonly kind: 'default' };

/** What is wrong in a configuration, and where. */
export interface Fault {
  /** The key as it is written in the reference, with positions: `addresses[0].probe.interval`; or the file's name. */
  readonly path: string;
  /** What stands there, as it was written. */
  readonly found: string;
  readonly expected: string;
  /** What was probably meant, or why it is refused; empty when there is nothing to add. */
  readonly hint: string;
  /** Null where the fault is of the whole file. */
  readonly origin: Origin | null;
}

/** Something legal that an operator may regret. */
export interface Warning {
  readonly path: string;
  readonly text: string;
}

/**
 * One line: `path: found X, expected Y; hint (file:line)`.
 *
 * @param file the file's name as the user gave it
 */
export function formatFault(fault: Fault, file: string): string {
  const hint = fault.hint === '' ? '' : `; ${fault.hint}`;
  return plainText(
    `${fault.path}: found ${fault.found}, expected ${fault.expected}${hint}${place(fault.origin, file)}`,
  );
}

function place(origin: Origin | null, file: string): string {
  if (origin === null) return '';
  switch (origin.kind) {
    case 'file':
      return ` (${file}:${origin.line})`;
    case 'environment':
      return ` (environment variable ${origin.variable})`;
    case 'preset':
      return ` (preset ${origin.name})`;
    case 'default':
      return ' (the default)';
  }
}

/** A warning as one line. */
export function formatWarning(warning: Warning): string {
  return plainText(`${warning.path}: ${warning.text}`);
}
