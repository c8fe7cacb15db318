/** What a driver has to do whose take is a call for each of several route tables: some of them may be done, and others not. */
import { describe, expect, test } from 'vitest';
import { type DriverFault, drive, type PermittedDriverWorld, permit, read, worlds } from './driver-world.ts';
import { describePermission } from './permission-contract.ts';

/** A VPC with route tables. */
export interface RouteDriverWorld extends PermittedDriverWorld {
  /** Breaks so many calls that replace a route, from the next one on. */
  faultReplace(fault: DriverFault, times: number): void;
}

export interface RouteWorldOptions {
  /** By default one. */
  readonly routeTables?: readonly string[];
  /** By default off. */
  readonly sourceDestCheck?: boolean;
}

/** With two, a take may be done in one of them only. */
const TWO_TABLES = ['rtb-0a', 'rtb-0b'];

const take = { op: 'take', reassociate: true } as const;

export function describeRouteDriver(
  name: string,
  open: (options: RouteWorldOptions) => Promise<RouteDriverWorld>,
): void {
  describe(`the driver ${name}, over route tables`, () => {
    const opened = worlds(() => open({ routeTables: TWO_TABLES }));
    const openedFiltered = worlds(() => open({ sourceDestCheck: true }));

    test('takes an address from its holder with one call for each table', async () => {
      const there = await opened('them');
      await drive(there, read);
      const { answer, requests } = await drive(there, take);
      expect(answer).toEqual({ kind: 'taken', associationId: null });
      expect(requests.map(({ operation }) => operation)).toEqual(['ReplaceRoute', 'ReplaceRoute']);
      expect(await there.holder()).toBe('us');
    });

    test('creates the routes that are not there yet', async () => {
      const there = await opened('nobody');
      await drive(there, read);
      const { answer, requests } = await drive(there, take);
      expect(answer).toEqual({ kind: 'taken', associationId: null });
      expect(requests.map(({ operation, result }) => [operation, result])).toEqual([
        ['ReplaceRoute', 'refused'],
        ['ReplaceRoute', 'refused'],
        ['CreateRoute', 'ok'],
        ['CreateRoute', 'ok'],
      ]);
      expect(await there.holder()).toBe('us');
    });

    /** Half a move is neither a move nor none: whoever took it for a refusal would give it up, and leave the tables apart. */
    test.each(['refuse', 'throttle', 'server-error'] as const)(
      'takes %s in one of two tables for unknown; reads then show nobody, and the next take mends it',
      async (fault) => {
        const there = await opened('them');
        there.faultReplace(fault, 1);
        const { answer } = await drive(there, take);
        expect(answer).toMatchObject({ kind: 'unknown', message: expect.stringMatching(/^rtb-0[ab]: /) });
        expect((await drive(there, read)).answer).toMatchObject({ association: { kind: 'none' } });
        expect((await drive(there, take)).answer).toMatchObject({ kind: 'taken' });
        expect(await there.holder()).toBe('us');
        expect((await drive(there, read)).answer).toMatchObject({ association: { self: true } });
      },
    );

    test.each([
      ['refuse', false],
      ['throttle', true],
    ] as const)('takes %s in all tables for a definite no', async (fault, throttled) => {
      const there = await opened('them');
      there.faultReplace(fault, 2);
      expect((await drive(there, take)).answer).toMatchObject({ kind: 'refused', throttled });
      expect(await there.holder()).toBe('them');
    });

    test('reads itself as the holder once calls that nobody answered are done in all tables', async () => {
      const there = await opened('them');
      there.faultReplace('apply-then-error', 2);
      expect((await drive(there, take)).answer).toMatchObject({ kind: 'unknown' });
      expect((await drive(there, read)).answer).toMatchObject({ association: { self: true } });
    });

    test('sends one request a read once it knows its interface', async () => {
      const there = await opened('them');
      await drive(there, read);
      const { requests } = await drive(there, read);
      expect(requests.map(({ operation }) => operation)).toEqual(['DescribeRouteTables']);
    });

    /** Which of the two calls a table needs depends on whether it has the route. */
    describePermission(opened, [
      ['ec2:ReplaceRoute', 'them', TWO_TABLES.length],
      ['ec2:CreateRoute', 'nobody', TWO_TABLES.length],
    ]);

    test('refuses to release, and sends nothing', async () => {
      const there = await opened('them');
      const release = { op: 'release', associationId: null, instanceId: null, node: null } as const;
      const { answer, requests } = await drive(there, release);
      expect(answer).toMatchObject({ kind: 'refused', code: 'NoRelease' });
      expect(requests).toEqual([]);
    });

    /** Routes that lead to an interface which drops what they bring serve nobody. */
    test('neither is permitted to take nor takes while the check of its interface is on', async () => {
      const there = await openedFiltered('them');
      const refused = { kind: 'refused', throttled: false, code: 'SourceDestCheck' };
      expect((await drive(there, permit)).answer).toMatchObject(refused);
      expect((await drive(there, take)).answer).toMatchObject(refused);
      expect(await there.holder()).toBe('them');
    });
  });
}
