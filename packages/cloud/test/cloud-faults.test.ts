import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EmbeddedCloud, type MoveEffect, startCloud } from '../src/embedded/index.ts';
import { ec2Sdk } from './aws-sdk.ts';

const ip = '54.173.141.243';
let cloud: EmbeddedCloud;

async function start(moveEffect: MoveEffect): Promise<EmbeddedCloud> {
  return startCloud({
    instances: [{ id: 'i-neptune' }, { id: 'i-saturn' }],
    addresses: [{ publicIp: ip }],
    config: { autoAddressDelayMs: 0 },
    moveEffect,
    control: 'on',
  });
}

beforeEach(async () => {
  cloud = await start('reset');
});
afterEach(() => cloud.close());

function client(of: EmbeddedCloud = cloud, instanceId = 'i-saturn') {
  const { accessKeyId, secretAccessKey } = of.accessKeyFor(instanceId);
  return new ec2Sdk.EC2Client({
    endpoint: of.endpointUrl,
    region: 'us-east-1',
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey },
  });
}

const move = () =>
  new ec2Sdk.AssociateAddressCommand({ PublicIp: ip, InstanceId: 'i-saturn', AllowReassociation: false });
const read = () => new ec2Sdk.DescribeAddressesCommand({ PublicIps: [ip] });

/** Sends a command and gives it up when the cloud says so. */
function sendUntil(command: object, givenUp: AbortSignal): Promise<unknown> {
  return client()
    .send(command, { abortSignal: givenUp })
    .catch((error: unknown) => error);
}

describe('a call that goes wrong on the wire', () => {
  it('hangs without being applied', async () => {
    cloud.fault.arm({ action: 'ec2:AssociateAddress', effect: { kind: 'hang' }, times: 1 });
    const givenUp = new AbortController();
    const sent = sendUntil(move(), givenUp.signal);
    const call = await cloud.waitFor('the call', () => cloud.calls[0]);
    givenUp.abort();
    expect(await sent).toMatchObject({ name: 'AbortError' });
    expect(call).toMatchObject({ fault: 'hang', answer: { kind: 'never' }, appliedAtMs: null });
    expect(cloud.holderOf(ip)).toBeNull();
  });

  it('is applied, and its answer never comes', async () => {
    cloud.fault.arm({ action: 'ec2:AssociateAddress', effect: { kind: 'apply-then-hang' }, times: 1 });
    const givenUp = new AbortController();
    const sent = sendUntil(move(), givenUp.signal);
    await cloud.waitFor('the move', () => cloud.holderOf(ip) === 'i-saturn');
    givenUp.abort();
    expect(await sent).toMatchObject({ name: 'AbortError' });
    expect(cloud.associationLog).toMatchObject([{ kind: 'associated', by: { instanceId: 'i-saturn' } }]);
  });

  it('is applied after its caller has given up', async () => {
    cloud.fault.arm({
      action: 'ec2:AssociateAddress',
      effect: { kind: 'apply-late', applyAfterMs: 50 },
      times: 1,
    });
    const givenUp = new AbortController();
    const sent = sendUntil(move(), givenUp.signal);
    await cloud.waitFor('the call', () => cloud.calls[0]);
    givenUp.abort();
    await sent;
    expect(cloud.holderOf(ip)).toBeNull();
    await cloud.waitFor('the late move', () => cloud.holderOf(ip) === 'i-saturn');
    const [call] = cloud.calls;
    expect((call?.appliedAtMs ?? 0) - (call?.arrivedAtMs ?? 0)).toBeGreaterThanOrEqual(50);
  });

  it('is applied, and answered with an error or a reset', async () => {
    cloud.fault.arm({
      action: 'ec2:AssociateAddress',
      effect: { kind: 'apply-then-error', status: 500 },
      times: 1,
    });
    await expect(client().send(move())).rejects.toMatchObject({ name: 'InternalError' });
    expect(cloud.holderOf(ip)).toBe('i-saturn');
    cloud.operatorDisassociate(ip);
    cloud.fault.arm({ action: 'ec2:AssociateAddress', effect: { kind: 'apply-then-reset' }, times: 1 });
    await expect(client().send(move())).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(cloud.holderOf(ip)).toBe('i-saturn');
  });

  it('takes its time', async () => {
    const effect = { kind: 'slow', applyAfterMs: 30, answerAfterMs: 20 } as const;
    cloud.fault.arm({ action: 'ec2:AssociateAddress', effect, times: 1 });
    await client().send(move());
    const [call] = cloud.calls;
    const answeredAtMs = call?.answer.kind === 'ok' ? call.answer.atMs : 0;
    expect(answeredAtMs - (call?.arrivedAtMs ?? 0)).toBeGreaterThanOrEqual(50);
  });

  it('is refused as often as it is told', async () => {
    const effect = {
      kind: 'refuse',
      code: 'Resource.AlreadyAssociated',
      message: 'no',
      status: 400,
    } as const;
    const id = cloud.fault.arm({ action: 'ec2:AssociateAddress', effect });
    for (const hits of [1, 2]) {
      await expect(client().send(move())).rejects.toMatchObject({ name: 'Resource.AlreadyAssociated' });
      expect(cloud.fault.hits(id)).toBe(hits);
    }
    cloud.fault.clear(id);
    await client().send(move());
    expect(cloud.holderOf(ip)).toBe('i-saturn');
  });

  it('reads what was, while reads are stale', async () => {
    cloud.operatorAssociate(ip, 'i-neptune');
    const id = cloud.fault.arm({ action: 'ec2:DescribeAddresses', effect: { kind: 'stale', lagMs: 60_000 } });
    expect((await client().send(read())).Addresses?.[0]?.InstanceId).toBeUndefined();
    cloud.fault.clear(id);
    expect((await client().send(read())).Addresses?.[0]?.InstanceId).toBe('i-neptune');
  });

  it('of an instance without a way out never reaches AWS', async () => {
    cloud.setWayOut('i-saturn', 'broken');
    const givenUp = new AbortController();
    const sent = sendUntil(move(), givenUp.signal);
    expect(await cloud.waitFor('the call', () => cloud.calls[0])).toMatchObject({ reach: 'lost' });
    givenUp.abort();
    await sent;
    expect(cloud.holderOf(ip)).toBeNull();
  });
});

describe('the connections of an instance whose public address changes', () => {
  it('are over after a move: the next call makes a new one', async () => {
    const taker = client();
    await taker.send(move());
    expect((await taker.send(read())).Addresses?.[0]?.InstanceId).toBe('i-saturn');
  });

  it('fall silent, where they do so on EC2', async () => {
    const silent = await start('blackhole');
    try {
      const taker = client(silent);
      await taker.send(move());
      const givenUp = new AbortController();
      const onTheOldConnection = taker
        .send(read(), { abortSignal: givenUp.signal })
        .catch((error: unknown) => error);
      // A fresh connection is answered meanwhile, so the old one had its time.
      expect((await client(silent).send(read())).Addresses?.[0]?.InstanceId).toBe('i-saturn');
      givenUp.abort();
      expect(await onTheOldConnection).toMatchObject({ name: 'AbortError' });
      expect(silent.calls.filter(({ action }) => action === 'ec2:DescribeAddresses')).toHaveLength(1);
    } finally {
      await silent.close();
    }
  });
});

describe('the control listener', () => {
  const steer = async (command: unknown): Promise<{ status: number; body: unknown }> => {
    const response = await fetch(`${cloud.endpointUrl}/_control`, {
      method: 'POST',
      body: JSON.stringify(command),
    });
    return { status: response.status, body: await response.json() };
  };

  it('arms and clears faults', async () => {
    const fault = { action: 'ec2:AssociateAddress', effect: { kind: 'throttle' }, caller: 'i-saturn' };
    expect(await steer({ do: 'arm', fault })).toEqual({ status: 200, body: { id: 1 } });
    await expect(client().send(move())).rejects.toMatchObject({ name: 'RequestLimitExceeded' });
    expect((await steer({ do: 'clear', id: 1 })).status).toBe(200);
    await client().send(move());
  });

  it('moves addresses, and breaks what a test can break', async () => {
    await steer({ do: 'associate', publicIp: ip, instanceId: 'i-neptune' });
    expect(cloud.holderOf(ip)).toBe('i-neptune');
    await steer({ do: 'network', instanceId: 'i-neptune', network: 'gone' });
    await steer({ do: 'way-out', instanceId: 'i-saturn', wayOut: 'broken' });
    await steer({ do: 'permission', instanceId: 'i-saturn', action: 'sns:*', permission: 'revoked' });
    expect(cloud.externalIpOf('i-neptune')).toMatchObject({ why: 'gone' });
    expect(cloud.externalIpOf('i-saturn')).toMatchObject({ why: 'broken' });
    await steer({ do: 'disassociate', publicIp: ip });
    const snapshot: unknown = await (await fetch(`${cloud.endpointUrl}/_control`)).json();
    expect(snapshot).toMatchObject({
      addresses: [{ publicIp: ip, association: null }],
      associationLog: [{ kind: 'associated' }, { kind: 'ended' }],
      calls: [],
    });
  });

  it.each([
    ['no command', {}],
    ['an unknown command', { do: 'dance' }],
    ['an unknown action', { do: 'arm', fault: { action: 'ec2:RunInstances', effect: { kind: 'hang' } } }],
    ['an unknown effect', { do: 'arm', fault: { action: '*', effect: { kind: 'melt' } } }],
    ['an unknown instance', { do: 'network', instanceId: 'i-x', network: 'gone' }],
    ['a wrong value', { do: 'way-out', instanceId: 'i-saturn', wayOut: 'ajar' }],
  ])('refuses %s, with a reason', async (_what, command) => {
    expect(await steer(command)).toMatchObject({ status: 400, body: { error: expect.any(String) } });
  });

  it('is off unless asked for', async () => {
    const closed = await startCloud({ instances: [], addresses: [] });
    try {
      expect((await fetch(`${closed.endpointUrl}/_control`)).status).toBe(400);
    } finally {
      await closed.close();
    }
  });
});
