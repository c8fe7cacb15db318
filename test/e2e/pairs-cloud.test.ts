import { expect } from 'vitest';
import type { FaultEffect } from '../../packages/cloud/src/model/index.ts';
import { patienceMs, type Scene, scenario } from './support/scenario.ts';

/** A pair whose cloud throttles, refuses, forgets to answer, lags, or is down. */

type MoveCall = 'ec2:AssociateAddress' | 'ec2:DisassociateAddress';

/** Calls of this kind that were meant, dry runs left out. */
function calls(scene: Scene, action: MoveCall, by?: string): number {
  return scene.cluster.cloud.calls.filter(
    ({ request, caller }) =>
      request.action === action &&
      !request.dryRun &&
      (by === undefined || (caller.kind === 'instance' && caller.instanceId === by)),
  ).length;
}

/** How often a node has asked, by dry run, whether it may. */
function dryRuns(scene: Scene, action: MoveCall, by: string): number {
  return scene.cluster.cloud.calls.filter(
    ({ request, caller }) =>
      request.action === action && request.dryRun && caller.kind === 'instance' && caller.instanceId === by,
  ).length;
}

scenario(
  'the calls of the move are throttled: they are made again, and the address moves',
  {},
  async (scene) => {
    const { cluster } = scene;
    const effect: FaultEffect = { kind: 'throttle' };
    const faults = [
      cluster.cloud.fault.arm({ action: 'ec2:DisassociateAddress', effect, times: 1 }),
      cluster.cloud.fault.arm({ action: 'ec2:AssociateAddress', effect, times: 2 }),
    ];
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    expect(faults.map((id) => cluster.cloud.fault.hits(id))).toEqual([1, 2]);
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'opsworks: the call of the move is throttled: it is made again, and the address moves',
  { driver: 'opsworks' },
  async (scene) => {
    const { cluster } = scene;
    const fault = cluster.cloud.fault.arm({
      action: 'opsworks:AssociateElasticIp',
      effect: { kind: 'throttle' },
      times: 1,
    });
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    expect(cluster.cloud.fault.hits(fault)).toBe(1);
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'a node that may not move the address says so with the code, runs on, and moves it when it may',
  { nodes: [{ id: 'saturn' }, { id: 'neptune', start: 'later' }], begin: 'at once' },
  async (scene) => {
    const { cluster } = scene;
    const neptune = cluster.node('neptune');
    cluster.cloud.setPermission(neptune.instanceId, 'ec2:DisassociateAddress', 'revoked');
    await neptune.web.start();
    neptune.agent.start();
    await cluster.ready(patienceMs);
    const { fields } = await scene.logs(
      'neptune',
      ({ event, msg }) => event === 'readiness' && msg.includes('not-permitted'),
    );
    expect(JSON.stringify(fields)).toContain('UnauthorizedOperation');
    expect(await scene.metric('neptune', 'takeover_ready')).toBe(0);
    await cluster.node('saturn').web.kill();
    const why = await scene.explains(
      'neptune',
      'that it may not',
      ({ reason }) => reason === 'not-permitted',
    );
    expect(why.detail).toContain('UnauthorizedOperation');
    const before = dryRuns(scene, 'ec2:DisassociateAddress', neptune.instanceId);
    await scene.eventually(
      'it to have asked again while the address is down',
      () => dryRuns(scene, 'ec2:DisassociateAddress', neptune.instanceId) > before,
    );
    expect(calls(scene, 'ec2:DisassociateAddress')).toBe(0);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    cluster.cloud.setPermission(neptune.instanceId, 'ec2:DisassociateAddress', 'granted');
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'a permission that was proven and is revoked: the move is refused before anything is taken apart, and made later',
  {},
  async (scene) => {
    const { cluster } = scene;
    const neptune = cluster.node('neptune');
    cluster.cloud.setPermission(neptune.instanceId, 'ec2:DisassociateAddress', 'revoked');
    await cluster.node('saturn').web.kill();
    await scene.logs(
      'neptune',
      ({ event, msg, fields }) =>
        event === 'concluded' && fields.result === 'refused' && msg.includes('UnauthorizedOperation'),
    );
    await scene.explains('neptune', 'that it may not', ({ reason }) => reason === 'not-permitted');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    cluster.cloud.setPermission(neptune.instanceId, 'ec2:DisassociateAddress', 'granted');
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

for (const [action, other] of [
  ['ec2:AssociateAddress', 'ec2:DisassociateAddress'],
  ['ec2:DisassociateAddress', 'ec2:AssociateAddress'],
] as const) {
  scenario(
    `${action} is applied and never answered: it is not made again, and the move is told`,
    {},
    async (scene) => {
      const { cluster } = scene;
      cluster.cloud.fault.arm({ action, effect: { kind: 'apply-then-hang' }, times: 1 });
      await cluster.node('saturn').web.kill();
      await scene.moved('neptune');
      expect([calls(scene, action), calls(scene, other)]).toEqual([1, 1]);
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    },
  );
}

scenario(
  'opsworks: the call of the move is applied and never answered: it is not made again, and the move is told',
  { driver: 'opsworks' },
  async (scene) => {
    const { cluster } = scene;
    const action = 'opsworks:AssociateElasticIp';
    cluster.cloud.fault.arm({ action, effect: { kind: 'apply-then-hang' }, times: 1 });
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    expect(cluster.cloud.calls.filter(({ request }) => request.action === action)).toHaveLength(1);
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'reads that still show an association that has ended are read again, and nothing is taken apart by them',
  {},
  async (scene) => {
    const { cluster } = scene;
    const saturn = cluster.node('saturn');
    await saturn.web.kill();
    await scene.moved('neptune');
    // Reads lag so far behind that they show saturn as the holder, which it was: those before the verdict, too.
    const stale = cluster.cloud.fault.arm({
      action: 'ec2:DescribeAddresses',
      caller: saturn.instanceId,
      effect: { kind: 'stale', lagMs: 10 * 60_000 },
    });
    await saturn.web.start();
    await scene.eventually('saturn to be able to take it back', async () => {
      const { node, addresses } = await scene.status('saturn');
      return node.fit === 'fit' && node.ready && addresses.every(({ holder }) => holder.node === 'neptune');
    });
    await cluster.node('neptune').web.kill();
    await scene.logs('saturn', ({ event, fields }) => event === 'decided' && fields.outcome === 'move');
    const before = cluster.cloud.fault.hits(stale);
    await scene.eventually(
      'the move to have read again, and again',
      () => cluster.cloud.fault.hits(stale) >= before + 2,
    );
    expect(calls(scene, 'ec2:DisassociateAddress', saturn.instanceId)).toBe(0);
    cluster.cloud.fault.clear(stale);
    await scene.eventually('saturn to hold the address again', () => cluster.holder()?.id === 'saturn');
    await scene.tells(`Instance ${saturn.instanceId} took over ${cluster.address}`);
    expect(calls(scene, 'ec2:DisassociateAddress', saturn.instanceId)).toBe(1);
    scene.expectOutcome({ holder: 'saturn', moves: 2, told: ['neptune', 'saturn'] });
  },
);

scenario(
  'SNS is down, and the agent is killed and started again before it is back: the move is told once it is',
  {},
  async (scene) => {
    const { cluster } = scene;
    const { agent } = cluster.node('neptune');
    const fault = cluster.cloud.fault.arm({
      action: 'sns:Publish',
      effect: { kind: 'server-error', status: 503 },
    });
    const attempts = (): number => cluster.cloud.fault.hits(fault);
    await cluster.node('saturn').web.kill();
    await scene.logs('neptune', 'concluded');
    await scene.eventually('the notification to have failed', () => attempts() >= 1);
    expect(await scene.metric('neptune', 'notifications_pending')).toBe(1);
    await agent.kill();
    const before = attempts();
    agent.start();
    await agent.ready(patienceMs);
    await scene.eventually('the notification to be tried again after the restart', () => attempts() > before);
    scene.expectOutcome({ holder: 'neptune', moves: 1, told: [] });
    cluster.cloud.fault.clear(fault);
    await scene.tells(`Instance i-neptune took over ${cluster.address}`);
    await scene.eventually(
      'nothing to be left to tell',
      async () => (await scene.metric('neptune', 'notifications_pending')) === 0,
    );
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'the agent is killed between the release and the take: it takes the address after its restart, and tells it',
  {},
  async (scene) => {
    const { cluster } = scene;
    const { agent } = cluster.node('neptune');
    cluster.cloud.fault.arm({
      action: 'ec2:AssociateAddress',
      caller: 'i-neptune',
      effect: { kind: 'hang' },
      times: 1,
    });
    await cluster.node('saturn').web.kill();
    await cluster.cloud.waitFor(
      'the associate to be under way',
      () => calls(scene, 'ec2:AssociateAddress') === 1,
      patienceMs,
    );
    await agent.kill();
    expect(cluster.holder()).toBeNull();
    agent.start();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

for (const code of ['IncorrectInstanceState', 'UnauthorizedOperation']) {
  scenario(
    `the associate is refused (${code}) after the disassociate: it is tried until the address is held again`,
    {},
    async (scene) => {
      const { cluster } = scene;
      const fault = cluster.cloud.fault.arm({
        action: 'ec2:AssociateAddress',
        effect: { kind: 'refuse', code, message: 'Not now.', status: 403 },
        times: 2,
      });
      await cluster.node('saturn').web.kill();
      await scene.moved('neptune');
      expect(cluster.cloud.fault.hits(fault)).toBe(2);
      expect(calls(scene, 'ec2:DisassociateAddress')).toBe(1);
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
    },
  );
}

scenario(
  'a standby that carries another Elastic IP refuses, and has said so beforehand',
  { addresses: [{ holder: 'saturn' }, { holder: 'neptune' }], begin: 'ready' },
  async (scene) => {
    const { cluster } = scene;
    const [, carried = ''] = cluster.addresses;
    await scene.eventually('neptune to say that it could not take over', async () => {
      const { ready, problems } = (await scene.status('neptune')).node;
      return !ready && problems.some((problem) => problem.includes('would-displace'));
    });
    expect(await scene.metric('neptune', 'takeover_ready')).toBe(0);
    const check = await scene.command('neptune', 'check');
    expect(check.code).toBe(1);
    expect(check.stdout).toContain(`taking it would throw off ${carried}`);
    expect(check.stdout).toMatch(/What to do:[\s\S]*addresses\[\]\.privateIp/);
    await cluster.node('saturn').web.kill();
    const why = await scene.explains(
      'neptune',
      'what would be thrown off',
      ({ reason }) => reason === 'would-displace',
    );
    expect(why).toMatchObject({ outcome: 'hold', detail: expect.stringContaining(carried) });
    await scene.probedMore('neptune', 12);
    expect(cluster.cloud.associationLog).toEqual([]);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);
