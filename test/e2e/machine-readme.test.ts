/** The README's set-up as it stands there, on machines with nothing but Debian, from each package: it ends in a failover. */

import { rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { has } from '../../scripts/requirements.mjs';
import { BareRoot } from './support/bare-root.ts';
import { buildPackages, packages, quickDeb } from './support/built-packages.ts';
import { Machines, pair } from './support/machines.ts';
import { type Block, blocksOf } from './support/page-commands.ts';

const canRun = has('root') && has('ip') && has('debootstrap') && has('rpm');
const missing = canRun
  ? ''
  : ' (skipped: needs root, ip, debootstrap and rpm; apt-get install -y iproute2 debootstrap rpm, sudo npm test)';

const timeout = 300_000;

describe.skipIf(!canRun)(`two bare machines${missing}`, () => {
  let bare: BareRoot;
  let deb: string;
  let page: readonly Block[];

  beforeAll(async () => {
    await buildPackages();
    deb = await quickDeb();
    bare = new BareRoot();
    page = await blocksOf('README.md', 'Two nodes on EC2');
  }, 600_000);

  afterAll(() => {
    bare?.close();
    if (deb !== undefined) rmSync(dirname(deb), { recursive: true });
  });

  async function started(): Promise<Machines> {
    const machines = new Machines();
    onTestFinished(() => machines.close());
    await machines.openCloud();
    for (const id of pair) await machines.add(id, bare.folder);
    return machines;
  }

  async function failsOver(machines: Machines): Promise<void> {
    await machines.settled(...pair);
    expect(machines.asClient()).toBe('saturn');
    for (const id of pair) {
      const owner = await machines.of(id).must('stat -c %U /proc/$(cat /run/units/failtome)');
      expect(owner.trim(), 'who the agent runs as').toBe('failtome');
    }
    await machines.of('saturn').stopServing();
    await machines.served('neptune');
    expect(machines.takers()).toEqual(['neptune']);
  }

  test('are a protected pair after the commands of the README, six a node at most, and fail over', {
    timeout,
  }, async () => {
    const machines = await started();
    for (const id of pair) await machines.of(id).put(deb);
    const counted = await machines.follow(page);
    expect(Math.max(...Object.values(counted))).toBeLessThanOrEqual(6);
    await failsOver(machines);
  });

  test('are so from the .rpm, too', { timeout }, async () => {
    const machines = await started();
    const [install, ...rest] = page;
    expect(install?.commands.join()).toContain(basename(packages.deb));
    for (const id of pair) {
      await machines.of(id).rpm('--initdb');
      await machines.of(id).rpm('-i', '--nodeps', packages.rpm);
    }
    await machines.follow(rest);
    await failsOver(machines);
  });
});
