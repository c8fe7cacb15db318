/** The story of a failover, as each node of a real pair tells it, and as `failtome history` puts it together. */
import { expect } from 'vitest';
import { type Driver, type Scene, scenario } from './support/scenario.ts';

interface Line {
  readonly id: string;
  readonly kind: string;
  readonly node?: string;
  readonly from: string;
  readonly to: string;
  readonly result: string;
  readonly reason: string;
}

async function historyOf(scene: Scene, id: string, ...options: readonly string[]): Promise<readonly Line[]> {
  const { code, stdout, stderr } = await scene.command(id, 'history', '--json', ...options);
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

/** Until this node's own history has such a line. */
async function tells(scene: Scene, id: string, line: Partial<Line>): Promise<void> {
  const wanted = Object.entries(line);
  await scene.eventually(`${id} to tell of ${JSON.stringify(line)}`, async () => {
    const lines = await historyOf(scene, id, '--node');
    return lines.some((one) =>
      wanted.every(([key, value]) => Object.entries(one).some(([k, v]) => k === key && v === value)),
    );
  });
}

const drivers: readonly Driver[] = ['ec2', 'opsworks'];

for (const driver of drivers) {
  scenario(
    `${driver}: a takeover stands in the history of the loser, too, and merged it is one event`,
    { driver },
    async (scene) => {
      await scene.cluster.node('saturn').web.kill();
      await scene.moved('neptune');
      await tells(scene, 'neptune', { kind: 'takeover', from: 'saturn', to: 'neptune', result: 'served' });
      await tells(scene, 'saturn', { kind: 'vote', to: 'neptune', result: 'grant', node: 'saturn' });
      await tells(scene, 'saturn', { kind: 'change', from: 'saturn', to: 'neptune', result: 'lost' });

      const merged = await historyOf(scene, 'saturn');
      expect(merged.filter(({ kind }) => kind === 'takeover')).toHaveLength(1);
      expect(new Set(merged.map(({ id }) => id)).size).toBe(merged.length);
      expect(new Set(merged.map(({ node }) => node))).toEqual(new Set(['saturn', 'neptune']));
      const { stdout } = await scene.command('saturn', 'history');
      const titles = stdout.split('\n').filter((line) => /^\d{4}-/.test(line));
      expect(
        titles.filter((line) => / {2}takeover of \S+, saturn -> neptune: served$/.test(line)),
      ).toHaveLength(1);
      expect(titles.filter((line) => /vote of|lost/.test(line))).toEqual([]);
      expect(stdout).toMatch(
        /^ {2}\S+ \S+Z {2}vote of saturn on \S+ for neptune: grant, down; saturn saw it down/m,
      );
      expect(stdout).toMatch(/^ {2}\S+ \S+Z {2}saturn lost \S+ to neptune: lost, learned from /m);

      await scene.cluster.node('neptune').agent.kill();
      const without = await scene.command('saturn', 'history');
      expect(without.code).toBe(0);
      expect(without.stderr).toMatch(/^neptune could not be asked: /);
      expect(without.stdout).toContain('saturn lost');
    },
  );

  scenario(
    `${driver}: a planned handover is in both histories, and leaves no refusal`,
    { driver },
    async (scene) => {
      const done = await scene.command('saturn', 'handover', '--to', 'neptune', '--reason', 'kernel update');
      expect(done, `${done.stdout}${done.stderr}`).toMatchObject({ code: 0 });
      await tells(scene, 'saturn', { kind: 'change', to: 'neptune', result: 'lost' });
      await tells(scene, 'saturn', { kind: 'vote', to: 'neptune', result: 'grant' });
      await scene.probedMore('saturn', 4);
      const merged = await historyOf(scene, 'neptune');
      expect(merged.map(({ kind }) => kind).sort()).toEqual(['change', 'handover', 'order', 'vote']);
      expect(merged.filter(({ result }) => result.startsWith('refuse'))).toEqual([]);
    },
  );
}

scenario(
  'a loser that was dead while it lost the address tells of it once it runs again',
  {},
  async (scene) => {
    const saturn = scene.cluster.node('saturn');
    await saturn.web.kill();
    await saturn.agent.kill();
    await scene.moved('neptune');
    saturn.agent.start();
    await tells(scene, 'saturn', { kind: 'change', to: 'neptune', result: 'seen' });
  },
);
