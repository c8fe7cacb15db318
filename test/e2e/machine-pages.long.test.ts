/** The pages of docs/guides, on machines with the real package, as an administrator would follow them. */
import { existsSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { until } from '../../packages/cluster/src/wait.ts';
import { has } from '../../scripts/requirements.mjs';
import { buildPackages, packages, quickDeb } from './support/built-packages.ts';
import { earlierVersion, hasEarlier, layEarlierAgent } from './support/earlier-agent.ts';
import { Machines, pair } from './support/machines.ts';
import { type Block, blocksOf } from './support/page-commands.ts';

const canRun = has('root') && has('ip') && has('rpm');
const missing = canRun
  ? ''
  : ' (skipped: needs root, ip and rpm; apt-get install -y iproute2 rpm, sudo npm test)';
const withHistory = hasEarlier() ? '' : ' (skipped: needs the whole history; git fetch --unshallow)';
const timeout = 600_000;
/** The standby first, as the pages have it. */
const standbyFirst = ['neptune', 'saturn'] as const;

function page(name: string, heading?: string): Promise<readonly Block[]> {
  return blocksOf(`docs/guides/${name}.md`, heading);
}

/** Before the first block with this command, and from there on. */
function splitAt(
  blocks: readonly Block[],
  command: string,
): readonly [before: readonly Block[], rest: readonly Block[]] {
  const at = blocks.findIndex(({ commands }) => commands.some((one) => one.startsWith(command)));
  expect(at, `${command} on the page`).toBeGreaterThan(0);
  return [blocks.slice(0, at), blocks.slice(at)];
}

async function versions(machines: Machines): Promise<readonly string[]> {
  return Promise.all(standbyFirst.map(async (id) => (await machines.status(id)).version));
}

/** Nobody has set a state aside because it couldn't read it. */
async function stateWasRead(machines: Machines): Promise<void> {
  for (const id of pair)
    expect(await machines.of(id).must('ls /var/lib/failtome'), id).not.toMatch(/unreadable|foreign/);
}

/** There and back by agreement of both, whatever version each has. Who loses it has no way out for some seconds. */
async function handOverAndBack(machines: Machines): Promise<void> {
  for (const to of standbyFirst) {
    await machines.command(to, `failtome handover --to ${to}`);
    await machines.settled(...pair);
  }
}

describe.skipIf(!canRun)(`the guides, on a pair of machines${missing}`, () => {
  const debs: string[] = [];

  beforeAll(async () => {
    await buildPackages();
    debs.push(await quickDeb());
    if (!hasEarlier()) return;
    const earlier = basename(packages.deb).replace(packages.version, earlierVersion);
    debs.push(await quickDeb(earlier, layEarlierAgent));
  }, 600_000);

  afterAll(() => {
    for (const deb of debs) rmSync(dirname(deb), { recursive: true, force: true });
  });

  /** A machine with this machine's own programs, and the packages beside them. */
  async function add(machines: Machines, id: string): Promise<void> {
    const machine = await machines.add(id, '/');
    for (const deb of debs) await machine.put(deb);
  }

  async function started(): Promise<Machines> {
    const machines = new Machines();
    onTestFinished(() => machines.close());
    await machines.openCloud();
    for (const id of pair) await add(machines, id);
    await machines.follow(await blocksOf('README.md', 'Two nodes on EC2'));
    await machines.settled(...pair);
    return machines;
  }

  test('a voter joins and leaves, and nothing moves', { timeout }, async () => {
    const machines = await started();
    await add(machines, 'pluto');
    await machines.follow(await page('voters', 'Adding one'));
    await machines.settled(...pair, 'pluto');
    for (const id of [...pair, 'pluto'])
      expect(await machines.of(id).must('failtome status')).toContain(', the same on every node');
    await machines.follow(await page('voters', 'Removing one'));
    await machines.settled(...pair);
    expect((await machines.status('saturn')).peers.map(({ id }) => id)).toEqual(['neptune']);
    expect(machines.takers()).toEqual([]);
  });

  test.skipIf(!hasEarlier())(
    `down a version and up again: each reads what the other stored, and they vote together${withHistory}`,
    { timeout },
    async () => {
      const machines = await started();
      await handOverAndBack(machines);

      const [pause, replace] = splitAt(await page('downgrade'), 'apt');
      const [[older], check] = splitAt(replace, 'failtome check');
      await machines.follow(pause);
      expect(older?.on.split(' ')).toEqual(standbyFirst);
      await machines.follow([{ on: 'neptune', commands: older?.commands ?? [] }]);
      await machines.settled(...pair);
      expect(await versions(machines)).toEqual([earlierVersion, packages.version]);
      await handOverAndBack(machines);
      await machines.follow([{ on: 'saturn', commands: older?.commands ?? [] }]);
      await machines.settled(...pair);
      expect(await versions(machines)).toEqual([earlierVersion, earlierVersion]);
      for (const id of pair)
        expect((await machines.status(id)).pause, `the pause on ${id}`).toMatchObject({
          reason: 'downgrade',
        });
      await stateWasRead(machines);
      const newer = 'cd /tmp; { echo "preset: quick"; cat /etc/failtome/failtome.yaml; } >newer.yaml';
      const refused = await machines.of('neptune').run(`${newer}; failtome config -c newer.yaml`);
      expect(refused).toMatchObject({
        code: 2,
        stderr: expect.stringMatching(/^preset: found an unknown key.*\(newer\.yaml:1\)/),
      });
      await machines.follow(check);
      await machines.settled(...pair);

      const before = machines.takers().length;
      await machines.follow(await page('upgrade'));
      await machines.settled(...pair);
      expect(await versions(machines)).toEqual([packages.version, packages.version]);
      await stateWasRead(machines);
      expect(machines.takers()).toHaveLength(before);
    },
  );

  test('a restored node begins anew with its history, and another machine takes a name over', {
    timeout,
  }, async () => {
    const machines = await started();
    await handOverAndBack(machines);
    await machines.follow(await page('backup'));
    expect(await machines.of('saturn').must('failtome history --node')).toContain('neptune -> saturn');
    await machines.settled(...pair);

    await add(machines, 'neptune');
    await machines.follow(await page('replace-node'));
    await machines.settled(...pair);
    expect(machines.takers()).toEqual(standbyFirst);
  });

  test('a node is removed: it hands over, can come back, and leaves nothing in the end', {
    timeout,
  }, async () => {
    const machines = await started();
    const [removal, purge] = splitAt(await page('removal'), 'apt purge');
    await machines.follow(removal);
    expect(machines.takers()).toEqual(['neptune']);
    expect(machines.asClient()).toBe('neptune');
    await neptuneSees(machines, 'dead');

    await machines.command('saturn', `apt install ./${basename(packages.deb)}`);
    await machines.command('saturn', 'systemctl start failtome');
    await machines.settled(...pair);
    // The holder goes without a handover: nobody takes what answers.
    await machines.command('neptune', 'failtome handover --to saturn');
    await machines.settled(...pair);
    await machines.follow(removal.slice(1));
    await neptuneSees(machines, 'dead');
    const [address] = (await machines.status('neptune')).addresses;
    expect(address).toMatchObject({ verdict: 'up', holder: { kind: 'node', node: 'saturn' } });
    await machines.command('neptune', 'failtome handover --to neptune');
    expect(machines.takers()).toEqual(['neptune', 'saturn', 'neptune']);

    await machines.follow(purge);
    for (const trace of ['/etc/failtome', '/var/lib/failtome', '/etc/default/failtome', '/usr/bin/failtome'])
      expect(existsSync(machines.of('saturn').path(trace)), trace).toBe(false);
  });
});

async function neptuneSees(machines: Machines, state: string): Promise<void> {
  const look = async (): Promise<boolean> => (await machines.status('neptune')).peers[0]?.state === state;
  await until(`saturn to be ${state} to neptune`, look, { withinMs: 30_000 });
}
