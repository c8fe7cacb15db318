/** A build depends on the sources alone, and says what others wrote of it. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { toItsEnd } from './support/programs.ts';

const root = join(import.meta.dirname, '../..');
let folder: string;

beforeAll(() => {
  // On the same file system, for hard links; git and the linter pass over it.
  mkdirSync(join(root, 'reports'), { recursive: true });
  folder = mkdtempSync(join(root, 'reports', 'reproducible-'));
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function run(command: string, args: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, args, { ...toItsEnd, cwd });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}${stdout}`);
  return stdout;
}

/** What git knows of and what it doesn't ignore, with the installed packages, and nothing that was built. */
function checkout(name: string): string {
  const target = join(folder, name);
  const files = run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], root).split('\n');
  for (const file of files.filter((each) => each !== '' && existsSync(join(root, each)))) {
    mkdirSync(dirname(join(target, file)), { recursive: true });
    cpSync(join(root, file), join(target, file));
  }
  for (const installed of ['', ...readdirSync(join(root, 'packages')).map((each) => `packages/${each}`)]) {
    const from = join(root, installed, 'node_modules');
    if (existsSync(from)) run('cp', ['-al', from, join(target, installed)], root);
  }
  // A link of its own is gone by this; the file that the other folders have stays.
  rmSync(join(target, 'node_modules/.failtome-built'), { force: true });
  return target;
}

/** Each file that a build leaves, with its digest. */
function build(target: string): Readonly<Record<string, string>> {
  run(process.execPath, ['scripts/build.mjs'], target);
  const files = readdirSync(join(target, 'packages'))
    .map((each) => `packages/${each}/dist`)
    .filter((dist) => existsSync(join(target, dist)))
    .flatMap((dist) => readdirSync(join(target, dist)).map((file) => join(dist, file)));
  return Object.fromEntries(
    files.sort().map((file) => [
      file,
      createHash('sha256')
        .update(readFileSync(join(target, file)))
        .digest('hex'),
    ]),
  );
}

test('two builds in two folders are the same, byte for byte', () => {
  const one = build(checkout('one'));
  const other = build(checkout('another/place/further/down'));
  expect(other).toEqual(one);
  expect(Object.keys(one)).toEqual(
    expect.arrayContaining([
      'packages/agent/dist/failtome.js',
      'packages/agent/dist/failtome.js.map',
      'packages/agent/dist/failtome.cdx.json',
      'packages/agent/dist/THIRD-PARTY-LICENSES.txt',
      'packages/sim/dist/failtome-sim.js',
      'packages/sim/dist/failtome-sim.cdx.json',
    ]),
  );
});

interface Bill {
  readonly metadata: { readonly component: { readonly hashes: readonly { readonly content: string }[] } };
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly licenses: readonly { readonly license: { readonly id: string } }[];
  }[];
}

const dist = join(root, 'packages/agent/dist');

/** The packages that the source map names: a second way to the same list. */
function packagesInMap(): ReadonlySet<string> {
  const { sources } = JSON.parse(readFileSync(join(dist, 'failtome.js.map'), 'utf8')) as {
    readonly sources: readonly string[]; // as the format has it (ECMA-426)
  };
  return new Set(
    sources.flatMap((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.slice(1, 2) ?? []),
  );
}

test("the bill of materials and the notices name every package that is in the agent's bundle", () => {
  const bill = JSON.parse(readFileSync(join(dist, 'failtome.cdx.json'), 'utf8')) as Bill; // as the build wrote it
  const notices = readFileSync(join(dist, 'THIRD-PARTY-LICENSES.txt'), 'utf8');
  const named = new Set(bill.components.map(({ name }) => name));
  for (const name of packagesInMap()) expect(named).toContain(name);
  for (const { name, version, licenses, purl } of bill.components) {
    const license = licenses[0]?.license.id;
    expect(notices).toContain(`${name}@${version} (${license})`);
    expect(purl).toBe(`pkg:npm/${name.replace('@', '%40')}@${version}`);
  }
  expect(notices).toContain(
    'Copyright (c) 2016-present Matteo Collina, David Mark Clements and the Pino contributors',
  );
  expect(notices).not.toMatch(/\d\)\n\n*\n-{80}/);
  const digest = createHash('sha256')
    .update(readFileSync(join(dist, 'failtome.js')))
    .digest('hex');
  expect(bill.metadata.component.hashes[0]?.content).toBe(digest);
});
