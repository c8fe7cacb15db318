import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { type Scene, scenario } from './support/scenario.ts';

/** A holder whose machine goes down, by the word of a `systemctl` that is put in the place of the real one, or is about to, by metadata's. */

const folder = mkdtempSync(join(tmpdir(), 'failtome-systemctl-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The environment of a node whose systemd says this of the machine; like the real one it fails for all but `running`. */
function systemdSays(state: string): Readonly<Record<string, string>> {
  const bin = mkdtempSync(join(folder, `${state}-`));
  const script = join(bin, 'systemctl');
  writeFileSync(
    script,
    `#!/bin/sh\n[ "$*" = is-system-running ] || exit 4\necho ${state}\n[ ${state} = running ]\n`,
  );
  chmodSync(script, 0o755);
  return { PATH: `${bin}:${process.env.PATH ?? ''}` };
}

const goingDown = [{ id: 'saturn', env: systemdSays('stopping') }, { id: 'neptune' }] as const;

/** Stops the holder's agent as systemd does, and returns what it has said about what it holds. */
async function stopSaturn({ cluster }: Scene): Promise<readonly string[]> {
  const { agent } = cluster.node('saturn');
  expect(await agent.stop()).toMatchObject({ code: 0 });
  return agent.log.filter('going-down').map(({ msg }) => msg);
}

scenario(
  'a holder whose machine goes down hands the address over before its agent ends',
  { nodes: goingDown },
  async (scene) => {
    const { address } = scene.cluster;
    expect(await stopSaturn(scene)).toEqual([`this machine goes down: handing over ${address}`]);
    expect(scene.cluster.holder()?.id).toBe('neptune');
    const ended = await scene.logs(
      'neptune',
      ({ event, fields }) => event === 'handover' && fields.state === 'done',
    );
    expect(ended.fields).toMatchObject({ by: 'failtome', reason: 'saturn: this machine goes down' });
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  'an agent that is stopped while its machine goes on keeps the address',
  { nodes: [{ id: 'saturn', env: systemdSays('running') }, { id: 'neptune' }] },
  async (scene) => {
    expect(await stopSaturn(scene)).toEqual([]);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);

scenario(
  'a holder whose machine goes down while nobody else is fit keeps the address, and says why',
  { nodes: goingDown },
  async (scene) => {
    await scene.cluster.node('neptune').web.kill();
    await scene.eventually('saturn to know that neptune is unfit', async () =>
      (await scene.status('saturn')).peers.some(({ fit }) => fit === 'unfit'),
    );
    expect(await stopSaturn(scene)).toEqual([
      expect.stringContaining('handing over'),
      expect.stringContaining('no other candidate is heard and fit'),
    ]);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);

scenario(
  'a holder whose machine goes down during a pause keeps the address, and says whose pause it is',
  { nodes: goingDown },
  async (scene) => {
    expect(await scene.command('saturn', 'pause', '--for', '1h')).toMatchObject({ code: 0 });
    expect(await stopSaturn(scene)).toEqual([expect.stringContaining('automatic moves are paused by')]);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);

scenario(
  'a holder that is told never to hand over by itself keeps the address when its machine goes down',
  { nodes: goingDown, settings: { handover: { on: [] } } },
  async (scene) => {
    expect(await stopSaturn(scene)).toEqual([]);
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
  },
);

const SPOT = { 'instance-life-cycle': 'spot' };

for (const { pages, says } of [
  {
    pages: { ...SPOT, 'spot/instance-action': '{"action": "terminate", "time": "2026-01-02T03:04:05Z"}' },
    says: 'EC2 is about to terminate this spot instance',
  },
  {
    pages: { ...SPOT, 'events/recommendations/rebalance': '{"noticeTime": "2026-01-02T03:04:05Z"}' },
    says: 'EC2 recommends to leave this spot instance',
  },
  {
    pages: { 'autoscaling/target-lifecycle-state': 'Terminated' },
    says: 'the Auto Scaling group of this instance ends it',
  },
])
  scenario(
    `a holder hands the address over, once, when its metadata tells that ${says}`,
    {},
    async (scene) => {
      const { cluster } = scene;
      for (const [path, page] of Object.entries(pages)) cluster.cloud.setMetadataPage('i-saturn', path, page);
      const { msg } = await scene.logs('saturn', 'going-down');
      expect(msg).toBe(`${says}: handing over ${cluster.address}`);
      await scene.moved('neptune');
      scene.expectOutcome({ holder: 'neptune', moves: 1 });
      // What is given back to it is meant for it.
      expect(await scene.command('neptune', 'handover', '--to', 'saturn')).toMatchObject({ code: 0 });
      await scene.probedMore('saturn', 30);
      expect(cluster.node('saturn').agent.log.filter('going-down')).toHaveLength(1);
      expect(cluster.holder()?.id).toBe('saturn');
    },
  );
