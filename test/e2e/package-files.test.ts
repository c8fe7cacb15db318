/** What is in the packages, by what means it was made, and that the same sources give the same bytes. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Program, programs } from '../../scripts/package/commands.mjs';
import { debPackage } from '../../scripts/package/deb.mjs';
import { epochOf } from '../../scripts/package/epoch.mjs';
import { rpmPackage } from '../../scripts/package/rpm.mjs';
import { findProgram, has } from '../../scripts/requirements.mjs';
import { must, toItsEnd } from './support/programs.ts';

const root = join(import.meta.dirname, '../..');
const version = '1.2.3';
let folder: string;
let described: readonly Program[];
/** The Debian package's files, unpacked. */
let tree: string;

/** Stands in for the real one, of which 120 MB would be packed again and again. */
function smallRuntime(): string {
  const runtime = join(folder, 'runtime');
  mkdirSync(join(runtime, 'bin'), { recursive: true });
  writeFileSync(join(runtime, 'bin/node'), 'not a program');
  writeFileSync(join(runtime, 'LICENSE'), "the runtime's licence");
  return runtime;
}

async function pack(target: string): Promise<void> {
  const release = { version, epochS: 1_700_000_000, programs: await programs(version) };
  for (const [node, deb, rpm] of [
    ['x64', 'amd64', 'x86_64'],
    ['arm64', 'arm64', 'aarch64'],
  ] as const) {
    const runtime = {
      folder: smallRuntime(),
      name: `node-linux-${node}`,
      version: '24.0.0',
      integrity: 'sha512-x',
    };
    if (has('lintian')) debPackage(release, { deb, runtime }, target);
    if (has('rpm')) rpmPackage(release, { rpm, runtime }, target);
  }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'failtome-package-'));
  described = await programs(version);
  tree = join(folder, 'tree');
  await pack(join(folder, 'one'));
  if (has('lintian')) must('dpkg-deb', '-x', join(folder, 'one', `failtome_${version}_amd64.deb`), tree);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function digests(target: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(target)
      .sort()
      .map((name) => [
        name,
        createHash('sha256')
          .update(readFileSync(join(target, name)))
          .digest('hex'),
      ]),
  );
}

test('packed again, at another time, elsewhere and under another umask, the packages have the same bytes', async () => {
  const { TMPDIR } = process.env;
  const before = process.umask(0o077);
  process.env.TMPDIR = mkdtempSync(join(folder, 'elsewhere-'));
  try {
    await pack(join(folder, 'two'));
  } finally {
    process.umask(before);
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
  expect(digests(join(folder, 'two'))).toEqual(digests(join(folder, 'one')));
  const names = Object.keys(digests(join(folder, 'one')));
  if (has('lintian')) {
    expect(names).toEqual(
      expect.arrayContaining([`failtome_${version}_amd64.deb`, `failtome_${version}_arm64.deb`]),
    );
  }
  if (has('rpm')) {
    expect(names).toEqual(
      expect.arrayContaining([`failtome-${version}-1.aarch64.rpm`, `failtome-${version}-1.x86_64.rpm`]),
    );
  }
});

test('files bear the time of the commit, and a clone whose commit cannot be read is refused', () => {
  const bare = mkdtempSync(join(folder, 'sources-'));
  const git = findProgram('git');
  const commit = Number(must('git', '-C', root, 'log', '-1', '--format=%ct'));
  expect(epochOf(root, '', git)).toBe(commit);
  expect(epochOf(root, '1700000000', git)).toBe(1_700_000_000);
  expect(() => epochOf(root, 'yesterday', git)).toThrow("SOURCE_DATE_EPOCH is 'yesterday'");
  expect(epochOf(bare, '', undefined)).toBe(Date.UTC(2026, 0, 1) / 1000);
  mkdirSync(join(bare, '.git'));
  expect(() => epochOf(bare, '', git)).toThrow("git can't tell the last commit's time");
  expect(() => epochOf(bare, '', undefined)).toThrow('git is missing: apt-get install -y git');
});

describe.skipIf(!has('lintian'))('the Debian package', () => {
  interface Entry {
    readonly mode: string;
    readonly owner: string;
    readonly path: string;
  }

  function entries(architecture: string): readonly Entry[] {
    const file = join(folder, 'one', `failtome_${version}_${architecture}.deb`);
    return must('dpkg-deb', '-c', file)
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [mode = '', owner = '', , , , path = ''] = line.split(/\s+/);
        return { mode, owner, path: path.slice(1) };
      });
  }

  test('has what the contract names, owned by root, and only programs may be run', () => {
    const all = entries('arm64');
    expect(all.map(({ path }) => path)).toEqual(
      expect.arrayContaining([
        '/etc/failtome/',
        '/usr/bin/failtome',
        '/usr/bin/failtome-sim',
        '/usr/lib/failtome/bin/node',
        '/usr/lib/failtome/agent/dist/failtome.js',
        '/usr/lib/failtome/sim/dist/failtome-sim.js',
        '/usr/lib/systemd/system/failtome.service',
        '/usr/share/man/man1/failtome.1.gz',
        '/usr/share/man/man1/failtome-sim.1.gz',
        '/usr/share/man/man5/failtome.yaml.5.gz',
        '/usr/share/bash-completion/completions/failtome',
        '/usr/share/zsh/vendor-completions/_failtome',
        '/usr/share/fish/vendor_completions.d/failtome.fish',
        '/usr/share/doc/failtome/copyright',
        '/usr/share/doc/failtome/notices/node.txt',
        '/usr/share/doc/failtome/failtome.cdx.json',
        '/usr/share/doc/failtome/iam/ec2-policy.json',
        '/usr/share/doc/failtome/prometheus/alerts.yml',
        '/usr/share/doc/failtome/alerts.md',
        '/usr/share/doc/failtome/openapi.json',
        '/usr/share/doc/failtome/cli-output.schema.json',
        '/usr/share/doc/failtome/grafana/failtome.json',
        '/usr/share/doc/failtome/grafana/provisioning.yml',
      ]),
    );
    for (const { mode, owner, path } of all) {
      expect(owner, path).toBe('root/root');
      const runs = path.includes('/bin/') && !path.endsWith('/');
      const expected =
        path === '/etc/failtome/'
          ? 'drwxr-x---'
          : path.endsWith('/')
            ? 'drwxr-xr-x'
            : runs
              ? '-rwxr-xr-x'
              : '-rw-r--r--';
      expect(mode, path).toBe(expected);
    }
  });

  test('no file of it tells the folder that it was built in', () => {
    const files = readdirSync(tree, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    for (const path of files.map((file) => join(file.parentPath, file.name))) {
      const bytes = path.endsWith('.gz') ? gunzipSync(readFileSync(path)) : readFileSync(path);
      // A manual page has its hyphens escaped.
      expect(bytes.toString('latin1').replaceAll('\\-', '-').includes(root), path).toBe(false);
    }
  });

  test("its commands run by the package's own runtime alone", () => {
    for (const { name } of described) {
      const script = readFileSync(join(tree, 'usr/bin', name), 'utf8');
      const [, node = '', flags = '', bundle = ''] =
        /^#!\/bin\/sh\n(?:export \w+=\w+\n)*exec (\S+) ((?:--\S+ )*)(\S+) "\$@"\n$/.exec(script) ?? [];
      expect(node).toBe('/usr/lib/failtome/bin/node');
      // An agent that idles for months has a small heap; a swarm needs speed.
      expect(flags.includes('--optimize-for-size'), flags).toBe(name === 'failtome');
      expect(script.includes('export MALLOC_ARENA_MAX=1\n')).toBe(name === 'failtome');
      expect(readFileSync(join(tree, bundle), 'utf8')).toMatch(/^import/);
    }
  });

  test('its bill of materials has the runtime beside all that is in the bundles', () => {
    interface Bill {
      readonly components: readonly { readonly name: string; readonly version: string }[];
    }
    const bill = JSON.parse(
      readFileSync(join(tree, 'usr/share/doc/failtome/failtome.cdx.json'), 'utf8'),
    ) as Bill; // as the packer wrote it
    expect(bill.components.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['node', '@failtome/agent', '@failtome/sim', 'fastify', 'yaml']),
    );
    expect(bill.components).toContainEqual(expect.objectContaining({ name: 'node', version: '24.0.0' }));
  });

  test('its manual pages name every verb and every option, and every key of the configuration', () => {
    for (const { name, verbs } of described) {
      const page = textOf(`man1/${name}.1.gz`);
      const all = verbs.flatMap((verb) => [
        verb,
        ...verb.under.map((each) => ({ ...each, name: `${verb.name} ${each.name}` })),
      ]);
      for (const verb of all) {
        expect(page, verb.name).toContain(`${name} ${verb.name}`);
        for (const option of verb.options.flatMap(({ names }) => names)) expect(page).toContain(option);
      }
    }
    const reference = readFileSync(join(root, 'docs/configuration.md'), 'utf8');
    const page = textOf('man5/failtome.yaml.5.gz');
    const keys = [...reference.matchAll(/^\| `([^`]+)` \|/gm)].map(([, key]) => key ?? '');
    expect(keys.length).toBeGreaterThan(40);
    for (const key of keys) expect(page).toContain(key);
  });

  /** A page without its typesetting. */
  function textOf(page: string): string {
    return gunzipSync(readFileSync(join(tree, 'usr/share/man', page)))
      .toString()
      .replace(/\\f[BIR]/g, '')
      .replaceAll('\\-', '-');
  }

  test.skipIf(!has('groff'))('groff has no complaint about its manual pages', () => {
    for (const page of ['man1/failtome.1.gz', 'man1/failtome-sim.1.gz', 'man5/failtome.yaml.5.gz']) {
      const file = join(folder, basename(page, '.gz'));
      writeFileSync(file, gunzipSync(readFileSync(join(tree, 'usr/share/man', page))));
      const { stderr, status } = spawnSync(
        findProgram('groff') ?? 'groff',
        ['-man', '-ww', '-z', '-Tutf8', file],
        toItsEnd,
      );
      expect({ page, stderr, status }).toEqual({ page, stderr: '', status: 0 });
    }
  });

  test('bash completes verbs, options, values and files', () => {
    const script = join(tree, 'usr/share/bash-completion/completions/failtome');
    const complete = (...words: readonly string[]): string =>
      // compopt works only while readline asks.
      must(
        'bash',
        '-c',
        `source "$0"; compopt() { :; }; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _failtome; echo "\${COMPREPLY[*]}"`,
        script,
        'failtome',
        ...words,
      ).trim();
    expect(complete('ha')).toBe('handover');
    expect(complete('handover', '--can')).toBe('--cancel');
    expect(complete('config', '--driver', '')).toBe('ec2 opsworks');
    expect(complete('voters', 're')).toBe('remove replace');
    expect(complete('voters', 'add', '--pub')).toBe('--public-key');
  });

  test.skipIf(!has('shells'))('zsh reads its completions, and fish completes', () => {
    const share = join(tree, 'usr/share');
    for (const { name } of described) {
      must('zsh', '-n', join(share, 'zsh/vendor-completions', `_${name}`));
      must('fish', '--no-execute', join(share, 'fish/vendor_completions.d', `${name}.fish`));
    }
    const home = mkdtempSync(join(folder, 'home-'));
    const fish = (line: string): string => {
      const script = `source ${join(share, 'fish/vendor_completions.d/failtome.fish')}; complete -C '${line}'`;
      const { stdout } = spawnSync(findProgram('fish') ?? 'fish', ['--no-config', '-c', script], {
        ...toItsEnd,
        env: { HOME: home, PATH: process.env.PATH ?? '' },
      });
      return stdout;
    };
    expect(fish('failtome hist')).toMatch(/^history\t/);
    expect(fish('failtome handover --can')).toMatch(/^--cancel\t/);
    expect(fish('failtome voters rep')).toMatch(/^replace\t/);
  });
});

describe.skipIf(!has('rpm'))('the RPM package', () => {
  const file = (): string => join(folder, 'one', `failtome-${version}-1.aarch64.rpm`);

  test('has the same programs and documents as the Debian one, and the directories with their owners', () => {
    const list = must(
      'rpm',
      '-qp',
      '--qf',
      '[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}:%{FILEGROUPNAME}\\n]',
      file(),
    );
    expect(list).toContain('/etc/failtome drwxr-x--- root:failtome\n');
    expect(list).toContain('/var/lib/failtome drwx------ failtome:failtome\n');
    expect(list).toContain('/usr/bin/failtome -rwxr-xr-x root:root\n');
    expect(list).toContain('/usr/lib/failtome/bin/node -rwxr-xr-x root:root\n');
    expect(list).toContain('/usr/share/zsh/site-functions/_failtome ');
    if (!has('lintian')) return;
    const shared = readdirSync(join(tree, 'usr/share/doc/failtome')).filter(
      (name) => name !== 'changelog.gz',
    );
    for (const name of shared) expect(list).toContain(`/usr/share/doc/failtome/${name} `);
  });

  test('needs the C and C++ libraries, and nothing that its contents seem to ask for', () => {
    const needs = must('rpm', '-qp', '--requires', file()).trim().split('\n');
    const own = needs.filter((line) => !/^(rpmlib|\/bin\/sh)/.test(line));
    expect(own).toEqual(['glibc >= 2.28', 'libgcc', 'libstdc++', 'shadow-utils']);
  });
});
