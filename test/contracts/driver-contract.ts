/**
 * What the protocol counts on from the port `driver`, whatever stands behind it: the agent's drivers against the
 * embedded cloud or a program, and the simulator's over the model of AWS in virtual time.
 */
import { describe, expect, test } from 'vitest';
import {
  type DriverWorld,
  drive,
  driveUntilTimeout,
  type Holder,
  permit,
  read,
  releaseOf,
  SHORT_MS,
  take,
  worlds,
} from './driver-world.ts';

/** What not every driver can do. */
export interface DriverTraits {
  /** A release ends one association and no other, and a claim fails on a held address. */
  readonly fenced: boolean;
}

/** What every driver has to do. `open` starts a world in which nobody holds the address. */
export function describeDriver(name: string, traits: DriverTraits, open: () => Promise<DriverWorld>): void {
  describe(`the driver ${name}`, () => {
    const opened = worlds(open);

    /** Nobody, somebody and oneself are three answers: on them rest "never displace" and "not by its holder". */
    test.each([
      ['nobody', { association: { kind: 'none' }, displaces: null }],
      ['them', { association: { kind: 'associated', self: false } }],
      ['us', { association: { kind: 'associated', self: true } }],
    ] as const)('reads that the holder is %s', async (holder, expected) => {
      const { answer } = await drive(await opened(holder), read);
      expect(answer).toMatchObject({ kind: 'read', ...expected });
    });

    /** Metrics, history and the bounds on the account's budget count requests, not operations. */
    test('tells the requests that an answer cost', async () => {
      const { requests } = await drive(await opened('them'), read);
      expect(requests.length).toBeGreaterThan(0);
      for (const request of requests) expect(request).toMatchObject({ result: 'ok', code: null });
    });

    /** Permission is asked for while nothing is wrong: it must never change anything. */
    test('permits a move that would succeed, and moves nothing', async () => {
      const there = await opened('them');
      expect((await drive(there, permit)).answer).toEqual({ kind: 'permitted' });
      expect(await there.holder()).toBe('them');
    });

    test('takes an address that nobody holds, and then reads itself as the holder', async () => {
      const there = await opened('nobody');
      expect((await drive(there, take)).answer).toMatchObject({ kind: 'taken' });
      expect(await there.holder()).toBe('us');
      expect((await drive(there, read)).answer).toMatchObject({ association: { self: true } });
    });

    /** The protocol may repeat a take without reassociation after a read that showed nobody. */
    test('takes an address that it holds already without a change', async () => {
      const there = await opened('us');
      expect((await drive(there, take)).answer).toMatchObject({ kind: 'taken' });
      expect(await there.holder()).toBe('us');
    });

    /** A lease is worth its time only if no call outlasts the time-out that was subtracted from it. */
    test('answers a call that is never answered as unknown, at its time-out', async () => {
      const there = await opened('nobody');
      await there.fault('hang', 'take');
      expect((await drive(there, take, SHORT_MS)).answer).toMatchObject({ kind: 'unknown', code: 'Timeout' });
      expect(await there.holder()).toBe('nobody');
    });

    /** Unknown is never "no": what may have been applied is read until it settles. */
    test('answers a call that was applied and never answered as unknown', async () => {
      const there = await opened('nobody');
      await there.fault('apply-then-hang', 'take');
      const { answer } = await driveUntilTimeout(there, take, async () => (await there.holder()) === 'us');
      expect(answer).toMatchObject({ kind: 'unknown', code: 'Timeout' });
    });

    /** The same: the answer to the very call that succeeded is often the one that gets lost. */
    test.each([
      ['server-error', 'nobody'],
      ['reset', 'nobody'],
      ['apply-then-error', 'us'],
      ['apply-then-reset', 'us'],
    ] as const)('takes %s for unknown, and sends the move once', async (fault, holder) => {
      const there = await opened('nobody');
      await there.fault(fault, 'take');
      const { answer, requests } = await drive(there, take);
      expect(answer).toMatchObject({ kind: 'unknown', code: expect.any(String) });
      expect(requests.filter(isMove)).toMatchObject([{ result: 'unknown' }]);
      expect(await there.holder()).toBe(holder);
    });

    /** A definite no gives the leases back at once, and its code is what an operator gets to read. */
    test('takes a refusal for a definite no, with its code', async () => {
      const there = await opened('nobody');
      await there.fault('refuse', 'take');
      const { answer, requests } = await drive(there, take);
      expect(answer).toMatchObject({ kind: 'refused', throttled: false });
      expect(requests.at(-1)).toMatchObject({ result: 'refused', code: expect.any(String) });
      expect(await there.holder()).toBe('nobody');
    });

    /** "May not look" must not pass for "nobody holds it". */
    test('takes a read that is refused for a no, not for nobody', async () => {
      const there = await opened('them');
      await there.fault('refuse', 'read');
      expect((await drive(there, read)).answer).toMatchObject({ kind: 'refused', throttled: false });
    });

    if (traits.fenced) describeFence(opened);
  });
}

function isMove({ operation }: { readonly operation: string }): boolean {
  return /^(AssociateAddress|AssignPrivateIpAddresses|AssignIpv6Addresses|CreateRoute|AssociateElasticIp|take)$/.test(
    operation,
  );
}

/** No call of ours takes an address from a live association that it had not read. */
function describeFence(opened: (holder: Holder) => Promise<DriverWorld>): void {
  test('does not take an address from a live holder', async () => {
    const there = await opened('them');
    expect((await drive(there, take)).answer).toEqual({ kind: 'held' });
    expect(await there.holder()).toBe('them');
  });

  test('releases the association that it read, and takes the address', async () => {
    const there = await opened('them');
    const { answer } = await drive(there, read);
    expect((await drive(there, releaseOf(answer))).answer).toEqual({ kind: 'released' });
    expect(await there.holder()).toBe('nobody');
    expect((await drive(there, take)).answer).toMatchObject({ kind: 'taken' });
    expect(await there.holder()).toBe('us');
  });

  /** A late release lands on whatever happened meanwhile: it must change nothing, and say so. */
  test.each(['nobody', 'us'] as const)(
    'does not release an association that ended meanwhile, now that the holder is %s',
    async (now) => {
      const there = await opened('them');
      const { answer } = await drive(there, read);
      await there.move(now);
      await drive(there, read); // Connections from before this node's public address changed are dead.
      expect((await drive(there, releaseOf(answer))).answer).toEqual({ kind: 'stale' });
      expect(await there.holder()).toBe(now);
    },
  );

  /** After this the duty to take begins or not: it must be known that it isn't known. */
  test('takes a release that was applied and then failed for unknown', async () => {
    const there = await opened('them');
    const { answer } = await drive(there, read);
    await there.fault('apply-then-error', 'release');
    expect((await drive(there, releaseOf(answer))).answer).toMatchObject({ kind: 'unknown' });
    expect(await there.holder()).toBe('nobody');
  });

  test('refuses a release that names nothing, and sends nothing', async () => {
    const there = await opened('them');
    const { answer, requests } = await drive(there, {
      op: 'release',
      associationId: null,
      instanceId: null,
      node: null,
    });
    expect(answer).toMatchObject({ kind: 'refused', throttled: false });
    expect(requests).toEqual([]);
  });
}
