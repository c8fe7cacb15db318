import { expect } from 'vitest';
import { subnetIdOf } from '../../packages/cloud/src/model/index.ts';
import { failtome } from './support/command.ts';
import { scenario } from './support/scenario.ts';

/** A pair that shares a private address, with exactly the policy that `failtome iam` prints. */

scenario(
  'a private address moves to the other node, though EC2 counts it as assigned for a while, and goes back by a handover',
  { driver: 'ec2-private-ip', cloud: { config: { unassignSettleMs: 700 } } },
  async (scene) => {
    const { cluster } = scene;
    const { agent, instanceId } = cluster.node('neptune');
    const env = cluster.cloud.environmentFor(instanceId);
    const subnet = subnetIdOf({ availabilityZone: 'us-east-1a' });
    const printed = await failtome(['iam', '-c', agent.configFile, '--subnet', subnet], { env });
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    for (const node of cluster.nodes) cluster.cloud.setPolicy(node.instanceId, JSON.parse(printed.stdout));
    const check = await failtome(['check', '-c', agent.configFile, '--json'], { env });
    const { lines } = JSON.parse(check.stdout);
    expect(lines.filter(({ state }: { readonly state: string }) => state === 'fail')).toEqual([]);

    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    const early = cluster.cloud.calls.filter(
      ({ action, answer }) => action === 'ec2:AssignPrivateIpAddresses' && answer.kind === 'error',
    );
    expect(early.length, 'it was asked for before EC2 counted it as free').toBeGreaterThan(0);
    scene.expectOutcome({ holder: 'neptune', moves: 1 });

    await cluster.node('saturn').web.start();
    await cluster.settled(60_000);
    const asked = await scene.command('neptune', 'handover', cluster.address, '--to', 'saturn');
    expect(asked).toMatchObject({ code: 0 });
    await scene.moved('saturn');
    scene.expectOutcome({ holder: 'saturn', moves: 2, told: ['neptune', 'saturn'] });
  },
);
