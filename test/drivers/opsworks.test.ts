import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contextFor } from '../../packages/agent/src/adapters/aws-clients.ts';
import { findOpsworksInstance } from '../../packages/agent/src/adapters/opsworks-instance.ts';
import { OTHER_ADDRESS, opsworksIdOf, opsworksWorld } from '../contracts/agent-drivers.ts';
import { drive } from '../contracts/driver-world.ts';
import { ACTIONS } from '../contracts/sim-drivers.ts';
import { ADDRESS, type AwsWorld, NEPTUNE, openAws, SATURN } from './aws-world.ts';

describe('the driver opsworks at its edges', () => {
  let aws: AwsWorld;
  beforeEach(async () => {
    aws = await openAws({ cloud: { addresses: [{ publicIp: ADDRESS }, { publicIp: OTHER_ADDRESS }] } });
  });
  afterEach(() => aws.close());

  test('takes the address from whoever holds it, with one call', async () => {
    const world = opsworksWorld(aws);
    await world.move('them');
    const { answer, requests } = await drive(world, { op: 'take', reassociate: true });
    expect(answer).toEqual({ kind: 'taken', associationId: null });
    expect(requests.map(({ operation }) => operation)).toEqual(['AssociateElasticIp']);
    expect(await world.holder()).toBe('us');
  });

  test('names the holder by OpsWorks’s own id', async () => {
    const world = opsworksWorld(aws);
    await world.move('them');
    expect((await drive(world, { op: 'read' })).answer).toMatchObject({
      association: { instanceId: opsworksIdOf(aws, NEPTUNE), associationId: null },
    });
  });

  test('says which other address a takeover would throw off', async () => {
    aws.cloud.operatorAssociate(OTHER_ADDRESS, SATURN);
    expect((await drive(opsworksWorld(aws), { op: 'read' })).answer).toMatchObject({
      displaces: OTHER_ADDRESS,
    });
  });

  test('an instance that it may not look at is not taken for one that holds nothing', async () => {
    aws.cloud.fault.arm({ action: ACTIONS.opsworks.read, effect: { kind: 'unauthorized' }, times: 1 });
    const { answer } = await drive(opsworksWorld(aws), { op: 'read' });
    expect(answer).toMatchObject({ kind: 'refused', code: 'AccessDeniedException' });
  });

  test('takes a missing permission for a definite no', async () => {
    aws.cloud.setPermission(SATURN, 'opsworks:AssociateElasticIp', 'revoked');
    const { answer } = await drive(opsworksWorld(aws), { op: 'take', reassociate: true });
    expect(answer).toMatchObject({ kind: 'refused', throttled: false, code: 'AccessDeniedException' });
  });
});

describe('the search for this machine’s OpsWorks instance', () => {
  let aws: AwsWorld;
  let folder: string;
  beforeEach(async () => {
    aws = await openAws();
    folder = await mkdtemp(join(tmpdir(), 'failtome-opsworks-'));
  });
  afterEach(async () => {
    await aws.close();
    await rm(folder, { recursive: true });
  });
  const search = (agentFile: string | null) =>
    findOpsworksInstance(
      aws.clients,
      { ec2InstanceId: SATURN, ips: [ADDRESS], agentFile },
      contextFor(5000, () => undefined),
    );

  test('believes the OpsWorks agent’s own file', async () => {
    const file = join(folder, 'instance-agent.yml');
    await writeFile(
      file,
      '---\n:identity: a0a2c947-a031-4019-a362-85e4485ec4f4\n:secret_access_key: secret\n',
    );
    expect(await search(file)).toEqual({ kind: 'found', instanceId: 'a0a2c947-a031-4019-a362-85e4485ec4f4' });
    expect(aws.cloud.calls).toEqual([]);
  });

  test('finds it in the stack of the instance that holds an address', async () => {
    aws.cloud.operatorAssociate(ADDRESS, NEPTUNE);
    const expected = { kind: 'found', instanceId: opsworksIdOf(aws, SATURN) };
    expect(await search(join(folder, 'missing.yml'))).toEqual(expected);
  });

  test('says what to configure when nothing tells', async () => {
    expect(await search(null)).toMatchObject({
      kind: 'failed',
      failure: { code: 'OpsworksInstanceNotFound', message: expect.stringContaining('driver.instanceId') },
    });
  });
});
