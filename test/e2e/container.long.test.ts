/** The Containerfile, built by buildah upon a bare Debian in place of the image that can't be fetched here, and run. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findProgram, has } from '../../scripts/requirements.mjs';
import { deploy } from '../ways/blocks.ts';
import { BareRoot } from './support/bare-root.ts';
import { temporaryFolder } from './support/command.ts';
import { packageIn } from './support/package.ts';

const canRun = has('root') && has('buildah') && has('debootstrap');
const missing = canRun ? '' : ' (skipped: needs root, buildah and debootstrap)';
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));

/** Buildah with storage of its own, which a user's images are no part of. */
class Buildah {
  readonly #storage: readonly string[];

  constructor(folder: string) {
    const place = (name: string): string => join(folder, name);
    this.#storage = ['--root', place('root'), '--runroot', place('run'), '--storage-driver', 'vfs'];
  }

  /** What it printed, without the end of its last line. */
  must(verb: string, ...args: readonly string[]): string {
    const isolated = ['build', 'run'].includes(verb) ? ['--isolation', 'chroot'] : [];
    const { status, stdout, stderr } = spawnSync(
      findProgram('buildah') ?? '',
      [...this.#storage, verb, ...isolated, ...args],
      { encoding: 'utf8', maxBuffer: 2 ** 26 },
    );
    if (status !== 0) throw new Error(`buildah ${verb} ${args.join(' ')}: ${stdout}${stderr}`);
    return stdout.trim();
  }
}

describe.skipIf(!canRun)(`the Containerfile${missing}`, () => {
  test('makes an image that runs the agent as its own user', { timeout: 600_000 }, async (context) => {
    const folder = await temporaryFolder(context);
    const buildah = new Buildah(folder);
    const bare = new BareRoot();
    context.onTestFinished(() => bare.close());
    const scratch = buildah.must('from', 'scratch');
    buildah.must('add', '--quiet', scratch, bare.folder, '/');
    buildah.must('commit', '--quiet', scratch, 'localhost/bare');

    const build = join(folder, 'build');
    mkdirSync(build);
    copyFileSync(join(deploy, 'container/Containerfile'), join(build, 'Containerfile'));
    copyFileSync(packageIn(join(folder, 'packages')), join(build, 'failtome.deb'));
    const given = ['BASE=localhost/bare', 'PACKAGE=failtome.deb'].flatMap((each) => ['--build-arg', each]);
    buildah.must('build', '--quiet', ...given, '--tag', 'localhost/failtome', build);

    const { OCIv1 } = JSON.parse(buildah.must('inspect', '--type', 'image', 'localhost/failtome'));
    expect(OCIv1.config).toMatchObject({
      User: 'failtome',
      Entrypoint: ['/usr/bin/failtome'],
      Cmd: ['run', '--config', '/etc/failtome/failtome.yaml'],
      ExposedPorts: { '8741/tcp': {} },
      Volumes: { '/var/lib/failtome': {} },
    });

    const container = buildah.must('from', 'localhost/failtome');
    const run = (...command: readonly string[]) => buildah.must('run', container, '--', ...command);
    expect(run('failtome', '--version')).toBe(version);
    expect(run('id', '-un')).toBe('failtome');
    expect(run('id', '-u')).toBe('874');
    expect(run('stat', '-c', '%a %U:%G', '/var/lib/failtome')).toBe('700 failtome:failtome');
    const config = join(folder, 'failtome.yaml');
    writeFileSync(config, 'cluster: shop\n');
    buildah.must('copy', '--quiet', container, config, '/tmp/failtome.yaml');
    expect(() => run('failtome', 'config', '-c', '/tmp/failtome.yaml')).toThrow(/addresses/);
  });
});
