/** What a port of the simulator needs of the process that it belongs to, without one. */

import type { Event, ProtocolConfig } from '../../packages/protocol/src/index.ts';
import { createClock, type NodeClock } from '../../packages/sim/src/world/clock.ts';
import type { Life } from '../../packages/sim/src/world/environment.ts';
import type { EventQueue } from '../../packages/sim/src/world/queue.ts';
import { configFor, DEFAULT_SETTINGS, type NodeSpec } from '../../packages/sim/src/world/settings.ts';

export const NODES: readonly NodeSpec[] = ['saturn', 'neptune'].map((id) => ({
  id,
  role: 'candidate',
  priority: 100,
  clock: { offsetMs: 0, driftPpm: 0, wallErrorMs: 0 },
  bootMs: 0,
}));

/** TEST-NET-2 of RFC 5737. */
export const ADDRESS = '198.51.100.7';

/** A process that lives, and collects what reaches it. */
export interface FakeProcess {
  readonly config: ProtocolConfig;
  readonly clock: NodeClock;
  readonly life: Life;
  readonly posted: Event[];
}

export function fakeProcess(queue: EventQueue): FakeProcess {
  const [saturn = unused()] = NODES;
  const config = configFor(saturn, NODES, [ADDRESS], 'ec2', DEFAULT_SETTINGS, {});
  const posted: Event[] = [];
  const view = {
    node: saturn.id,
    run: 'saturn#1',
    config,
    instanceId: 'i-1',
    state: unused,
    synced: unused,
    worldTimeOf: unused,
  };
  const clock = createClock(queue.now, { offsetMs: 0, driftPpm: 0, wallErrorMs: 0 });
  const now = (work: () => void): void => work();
  return {
    config,
    clock,
    posted,
    life: { view: () => view, enter: now, leave: now, feed: (event) => posted.push(event) },
  };
}

function unused(): never {
  throw new Error('no port asks for that');
}
