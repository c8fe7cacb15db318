/** The real packages, with the real runtime: installed, upgraded, removed and purged in a bare Debian. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { findProgram, has } from '../../scripts/requirements.mjs';
import { BareRoot } from './support/bare-root.ts';
import { buildPackages, packages } from './support/built-packages.ts';
import { runToEnd, temporaryFolder } from './support/command.ts';
import { toItsEnd } from './support/programs.ts';

const root = join(import.meta.dirname, '../..');
const { version, deb: debFile, rpm: rpmFile } = packages;
const whole = has('lintian') && has('rpm');

const setUp = [
  'init',
  '--ip',
  '54.173.141.243',
  '--node',
  'saturn=10.0.1.12',
  '--node',
  'neptune=10.0.1.11',
  '--yes',
];

test('the agent installs from its npm tarball, as a command', async (context) => {
  const folder = await temporaryFolder(context);
  const packed = await runToEnd('npm', ['pack', '--pack-destination', folder, join(root, 'packages/agent')]);
  expect(packed.code, packed.stderr).toBe(0);
  const tarball = join(folder, packed.stdout.trim().split('\n').at(-1) ?? '');
  const installed = await runToEnd('npm', ['install', '--global', '--offline', '--prefix', folder, tarball]);
  expect(installed.code, installed.stderr).toBe(0);
  expect(await runToEnd(join(folder, 'bin/failtome'), ['--version'])).toMatchObject({ code: 0 });
});

describe.skipIf(!whole)('npm run package', () => {
  beforeAll(buildPackages, 600_000);

  test('makes a .deb and an .rpm of 40 MB at most', () => {
    for (const file of [debFile, rpmFile]) {
      expect(statSync(file).size).toBeGreaterThan(10_000_000);
      expect(statSync(file).size).toBeLessThan(40_000_000);
    }
  });

  test('lintian has no complaint', { timeout: 300_000 }, () => {
    const { stdout, status } = spawnSync(
      findProgram('lintian') ?? '',
      ['--allow-root', '--fail-on', 'error,warning', debFile],
      toItsEnd,
    );
    expect({ stdout, status }).toEqual({ stdout: '', status: 0 });
  });

  describe.skipIf(!has('debootstrap') || !has('root'))('in a bare Debian', () => {
    let bare: BareRoot;

    beforeAll(() => {
      bare = new BareRoot();
      copyFileSync(debFile, bare.path('tmp/package.deb'));
    }, 600_000);

    beforeEach(() => bare.clear());

    afterAll(() => bare?.close());

    const enabled = '/etc/systemd/system/multi-user.target.wants/failtome.service';
    const modeOf = (path: string): string => bare.must('stat', '-c', '%a %U:%G', path).trim();

    function asUser(user: string, ...command: readonly string[]): number | null {
      return bare.run(
        'setpriv',
        `--reuid=${user}`,
        '--clear-groups',
        `--regid=${user === 'nobody' ? 'nogroup' : user}`,
        ...command,
      ).code;
    }

    function expectInstalled(): void {
      expect(bare.must('failtome', '--version').trim()).toBe(version);
      expect(bare.must('/usr/lib/failtome/bin/node', '--version')).toMatch(/^v24\./);
      expect(bare.must('failtome-sim', 'run', 'app-down')).toContain('no invariant violated');
      expect(modeOf('/etc/failtome')).toBe('750 root:failtome');
      expect(modeOf('/var/lib/failtome')).toBe('700 failtome:failtome');
      expect(bare.traces()).toContain(enabled);
      bare.must('failtome', ...setUp);
      expect(modeOf('/etc/failtome/cluster.key')).toBe('640 root:failtome');
      const read = ['failtome', 'config', '-c', '/etc/failtome/failtome.yaml'];
      expect(asUser('failtome', ...read)).toBe(0);
      expect(asUser('failtome', 'cat', '/etc/failtome/cluster.key')).toBe(0);
      expect(asUser('nobody', 'cat', '/etc/failtome/cluster.key')).not.toBe(0);
    }

    test('the .deb installs, upgrades, is removed with its configuration kept, comes back, and is purged', {
      timeout: 300_000,
    }, () => {
      const before = bare.traces();
      bare.must('dpkg', '-i', '/tmp/package.deb');
      expect(bare.asked()).toEqual(['start failtome.service']);
      expectInstalled();

      bare.must('dpkg', '-i', '/tmp/package.deb');
      expect(bare.asked(), 'an upgrade').toEqual(['try-restart failtome.service']);

      bare.must('dpkg', '-r', 'failtome');
      expect(bare.asked(), 'a removal').toEqual(['stop failtome.service']);
      expect(bare.traces()).toContain('/etc/failtome/failtome.yaml');
      expect(bare.traces()).toContain('/var/lib/failtome');
      expect(bare.traces()).not.toContain('/usr/bin/failtome');

      bare.must('dpkg', '-i', '/tmp/package.deb');
      expect(bare.asked(), 'installed again').toEqual(['start failtome.service']);
      expect(modeOf('/etc/failtome')).toBe('750 root:failtome');

      bare.must('dpkg', '-P', 'failtome');
      expect(bare.traces()).toEqual(before);
    });

    test('what an administrator has disabled stays so through an upgrade of the .deb', {
      timeout: 300_000,
    }, () => {
      bare.must('dpkg', '-i', '/tmp/package.deb');
      bare.must('rm', enabled);
      bare.must('dpkg', '-i', '/tmp/package.deb');
      expect(bare.traces()).not.toContain(enabled);
      bare.must('dpkg', '-P', 'failtome');
    });

    test('the .rpm installs, upgrades, and is removed with its configuration kept', {
      timeout: 300_000,
    }, () => {
      bare.rpm('--initdb');
      // Debian's files are unknown to rpm; what the package needs is there all the same.
      bare.rpm('-i', '--nodeps', rpmFile);
      bare.asked();
      expectInstalled();

      bare.rpm('-U', '--force', '--nodeps', rpmFile);
      expect(bare.asked(), 'an upgrade').toEqual(['try-restart failtome.service']);

      bare.rpm('-e', 'failtome');
      expect(bare.asked(), 'a removal').toEqual(['stop failtome.service']);
      expect(bare.traces()).toContain('/etc/failtome/failtome.yaml');
      expect(bare.traces()).not.toContain(enabled);
      expect(bare.traces()).not.toContain('/usr/bin/failtome');

      // A try that ends here leaves nothing to the next one: what stays in spite of it is an error of its own.
      bare.rpm('-i', '--nodeps', rpmFile);
      bare.clear();
    });
  });
});
