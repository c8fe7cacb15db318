import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { applied, mutated } from '../mutants/bundle.ts';
import { FOCUS_NAMES, focusedPlan } from '../mutants/focus.ts';
import { ELSEWHERE, rulesIn } from '../mutants/rules.ts';
import { MUTANTS } from '../mutants/table/index.ts';
import { QUESTIONED } from '../mutants/table/questioned.ts';
import { SCENARIOS } from '../mutants/table/scenarios.ts';
import { runTrial } from '../mutants/trials.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const OWN_FOLDER = 'test/mutants/scenarios';
const OWN_SCENARIOS = readdirSync(`${ROOT}${OWN_FOLDER}`);
const FOLDERS = [OWN_FOLDER, 'packages/sim/scenarios'].map((folder) => `${ROOT}${folder}`);

function page(path: string): string {
  return readFileSync(`${ROOT}${path}`, 'utf8');
}

const IDS = MUTANTS.map(({ id }) => id);

test('every numbered rule of the protocol has a mutant', () => {
  const broken = new Set(MUTANTS.flatMap(({ rules }) => rules));
  const rules = rulesIn(page('packages/protocol/PROTOCOL.md'));
  expect(rules.length).toBeGreaterThan(60);
  expect(rules.filter((rule) => !broken.has(rule) && !ELSEWHERE.includes(rule))).toEqual([]);
});

test('a mutant names rules that there are', () => {
  const rules = rulesIn(page('packages/protocol/PROTOCOL.md'));
  expect(MUTANTS.flatMap((mutant) => mutant.rules).filter((rule) => !rules.includes(rule))).toEqual([]);
});

test('no two mutants have one id', () => {
  expect(IDS.filter((id, index) => IDS.indexOf(id) < index)).toEqual([]);
});

describe('a mutation still applies', () => {
  test.each(MUTANTS)('$id', ({ edits }) => {
    for (const { file } of edits) expect(mutated(ROOT, file, edits)).not.toBe(mutated(ROOT, file, []));
    expect(edits.length).toBeGreaterThan(0);
  });
});

test('a mutation that fits nowhere, or twice, is refused', () => {
  const edit = { file: 'x.ts', find: 'a', replace: 'b' };
  expect(() => applied('no such thing', { ...edit, find: 'z' })).toThrow('0 times');
  expect(() => applied('a a', edit)).toThrow('2 times');
  expect(applied('xay', edit)).toBe('xby');
});

test('what is questioned is a mutant, is argued, and is told in the documentation', () => {
  const documented = page('docs/mutants.md');
  for (const { id, because, together } of QUESTIONED) {
    expect(IDS).toContain(id);
    expect(because.length).toBeGreaterThan(20);
    expect(together.filter((other) => !IDS.includes(other))).toEqual([]);
    expect(documented).toContain(`\`${id}\``);
  }
});

test('the scenarios that a mutant is tried on first are there', () => {
  const missing = Object.values(SCENARIOS)
    .flat()
    .filter((name) => !FOLDERS.some((folder) => existsSync(`${folder}/${name}.yaml`)));
  expect(missing).toEqual([]);
  expect(Object.keys(SCENARIOS).filter((id) => !IDS.includes(id))).toEqual([]);
});

test.each(FOCUS_NAMES)('the plans of the focus %s can be drawn', (name) => {
  expect(focusedPlan(name, 1).title).toContain(name);
});

describe('the runner', () => {
  const options = {
    folders: FOLDERS,
    scenarios: ['web-server-killed', 'both-web-servers-dead'],
    onlyThese: true,
    explorerOnly: false,
    seeds: 0,
    focusSeeds: 0,
    focus: [],
    limitMs: 60_000,
    exploreMs: 0,
  } as const;
  const edits = (id: string) => MUTANTS.find((mutant) => mutant.id === id)?.edits ?? [];

  test('catches a candidate that takes by force', async () => {
    const { caught } = await runTrial(ROOT, 'test-force', edits('take-by-force'), options);
    expect(caught).toMatchObject({ invariant: 'I11', by: 'scenario web-server-killed' });
  }, 60_000);

  test('catches a node that serves nobody and takes the address', async () => {
    const { caught } = await runTrial(ROOT, 'test-unfit', edits('gate-local'), options);
    expect(caught).toMatchObject({ by: 'scenario both-web-servers-dead' });
  }, 60_000);

  // What is expected of the protocol as it is has to hold, or a mutant that breaks it shows nothing.
  test('lets the protocol as it is pass, in the scenarios of the mutants and in seeds of each focus', async () => {
    const scenarios = OWN_SCENARIOS.map((file) => file.replace('.yaml', ''));
    const every = { ...options, scenarios, focusSeeds: 2, focus: FOCUS_NAMES };
    const { caught, effort } = await runTrial(ROOT, 'test-control', [], every);
    expect(caught).toBe(null);
    expect(effort.scenarios).toBeGreaterThanOrEqual(scenarios.length);
    expect(effort.focused).toBeGreaterThanOrEqual(FOCUS_NAMES.length);
  }, 240_000);
});
