/** The pages of docs/guides, on machines with the real package, as an administrator would follow them. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { has } from '../../scripts/requirements.mjs';
import { buildPackages, quickDeb } from './support/built-packages.ts';
import { Machines, pair } from './support/machines.ts';
import { blocksOf } from './support/page-commands.ts';

const canRun = has('root') && has('ip') && has('rpm');
const missing = canRun
  ? ''
  : ' (skipped: needs root, ip and rpm; apt-get install -y iproute2 rpm, sudo npm test)';
const timeout = 600_000;

describe.skipIf(!canRun)(`the guides, on a pair of machines${missing}`, () => {
  let deb: string;

  beforeAll(async () => {
    await buildPackages();
    deb = quickDeb();
  }, 600_000);

  afterAll(() => {
    if (deb !== undefined) rmSync(dirname(deb), { recursive: true, force: true });
  });

  test('a voter joins and leaves, and nothing moves', { timeout }, async () => {
    const machines = new Machines();
    onTestFinished(() => machines.close());
    await machines.openCloud();
    // Roots with this machine's own programs, and the package beside them.
    for (const id of [...pair, 'pluto']) await (await machines.add(id, '/')).put(deb);
    await machines.follow(await blocksOf('README.md', 'Two nodes on EC2'));
    await machines.settled(...pair);
    await machines.follow(await blocksOf('docs/guides/voters.md', 'Adding one'));
    await machines.settled(...pair, 'pluto');
    for (const id of [...pair, 'pluto'])
      expect(await machines.of(id).must('failtome status')).toContain(', the same on every node');
    await machines.follow(await blocksOf('docs/guides/voters.md', 'Removing one'));
    await machines.settled(...pair);
    expect((await machines.status('saturn')).peers.map(({ id }) => id)).toEqual(['neptune']);
    expect(machines.takers()).toEqual([]);
  });
});
