/**
 * The end of all faults.
 */

import type { World } from './interface.ts';
import { QUIET_LINK } from './network.ts';

/** Everything repaired: whatever is still broken is broken by the caller afterwards. */
export function healAll(world: World): void {
  world.cloud.clear();
  world.network.clearRules();
  world.outside.ipService = { kind: 'up' };
  world.outside.page = 'served';
  world.outside.webhook = 'up';
  world.packets?.heal();
  world.store?.heal();
  for (const a of world.spec.nodes) {
    for (const b of world.spec.nodes) if (a !== b) world.link(a.id, b.id, { ...QUIET_LINK });
    const machine = world.machine(a.id);
    machine.blockedPaths.clear();
    machine.outsideLossPerMille = 0;
    world.haproxy(a.id, 'up');
    world.wayOut(a.id, 'open');
    world.disk(a.id).fail(null);
    world.process(a.id)?.disarm();
    world.thaw(a.id);
    world.comeBack(a.id);
    world.resume(a.id);
    const asConfigured = a.overrides ?? {};
    if (world.overridesOf(a.id).settings !== asConfigured.settings) world.reload(a.id, asConfigured);
  }
  world.details.emit?.({ kind: 'healed' });
}
