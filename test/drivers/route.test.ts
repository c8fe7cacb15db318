/** The driver `ec2-route` over the SDK, where the account is other than it should be, and what the check says of it. */
import { afterEach, describe, expect, test } from 'vitest';
import { contextFor } from '../../packages/agent/src/adapters/aws-clients.ts';
import { sendAll } from '../../packages/agent/src/adapters/aws-driver.ts';
import { preflightRoute } from '../../packages/agent/src/adapters/preflight-route.ts';
import type { CloudOptions } from '../../packages/cloud/src/embedded/index.ts';
import { openRoute } from '../contracts/agent-drivers.ts';
import { drive } from '../contracts/driver-world.ts';
import type { RouteWorldOptions } from '../contracts/route-contract.ts';
import { ADDRESS, NEPTUNE, SATURN } from './aws-world.ts';

type World = Awaited<ReturnType<typeof openRoute>>;
const ROUTE_TABLES = ['rtb-0a', 'rtb-0b'];

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function open(options: RouteWorldOptions = {}, cloud: Partial<CloudOptions> = {}): Promise<World> {
  world = await openRoute({ cloud }, { routeTables: ROUTE_TABLES, ...options });
  return world;
}

function cardOf({ cloud }: World, instanceId: string): string {
  return cloud.state.instances.get(instanceId)?.interfaces[0].id ?? '';
}

/** Somebody changes one of the tables by hand. */
async function pointOne({ clients, ...there }: World, instanceId: string): Promise<void> {
  const networkInterfaceId = cardOf({ clients, ...there }, instanceId);
  const route = { routeTableId: 'rtb-0a', destination: `${ADDRESS}/32`, networkInterfaceId, dryRun: false };
  const context = contextFor(5_000, () => undefined);
  const [outcome] = await sendAll(clients, [{ kind: 'replace-route', ...route }], context);
  expect(outcome).toMatchObject({ kind: 'ok' });
}

const read = { op: 'read' } as const;

test('routes to an interface whose instance was terminated are held by that interface, and are taken', async () => {
  const there = await open();
  await there.move('them');
  there.cloud.setInstanceState(NEPTUNE, 'terminated');
  expect((await drive(there, read)).answer).toMatchObject({
    association: { kind: 'associated', instanceId: cardOf(there, NEPTUNE), self: false },
  });
  expect((await drive(there, { op: 'take', reassociate: true })).answer).toMatchObject({ kind: 'taken' });
  expect(await there.holder()).toBe('us');
});

describe('the check', () => {
  async function check(
    { clients }: World,
    more: { readonly routeTables?: string[]; readonly ip?: string } = {},
  ) {
    const { routeTables = ROUTE_TABLES, ip = ADDRESS } = more;
    const own = { clients, instanceId: SATURN, networkInterfaceId: null };
    const place = { ...own, routeTables, account: '123456789012', timeoutMs: 5_000 };
    return preflightRoute(place, [{ ip }]);
  }

  async function lineOf(name: string, ...args: Parameters<typeof check>) {
    return (await check(...args)).find((line) => line.name === name);
  }

  test('names the interface, the tables and the holder, proves both calls by dry run, and moves nothing', async () => {
    const there = await open();
    await there.move('them');
    const lines = await check(there);
    expect(lines.map(({ name, state, found }) => [name, state, found])).toEqual([
      ['network interface', 'ok', expect.stringMatching(`^${cardOf(there, SATURN)} in subnet-`)],
      ['source/destination check', 'ok', `off on ${cardOf(there, SATURN)}`],
      ['route tables', 'ok', 'rtb-0a, rtb-0b'],
      [`address ${ADDRESS}`, 'ok', `held by ${NEPTUNE}`],
      ['permission ec2:ReplaceRoute', 'ok', 'granted (dry run)'],
      ['permission ec2:CreateRoute', 'ok', 'granted (dry run)'],
    ]);
    expect(await there.holder()).toBe('them');
  });

  test('fails while the interface drops what is not for its own addresses, with the command that ends it', async () => {
    const there = await open({ sourceDestCheck: true });
    expect(await lineOf('source/destination check', there)).toMatchObject({
      state: 'fail',
      fix: expect.stringContaining(`--network-interface-id ${cardOf(there, SATURN)} --no-source-dest-check`),
    });
  });

  test('warns of tables that differ, and says where each leads', async () => {
    const there = await open();
    await there.move('them');
    await pointOne(there, SATURN);
    expect(await lineOf(`address ${ADDRESS}`, there)).toMatchObject({
      state: 'warn',
      found: `its routes differ: rtb-0a to ${SATURN}, rtb-0b to ${NEPTUNE}`,
    });
  });

  test('takes an address without a route for one that nobody holds', async () => {
    expect(await lineOf(`address ${ADDRESS}`, await open())).toMatchObject({
      state: 'ok',
      found: 'held by nobody',
    });
  });

  test('fails for a table that is not there', async () => {
    const there = await open();
    expect(await lineOf('route tables', there, { routeTables: ['rtb-0a', 'rtb-0c'] })).toMatchObject({
      state: 'fail',
      found: expect.stringContaining('rtb-0c'),
      fix: expect.stringContaining('driver.routeTables'),
    });
  });

  test("fails for an address within the VPC's own block", async () => {
    const there = await open();
    expect(await lineOf('address 10.0.1.100', there, { ip: '10.0.1.100' })).toMatchObject({
      state: 'fail',
      found: expect.stringContaining('10.0.0.0/16'),
    });
  });

  test.each(['ec2:ReplaceRoute', 'ec2:CreateRoute'] as const)(
    'names the tables that %s lacks',
    async (action) => {
      const there = await open();
      there.cloud.setPermission(SATURN, action, 'revoked');
      expect(await lineOf(`permission ${action}`, there)).toMatchObject({
        state: 'fail',
        fix: expect.stringContaining(
          `Allow ${action} on arn:aws:ec2:*:123456789012:route-table/rtb-0a and arn:aws:ec2:`,
        ),
      });
    },
  );

  test('names the permission that a read lacks', async () => {
    const there = await open();
    there.cloud.setPermission(SATURN, 'ec2:DescribeRouteTables', 'revoked');
    expect(await lineOf('route tables', there)).toMatchObject({
      state: 'fail',
      fix: expect.stringMatching(/^Allow ec2:DescribeRouteTables on \*/),
    });
  });
});
