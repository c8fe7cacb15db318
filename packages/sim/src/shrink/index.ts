/**
 * Shrinking: from a violation to the least that shows it.
 */
export { kindOf } from './same-violation.ts';
export { type Shrunk, shrink } from './shrink.ts';
export { runChecked } from './shrink-search.ts';
