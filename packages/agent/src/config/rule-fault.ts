/** What rules on several keys share: the items of a list, and a fault at one of them. */
import type { Fault } from './fault.ts';
import type { Key } from './file-keys.ts';
import { lengthOf, originOf, pathOf, type Settings } from './settings.ts';

/** Found at a key, or at its place in one item of a list; of unknown origin where the file has nothing there. */
export function faultAt(
  settings: Settings,
  key: Key<unknown>,
  index: number,
  found: string,
  expected: string,
  hint = '',
): Fault {
  const origin = settings.entries.has(pathOf(key, index)) ? originOf(settings, key, index) : null;
  return { path: pathOf(key, index), found, expected, hint, origin };
}

/** Of all items of a list. */
export function indices(settings: Settings, list: string): readonly number[] {
  return Array.from({ length: lengthOf(settings, list) }, (_, index) => index);
}
