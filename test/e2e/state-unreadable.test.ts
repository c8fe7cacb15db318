/** State that is missing, cut short or spoilt: kept aside, told of, and nothing is lent that may have been lent already. */
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { stateFolder } from './support/disk.ts';
import { scenario } from './support/scenario.ts';

/** So long that what a node does until it has passed can be looked at, however busy the machine. */
const settings = { agreement: { lease: '15s' } };

scenario(
  'a state directory that is gone is made anew, and the voter lends nothing for a lease',
  { settings, begin: 'ready' },
  async (scene) => {
    const { cluster } = scene;
    const agent = cluster.node('neptune').agent;
    const folder = stateFolder(cluster, 'neptune');
    await cluster.settled(60_000);
    await agent.stop();
    await rm(folder, { recursive: true });

    const since = agent.log.position;
    agent.start();
    await agent.ready();
    expect((await scene.view('neptune')).lendsInMs).toBeGreaterThan(0);
    const started = agent.log.filter('started', since);
    expect(started).toMatchObject([{ level: 'info', fields: { storage: 'empty' } }]);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    expect(await readdir(folder)).toContain('state.json');

    await cluster.settled(60_000);
    await cluster.node('saturn').web.kill();
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

/** Ways to spoil a document. */
const spoilt: readonly (readonly [how: string, (whole: Buffer) => Buffer])[] = [
  ['empty', () => Buffer.alloc(0)],
  ['cut short', (whole) => whole.subarray(0, Math.floor(whole.length / 2))],
  ['no text', () => Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3])],
  ['of another kind', () => Buffer.from('{"version":1}')],
  [
    'with one bit turned',
    (whole) => Buffer.from(whole.toString('utf8').replace('"incarnation"', '"incarnatioN"')),
  ],
];

scenario(
  'state that can not be read is kept aside, told of as an error, and the node lends nothing for a lease',
  { settings, begin: 'ready' },
  async (scene) => {
    const { cluster } = scene;
    const agent = cluster.node('neptune').agent;
    const folder = stateFolder(cluster, 'neptune');
    const file = join(folder, 'state.json');
    for (const [index, [how, spoil]] of spoilt.entries()) {
      await agent.stop();
      const bytes = spoil(await readFile(file));
      await writeFile(file, bytes);
      const since = agent.log.position;
      agent.start();
      await agent.ready();
      const aside = `state.json.unreadable-${index + 1}`;
      const [started] = agent.log.filter('started', since);
      expect(started, how).toMatchObject({ level: 'error', fields: { storage: 'unreadable' } });
      expect(started?.msg, how).toContain(`kept as ${aside}`);
      expect(await readFile(join(folder, aside)), how).toEqual(bytes);
      expect((await scene.view('neptune')).lendsInMs, how).toBeGreaterThan(0);
    }

    // It doesn't even lend to itself, and waits for that long before it campaigns.
    await cluster.node('saturn').web.kill();
    await scene.explains(
      'neptune',
      'that its own lease is not known',
      ({ reason, detail }) => reason === 'backing-off' && detail.includes("can't be known since the start"),
    );
    scene.expectOutcome({ holder: 'saturn', moves: 0 });
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);

scenario(
  "a voter whose state is spoilt refuses another's ballot until its longest lease has passed",
  { settings, begin: 'ready' },
  async (scene) => {
    const { cluster } = scene;
    const saturn = cluster.node('saturn');
    const neptune = cluster.node('neptune');
    await saturn.agent.stop();
    await writeFile(join(stateFolder(cluster, 'saturn'), 'state.json'), '{');
    saturn.agent.start();
    // From here on saturn keeps its vote to itself for longer than neptune does.
    await saturn.agent.ready();
    await saturn.web.kill();
    const refused = await neptune.agent.log.waitFor(
      ({ event, fields }) => event === 'ballot-answered' && fields.answer === 'refuse',
      { withinMs: 60_000 },
    );
    expect(['lease-unknown', 'starting']).toContain(refused.fields.reason);
    await scene.moved('neptune');
    scene.expectOutcome({ holder: 'neptune', moves: 1 });
  },
);
