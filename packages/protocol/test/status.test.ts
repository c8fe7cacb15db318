import { describe, expect, test } from 'vitest';
import { describeWayOut } from '../src/observation/way-out.ts';
import { isHolder, readyView, statusOf, takeoverReady, whyOf } from '../src/reporting/status.ts';
import { IP, PEER, SELF, WALL } from './support/fixtures.ts';
import { standby } from './support/standby.ts';
import { World } from './support/world.ts';

describe('what is shown', () => {
  test('tells who holds the address, how it is seen, and who the peers are', () => {
    const world = standby();
    const now = { at: world.now, wall: WALL };
    const status = statusOf(world.state(), now);
    expect(status).toMatchObject({
      cluster: 'web',
      node: { id: SELF, role: 'candidate', fit: 'fit', ready: true },
      addresses: [{ ip: IP, holder: { kind: 'node', node: PEER }, verdict: 'up', holdDownMs: 0 }],
      peers: [{ id: PEER, state: 'alive' }],
      pause: { paused: false },
      notificationsPending: 0,
    });
    expect([isHolder(world.state(), IP), takeoverReady(world.state())]).toEqual([false, true]);
    expect(readyView(world.state()).ready).toBe(true);
  });

  test('explains the decision gate by gate, with the age of what each saw', () => {
    const world = standby();
    const why = whyOf(world.state(), IP, { at: world.now + 250, wall: WALL });
    expect(why).toMatchObject({ address: IP, outcome: 'hold', reason: 'address-up' });
    const closed = why?.gates.filter(({ passed }) => !passed);
    expect(closed?.map(({ name }) => name)).toContain('verdict');
    for (const { ageMs } of why?.gates ?? []) expect(ageMs ?? 0).toBeGreaterThanOrEqual(0);
    expect(whyOf(world.state(), '192.0.2.1', { at: world.now, wall: WALL })).toBeNull();
  });

  test('a way-out proof that no longer counts is told as such, not as what it once showed', () => {
    const world = standby();
    const wayOut = (now: number): string =>
      describeWayOut({ ...world.state(), now: { at: now, wall: WALL } }, IP);
    const { provenAt } = world.state().wayOut['4'];
    expect(wayOut(provenAt ?? Number.NaN)).not.toContain('too long ago');
    expect(wayOut((provenAt ?? Number.NaN) + 5_001)).toMatch(/ too long ago to count/);
  });

  test('is not ready before each probe has run once', () => {
    const world = new World();
    world.start();
    expect(readyView(world.state())).toMatchObject({ ready: false });
    world.run(100);
    expect(readyView(world.state())).toEqual({ ready: true, reason: 'ready' });
  });
});
