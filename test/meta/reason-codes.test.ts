import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import {
  BALLOT_ANSWER_OF,
  BALLOT_REASONS,
  GATES,
  REASONS,
  REJECT_REASONS,
} from '../../packages/protocol/src/index.ts';
import { ROWS } from '../../packages/protocol/test/support/takeover-table.ts';

const SOURCES = new URL('../../packages/protocol/src/', import.meta.url);
const protocol = page('packages/protocol/PROTOCOL.md');
const operations = page('docs/operations.md');

function page(path: string): string {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}

/** The rows of the first table in `text` whose head begins with these cells, as cells. */
function tableIn(text: string, ...head: readonly string[]): readonly (readonly string[])[] {
  const lines = text.split('\n');
  const cells = (line: string): string[] =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
  const at = lines.findIndex(
    (line) => line.startsWith('|') && head.every((name, i) => cells(line)[i] === name),
  );
  if (at < 0) throw new Error(`there is no table that begins with ${head.join(', ')}`);
  const rest = lines.slice(at + 2);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(0, end < 0 ? rest.length : end).map(cells);
}

function code(cell: string | undefined): string {
  return /^`([a-z-]+)`$/.exec(cell ?? '')?.[1] ?? `not a code: ${cell}`;
}

function sorted(values: Iterable<string>): readonly string[] {
  return [...values].sort();
}

describe('PROTOCOL.md', () => {
  const reasons = tableIn(protocol, 'code', 'outcome', 'meaning');
  const answers = tableIn(protocol, 'answer', 'code', 'when');
  const gates = tableIn(protocol, 'gate', 'passes when');

  test('lists every reason code once, and no other', () => {
    expect(sorted(reasons.map(([first]) => code(first)))).toEqual(sorted(REASONS));
  });

  test('gives each reason the outcome that the rule gives it', () => {
    for (const [first, outcome] of reasons) {
      const given = ROWS.filter((row) => row.reason === code(first)).map((row) => row.outcome);
      expect(given, `${first}`).toContain(outcome);
    }
  });

  test('lists the gates in the order in which they are asked', () => {
    expect(gates.map(([first]) => code(first))).toEqual(GATES);
  });

  test("lists every code of a voter's answer once, and no other", () => {
    expect(sorted(answers.map(([, second]) => code(second)))).toEqual(sorted(BALLOT_REASONS));
  });

  test('gives each of them the answer that the code gives it', () => {
    const told = answers.map(([answer, second]) => [code(second), answer]);
    expect(Object.fromEntries(told)).toEqual(BALLOT_ANSWER_OF);
  });

  test('defines every invariant and liveness property that the code names', () => {
    const defined = new Set([...protocol.matchAll(/\*\*([IL]\d+)\*\*/g)].map(([, name]) => name));
    expect(defined.size).toBeGreaterThanOrEqual(28);
    const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' });
    const sources = files
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(new URL(file, SOURCES), 'utf8'));
    const named = [protocol, ...sources].flatMap((text) => [...text.matchAll(/\b([IL]\d+)\b/g)]);
    expect(named.length).toBeGreaterThan(60);
    for (const [, name] of named) expect(defined).toContain(name);
  });
});

describe('docs/operations.md', () => {
  test('exists', () => {
    expect(operations).not.toBe('');
  });

  test('tells what to do about every reason code, and no other', () => {
    const rows = tableIn(operations, 'code', 'what it means', 'what to do');
    expect(sorted(rows.map(([first]) => code(first)))).toEqual(sorted(REASONS));
    for (const [first, meaning, remedy] of rows) {
      expect(meaning, `the meaning of ${first}`).toMatch(/\w/);
      expect(remedy, `what to do about ${first}`).toMatch(/\w/);
    }
  });

  test("tells what to do about every code of a voter's answer, with the answer that PROTOCOL.md gives it", () => {
    const rows = tableIn(operations, 'code', 'answer', 'what to do');
    const told = rows.map(([first, answer]) => `${code(first)} ${answer}`);
    const given = tableIn(protocol, 'answer', 'code', 'when').map(
      ([answer, second]) => `${code(second)} ${answer}`,
    );
    expect(sorted(told)).toEqual(sorted(given));
  });

  test('explains every reason for which a message is refused', () => {
    const rows = tableIn(operations, 'reason', 'status', 'what it means');
    expect(sorted(rows.map(([first]) => code(first)))).toEqual(sorted(REJECT_REASONS));
  });
});
