/** `driver.assumeRole`: what is called as the role, what as the node, and what becomes of a move where it can't be assumed. */
import { afterEach, describe, expect, test } from 'vitest';
import type { PolicyDocument } from '../../packages/cloud/src/model/index.ts';
import { type Ec2World, openEc2 } from '../contracts/agent-drivers.ts';
import { drive } from '../contracts/driver-world.ts';
import { ADDRESS, SATURN } from './aws-world.ts';

const ROLE = 'arn:aws:iam::123456789012:role/failover/mover';
const TAKE = { op: 'take', reassociate: false } as const;

function policyOf(...Action: readonly string[]): PolicyDocument {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] };
}

describe('a role for the driver', () => {
  const opened: Ec2World[] = [];
  const open = async (): Promise<Ec2World> => {
    const world = await openEc2({ role: ROLE });
    opened.push(world);
    return world;
  };

  afterEach(async () => {
    for (const world of opened.splice(0)) await world.close();
  });

  test('makes the calls that read and move, and needs nothing of the node but that it may be assumed', async () => {
    const world = await open();
    world.cloud.setPolicy(SATURN, policyOf('sts:AssumeRole'));
    world.cloud.setPolicy('mover', policyOf('ec2:*'));
    expect((await drive(world, TAKE)).answer).toMatchObject({ kind: 'taken' });
    expect(world.cloud.holderOf(ADDRESS)).toBe(SATURN);
    const moving = world.cloud.calls.filter(({ action }) => action.startsWith('ec2:'));
    expect(moving.map(({ caller }) => caller)).toContainEqual({
      kind: 'instance',
      instanceId: SATURN,
      role: { name: 'mover', session: 'failtome-saturn' },
    });
    expect(moving.every(({ caller }) => 'role' in caller)).toBe(true);
    const asking = world.cloud.calls.filter(({ action }) => action === 'sts:AssumeRole');
    expect(asking.map(({ caller }) => caller)).toEqual([{ kind: 'instance', instanceId: SATURN }]);
  });

  test('is held to its own policy', async () => {
    const world = await open();
    world.cloud.setPolicy('mover', policyOf('ec2:Describe*'));
    expect((await drive(world, { op: 'read' })).answer).toMatchObject({ kind: 'read' });
    expect((await drive(world, TAKE)).answer).toMatchObject({
      kind: 'refused',
      code: 'UnauthorizedOperation',
    });
  });

  test('that may not be assumed is a definite no, for nothing was asked of EC2', async () => {
    const world = await open();
    world.cloud.setPolicy(SATURN, policyOf('ec2:*'));
    const { answer } = await drive(world, TAKE);
    expect(answer).toMatchObject({ kind: 'refused', code: 'CredentialsProviderError' });
    expect('message' in answer ? answer.message : '').toContain(`${ROLE} can't be assumed: AccessDenied`);
    expect(world.cloud.calls.filter(({ action }) => action.startsWith('ec2:'))).toEqual([]);
  });

  test('is assumed anew within the call that its keys were too old for', async () => {
    const world = await open();
    expect((await drive(world, { op: 'read' })).answer).toMatchObject({ kind: 'read' });
    world.cloud.expireCredentials(SATURN);
    expect((await drive(world, TAKE)).answer).toMatchObject({ kind: 'taken' });
    expect(world.cloud.calls.filter(({ action }) => action === 'sts:AssumeRole')).toHaveLength(2);
  });
});
