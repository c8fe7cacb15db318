import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HistoryEntry } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { COMPACT_AT_LINES, HistoryFile, MAX_ENTRIES } from '../src/adapters/history-file.ts';
import type { HistoryLine } from '../src/history-line.ts';
import { temporaryFolder } from './support/loopback.ts';

function entry(count: number): HistoryEntry {
  return {
    id: `saturn-1-${count}`,
    kind: 'takeover',
    address: '203.0.113.7',
    from: 'neptune',
    to: 'saturn',
    result: 'served',
    reason: 'moved',
    epoch: count,
    at: 1_700_000_000_000 + count,
    steps: [{ step: 'detect', durationMs: 12.5 }],
    requestIds: ['8bd5'],
  };
}

const line = (count: number): string => `${JSON.stringify(entry(count))}\n`;

async function opened(stateDir: string): Promise<{ history: HistoryFile; failures: string[] }> {
  const failures: string[] = [];
  const history = await HistoryFile.open({ stateDir }, { failed: (code) => failures.push(code) });
  return { history, failures };
}

const ids = (entries: readonly HistoryLine[]): number[] => entries.map(({ epoch }) => epoch);

test('entries are told newest first, now and after a restart', async () => {
  const stateDir = await temporaryFolder();
  const { history, failures } = await opened(stateDir);
  for (const count of [1, 2, 3]) history.append(entry(count));
  expect(history.newest()).toEqual([entry(3), entry(2), entry(1)]);
  expect(ids(history.newest(2))).toEqual([3, 2]);
  await history.settled();
  expect(await readFile(join(stateDir, 'history.jsonl'), 'utf8')).toBe(line(1) + line(2) + line(3));
  const again = await opened(stateDir);
  expect(again.history.newest()).toEqual([entry(3), entry(2), entry(1)]);
  expect([...failures, ...again.failures]).toEqual([]);
});

test('a torn last line is left out, and spoils neither what stands before it nor what comes after', async () => {
  const stateDir = await temporaryFolder();
  await writeFile(join(stateDir, 'history.jsonl'), line(1) + line(2).slice(0, 30));
  const { history } = await opened(stateDir);
  expect(ids(history.newest())).toEqual([1]);
  expect(history.skipped).toBe(1);
  history.append(entry(3));
  await history.settled();
  const again = await opened(stateDir);
  expect(ids(again.history.newest())).toEqual([3, 1]);
});

test('a last line that lacks only its end counts', async () => {
  const stateDir = await temporaryFolder();
  await writeFile(join(stateDir, 'history.jsonl'), (line(1) + line(2)).trimEnd());
  const { history } = await opened(stateDir);
  history.append(entry(3));
  await history.settled();
  expect(ids((await opened(stateDir)).history.newest())).toEqual([3, 2, 1]);
});

test('lines that are no entries are skipped and counted', async () => {
  const stateDir = await temporaryFolder();
  const { kind: _, ...withoutKind } = entry(4);
  const lines = [
    'garbage\n',
    line(1),
    '[]\n',
    '\n',
    `${JSON.stringify(withoutKind)}\n`,
    '\u0000\u0000\n',
    line(2),
  ];
  await writeFile(join(stateDir, 'history.jsonl'), lines.join(''));
  const { history } = await opened(stateDir);
  expect(ids(history.newest())).toEqual([2, 1]);
  expect(history.skipped).toBe(4);
});

test('the last entries are kept, and the file is rewritten with them now and then', async () => {
  const stateDir = await temporaryFolder();
  const all = Array.from({ length: COMPACT_AT_LINES }, (_, count) => line(count));
  await writeFile(join(stateDir, 'history.jsonl'), all.join(''));
  const { history } = await opened(stateDir);
  expect(history.newest()).toHaveLength(MAX_ENTRIES);
  history.append(entry(COMPACT_AT_LINES));
  await history.settled();
  const lines = (await readFile(join(stateDir, 'history.jsonl'), 'utf8')).trimEnd().split('\n');
  expect(lines).toHaveLength(MAX_ENTRIES);
  expect(lines.at(-1)).toBe(line(COMPACT_AT_LINES).trimEnd());
  const again = await opened(stateDir);
  expect(ids(again.history.newest())).toEqual(ids(history.newest()));
});

test('a write that fails is reported, loses nothing, and is made up for with the next', async () => {
  const stateDir = await temporaryFolder();
  const { history, failures } = await opened(stateDir);
  const path = join(stateDir, 'history.jsonl');
  await mkdir(path);
  history.append(entry(1));
  await history.settled();
  expect(failures).toEqual(['EISDIR']);
  expect(ids(history.newest())).toEqual([1]);
  await rm(path, { recursive: true });
  history.append(entry(2));
  await history.settled();
  expect(ids((await opened(stateDir)).history.newest())).toEqual([2, 1]);
});

test('an entry that stands there twice counts once', async () => {
  const stateDir = await temporaryFolder();
  await writeFile(
    join(stateDir, 'history.jsonl'),
    [line(1), line(2), line(1).slice(0, 20), '\n', line(1), line(2)].join(''),
  );
  expect(ids((await opened(stateDir)).history.newest())).toEqual([2, 1]);
});

test('a directory in its place is reported and counts as empty', async () => {
  const stateDir = await temporaryFolder();
  await mkdir(join(stateDir, 'history.jsonl'));
  const { history, failures } = await opened(stateDir);
  expect(failures).toEqual(['EISDIR']);
  expect(history.newest()).toEqual([]);
});
