/** What the drivers that call AWS have to do beside. */
import { describe, expect, test } from 'vitest';
import { type AwsDriverWorld, drive, read, SHORT_MS, take, worlds } from './driver-world.ts';

export function describeAwsDriver(name: string, open: () => Promise<AwsDriverWorld>): void {
  describe(`the driver ${name}, over AWS`, () => {
    const opened = worlds(open);

    /** A throttle changes nothing whatever its status: the move may go on as it is. */
    test('takes a throttle for a definite no that may be tried again', async () => {
      const there = await opened('nobody');
      await there.fault('throttle', 'take');
      const { answer, requests } = await drive(there, take);
      expect(answer).toMatchObject({ kind: 'refused', throttled: true });
      expect(requests.at(-1)).toMatchObject({ result: 'throttled' });
      expect((await drive(there, take)).answer).toMatchObject({ kind: 'taken' });
    });

    /** Repeating a read changes nothing, and one lost answer must not cost a failover. */
    test.each(['server-error', 'throttle', 'reset'] as const)(
      'reads again within its time after %s',
      async (fault) => {
        const there = await opened('them');
        await there.fault(fault, 'read');
        const { answer, requests } = await drive(there, read);
        expect(answer).toMatchObject({ kind: 'read', association: { self: false } });
        const results = requests.filter(isAddressRead).map(({ result }) => result);
        expect(results[0]).toBe(fault === 'throttle' ? 'throttled' : 'unknown');
        expect(results.at(-1)).toBe('ok');
      },
    );

    /** The bound on what a node may ask of an account that throttles it. */
    test('gives a read up after three refusals in a row', async () => {
      const there = await opened('them');
      await there.fault('throttle', 'read', 100);
      const { answer, requests } = await drive(there, read);
      expect(answer).toMatchObject({ kind: 'refused', throttled: true });
      const throttled = requests.filter(({ result }) => result === 'throttled');
      expect(throttled.length).toBeGreaterThan(0);
      expect(throttled.length % 3).toBe(0);
    });

    /** The connection that a read went out on may be dead without anybody knowing: a second one goes out beside it. */
    test('a read that is never answered is overtaken by the one sent beside it', async () => {
      const there = await opened('them');
      await drive(there, read);
      await there.fault('hang', 'read');
      expect((await drive(there, read, 1_500)).answer).toMatchObject({
        kind: 'read',
        association: { self: false },
      });
    });

    /** Reads are eventually consistent: the driver passes on what it was shown, and the protocol judges its age. */
    test('shows what a lagging read shows, and the present state once it has caught up', async () => {
      const there = await opened('them');
      await there.pass(200);
      await there.move('us');
      there.lag(150);
      expect((await drive(there, read)).answer).toMatchObject({ association: { self: false } });
      there.lag(0);
      expect((await drive(there, read)).answer).toMatchObject({ association: { self: true } });
    });

    /** A late take is told from a decision by the protocol; the driver has answered once, and says nothing more. */
    test('a take that is applied after its time-out was unknown, and stays so', async () => {
      const there = await opened('nobody');
      there.applyLate(400);
      const { answer } = await drive(there, take, SHORT_MS);
      expect(answer).toMatchObject({ kind: 'unknown', code: 'Timeout' });
      const told = there.posted.length;
      await there.pass(600);
      expect(await there.holder()).toBe('us');
      expect(there.posted).toHaveLength(told);
    });

    /** What never left can't land later: leases and mandate needn't wait for it. */
    test('takes a call that was never sent for a definite no', async () => {
      const there = await opened('nobody');
      await drive(there, read);
      await there.cutOff();
      const { answer } = await drive(there, take);
      expect(answer).toMatchObject({ kind: 'refused', throttled: false });
      expect(await there.holder()).toBe('nobody');
    });
  });
}

function isAddressRead({ operation }: { readonly operation: string }): boolean {
  return /^Describe(Addresses|NetworkInterfaces|RouteTables|ElasticIps)$/.test(operation);
}
