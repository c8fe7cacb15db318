/** A state directory that belongs to another cluster or to another process: set aside, or refused. */
import { execFileSync } from 'node:child_process';
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { failtome } from './support/command.ts';
import { stateFolder } from './support/disk.ts';
import { patienceMs, scenario } from './support/scenario.ts';

/** So long that what a node does until it has passed can be looked at, however busy the machine. */
const settings = { agreement: { lease: '15s' } };

scenario(
  'the state of a paused cluster pauses no other, is kept under another name, and tells nobody anything',
  { settings },
  async (scene) => {
    const { cluster } = scene;
    const agent = cluster.node('neptune').agent;
    const folder = stateFolder(cluster, 'neptune');
    // What staging would have left: paused, and with news that was never told.
    expect((await scene.command('neptune', 'pause', '--reason', 'work on staging')).code).toBe(0);
    await agent.stop();
    const document = JSON.parse(await readFile(join(folder, 'state.json'), 'utf8'));
    expect(document.pause.paused).toBe(true);
    const told = {
      id: 'staging-1',
      subject: 'HAProxy failover notification',
      message: 'Instance i-staging took over 192.0.2.1',
    };
    const foreign = JSON.stringify({ ...document, cluster: 'staging', outbox: [told] });
    await cluster.node('saturn').agent.stop();
    await rm(stateFolder(cluster, 'saturn'), { recursive: true });
    await writeFile(join(folder, 'state.json'), foreign);

    const since = agent.log.position;
    cluster.node('saturn').agent.start();
    agent.start();
    await cluster.ready(patienceMs);
    const [started] = agent.log.filter('started', since);
    expect(started).toMatchObject({ level: 'error', fields: { storage: 'foreign' } });
    expect(started?.msg).toContain('of the cluster staging, not of web; kept as state.json.foreign-1');
    expect(await readFile(join(folder, 'state.json.foreign-1'), 'utf8')).toBe(foreign);
    const status = await scene.status('neptune');
    expect(status.node.state.found).toBe('foreign');
    expect(status.node.problems.join()).toContain('state-foreign');
    expect((await scene.view('neptune')).lendsInMs).toBeGreaterThan(0);
    for (const id of ['saturn', 'neptune']) expect((await scene.status(id)).pause.paused).toBe(false);

    await cluster.settled(patienceMs);
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'the directory of another node is no state of this one, and its history is not this one’s',
  { begin: 'ready' },
  async (scene) => {
    const { cluster } = scene;
    const agent = cluster.node('neptune').agent;
    const folder = stateFolder(cluster, 'neptune');
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    await agent.stop();
    await cluster.node('saturn').agent.stop();
    await rm(stateFolder(cluster, 'saturn'), { recursive: true });
    await cp(folder, stateFolder(cluster, 'saturn'), {
      recursive: true,
      filter: (path) => !path.endsWith('.sock'),
    });
    const saturn = cluster.node('saturn').agent;
    saturn.start();
    await saturn.ready();
    expect(await saturn.api.history()).toEqual([]);
    // The first document is written beside the first probe, which is what being ready waits for.
    await scene.eventually('its own state to be beside what is foreign', async () => {
      const names = await readdir(stateFolder(cluster, 'saturn'));
      return ['history.jsonl.foreign-1', 'state.json.foreign-1', 'state.json'].every((name) =>
        names.includes(name),
      );
    });
  },
);

scenario(
  'a second agent in the same directory ends with 2 and names the first, which goes on; after a kill there is no lock',
  { begin: 'ready' },
  async (scene) => {
    const { cluster } = scene;
    const { agent, folder, instanceId } = cluster.node('neptune');
    const text = await readFile(agent.configFile, 'utf8');
    const other = join(folder, 'other.yaml');
    // Another node by its id, and another port: but for the directory nothing is in its way.
    await writeFile(
      other,
      text.replace(/(listen: ["']?[\d.]+):\d+/, '$1:8799').replace('id: neptune', 'id: pluto'),
    );
    const env = cluster.cloud.environmentFor(instanceId);
    const { code, stderr } = await failtome(['run', '-c', other], { env, cwd: folder });
    expect({ code, stderr }).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`another agent, process ${agent.pid}, uses`),
    });
    expect(stderr).toMatch(/^stateDir: /);
    expect(agent.running).toBe(true);
    await agent.kill();
    agent.start();
    await agent.ready();
  },
);

scenario(
  'a FIFO as state.json is kept aside, and nothing waits for it',
  { begin: 'ready' },
  async (scene) => {
    const { cluster } = scene;
    const agent = cluster.node('neptune').agent;
    const folder = stateFolder(cluster, 'neptune');
    await agent.stop();
    await rm(join(folder, 'state.json'));
    execFileSync('mkfifo', [join(folder, 'state.json')]);
    const since = agent.log.position;
    agent.start();
    await agent.ready();
    expect(agent.log.filter('started', since)).toMatchObject([
      { level: 'error', fields: { storage: 'unreadable' } },
    ]);
    expect(await readdir(folder)).toContain('state.json.unreadable-1');
  },
);
