/** What instance metadata tells of an instance that is about to end. */
import { expect, test } from 'vitest';
import { ReclaimNotices } from '../src/adapters/reclaim-notices.ts';

type Pages = Readonly<Record<string, string>>;

const ALL = ['spot', 'scale-in', 'maintenance'] as const;
const WALL_MS = Date.UTC(2026, 0, 2, 3, 4, 5);
const SPOT: Pages = { 'instance-life-cycle': 'spot' };
const ACTION = '{"action": "stop", "time": "2026-01-02T03:04:05Z"}';

const SCHEDULED = 'events/maintenance/scheduled';
const MINUTE_MS = 60_000;

/** As EC2 writes it. */
function eventsAt(minutes: number, more: Readonly<Record<string, string>> = {}): Pages {
  const at = (min: number): string => new Date(WALL_MS + min * MINUTE_MS).toUTCString().slice(5);
  const one = { NotBefore: at(minutes), Code: 'instance-stop', NotAfter: at(minutes + 120), State: 'active' };
  return { [SCHEDULED]: JSON.stringify([{ ...one, EventId: 'instance-event-0d59937288b749b32', ...more }]) };
}

/** Notices of an instance whose metadata has these pages, on a clock that is moved by hand; and what was asked. */
function noticesOf(pages: Pages) {
  const asked: string[] = [];
  const clock = { at: 0, wall: WALL_MS };
  const find = async (path: string): Promise<string | null> => {
    asked.push(path);
    return pages[path] ?? null;
  };
  return { notices: new ReclaimNotices({ find }, () => clock), asked, clock };
}

test.each<[string, Pages, string | null]>([
  ['an instance that nobody wants back', { 'instance-life-cycle': 'on-demand' }, null],
  ['a spot instance without a notice', SPOT, null],
  [
    'one that is stopped',
    { ...SPOT, 'spot/instance-action': ACTION },
    'EC2 is about to stop this spot instance',
  ],
  [
    'one whose notice reads otherwise',
    { ...SPOT, 'spot/instance-action': '<html>' },
    'EC2 is about to end this spot instance',
  ],
  [
    'one that had better be left',
    { ...SPOT, 'events/recommendations/rebalance': '{}' },
    'EC2 recommends to leave this spot instance',
  ],
  ['one in service', { 'autoscaling/target-lifecycle-state': 'InService' }, null],
  [
    'one that its group ends',
    { 'autoscaling/target-lifecycle-state': 'Terminated' },
    'the Auto Scaling group of this instance ends it',
  ],
  ['one that is stopped next week', eventsAt(10_080), null],
  [
    'one that is stopped in four minutes',
    eventsAt(4),
    'EC2 has scheduled instance-stop of this instance for 2026-01-02T03:08:05.000Z',
  ],
  [
    'one whose reboot may have begun',
    eventsAt(-10, { Code: 'system-reboot' }),
    'EC2 has scheduled system-reboot of this instance for 2026-01-02T02:54:05.000Z',
  ],
  ['one whose event is over', eventsAt(-121), null],
  ['one whose event was canceled', eventsAt(4, { State: 'canceled' }), null],
  ['one whose event has no time', eventsAt(4, { NotBefore: 'soon' }), null],
  ['one whose events are no list', { [SCHEDULED]: '<html>' }, null],
])('%s', async (_what, pages, notice) => {
  expect(await noticesOf(pages).notices.read(ALL)).toBe(notice);
});

test('only what is configured is asked', async () => {
  const { notices, asked } = noticesOf({ ...SPOT, 'spot/instance-action': ACTION });
  expect(await notices.read(['scale-in'])).toBeNull();
  expect(asked).toEqual(['autoscaling/target-lifecycle-state']);
});

test('where an instance can have no notice, it is hardly asked', async () => {
  const { notices, asked, clock } = noticesOf({ 'instance-life-cycle': 'on-demand' });
  for (let i = 0; i < 12; i += 1) {
    await notices.read(ALL);
    clock.at += 5_000;
  }
  expect(asked).toEqual(['instance-life-cycle', 'autoscaling/target-lifecycle-state', SCHEDULED]);
  await notices.read(ALL);
  expect(asked).toHaveLength(5);
});

test('an event that was read comes near without being asked for again', async () => {
  const { notices, asked, clock } = noticesOf(eventsAt(5.5));
  expect(await notices.read(['maintenance'])).toBeNull();
  clock.at += 30_000;
  clock.wall += 30_000;
  expect(await notices.read(['maintenance'])).toContain('instance-stop');
  expect(asked).toEqual([SCHEDULED]);
});
