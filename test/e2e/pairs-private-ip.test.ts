import { describe, expect } from 'vitest';
import { hasIpv6Loopback } from '../../packages/cloud/src/embedded/index.ts';
import { type AwsAction, subnetIdOf } from '../../packages/cloud/src/model/index.ts';
import { handedBack, underPrintedPolicy } from './support/other-target.ts';
import { type Scene, scenario } from './support/scenario.ts';

/** A pair that shares an address of an interface, with exactly the policy that `failtome iam` prints. */

const lingering = { driver: 'ec2-private-ip', cloud: { config: { unassignSettleMs: 700 } } } as const;

async function movesThereAndBack(scene: Scene, take: AwsAction): Promise<void> {
  const { cluster } = scene;
  await underPrintedPolicy(scene, '--subnet', subnetIdOf({ availabilityZone: 'us-east-1a' }));
  await cluster.node('saturn').web.kill();
  await scene.moved('neptune');
  const early = cluster.cloud.calls.filter(
    ({ action, answer }) => action === take && answer.kind === 'error',
  );
  expect(early.length, 'it was asked for before EC2 counted it as free').toBeGreaterThan(0);
  await handedBack(scene);
}

scenario(
  'a private address moves to the other node, though EC2 counts it as assigned for a while, and goes back by a handover',
  lingering,
  (scene) => movesThereAndBack(scene, 'ec2:AssignPrivateIpAddresses'),
);

describe.skipIf(!hasIpv6Loopback())(
  'over IPv6 (skipped without the address ::1: sysctl -w net.ipv6.conf.lo.disable_ipv6=0)',
  () => {
    scenario(
      'an IPv6 address of an interface moves so by calls of its own',
      { ...lingering, addresses: [{ holder: 'saturn', family: 6 }] },
      (scene) => movesThereAndBack(scene, 'ec2:AssignIpv6Addresses'),
    );
  },
);
