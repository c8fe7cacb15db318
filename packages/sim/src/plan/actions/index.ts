/** Everything that can happen to a simulated world, by name. */
import type { ActionKind } from '../action.ts';
import { CLOUD } from './cloud.ts';
import { DISKS } from './disks.ts';
import { LINKS } from './links.ts';
import { MESSAGES } from './messages.ts';
import { OUTSIDE } from './outside.ts';
import { PEOPLE } from './people.ts';
import { PROCESS } from './process.ts';

export { CALLS, MAX_APPLY_LATE_MS } from './cloud.ts';

export const ACTIONS: ReadonlyMap<string, ActionKind> = new Map(
  [...OUTSIDE, ...PROCESS, ...LINKS, ...MESSAGES, ...CLOUD, ...DISKS, ...PEOPLE].map((one) => [
    one.name,
    one,
  ]),
);
