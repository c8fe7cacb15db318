/**
 * Shrinking: from a violation to the least that shows it.
 */
export { kindOf } from './same.ts';
export { runChecked } from './search.ts';
export { type Shrunk, shrink } from './shrink.ts';
