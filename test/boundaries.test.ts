import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forbiddenIn, packagesIn, readSource, sourcesOf, workspacePackagesOf } from './boundaries/imports.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Lines of code in a file, and whether its layer allows them. */
const importCases: readonly (readonly [file: string, code: string, allowed: boolean])[] = [
  ['agent/src/run.ts', "import * as other from '@failtome/protocol';", true],
  ['agent/src/run.ts', "import * as other from 'node:fs';", true],
  ['agent/src/run.ts', "import * as other from 'yaml';", true],
  ['agent/src/run.ts', "import * as other from '@aws-sdk/client-ec2';", true],
  ['agent/src/http/page.ts', "import * as other from '../observe/metrics.ts';", true],
  ['agent/src/run.ts', "import * as other from '@failtome/sim';", false],
  ['agent/src/run.ts', "import * as other from '@failtome/cloud';", false],
  ['agent/src/run.ts', "import * as other from '@failtome/protocol/src/step.ts';", false],
  ['agent/src/run.ts', "import * as other from '../../protocol/src/step.ts';", false],
  ['agent/src/cli/run.ts', "import * as other from '../../../sim/src/main.ts';", false],
  ['agent/src/cli/run.ts', "import * as other from '../../../../test/cloud.ts';", false],
  ['agent/src/run.ts', "import * as other from 'lodash';", false],
  ['cloud/src/model/state.ts', "import * as other from './errors.ts';", true],
  ['cloud/src/model/state.ts', "import * as other from 'node:fs';", false],
  ['cloud/src/model/state.ts', "import * as other from '../embedded/xml.ts';", false],
  ['cloud/src/embedded/xml.ts', "import * as other from '../model/state.ts';", true],
  ['cloud/src/embedded/xml.ts', "import * as other from '@failtome/cluster';", false],
  ['cluster/src/node.ts', "import * as other from '@failtome/cloud';", true],
  ['cluster/src/node.ts', "import * as other from '@failtome/agent';", false],
  ['cluster/src/node.ts', "import * as other from './demo/steps.ts';", false],
  ['cluster/src/demo/steps.ts', "import * as other from '../node.ts';", true],
  ['sim/src/world/clock.ts', "import * as other from '@failtome/protocol';", true],
  ['sim/src/world/clock.ts', "import * as other from '@failtome/cloud/model';", true],
  ['sim/src/world/clock.ts', "import * as other from '@failtome/cloud';", false],
  ['sim/src/world/clock.ts', "import type * as other from '@failtome/cluster';", false],
  ['sim/src/world/clock.ts', "import * as other from 'node:fs';", false],
  ['sim/src/world/clock.ts', "import * as other from '../plan/index.ts';", false],
  ['sim/src/world/clock.ts', "export * from '../plan/index.ts';", false],
  ['sim/src/world/clock.ts', "export const other = await import('../plan/index.ts');", false],
  ['sim/src/world/clock.ts', "import '../plan/index.ts';", false],
  ['sim/src/world/clock.ts', "import {\n  one,\n  two,\n} from '../plan/index.ts';", false],
  ['sim/src/plan/draw.ts', "import * as other from '../world/index.ts';", true],
  ['sim/src/commands/demo.ts', "import * as other from '@failtome/cluster/demo';", true],
  ['sim/src/commands/demo.ts', "import * as other from '@failtome/agent';", false],
  ['sim/src/main.ts', "import * as other from './commands/demo.ts';", true],
  ['protocol/src/wire/codec.ts', "import * as other from '../model/limits.ts';", true],
  ['protocol/src/wire/codec.ts', "import * as other from '../move/late.ts';", false],
  ['protocol/src/model/state.ts', "import type * as other from '../move/phases.ts';", true],
  ['protocol/src/model/state.ts', "import type * as other from '../step-context.ts';", false],
  ['protocol/src/step-context.ts', "import * as other from './election/quorum.ts';", false],
  ['protocol/src/move/calls.ts', "import * as other from '../step-context.ts';", true],
  ['protocol/src/move/calls.ts', "import * as other from '../takeover/view.ts';", true],
  ['protocol/src/move/calls.ts', "import * as other from '../storage/document.ts';", false],
  ['protocol/src/move/calls.ts', "import * as other from '../lifecycle.ts';", false],
  ['protocol/src/lifecycle.ts', "import * as other from './move/move.ts';", true],
];

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
  ['protocol/src/move', "import * as other from './other.ts';", undefined],
  ['protocol/src/move', "import * as other from '../state.ts';", undefined],
  ['protocol/src/move', "import * as other from '../wire/codec.ts';", undefined],
  ['protocol/src/move', "import * as other from 'node:fs';", 'noRestrictedImports'],
  ['protocol/src/move', "import * as other from '@failtome/agent';", 'noRestrictedImports'],
  ['protocol/src/move', "import * as other from '../../../agent/src/main.ts';", 'noRestrictedImports'],
  [
    'protocol/src/move',
    "import * as other from '../wire/../../../agent/src/main.ts';",
    'noRestrictedImports',
  ],
  ['protocol/src/move', 'void performance.now();', 'noRestrictedGlobals'],
  ['protocol', 'void Date.now();', 'noRestrictedGlobals'],
  ['protocol', 'void new Date();', 'noRestrictedGlobals'],
  ['protocol', 'void performance.now();', 'noRestrictedGlobals'],
  ['protocol', 'void process.env;', 'noRestrictedGlobals'],
  ['protocol', 'setTimeout(() => 1, 1);', 'noRestrictedGlobals'],
  ['protocol', 'void globalThis.Date;', 'noRestrictedGlobals'],
  ['protocol', 'void Math.random();', 'noJsRestrictedProperties'],
  ['protocol', 'const { random } = Math;', 'noJsRestrictedProperties'],
  ['protocol', 'void Math.max(1, 2);', undefined],
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

describe('imports go one way', () => {
  it('no source imports what its layer forbids', () => {
    const sources = sourcesOf(root);
    expect(sources.length).toBeGreaterThan(400);
    expect(sources.flatMap((file) => forbiddenIn(file, readSource(root, file)))).toEqual([]);
  });

  it.each(importCases)('%s: %s → allowed: %s', (file, code, allowed) => {
    expect(forbiddenIn(`packages/${file}`, `${code}\n`)).toHaveLength(allowed ? 0 : 1);
  });

  it.each(packagesIn(root))('package %s depends on what its layers import', (name) => {
    const { devDependencies = {} } = JSON.parse(readSource(root, `packages/${name}/package.json`)) as {
      devDependencies?: Record<string, string>;
    };
    const ours = Object.keys(devDependencies).filter((one) => one.startsWith('@failtome/'));
    expect(ours.sort()).toEqual(workspacePackagesOf(name));
  });
});

describe('the linter keeps the protocol pure', () => {
  const fileOf = (index: number): string => {
    const owner = lintCases[index]?.[0] ?? '';
    return `packages/${owner.includes('/src') ? owner : `${owner}/src`}/case${index}.ts`;
  };
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
