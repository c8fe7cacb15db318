/** Kinds of value that only the check of the own HAProxy has. */
import { pageUrlWithUser } from './kinds.ts';
import type { ValueKind } from './value-kind.ts';

/** In place of a page that is asked. */
export const NO_PAGE = 'none';

/** A page, or that none is asked because something else is. */
export const pageOrNone: ValueKind<string> = {
  name: 'URL',
  expected: 'an http or https URL, or none',
  schema: { type: 'string' },
  read: (node) =>
    node.kind === 'scalar' && node.value === NO_PAGE
      ? { kind: 'value', value: NO_PAGE }
      : pageUrlWithUser.read(node),
};
