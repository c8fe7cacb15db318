/**
 * What the protocol counts on from the port `driver`, whatever stands behind it. One suite for the real
 * adapters against the embedded cloud, and for the simulated one.
 */

import { afterEach, describe, expect, test, vi } from 'vitest';
import type {
  DriveEffect,
  DriverAnswer,
  DriverOperation,
  DriverResult,
  Event,
} from '../../packages/protocol/src/index.ts';

/** Who holds the address, from the side of the node whose driver it is. */
export type Holder = 'us' | 'them' | 'nobody';

/** What a test may break, once, from the next call of the operation on. */
export type DriverFault = 'throttle' | 'server-error' | 'hang' | 'apply-then-hang' | 'refuse';

/** One address, two nodes, and the driver of one of them. */
export interface DriverWorld {
  readonly drive: (effect: DriveEffect) => void;
  /** Events that the driver has posted so far. */
  readonly posted: readonly Event[];
  readonly address: string;
  /** As the cloud itself knows it. */
  holder(): Holder | Promise<Holder>;
  /** An operator's move, beside the driver. */
  move(to: Holder): void | Promise<void>;
  fault(fault: DriverFault, operation: 'read' | 'take' | 'release'): void | Promise<void>;
  /** Resolves once the driver has posted something more. */
  next(): Promise<void>;
  close(): Promise<void>;
}

/** What not every driver can do. */
export interface DriverTraits {
  /** A release ends one association and no other, and a claim fails on a held address. */
  readonly fenced: boolean;
  /** The cloud can say "not now". */
  readonly throttles: boolean;
}

/** Long enough for any answer that comes, on a loaded machine. */
const PATIENT_MS = 10_000;
/** For calls that never end. */
const SHORT_MS = 300;

/** Drive one operation and wait for its answer. */
export async function drive(
  world: DriverWorld,
  operation: DriverOperation,
  timeoutMs: number = PATIENT_MS,
): Promise<DriverResult> {
  const callId = nextCallId++;
  world.drive({ kind: 'drive', callId, purpose: 'move', address: world.address, operation, timeoutMs });
  for (;;) {
    for (const event of world.posted) {
      if (event.kind === 'driven' && event.callId === callId) return event.result;
    }
    await world.next();
  }
}

let nextCallId = 1;

/**
 * The same for a call that is never answered. Its time is over as soon as it has come as far as `reached` says: a
 * time-out in real time would be over before a slow machine has even sent the call.
 */
export async function driveUntilTimeout(
  world: DriverWorld,
  operation: DriverOperation,
  reached: () => Promise<boolean>,
): Promise<DriverResult> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const result = drive(world, operation);
    await expect.poll(reached, { timeout: PATIENT_MS }).toBe(true);
    await vi.advanceTimersByTimeAsync(PATIENT_MS);
    return await result;
  } finally {
    vi.useRealTimers();
  }
}

const read: DriverOperation = { op: 'read' };
const take: DriverOperation = { op: 'take', reassociate: false };

/** Ends what a read saw. */
export function releaseOf(answer: DriverAnswer): DriverOperation {
  if (answer.kind !== 'read' || answer.association.kind !== 'associated') throw new Error('nobody holds it');
  const { associationId, node } = answer.association;
  return { op: 'release', associationId, node };
}

/** Run the suite; `open` starts a world in which nobody holds the address. */
export function describeDriverContract(
  name: string,
  traits: DriverTraits,
  open: () => Promise<DriverWorld>,
): void {
  describe(`the driver ${name}`, () => {
    let world: DriverWorld | undefined;
    const opened = async (holder: Holder): Promise<DriverWorld> => {
      world = await open();
      await world.move(holder);
      return world;
    };

    afterEach(async () => {
      const closing = world;
      world = undefined;
      await closing?.close();
      const ids = closing?.posted.map((event) => (event.kind === 'driven' ? event.callId : 0)) ?? [];
      expect(new Set(ids).size, 'every call is answered once').toBe(ids.length);
    });

    test('reads that nobody holds the address', async () => {
      const { answer } = await drive(await opened('nobody'), read);
      expect(answer).toEqual({ kind: 'read', association: { kind: 'none' }, displaces: null });
    });

    test('reads that the other node holds the address', async () => {
      const { answer } = await drive(await opened('them'), read);
      expect(answer).toMatchObject({ kind: 'read', association: { kind: 'associated', self: false } });
    });

    test('reads that this node holds the address', async () => {
      const { answer } = await drive(await opened('us'), read);
      expect(answer).toMatchObject({ kind: 'read', association: { kind: 'associated', self: true } });
    });

    test('tells the requests that an answer cost', async () => {
      const { requests } = await drive(await opened('them'), read);
      expect(requests.length).toBeGreaterThan(0);
      for (const request of requests) expect(request).toMatchObject({ result: 'ok', code: null });
    });

    test('permits a move that would succeed, and moves nothing', async () => {
      const there = await opened('them');
      expect((await drive(there, { op: 'permit' })).answer).toEqual({ kind: 'permitted' });
      expect(await there.holder()).toBe('them');
    });

    test('takes an address that nobody holds, and then reads itself as the holder', async () => {
      const there = await opened('nobody');
      expect((await drive(there, take)).answer).toMatchObject({ kind: 'taken' });
      expect(await there.holder()).toBe('us');
      expect((await drive(there, read)).answer).toMatchObject({ association: { self: true } });
    });

    test('takes an address that it holds already without a change', async () => {
      const there = await opened('us');
      expect((await drive(there, take)).answer).toMatchObject({ kind: 'taken' });
      expect(await there.holder()).toBe('us');
    });

    test('answers a call that is never answered as unknown, at its time-out', async () => {
      const there = await opened('nobody');
      await there.fault('hang', 'take');
      expect((await drive(there, take, SHORT_MS)).answer).toMatchObject({ kind: 'unknown', code: 'Timeout' });
      expect(await there.holder()).toBe('nobody');
    });

    test('answers a call that was applied and never answered as unknown', async () => {
      const there = await opened('nobody');
      await there.fault('apply-then-hang', 'take');
      const { answer } = await driveUntilTimeout(there, take, async () => (await there.holder()) === 'us');
      expect(answer).toMatchObject({ kind: 'unknown', code: 'Timeout' });
    });

    test('takes a failure of the service for unknown', async () => {
      const there = await opened('nobody');
      await there.fault('server-error', 'take');
      expect((await drive(there, take)).answer).toMatchObject({ kind: 'unknown' });
    });

    test('takes a refusal for a definite no, with its code', async () => {
      const there = await opened('nobody');
      await there.fault('refuse', 'take');
      const { answer, requests } = await drive(there, take);
      expect(answer).toMatchObject({ kind: 'refused', throttled: false });
      expect(requests.at(-1)).toMatchObject({ result: 'refused', code: expect.any(String) });
      expect(await there.holder()).toBe('nobody');
    });

    test('sends a move once, whatever becomes of it', async () => {
      const there = await opened('nobody');
      await there.fault('server-error', 'take');
      expect((await drive(there, take)).requests.filter(isMove)).toHaveLength(1);
    });

    if (traits.throttles) describeThrottling(opened);
    if (traits.fenced) describeFence(opened);
  });
}

function isMove({ operation }: { readonly operation: string }): boolean {
  return /^(AssociateAddress|AssociateElasticIp|take)$/.test(operation);
}

function describeThrottling(opened: (holder: Holder) => Promise<DriverWorld>): void {
  test('takes a throttle for a definite no that may be tried again', async () => {
    const there = await opened('nobody');
    await there.fault('throttle', 'take');
    const { answer, requests } = await drive(there, take);
    expect(answer).toMatchObject({ kind: 'refused', throttled: true });
    expect(requests.at(-1)).toMatchObject({ result: 'throttled' });
    expect((await drive(there, take)).answer).toMatchObject({ kind: 'taken' });
  });
}

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

  test('does not release an association that ended meanwhile', async () => {
    const there = await opened('them');
    const { answer } = await drive(there, read);
    await there.move('nobody');
    expect((await drive(there, releaseOf(answer))).answer).toEqual({ kind: 'stale' });
    expect(await there.holder()).toBe('nobody');
  });
}
