/** A pair whose role has exactly the policy that `failtome iam` prints: it fails over, and needs each statement of it. */
import { expect } from 'vitest';
import type { PolicyDocument } from '../../packages/cloud/src/model/index.ts';
import { subnetIdOf } from '../../packages/cloud/src/model/index.ts';
import { failtome } from './support/command.ts';
import { type Scene, scenario } from './support/scenario.ts';

const subnets = ['us-east-1a', 'us-east-1b'].map((availabilityZone) => subnetIdOf({ availabilityZone }));

/** What the command prints on a node that may still do everything; the loopback addresses of the nodes tell no subnet. */
async function printed({ cluster }: Scene, ...argv: readonly string[]): Promise<PolicyDocument> {
  const saturn = cluster.node('saturn');
  const given = subnets.flatMap((id) => ['--subnet', id]);
  const { code, stdout, stderr } = await failtome(['iam', '-c', saturn.agent.configFile, ...given, ...argv], {
    env: cluster.cloud.environmentFor(saturn.instanceId),
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return JSON.parse(stdout);
}

function setPolicies({ cluster }: Scene, policy: PolicyDocument | null): void {
  for (const { instanceId } of cluster.nodes) cluster.cloud.setPolicy(instanceId, policy);
}

async function failedChecks({ cluster }: Scene, id: string): Promise<readonly string[]> {
  const node = cluster.node(id);
  const { stdout } = await failtome(['check', '-c', node.agent.configFile, '--json'], {
    env: cluster.cloud.environmentFor(node.instanceId),
  });
  const { lines }: { readonly lines: readonly { readonly name: string; readonly state: string }[] } =
    JSON.parse(stdout);
  return lines.filter(({ state }) => state === 'fail').map(({ name }) => name);
}

scenario('with exactly the printed policy both nodes pass the check, and fail over', {}, async (scene) => {
  const { cluster } = scene;
  setPolicies(scene, await printed(scene));
  for (const id of ['saturn', 'neptune']) expect(await failedChecks(scene, id)).toEqual([]);
  await cluster.node('saturn').web.kill();
  await cluster.held('neptune', { withinMs: 60_000 });
  await cluster.node('neptune').agent.log.waitFor('notified', { withinMs: 60_000 });
  const refused = cluster.cloud.calls.filter(
    ({ action, answer }) =>
      answer.kind === 'error' &&
      /Unauthorized|AuthorizationError/.test(answer.error.code) &&
      action !== 'ec2:DescribeInstanceStatus',
  );
  expect(refused.map(({ action }) => action)).toEqual([]);
});

scenario('without any one of its statements the check of a standby fails', {}, async (scene) => {
  const whole = await printed(scene);
  const needed = whole.Statement.filter(({ Sid }) => Sid !== 'TellPeople');
  expect(needed.map(({ Sid }) => Sid)).toEqual([
    'ReadAddressesAndInstances',
    'MoveTheseAddresses',
    'ToTheNodes',
    'OnInterfacesInTheseSubnets',
  ]);
  for (const { Sid } of needed) {
    setPolicies(scene, { ...whole, Statement: whole.Statement.filter((each) => each.Sid !== Sid) });
    expect(await failedChecks(scene, 'neptune'), `without ${Sid}`).not.toEqual([]);
  }
  setPolicies(scene, whole);
  expect(await failedChecks(scene, 'neptune')).toEqual([]);
});

scenario(
  'an instance of another profile may not take the address by this policy',
  { nodes: [{ id: 'saturn' }, { id: 'neptune', instance: { profile: 'batch' } }] },
  async (scene) => {
    setPolicies(scene, await printed(scene, '--instance-profile', 'failtome'));
    const { address } = scene.cluster;
    const allocationId = scene.cluster.cloud.state.addresses.get(address)?.allocationId;
    expect(await failedChecks(scene, 'saturn')).toEqual([]);
    expect(await failedChecks(scene, 'neptune')).toEqual([
      `permission ec2:AssociateAddress on ${allocationId}`,
    ]);
  },
);
