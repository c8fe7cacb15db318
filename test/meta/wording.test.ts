/** What is told to people: one of something isn't called several, and a time of day has its zone. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { counted, nounFor } from '../../packages/protocol/src/reporting/wording.ts';

const root = join(import.meta.dirname, '../..');
const folders = [
  'packages/protocol/src',
  'packages/config/src',
  'packages/ports/src',
  'packages/page/src',
  'packages/agent/src',
  'packages/cloud/src',
  'packages/cluster/src',
  'packages/sim/src',
  'bench',
  'scripts',
  'test/mutants',
];

interface Line {
  readonly where: string;
  readonly text: string;
}

const lines: readonly Line[] = folders.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(tsx?|mjs)$/.test(entry.name))
    .flatMap((entry) => {
      const file = join(entry.parentPath, entry.name);
      return readFileSync(file, 'utf8')
        .split('\n')
        .map((text, index) => ({ where: `${relative(root, file)}:${index + 1}`, text: text.trim() }));
    }),
);

/** What this program counts; a verb of the same form (`${id} calls …`) has no number before it. */
const nouns =
  'nodes|addresses|peers|moves|entries|records|messages|violations|seeds|events|requests|faults|bytes|keys|voters|' +
  'lines|items|histories|transitions|ballots|notifications|handovers|leases|moments|quanta|times|warnings|' +
  'errors|takeovers|expectations|attempts|failures|probes|starts|trials|stalls|steps|candidates|witnesses|members|' +
  'samples|reasons|actions|writes|checks|runs';

/** A number that is never one: a bound's own name, a fixed number, or what a verb of the same form follows. */
const neverOne = /\$\{(MAX_\w+|answerBytes|JUDGED_FROM_SEEDS|this\.configFile)\} /;

function isFixed(text: string): boolean {
  return neverOne.test(text) || /\$\{FULL_TIMES\} times|runs already|times, not once/.test(text);
}

test('a number before a noun in the plural goes through counted', () => {
  const pattern = new RegExp(`\\$\\{(?!counted|nounFor|many)[^{}]*\\} (${nouns})\\b`);
  const verbs = /\$\{\w*(\.run|\.id|voter|reason|who|what|url|run|id|ip|action|scheme)\b[^{}]*\} /;
  const wrong = lines.filter(
    ({ text }) => pattern.test(text) && !isFixed(text) && !verbs.test(text.match(pattern)?.[0] ?? ''),
  );
  expect(wrong).toEqual([]);
});

test('nothing is written as "node(s)"', () => {
  const wrong = lines.filter(({ text }) => /\} \w+\((s|es)\)/.test(text));
  expect(wrong).toEqual([]);
});

test('one is one, and all other numbers are many', () => {
  expect([0, 1, 2].map((count) => counted(count, 'node'))).toEqual(['0 nodes', '1 node', '2 nodes']);
  expect(counted(1, 'address', 'addresses')).toBe('1 address');
  expect(counted(11, 'entry', 'entries')).toBe('11 entries');
  expect(nounFor(1, 'history', 'histories')).toBe('history');
});

test('no time of day is shown without its zone', () => {
  const bare =
    /toLocale(Time|Date)?String\(\)|toTimeString|time\.slice\(11, |toISOString\(\)\.slice\(\d+, \d+\)(?!\}Z)/;
  expect(lines.filter(({ text }) => bare.test(text))).toEqual([]);
});
