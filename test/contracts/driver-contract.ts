/**
 * What the protocol counts on from the port `driver`, whatever stands behind it: the agent's drivers against the
 * embedded cloud or a program, and the simulator's over the model of AWS in virtual time.
 */

import { afterEach, describe, expect, test, vi } from 'vitest';
import type { AwsAction } from '../../packages/cloud/src/model/index.ts';
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
export type DriverFault =
  | 'throttle'
  | 'server-error'
  | 'hang'
  | 'reset'
  | 'apply-then-hang'
  | 'apply-then-error'
  | 'apply-then-reset'
  | 'refuse';

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
  fault(fault: DriverFault, operation: 'read' | 'take' | 'release', times?: number): void | Promise<void>;
  /** Resolves once the driver has posted something more. */
  next(): Promise<void>;
  close(): void | Promise<void>;
}

/** A driver that calls AWS, and what the account can do to it. */
export interface AwsDriverWorld extends DriverWorld {
  /** Reads of the address show what was so long ago. */
  lag(lagMs: number): void;
  /** Let so much time pass. */
  pass(ms: number): Promise<void>;
  /** The next take is never answered, and applied so much later. */
  applyLate(applyAfterMs: number): void;
  /** No connection to AWS comes about from now on. */
  cutOff(): void | Promise<void>;
}

/** An EC2 account: permissions of its own for each action, and another address that may sit on this node. */
export interface Ec2DriverWorld extends AwsDriverWorld {
  readonly other: string;
  permit(action: AwsAction, permission: 'granted' | 'revoked'): void;
  /** Put the other address where this node would put the contested one. */
  occupy(): void;
}

/** What not every driver can do. */
export interface DriverTraits {
  /** A release ends one association and no other, and a claim fails on a held address. */
  readonly fenced: boolean;
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
const permit: DriverOperation = { op: 'permit' };

/** Ends what a read saw. */
export function releaseOf(answer: DriverAnswer): DriverOperation {
  if (answer.kind !== 'read' || answer.association.kind !== 'associated') throw new Error('nobody holds it');
  const { associationId, instanceId, node } = answer.association;
  return { op: 'release', associationId, instanceId, node };
}

/** Opens worlds, and sees at the end of each test that every call was answered exactly once. */
export function worlds<World extends DriverWorld>(
  open: () => Promise<World>,
): (holder: Holder) => Promise<World> {
  let world: World | undefined;
  afterEach(async () => {
    const closing = world;
    world = undefined;
    await closing?.close();
    const ids = closing?.posted.map((event) => (event.kind === 'driven' ? event.callId : 0)) ?? [];
    expect(new Set(ids).size, 'every call is answered once').toBe(ids.length);
  });
  return async (holder) => {
    world = await open();
    await world.move(holder);
    return world;
  };
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
  return /^(AssociateAddress|AssignPrivateIpAddresses|CreateRoute|AssociateElasticIp|take)$/.test(operation);
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

/** What the drivers that call AWS have to do beside. */
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

/** What assignments without ids of their own need beside: a release that names an interface, and reads that lag behind it. */
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

const releaseOfUnseen = { op: 'release', associationId: null, node: null } as const;

/** What EC2 has beside: dry runs, and interfaces that may carry another address. */
export function describeEc2Driver(
  name: string,
  open: (options?: { readonly staleRelease: 'success' }) => Promise<Ec2DriverWorld>,
): void {
  describe(`the driver ${name}, over EC2`, () => {
    const opened = worlds(() => open());
    const openedLenient = worlds(() => open({ staleRelease: 'success' }));

    /** Both calls of a move are proven before anything is taken apart; the protocol asks again every ten seconds. */
    test.each(['ec2:AssociateAddress', 'ec2:DisassociateAddress'] as const)(
      'has no permission for a move while %s is revoked',
      async (action) => {
        const there = await opened('them');
        there.permit(action, 'revoked');
        expect((await drive(there, permit)).answer).toMatchObject({
          kind: 'refused',
          throttled: false,
          code: 'UnauthorizedOperation',
        });
        there.permit(action, 'granted');
        expect((await drive(there, permit)).answer).toEqual({ kind: 'permitted' });
        expect(await there.holder()).toBe('them');
      },
    );

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
