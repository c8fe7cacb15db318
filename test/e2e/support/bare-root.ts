/** A Debian with nothing in it but what dpkg itself needs, in a folder: where packages are installed and removed. */
import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../../../scripts/requirements.mjs';
import { toItsEnd } from './programs.ts';

const suite = 'bookworm';
/** Said to rpm, which Debian has made to keep its database in the home folder of whoever calls it. */
const rpmDatabase = 'var/lib/rpm';
const cache = join(import.meta.dirname, '../../../node_modules/.cache/failtome-bare-root');

export interface Result {
  readonly code: number | null;
  readonly output: string;
}

function run(command: string, args: readonly string[]): Result {
  const { status, stdout, stderr, error } = spawnSync(findProgram(command) ?? command, args, {
    ...toItsEnd,
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
  });
  return { code: status, output: `${stdout}${stderr}${error?.message ?? ''}` };
}

function must(command: string, ...args: readonly string[]): string {
  const { code, output } = run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')}: ${output}`);
  return output;
}

/** Fetched once, and kept as an archive. */
function archive(include: readonly string[]): string {
  const file = join(cache, `${[suite, ...include].join('-')}.tar`);
  if (existsSync(file)) return file;
  mkdirSync(cache, { recursive: true });
  const folder = mkdtempSync(join(tmpdir(), 'failtome-debootstrap-'));
  try {
    const more = include.length === 0 ? [] : [`--include=${include.join(',')}`];
    must('debootstrap', '--variant=minbase', ...more, suite, folder);
    rmSync(join(folder, 'var/cache/apt/archives'), { recursive: true, force: true });
    must('tar', '-cf', `${file}.${process.pid}`, '-C', folder, '.');
    renameSync(`${file}.${process.pid}`, file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  return file;
}

export class BareRoot {
  readonly folder: string;

  /** @param include Debian packages that are there besides */
  constructor(include: readonly string[] = []) {
    const from = archive(include);
    this.folder = mkdtempSync(join(tmpdir(), 'failtome-root-'));
    must('tar', '-xpf', from, '-C', this.folder);
    // Made as a temporary folder it is root's alone, and no other user finds a library in it.
    chmodSync(this.folder, 0o755);
    this.#installRecorder();
  }

  /** As if systemd ran: a `systemctl` that writes down what it is asked for, and enables by Debian's preset. */
  #installRecorder(): void {
    mkdirSync(this.path('run/systemd/system'), { recursive: true });
    const script = `#!/bin/sh
echo "$*" >>/systemctl.log
wants=/etc/systemd/system/multi-user.target.wants
case "$*" in
  *is-enabled*) echo enabled ;;
  *preset*) mkdir -p $wants && ln -sf /usr/lib/systemd/system/failtome.service $wants/ ;;
esac
`;
    writeFileSync(this.path('usr/bin/systemctl'), script);
    chmodSync(this.path('usr/bin/systemctl'), 0o755);
    appendFileSync(this.path('systemctl.log'), '');
  }

  path(inside: string): string {
    return join(this.folder, inside);
  }

  /** What systemd was asked to do with the service since the last time. */
  asked(): readonly string[] {
    const lines = readFileSync(this.path('systemctl.log'), 'utf8').split('\n');
    writeFileSync(this.path('systemctl.log'), '');
    return lines
      .filter((line) => line.includes('failtome.service') && !/is-enabled|is-active|preset/.test(line))
      .map((line) => line.replace(/--\S+ /g, ''));
  }

  run(command: string, ...args: readonly string[]): Result {
    return run('chroot', [this.folder, command, ...args]);
  }

  must(command: string, ...args: readonly string[]): string {
    return must('chroot', this.folder, command, ...args);
  }

  rpm(...args: readonly string[]): string {
    return must('rpm', ...this.#rpmHere, ...args);
  }

  get #rpmHere(): readonly string[] {
    return ['--root', this.folder, '--dbpath', `/${rpmDatabase}`];
  }

  /** Everything by the product's name. */
  traces(): readonly string[] {
    const found = must('find', this.folder, '-mindepth', '1', '-xdev', '-name', '*failtome*');
    return found
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.slice(this.folder.length));
  }

  /**
   * As it was before any test, whatever a test that failed has left.
   *
   * @throws where something by the product's name stays
   */
  clear(): void {
    this.run('dpkg', '--purge', 'failtome');
    if (existsSync(this.path(rpmDatabase))) run('rpm', [...this.#rpmHere, '-e', 'failtome']);
    for (const folder of [rpmDatabase, 'etc/failtome', 'var/lib/failtome'])
      rmSync(this.path(folder), { recursive: true, force: true });
    this.asked();
    const left = this.traces();
    if (left.length > 0) throw new Error(`left in the bare root: ${left.join(', ')}`);
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
