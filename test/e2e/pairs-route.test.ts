import { expect } from 'vitest';
import { isDryRun } from '../../packages/cloud/src/model/index.ts';
import { handedBack, underPrintedPolicy } from './support/other-target.ts';
import { scenario } from './support/scenario.ts';

/** A pair that shares an address which routes lead to, with exactly the policy that `failtome iam` prints. */

scenario(
  'the routes of two tables are led to the other node, though one of the calls fails at first, and back by a handover',
  { driver: 'ec2-route' },
  async (scene) => {
    const { cluster } = scene;
    await underPrintedPolicy(scene);

    const effect = { kind: 'refuse', code: 'InternalRefusal', message: 'not now', status: 400 } as const;
    cluster.cloud.fault.arm({ action: 'ec2:ReplaceRoute', effect, times: 1 });
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    const replaced = cluster.cloud.calls.filter(
      ({ action, request }) => action === 'ec2:ReplaceRoute' && !isDryRun(request),
    );
    expect(replaced.length, 'it was taken again after it had been taken by half').toBeGreaterThan(2);
    await handedBack(scene);
  },
);
