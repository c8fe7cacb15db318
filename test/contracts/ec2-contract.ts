/** What EC2 has beside: dry runs, and interfaces that may carry another address. */
import { describe, expect, test } from 'vitest';
import { drive, type Ec2DriverWorld, permit, read, releaseOf, worlds } from './driver-world.ts';
import { describePermission } from './permission-contract.ts';

export function describeEc2Driver(
  name: string,
  open: (options?: { readonly staleRelease: 'success' }) => Promise<Ec2DriverWorld>,
): void {
  describe(`the driver ${name}, over EC2`, () => {
    const opened = worlds(() => open());
    const openedLenient = worlds(() => open({ staleRelease: 'success' }));

    /** Both calls of a move are proven before anything is taken apart. */
    describePermission(opened, [
      ['ec2:AssociateAddress', 'them', 1],
      ['ec2:DisassociateAddress', 'them', 1],
    ]);

    /** The dry runs go out side by side, so that a proof costs one round trip; where nobody holds it, one is enough. */
    test('asks for permission with the calls of the move, as operations of their own', async () => {
      const there = await opened('them');
      await drive(there, read);
      const held = (await drive(there, permit)).requests.map(({ operation }) => operation);
      expect(held.toSorted()).toEqual([
        'AssociateAddressDryRun',
        'DescribeInstances',
        'DisassociateAddressDryRun',
      ]);
      await there.move('nobody');
      await drive(there, read);
      const free = (await drive(there, permit)).requests.map(({ operation }) => operation);
      expect(free.toSorted()).toEqual(['AssociateAddressDryRun', 'DescribeInstances']);
    });

    /** Idle reads share a budget with the whole account: one request each, once the interfaces are known. */
    test('sends one request a read once it knows its interfaces', async () => {
      const there = await opened('them');
      await drive(there, read);
      const { requests } = await drive(there, read);
      expect(requests.map(({ operation }) => operation)).toEqual(['DescribeAddresses']);
    });

    /** "Never displace" rests on this answer, and it comes with every read. */
    test('says which other address a takeover would throw off', async () => {
      const there = await opened('them');
      there.occupy();
      expect((await drive(there, read)).answer).toMatchObject({ kind: 'read', displaces: there.other });
    });

    /** Documented both ways: the protocol reads after either. */
    test('takes a silent success of a stale release for released', async () => {
      const there = await openedLenient('them');
      const { answer } = await drive(there, read);
      await there.move('us');
      await drive(there, read);
      expect((await drive(there, releaseOf(answer))).answer).toEqual({ kind: 'released' });
      expect(await there.holder()).toBe('us');
    });

    /** The one-call swap of a handover by consent. */
    test('takes an address from its holder in one call with reassociation', async () => {
      const there = await opened('them');
      await drive(there, read);
      const { answer, requests } = await drive(there, { op: 'take', reassociate: true });
      expect(answer).toMatchObject({ kind: 'taken', associationId: expect.any(String) });
      expect(requests.map(({ operation }) => operation)).toEqual(['AssociateAddress']);
      expect(await there.holder()).toBe('us');
    });
  });
}
