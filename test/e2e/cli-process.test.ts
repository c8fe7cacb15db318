/** An agent of a pair as a process: how it stops, reloads, and shares its port with nobody. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { failtome } from './support/command.ts';
import { scenario } from './support/scenario.ts';

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  scenario(`${signal} says goodbye to the peer, ends with 0, and moves nothing`, {}, async (scene) => {
    const { cluster } = scene;
    const saturn = cluster.node('saturn').agent;
    expect(await saturn.stop(signal)).toEqual({ code: 0, signal: null });
    await scene.eventually('neptune to have heard the goodbye', async () =>
      (await scene.status('neptune')).peers.some(({ id, leaving }) => id === 'saturn' && leaving),
    );
    expect(saturn.log.filter('stop-overdue')).toEqual([]);
    expect(saturn.log.lines.at(-1)).toMatchObject({ event: 'agent-stopped' });
    // A goodbye is silence as usual: it is dead in the end, and its web server serves on.
    await scene.calls('neptune', 'saturn', 'dead');
    await scene.probedMore('neptune', 5, 'ok');
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    expect((await scene.command('saturn', 'status', '--node')).code).toBe(1);
    // The others speak for the cluster.
    const told = await scene.command('saturn', 'status');
    expect(told.code).toBe(0);
    expect(told.stderr).toMatch(/gave no answer.*; neptune was asked\n$/);
    expect(told.stdout).toContain('told by 1 of 2 nodes (neptune was asked');

    // Started again it is what it was.
    saturn.start();
    await cluster.settled();
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  });
}

scenario('SIGHUP takes a good file over, and refuses a bad one, whole, without ending', {}, async (scene) => {
  const { cluster } = scene;
  const { agent } = cluster.node('neptune');
  const good = await readFile(agent.configFile, 'utf8');
  const { pid } = agent;

  const since = agent.log.position;
  const bad = good.replace('holdDown: 3s', 'holdDown: soon').replace('cluster: web', 'clutser: web');
  expect(bad).toContain('holdDown: soon');
  await writeFile(agent.configFile, bad);
  agent.reload();
  for (const start of ['holdDown: found "soon"', 'clutser: found an unknown key', 'cluster: found nothing'])
    await agent.log.waitFor(({ event, msg }) => event === 'reload-refused' && msg.startsWith(start), {
      since,
    });
  expect(agent.log.filter('configured', since)).toEqual([]);

  const change = agent.log.position;
  await writeFile(agent.configFile, good.replace('priority: 100', 'priority: 300'));
  agent.reload();
  await agent.log.waitFor('configured', { since: change });
  expect((await scene.status('neptune')).node.priority).toBe(300);
  expect(agent.pid).toBe(pid);

  // What a running node can't change is refused, and says so.
  const last = agent.log.position;
  await writeFile(agent.configFile, good.replace('cluster: web', 'cluster: shop'));
  agent.reload();
  await agent.log.waitFor(({ event, msg }) => event === 'reload-refused' && msg.startsWith('cluster: '), {
    since: last,
  });

  await cluster.node('saturn').web.kill();
  await scene.moved('neptune');
  scene.expectOutcome({ holder: 'neptune', moves: 1 });
});

scenario(
  'a second agent on the same port ends with 1, names the setting, and disturbs nobody',
  {},
  async (scene) => {
    const { cluster } = scene;
    const { configFile } = cluster.node('saturn').agent;
    const { folder, instanceId } = cluster.node('saturn');
    // With the same directory it would not come as far as the port.
    const ownState = { FAILTOME_STATE_DIR: join(folder, 'state of another') };
    const env = { ...cluster.cloud.environmentFor(instanceId), ...ownState };
    const before = await scene.status('saturn');
    const { code, stderr } = await failtome(['run', '-c', configFile], { env });
    expect(code).toBe(1);
    expect(stderr).toMatch(/^api\.listen: cannot listen on 127\.\d+\.\d+\.\d+:8741: .*EADDRINUSE/);
    const after = await scene.status('saturn');
    expect(after.node.incarnation).toBe(before.node.incarnation);
    await scene.calls('neptune', 'saturn', 'alive');
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);
