import { expect } from 'vitest';
import { subnetIdOf } from '../../packages/cloud/src/model/index.ts';
import { handedBack, underPrintedPolicy } from './support/other-target.ts';
import { scenario } from './support/scenario.ts';

/** A pair that shares a private address, with exactly the policy that `failtome iam` prints. */

scenario(
  'a private address moves to the other node, though EC2 counts it as assigned for a while, and goes back by a handover',
  { driver: 'ec2-private-ip', cloud: { config: { unassignSettleMs: 700 } } },
  async (scene) => {
    const { cluster } = scene;
    const subnet = subnetIdOf({ availabilityZone: 'us-east-1a' });
    await underPrintedPolicy(scene, '--subnet', subnet);

    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    const early = cluster.cloud.calls.filter(
      ({ action, answer }) => action === 'ec2:AssignPrivateIpAddresses' && answer.kind === 'error',
    );
    expect(early.length, 'it was asked for before EC2 counted it as free').toBeGreaterThan(0);
    await handedBack(scene);
  },
);
