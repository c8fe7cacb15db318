import { expect } from 'vitest';
import { isDryRun } from '../../packages/cloud/src/model/index.ts';
import { failtome } from './support/command.ts';
import { scenario } from './support/scenario.ts';

/** A pair that shares an address which routes lead to, with exactly the policy that `failtome iam` prints. */

scenario(
  'the routes of two tables are led to the other node, though one of the calls fails at first, and back by a handover',
  { driver: 'ec2-route' },
  async (scene) => {
    const { cluster } = scene;
    const { agent, instanceId } = cluster.node('neptune');
    const env = cluster.cloud.environmentFor(instanceId);
    const printed = await failtome(['iam', '-c', agent.configFile], { env });
    expect(printed).toMatchObject({ code: 0, stderr: '' });
    for (const node of cluster.nodes) cluster.cloud.setPolicy(node.instanceId, JSON.parse(printed.stdout));
    const check = await failtome(['check', '-c', agent.configFile, '--json'], { env });
    const { lines } = JSON.parse(check.stdout);
    expect(lines.filter(({ state }: { readonly state: string }) => state === 'fail')).toEqual([]);

    const effect = { kind: 'refuse', code: 'InternalRefusal', message: 'not now', status: 400 } as const;
    cluster.cloud.fault.arm({ action: 'ec2:ReplaceRoute', effect, times: 1 });
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    const replaced = cluster.cloud.calls.filter(
      ({ action, request }) => action === 'ec2:ReplaceRoute' && !isDryRun(request),
    );
    expect(replaced.length, 'it was taken again after it had been taken by half').toBeGreaterThan(2);
    scene.expectOutcome({ holder: 'neptune', moves: 1 });

    await cluster.node('saturn').web.start();
    await cluster.settled(60_000);
    const asked = await scene.command('neptune', 'handover', cluster.address, '--to', 'saturn');
    expect(asked).toMatchObject({ code: 0 });
    await scene.moved('saturn');
    scene.expectOutcome({ holder: 'saturn', moves: 2, told: ['neptune', 'saturn'] });
  },
);
