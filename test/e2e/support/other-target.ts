/** What a pair that shares something else than an Elastic IP does alike, whatever it is. */
import { expect } from 'vitest';
import { failtome } from './command.ts';
import { patienceMs, type Scene } from './scenario.ts';

/** Gives both nodes exactly the policy that `failtome iam` prints for one of them; `failtome check` finds no fault with it. */
export async function underPrintedPolicy({ cluster }: Scene, ...options: readonly string[]): Promise<void> {
  const { agent, instanceId } = cluster.node('neptune');
  const env = cluster.cloud.environmentFor(instanceId);
  const printed = await failtome(['iam', '-c', agent.configFile, ...options], { env });
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  for (const node of cluster.nodes) cluster.cloud.setPolicy(node.instanceId, JSON.parse(printed.stdout));
  const check = await failtome(['check', '-c', agent.configFile, '--json'], { env });
  const { lines } = JSON.parse(check.stdout);
  expect(lines.filter(({ state }: { readonly state: string }) => state === 'fail')).toEqual([]);
}

/** After the one move from saturn to neptune, neptune hands the address over to saturn, which is well again. */
export async function handedBack(scene: Scene): Promise<void> {
  const { cluster } = scene;
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
  await cluster.node('saturn').web.start();
  await cluster.settled(patienceMs);
  const asked = await scene.command('neptune', 'handover', cluster.address, '--to', 'saturn');
  expect(asked).toMatchObject({ code: 0 });
  await scene.moved('saturn');
  scene.expectOutcome({ holder: 'saturn', moves: 2, told: ['neptune', 'saturn'] });
}
