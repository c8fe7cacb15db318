/** What assignments without ids of their own need beside: a release that names an interface, and reads that lag behind it. */
import { describe, expect, test } from 'vitest';
import { type AwsDriverWorld, drive, permit, read, releaseOf, take, worlds } from './driver-world.ts';

const releaseOfUnseen = { op: 'release', associationId: null, node: null } as const;

export function describePrivateIpDriver(
  name: string,
  open: (options?: { readonly unassignSettleMs: number }) => Promise<AwsDriverWorld>,
): void {
  describe(`the driver ${name}, over private addresses`, () => {
    const opened = worlds(() => open());
    const openedSlow = worlds(() => open({ unassignSettleMs: 300 }));

    /** Nobody can know on which interface a stranger had it: nothing is taken from anybody by guessing. */
    test('refuses to release from a holder that no read has shown, and sends nothing', async () => {
      const there = await opened('them');
      const { answer, requests } = await drive(there, {
        ...releaseOfUnseen,
        instanceId: 'i-0000000000000c003',
      });
      expect(answer).toMatchObject({ kind: 'refused', code: 'HolderUnknown' });
      expect(requests).toEqual([]);
    });

    /** The read that the release names is not the last one that there was: whoever has taken the address since keeps it. */
    test('releases from whom the release names, though a later read has shown another', async () => {
      const there = await opened('them');
      const { answer } = await drive(there, read);
      await there.move('us');
      expect((await drive(there, read)).answer).toMatchObject({ association: { self: true } });
      expect((await drive(there, releaseOf(answer))).answer).toEqual({ kind: 'stale' });
      expect(await there.holder()).toBe('us');
    });

    /** EC2 counts an address as assigned for a while after it was taken away: that is no other holder. */
    test('knows a read that shows from where it has taken the address itself for one that lags', async () => {
      const there = await openedSlow('them');
      const { answer } = await drive(there, read);
      expect((await drive(there, releaseOf(answer))).answer).toEqual({ kind: 'released' });
      expect((await drive(there, take)).answer).toEqual({ kind: 'held' });
      expect((await drive(there, read)).answer).toMatchObject({ kind: 'unknown', code: 'ReadLags' });
      await there.pass(400);
      expect((await drive(there, read)).answer).toMatchObject({ association: { kind: 'none' } });
      expect((await drive(there, take)).answer).toEqual({ kind: 'taken', associationId: null });
      expect(await there.holder()).toBe('us');
    });

    /** Somebody may put it back by hand: not every read for ever after is one that lags. */
    test('believes after some reads that the address is back where it was taken from', async () => {
      const there = await opened('them');
      const { answer } = await drive(there, read);
      await drive(there, releaseOf(answer));
      await there.move('them');
      const kinds: string[] = [];
      while (kinds.at(-1) !== 'read') kinds.push((await drive(there, read)).answer.kind);
      expect(kinds).toHaveLength(9);
    });

    test('sends one request a read once it knows its interface, which it asks for anew with each permission', async () => {
      const there = await opened('them');
      await drive(there, read);
      expect((await drive(there, read)).requests).toHaveLength(1);
      const { answer, requests } = await drive(there, permit);
      expect(answer).toEqual({ kind: 'permitted' });
      expect(requests).toHaveLength(2);
    });
  });
}
