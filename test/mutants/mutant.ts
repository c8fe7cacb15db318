/**
 * A mutant: the protocol without one of its rules. It is made in memory, by replacing one piece of the source while
 * it is bundled; the files stay as they are.
 */
import type { FocusName } from './focus.ts';

export interface Edit {
  /** Below `packages/protocol/src`, or beside it: `../../ports/src/…`. */
  readonly file: string;
  /** Stands in the file exactly once. */
  readonly find: string;
  readonly replace: string;
}

export interface Mutant {
  readonly id: string;
  /** The rules of PROTOCOL.md that it breaks, named as in `rules.ts`. */
  readonly rules: readonly string[];
  /** What this protocol does, or doesn't do any more. */
  readonly says: string;
  readonly edits: readonly Edit[];
  /** The kinds of plans in which the rule matters most. */
  readonly focus: readonly FocusName[];
}

/** A mutant that nothing shows by itself, because something else stands behind the rule. */
export interface Question {
  readonly id: string;
  /** Why the rule stays. */
  readonly because: string;
  /** Mutants that take away what stands behind it as well; they are caught. */
  readonly together: readonly string[];
}

export function edit(file: string, find: string, replace: string): Edit {
  return { file, find, replace };
}

export function mutant(
  id: string,
  rules: readonly string[],
  says: string,
  edits: Edit | readonly Edit[],
  ...focus: readonly FocusName[]
): Mutant {
  return { id, rules, says, edits: 'file' in edits ? [edits] : edits, focus };
}
