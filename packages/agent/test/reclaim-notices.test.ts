/** What instance metadata tells of an instance that is about to end. */
import { expect, test } from 'vitest';
import { ReclaimNotices } from '../src/adapters/reclaim-notices.ts';

type Pages = Readonly<Record<string, string>>;

const BOTH = ['spot', 'scale-in'] as const;
const SPOT: Pages = { 'instance-life-cycle': 'spot' };
const ACTION = '{"action": "stop", "time": "2026-01-02T03:04:05Z"}';

/** Notices of an instance whose metadata has these pages, on a clock that is moved by hand; and what was asked. */
function noticesOf(pages: Pages) {
  const asked: string[] = [];
  const clock = { at: 0 };
  const find = async (path: string): Promise<string | null> => {
    asked.push(path);
    return pages[path] ?? null;
  };
  return { notices: new ReclaimNotices({ find }, () => clock.at), asked, clock };
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
])('%s', async (_what, pages, notice) => {
  expect(await noticesOf(pages).notices.read(BOTH)).toBe(notice);
});

test('only what is configured is asked', async () => {
  const { notices, asked } = noticesOf({ ...SPOT, 'spot/instance-action': ACTION });
  expect(await notices.read(['scale-in'])).toBeNull();
  expect(asked).toEqual(['autoscaling/target-lifecycle-state']);
});

test('where an instance can have no notice, it is hardly asked', async () => {
  const { notices, asked, clock } = noticesOf({ 'instance-life-cycle': 'on-demand' });
  for (let i = 0; i < 12; i += 1) {
    await notices.read(BOTH);
    clock.at += 5_000;
  }
  expect(asked).toEqual(['instance-life-cycle', 'autoscaling/target-lifecycle-state']);
  await notices.read(BOTH);
  expect(asked).toHaveLength(3);
});
