/**
 * What the protocol counts on from the ports `prober`, `local` and `externalIp`: the agent's on the loopback, the
 * simulator's in virtual time.
 */
import { afterEach, describe, expect, test } from 'vitest';
import type { CheckResult, Event, ExternalIpResult } from '../../packages/protocol/src/index.ts';

/** What the service does with every request from now on; `lossy`: the first connection comes to nothing. */
export type ServiceBehaviour = 'up' | 'error' | 'dead' | 'hung' | 'slow' | 'lossy';

/** One port that checks a service. */
export interface CheckWorld {
  readonly posted: readonly Event[];
  /** Start a check; `elsewhere`: of an address that isn't configured. */
  check(id: number, of?: 'elsewhere'): void;
  service(behaviour: ServiceBehaviour): void | Promise<void>;
  /** Resolves once there is one post more. */
  next(): Promise<void>;
  close(): void | Promise<void>;
}

export interface CheckTraits {
  /** It crosses the outside, where connections get lost, and it is told which address to ask. */
  readonly outside: boolean;
}

/** Run the suite. `open` starts a world in which the service is up; its checks have a time-out of some hundred ms. */
export function describeCheck(name: string, { outside }: CheckTraits, open: () => Promise<CheckWorld>): void {
  describe(`the check ${name}`, () => {
    let world: CheckWorld | undefined;
    let checks = 0;
    const opened = async (behaviour: ServiceBehaviour): Promise<CheckWorld> => {
      world = await open();
      checks = 0;
      await world.service(behaviour);
      return world;
    };
    /** The detector counts each probe once, by its start: one result each, and none before the effect has returned. */
    afterEach(async () => {
      await world?.close();
      expect(world?.posted.length, 'every check is answered once').toBe(checks);
    });

    async function result(there: CheckWorld, of?: 'elsewhere'): Promise<CheckResult> {
      checks += 1;
      const before = there.posted.length;
      there.check(checks, of);
      if (of === undefined) expect(there.posted, 'answered before it has returned').toHaveLength(before);
      while (there.posted.length === before) await there.next();
      const event = there.posted.at(-1);
      if (event?.kind === 'probed' && event.probeId === checks) return event.result;
      if (event?.kind === 'local-checked' && event.checkId === checks) return event.result;
      throw new Error(`another check was answered: ${event?.kind}`);
    }

    /** Success: `rise` of them make an address up. */
    test('is ok when the service answers as expected', async () => {
      const checked = await result(await opened('up'));
      expect(checked).toEqual({ kind: 'ok', status: 200, durationMs: expect.any(Number) });
    });

    /** HAProxy's own "no server is available" is a failure, and the service's word: no attempt more is needed. */
    test('fails by its status when the service answers otherwise', async () => {
      expect(await result(await opened('error'))).toEqual({
        kind: 'failed',
        reason: 'status',
        detail: 'answered with status 503',
        durationMs: expect.any(Number),
      });
    });

    /** A node that refuses has a machine that is well: the plainest failure, known at once. */
    test('fails at once when nobody listens', async () => {
      expect(await result(await opened('dead'))).toMatchObject({ kind: 'failed', reason: 'refused' });
    });

    /** The time of `fall` failures in a row, and so of a failover, is counted in these time-outs. */
    test.each(['hung', 'slow'] as const)(
      'fails at its time-out when the service is %s',
      async (behaviour) => {
        expect(await result(await opened(behaviour))).toMatchObject({ kind: 'failed', reason: 'timeout' });
      },
    );

    test('counts each check by itself: a service that is back is ok', async () => {
      const there = await opened('hung');
      expect(await result(there)).toMatchObject({ kind: 'failed' });
      await there.service('up');
      expect(await result(there)).toMatchObject({ kind: 'ok' });
    });

    if (!outside) return;

    /** A lost packet must not pass for a dead service: the second attempt goes out on a connection of its own. */
    test('is ok when the first connection is lost, and the second is not', async () => {
      expect(await result(await opened('lossy'))).toMatchObject({ kind: 'ok' });
    });

    /** A reload may have taken the address away meanwhile: that says nothing of it. */
    test('is inconclusive for an address that is not configured', async () => {
      expect(await result(await opened('up'), 'elsewhere')).toMatchObject({ kind: 'inconclusive' });
    });
  });
}

/** What the external-IP service does. */
export type IpServiceBehaviour = 'up' | 'hung' | 'down' | 'html' | 'lies' | 'disagree' | 'lossy';

export interface ExternalIpWorld {
  readonly posted: readonly Event[];
  ask(id: number): void;
  service(behaviour: IpServiceBehaviour): void | Promise<void>;
  /** What the service sees this node come from, and what it says when it lies. */
  readonly own: string;
  readonly lie: string;
  next(): Promise<void>;
  close(): void | Promise<void>;
}

/** Run the suite. */
export function describeExternalIp(name: string, open: () => Promise<ExternalIpWorld>): void {
  describe(`the external IP ${name}`, () => {
    let world: ExternalIpWorld | undefined;
    afterEach(async () => {
      await world?.close();
      expect(world?.posted, 'a question is answered once').toHaveLength(1);
    });

    async function asked(behaviour: IpServiceBehaviour): Promise<ExternalIpResult> {
      world = await open();
      await world.service(behaviour);
      world.ask(3);
      expect(world.posted, 'answered before it has returned').toHaveLength(0);
      while (world.posted.length === 0) await world.next();
      const [event] = world.posted;
      if (event?.kind !== 'external-ip' || event.askId !== 3)
        throw new Error('another question was answered');
      expect(event.purpose, 'as it was asked').toBe('guard');
      return event.result;
    }

    /** The proof of a way out, and half of the guard; the other half is that it isn't the contested one. */
    test('is the address that the service sees', async () => {
      const result = await asked('up');
      expect(result).toMatchObject({ kind: 'address', ip: world?.own });
    });

    test('is told as it was said, though the service lies: the guard judges it', async () => {
      const result = await asked('lies');
      expect(result).toMatchObject({ kind: 'address', ip: world?.lie });
    });

    /** Anything but one valid answer is a refusal of the guard, never half a proof. */
    test.each([
      ['hung', 'timeout'],
      ['down', 'refused'],
      ['html', 'not-an-address'],
      ['disagree', 'disagree'],
    ] as const)('fails when the service is %s, by its reason', async (behaviour, reason) => {
      expect(await asked(behaviour)).toMatchObject({ kind: 'failed', reason });
    });

    test('survives the loss of its first connection', async () => {
      expect(await asked('lossy')).toMatchObject({ kind: 'address' });
    });
  });
}
