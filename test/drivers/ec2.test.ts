import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { longId } from '../../packages/cloud/src/model/index.ts';
import { type Ec2World, OTHER_ADDRESS, openEc2 } from '../contracts/agent-drivers.ts';
import { drive, releaseOf } from '../contracts/driver-world.ts';
import { ADDRESS, NEPTUNE, requestsOf, SATURN } from './aws-world.ts';

describe('the driver ec2 at its edges', () => {
  const opened: Ec2World[] = [];
  const open = async (...args: Parameters<typeof openEc2>): Promise<Ec2World> => {
    const world = await openEc2(...args);
    opened.push(world);
    return world;
  };

  afterEach(async () => {
    for (const world of opened.splice(0)) await world.close();
  });

  const twoAddresses = {
    instances: [
      { id: SATURN, privateIps: [['10.0.1.12', '10.0.1.13']] as [[string, string]] },
      { id: NEPTUNE },
    ],
    addresses: [
      { publicIp: ADDRESS, holder: NEPTUNE },
      { publicIp: OTHER_ADDRESS, holder: SATURN },
    ],
  };

  test('names the service, the request id and the time of each request', async () => {
    const world = await open();
    const { requests } = await drive(world, { op: 'read' });
    const [call] = world.cloud.calls.filter(({ action }) => action === 'ec2:DescribeAddresses');
    const [request] = requestsOf(requests, 'DescribeAddresses');
    expect(request).toMatchObject({ service: 'ec2', requestId: call?.requestId });
    expect(request?.durationMs).toBeGreaterThan(0);
  });

  test('displaces nothing on a private address of its own', async () => {
    const world = await open({ cloud: twoAddresses }, { privateIp: '10.0.1.13' });
    expect((await drive(world, { op: 'read' })).answer).toMatchObject({ displaces: null });
    world.cloud.operatorDisassociate(ADDRESS);
    expect((await drive(world, { op: 'take', reassociate: false })).answer).toMatchObject({ kind: 'taken' });
    expect(world.cloud.state.addresses.get(ADDRESS)?.association?.privateIp).toBe('10.0.1.13');
    expect(world.cloud.holderOf(OTHER_ADDRESS)).toBe(SATURN);
    expect((await drive(world, { op: 'read' })).answer).toMatchObject({ association: { self: true } });
  });

  test('does not take an occupied interface for a held address', async () => {
    const cloud = { ...twoAddresses, config: { occupiedTarget: 'refuse' as const } };
    const world = await open({ cloud });
    world.cloud.operatorDisassociate(ADDRESS);
    expect((await drive(world, { op: 'take', reassociate: false })).answer).toMatchObject({
      kind: 'refused',
      code: 'Resource.AlreadyAssociated',
    });
  });

  const twoInterfaces = {
    instances: [
      { id: SATURN, privateIps: [['10.0.1.12'], ['10.0.2.12']] as [[string], [string]] },
      { id: NEPTUNE },
    ],
  };

  test('takes nothing with two interfaces and no private address to choose by', async () => {
    const world = await open({ cloud: twoInterfaces });
    expect((await drive(world, { op: 'permit' })).answer).toMatchObject({ code: 'SeveralInterfaces' });
    expect((await drive(world, { op: 'take', reassociate: false })).answer).toMatchObject({
      kind: 'refused',
      code: 'SeveralInterfaces',
    });
  });

  test('lands on the interface of the configured private address', async () => {
    const world = await open({ cloud: twoInterfaces }, { privateIp: '10.0.2.12' });
    expect((await drive(world, { op: 'take', reassociate: false })).answer).toMatchObject({ kind: 'taken' });
    expect(world.cloud.state.addresses.get(ADDRESS)?.association?.privateIp).toBe('10.0.2.12');
  });

  describe('an interface that is named', () => {
    const second = longId('eni', 17);
    const take = { op: 'take', reassociate: false } as const;

    test('gets the address on its primary private address', async () => {
      const world = await open({ cloud: twoInterfaces }, {}, second);
      expect((await drive(world, { op: 'permit' })).answer).toEqual({ kind: 'permitted' });
      expect((await drive(world, take)).answer).toMatchObject({ kind: 'taken' });
      const { association } = world.cloud.state.addresses.get(ADDRESS) ?? {};
      expect(association).toMatchObject({ interfaceId: second, privateIp: '10.0.2.12' });
      expect((await drive(world, { op: 'read' })).answer).toMatchObject({ association: { self: true } });
    });

    test('is not the holder while the address is on another of the same instance', async () => {
      const world = await open({ cloud: twoInterfaces }, {}, second);
      await world.move('us');
      expect((await drive(world, { op: 'read' })).answer).toMatchObject({
        association: { kind: 'associated', instanceId: SATURN, self: false },
      });
    });

    test('is named in the call, too, while this node may not see its interfaces', async () => {
      const world = await open({ cloud: twoInterfaces }, {}, second);
      world.cloud.setPermission(SATURN, 'ec2:DescribeInstances', 'revoked');
      expect((await drive(world, take)).answer).toMatchObject({ kind: 'taken' });
      expect(world.cloud.state.addresses.get(ADDRESS)?.association?.interfaceId).toBe(second);
      expect((await drive(world, { op: 'read' })).answer).toMatchObject({ association: { self: true } });
      await world.move('us');
      expect((await drive(world, { op: 'read' })).answer).toMatchObject({ association: { self: false } });
    });

    test.each([
      ['InterfaceNotFound', 'eni-0abc', null],
      ['PrivateIpNotFound', second, '10.0.1.12'],
    ] as const)('takes nothing where EC2 shows none such: %s', async (code, named, privateIp) => {
      const world = await open({ cloud: twoInterfaces }, { privateIp }, named);
      expect((await drive(world, { op: 'permit' })).answer).toMatchObject({ kind: 'refused', code });
    });
  });

  test('leaves the judgement to EC2 while it may not see its interfaces', async () => {
    const world = await open();
    world.cloud.setPermission(SATURN, 'ec2:DescribeInstances', 'revoked');
    expect((await drive(world, { op: 'take', reassociate: false })).answer).toMatchObject({ kind: 'taken' });
    expect((await drive(world, { op: 'read' })).answer).toMatchObject({ association: { self: true } });
  });

  test('sends the reassociation flag with every claim', async () => {
    const world = await open();
    await world.move('them');
    await drive(world, { op: 'take', reassociate: false });
    expect((await drive(world, { op: 'take', reassociate: true })).answer).toMatchObject({ kind: 'taken' });
    const sent = world.cloud.calls.flatMap(({ request }) =>
      request.action === 'ec2:AssociateAddress' ? [request.allowReassociation] : [],
    );
    expect(sent).toEqual([false, true]);
  });

  test('takes expired credentials for a definite no, where there are no others', async () => {
    const world = await open({ credentials: 'metadata' });
    await drive(world, { op: 'read' });
    world.cloud.expireCredentials(SATURN);
    world.cloud.setMetadata(SATURN, 'down');
    const { answer } = await drive(world, { op: 'take', reassociate: false });
    expect(answer).toMatchObject({ kind: 'refused', throttled: false, code: 'RequestExpired' });
    expect(world.holder()).toBe('nobody');
  });

  test('works on with the credentials it has while metadata is down', async () => {
    const world = await open({ credentials: 'metadata' });
    await drive(world, { op: 'read' });
    world.cloud.setMetadata(SATURN, 'down');
    expect((await drive(world, { op: 'take', reassociate: false })).answer).toMatchObject({ kind: 'taken' });
  });

  test('sends nothing without credentials, and says so', async () => {
    const world = await open({ credentials: 'metadata' });
    world.cloud.setMetadata(SATURN, 'error');
    const { answer } = await drive(world, { op: 'read' });
    expect(answer).toMatchObject({ kind: 'refused' });
    expect(world.cloud.calls).toEqual([]);
  });

  test('reads over a fresh connection when the kept one has fallen silent', async () => {
    const world = await open({ cloud: { moveEffect: 'blackhole' } });
    await drive(world, { op: 'read' });
    expect(world.clients.connections.kept()).toBeGreaterThan(0);
    // Its own public address changes, and nobody tells it.
    await world.move('us');
    const { answer, requests } = await drive(world, { op: 'read' }, 1000);
    expect(answer).toMatchObject({ kind: 'read', association: { self: true } });
    expect(requestsOf(requests, 'DescribeAddresses').map(({ code }) => code)).toEqual([null]);
  });

  test('a cloud that is only slow is waited for: the first read counts as well as the one sent beside it', async () => {
    const world = await open();
    world.cloud.fault.arm({
      action: 'ec2:DescribeAddresses',
      effect: { kind: 'slow', applyAfterMs: 0, answerAfterMs: 650 },
    });
    const { answer } = await drive(world, { op: 'read' }, 1000);
    expect(answer).toMatchObject({ kind: 'read' });
  });

  test.each(['take', 'release'] as const)(
    'keeps no connection across a %s that changes its own address',
    async (op) => {
      const world = await open({ cloud: { moveEffect: 'blackhole', config: { autoAddressDelayMs: 0 } } });
      await world.move(op === 'take' ? 'nobody' : 'us');
      const { answer } = await drive(world, { op: 'read' });
      await drive(world, op === 'take' ? { op, reassociate: false } : releaseOf(answer));
      expect(world.clients.connections.kept()).toBe(0);
      const { requests } = await drive(world, { op: 'read' }, 1000);
      expect(requests.map(({ result }) => result)).toEqual(['ok']);
      expect(world.clients.connections.kept()).toBe(0);
    },
  );

  test('keeps its connection when it releases the association of another node', async () => {
    const world = await open();
    await world.move('them');
    const { answer } = await drive(world, { op: 'read' });
    expect((await drive(world, releaseOf(answer))).answer.kind).toBe('released');
    expect(world.clients.connections.kept()).toBeGreaterThan(0);
  });

  test('calls an address that is none of the account by EC2’s code', async () => {
    const world = await open({ cloud: { addresses: [{ publicIp: OTHER_ADDRESS }] } });
    expect((await drive(world, { op: 'read' })).answer).toMatchObject({
      kind: 'refused',
      code: 'InvalidAddress.NotFound',
    });
  });

  test('tells an account without addresses from an answer without a list', async () => {
    const world = await open({ cloud: { addresses: [] } });
    expect((await drive(world, { op: 'read' })).answer).toMatchObject({ kind: 'refused' });
  });

  test.each([
    ['read', { op: 'read' }],
    ['take', { op: 'take', reassociate: false }],
  ] as const)('takes an empty answer to a %s for unknown', async (_name, operation) => {
    const server = createServer((_request, response) => response.end('<Response/>'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const world = await open({}, { allocationId: 'eipalloc-00000000000000001' });
      const { port } = server.address() as AddressInfo; // a TCP server's address is never a string
      vi.stubEnv('AWS_ENDPOINT_URL', `http://127.0.0.1:${port}`);
      expect((await drive(world, operation)).answer).toMatchObject({
        kind: 'unknown',
        code: 'MalformedResponse',
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('refuses to work with an allocation id that belongs to another address', async () => {
    const world = await open({}, { allocationId: 'eipalloc-00000000000000bad' });
    expect((await drive(world, { op: 'read' })).answer).toMatchObject({ code: 'AllocationIdMismatch' });
  });

  test('asks by filter in an account with many addresses, and sees the same', async () => {
    const many = Array.from({ length: 60 }, (_, index) => ({ publicIp: `203.0.113.${100 + index}` }));
    const world = await open({ cloud: { ...twoAddresses, addresses: [...twoAddresses.addresses, ...many] } });
    const first = await drive(world, { op: 'read' });
    const second = await drive(world, { op: 'read' });
    expect(second.answer).toEqual(first.answer);
    expect(second.answer).toMatchObject({ displaces: OTHER_ADDRESS, association: { instanceId: NEPTUNE } });
    const filters = world.cloud.calls.flatMap(({ request }) =>
      request.action === 'ec2:DescribeAddresses' ? [request.filters.map(({ name }) => name)] : [],
    );
    expect(filters).toEqual([[], ['public-ip'], ['instance-id']]);
  });
});
