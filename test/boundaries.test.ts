import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Which rule stops each line of code when it stands in a package's source; `undefined`: nothing may. */
const lintCases: readonly (readonly [owner: string, code: string, rule: string | undefined])[] = [
  ['protocol', "import * as other from './other.ts';", undefined],
  ['protocol', "import * as other from 'node:fs';", 'noRestrictedImports'],
  ['protocol', "import * as other from 'fs';", 'noRestrictedImports'],
  ['protocol', "import * as other from 'yaml';", 'noRestrictedImports'],
  ['protocol', "import * as other from '@aws-sdk/client-ec2';", 'noRestrictedImports'],
  ['protocol', "import * as other from '@failtome/agent';", 'noRestrictedImports'],
  ['protocol', "import * as other from '../../agent/src/main.ts';", 'noRestrictedImports'],
  ['protocol', "import * as other from './../../agent/src/main.ts';", 'noRestrictedImports'],
  ['protocol', "import type * as other from 'node:fs';", 'noRestrictedImports'],
  ['protocol', "export * from 'node:fs';", 'noRestrictedImports'],
  ['protocol', "void import('node:fs');", 'noRestrictedImports'],
  ['protocol', 'void Date.now();', 'noRestrictedGlobals'],
  ['protocol', 'void new Date();', 'noRestrictedGlobals'],
  ['protocol', 'void performance.now();', 'noRestrictedGlobals'],
  ['protocol', 'void process.env;', 'noRestrictedGlobals'],
  ['protocol', 'setTimeout(() => 1, 1);', 'noRestrictedGlobals'],
  ['protocol', 'void globalThis.Date;', 'noRestrictedGlobals'],
  ['protocol', 'void Math.random();', 'noJsRestrictedProperties'],
  ['protocol', 'const { random } = Math;', 'noJsRestrictedProperties'],
  ['protocol', 'void Math.max(1, 2);', undefined],
  ['agent', "import * as other from '@failtome/protocol';", undefined],
  ['agent', "import * as other from 'node:fs';", undefined],
  ['agent', "import * as other from 'yaml';", undefined],
  ['agent', "import * as other from '@failtome/sim';", 'noRestrictedImports'],
  ['agent', "import * as other from '@failtome/protocol/src/step.ts';", 'noRestrictedImports'],
  ['agent', "import * as other from '../../protocol/src/step.ts';", 'noRestrictedImports'],
  ['agent', "import * as other from '../../../sim/src/main.ts';", 'noRestrictedImports'],
  ['agent', "import * as other from '../../../test/cloud.ts';", 'noRestrictedImports'],
  ['agent', "import * as other from '../observe/metrics.ts';", undefined],
  ['sim', "import * as other from '@failtome/protocol';", undefined],
  ['sim', "import * as other from 'node:fs';", undefined],
  ['sim', "import * as other from '@failtome/agent';", 'noRestrictedImports'],
  ['sim', "import * as other from '@failtome/protocol/src/step.ts';", 'noRestrictedImports'],
  ['sim', "import * as other from '../../agent/src/adapters/ec2.ts';", 'noRestrictedImports'],
];

/** What TypeScript itself refuses in the protocol, whatever the linter says; the last stands for what it takes. */
const typeCases = [
  'export let held: Buffer | undefined;',
  'export let address: URL | undefined;',
  'setTimeout(() => 1, 1);',
  'export let bytes: Uint8Array | undefined;',
];

let workspace: string;

function put(path: string, text: string): void {
  mkdirSync(dirname(join(workspace, path)), { recursive: true });
  writeFileSync(join(workspace, path), text);
}

function copyConfig(path: string): void {
  mkdirSync(dirname(join(workspace, path)), { recursive: true });
  copyFileSync(join(root, path), join(workspace, path));
}

beforeAll(() => {
  workspace = mkdtempSync(join(tmpdir(), 'failtome-boundaries-'));
});

afterAll(() => {
  rmSync(workspace, { recursive: true, force: true });
});

type Diagnostic = { readonly category: string; readonly location: { readonly path: unknown } };

/** Lints with the repository's own configuration; answers the rules broken, by file. */
function rulesBrokenByFile(): Map<string, Set<string>> {
  const { stdout } = spawnSync(
    join(root, 'node_modules/.bin/biome'),
    ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', 'packages'],
    { cwd: workspace, encoding: 'utf8' },
  );
  const broken = new Map<string, Set<string>>();
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: Diagnostic[] };
  for (const { category, location } of diagnostics) {
    const path = typeof location.path === 'string' ? location.path : JSON.stringify(location.path);
    const rules = broken.get(path) ?? new Set();
    broken.set(path, rules.add(category.split('/').at(-1) ?? category));
  }
  return broken;
}

describe('the linter keeps the layers apart', () => {
  const fileOf = (index: number): string => `packages/${lintCases[index]?.[0]}/src/case${index}.ts`;
  const boundaryRules = ['noRestrictedImports', 'noRestrictedGlobals', 'noJsRestrictedProperties'];
  let broken: Map<string, Set<string>>;

  beforeAll(() => {
    copyConfig('biome.json');
    for (const [index, [, code]] of lintCases.entries()) put(fileOf(index), `${code}\n`);
    put(
      'packages/sim/src/ring/one.ts',
      "import { two } from './two.ts';\nexport const one = (): unknown => two;\n",
    );
    put(
      'packages/sim/src/ring/two.ts',
      "import { one } from './one.ts';\nexport const two = (): unknown => one;\n",
    );
    broken = rulesBrokenByFile();
  });

  it.each(lintCases.map((row, index) => [...row, index] as const))('%s: %s → %s', (_, __, rule, index) => {
    const rules = [...(broken.get(fileOf(index)) ?? [])].filter((name) => boundaryRules.includes(name));
    expect(rules).toEqual(rule === undefined ? [] : [rule]);
  });

  it('refuses an import cycle', () => {
    expect(broken.get('packages/sim/src/ring/one.ts')).toContain('noImportCycles');
  });
});

describe('the compiler knows no platform in the protocol', () => {
  it('refuses what only Node or a browser has', () => {
    copyConfig('tsconfig.base.json');
    copyConfig('packages/protocol/package.json');
    copyConfig('packages/protocol/tsconfig.json');
    rmSync(join(workspace, 'packages/protocol/src'), { recursive: true, force: true });
    symlinkSync(join(root, 'node_modules'), join(workspace, 'node_modules'));
    for (const [index, code] of typeCases.entries())
      put(`packages/protocol/src/case${index}.ts`, `${code}\n`);
    const tsc = join(root, 'node_modules/.bin/tsc');
    const { stdout } = spawnSync(tsc, ['-p', 'packages/protocol'], { cwd: workspace, encoding: 'utf8' });
    const refused = typeCases.map((_, index) => stdout.includes(`src/case${index}.ts(1,`));
    expect(refused).toEqual([true, true, true, false]);
  });
});
