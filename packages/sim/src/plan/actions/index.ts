/** Everything that can happen to a simulated world, by name. */
import type { ActionKind } from '../action.ts';
import { CLOUD } from './cloud-actions.ts';
import { DISKS } from './disk-actions.ts';
import { LINKS } from './link-actions.ts';
import { MESSAGES } from './message-actions.ts';
import { PEOPLE } from './operator-actions.ts';
import { OUTSIDE } from './outside-actions.ts';
import { PROCESS } from './process-actions.ts';

export { CALLS, MAX_APPLY_LATE_MS } from './cloud-actions.ts';

/** All actions, by name. */
export const ACTIONS: ReadonlyMap<string, ActionKind> = new Map(
  [...OUTSIDE, ...PROCESS, ...LINKS, ...MESSAGES, ...CLOUD, ...DISKS, ...PEOPLE].map((one) => [
    one.name,
    one,
  ]),
);
