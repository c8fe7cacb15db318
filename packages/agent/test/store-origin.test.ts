/** State that is not this node's, and what stands in a file's place and is none. */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type DurableDocument, decodeDocument } from '@failtome/protocol';
import { describe, expect, test } from 'vitest';
import { writeSynced } from '../src/adapters/durable-file.ts';
import { HistoryFile } from '../src/adapters/history-file.ts';
import { loadState } from '../src/adapters/store.ts';
import { readKeyFile } from '../src/auth/keys.ts';
import { readFileBounded } from '../src/config/load.ts';
import { temporaryFolder } from './support/loopback.ts';

const DOCUMENT: DurableDocument = {
  version: 1,
  cluster: 'staging',
  node: 'saturn',
  incarnation: 3,
  addresses: [],
  pause: { version: 4, by: 'saturn', paused: true, owner: 'somebody', reason: 'work', until: null },
  handovers: [],
  outbox: [],
  serial: 9,
};

const ENTRY = {
  id: 'saturn-1',
  kind: 'takeover',
  address: '203.0.113.7',
  from: 'neptune',
  to: 'saturn',
  result: 'served',
  reason: 'refused',
  epoch: 1,
  at: 1_767_323_045_000,
  steps: [],
  requestIds: [],
};

function load(stateDir: string, cluster: string, node: string) {
  return loadState({ stateDir, cluster, node }, { decode: decodeDocument });
}

const FOREIGN: readonly (readonly [what: string, cluster: string, node: string, detail: string])[] = [
  ['another cluster', 'web', 'saturn', 'belongs to saturn of the cluster staging, not of web'],
  ['another node', 'staging', 'neptune', 'belongs to the node saturn, not to neptune'],
];

test.each(FOREIGN)(
  'the state of %s is kept under another name and counts for nothing',
  async (_what, cluster, node, detail) => {
    const stateDir = await temporaryFolder();
    const path = join(stateDir, 'state.json');
    const text = JSON.stringify(DOCUMENT);
    await writeFile(path, text);
    const { storage, problem } = await load(stateDir, cluster, node);
    expect(problem).toBeNull();
    expect(storage).toEqual({ kind: 'foreign', detail: `${path} ${detail}; kept as state.json.foreign-1` });
    expect(await readdir(stateDir)).toEqual(['state.json.foreign-1']);
    expect(await readFile(join(stateDir, 'state.json.foreign-1'), 'utf8')).toBe(text);
    expect((await load(stateDir, cluster, node)).storage).toEqual({ kind: 'empty' });
  },
);

test('its own state counts, as earlier versions have written it', async () => {
  const stateDir = await temporaryFolder();
  await writeFile(join(stateDir, 'state.json'), JSON.stringify(DOCUMENT));
  expect((await load(stateDir, 'staging', 'saturn')).storage).toEqual({ kind: 'loaded', document: DOCUMENT });
});

test('with the state goes the history, which is as foreign', async () => {
  const stateDir = await temporaryFolder();
  await writeFile(join(stateDir, 'history.jsonl'), `${JSON.stringify(ENTRY)}\n`);
  const failed: string[] = [];
  const open = (foreign: boolean) =>
    HistoryFile.open({ stateDir, foreign }, { failed: (code) => failed.push(code) });
  expect((await open(false)).newest()).toHaveLength(1);
  expect((await open(true)).newest()).toEqual([]);
  expect(await readdir(stateDir)).toEqual(['history.jsonl.foreign-1']);
  expect(failed).toEqual([]);
});

/** What may stand where a file should. A FIFO without a writer would hold whoever opens it up for ever. */
const NO_FILES: Readonly<Record<string, (path: string) => Promise<void> | void>> = {
  'a FIFO': (path) => void execFileSync('mkfifo', [path]),
  'a directory': (path) => mkdir(path),
  'a link to a FIFO': (path) => {
    execFileSync('mkfifo', [`${path}.pipe`]);
    return symlink(`${path}.pipe`, path);
  },
  'a link to a device': (path) => symlink('/dev/zero', path),
};

describe.each(Object.entries(NO_FILES))('%s', (_what, make) => {
  test('as state.json is kept aside, not waited for', async () => {
    const stateDir = await temporaryFolder();
    await make(join(stateDir, 'state.json'));
    const { storage, problem } = await load(stateDir, 'web', 'saturn');
    expect(problem).toBeNull();
    expect(storage).toMatchObject({ kind: 'unreadable' });
    expect(JSON.stringify(storage)).toContain('is no file; kept as state.json.unreadable-1');
  });

  test('as the history is kept aside, and entries are written all the same', async () => {
    const stateDir = await temporaryFolder();
    await make(join(stateDir, 'history.jsonl'));
    const failed: string[] = [];
    const history = await HistoryFile.open({ stateDir }, { failed: (code) => failed.push(code) });
    expect(failed).toEqual([expect.stringMatching(/^(ENOTFILE|EISDIR)$/)]);
    history.append(ENTRY as Parameters<typeof history.append>[0]);
    await history.settled();
    expect(failed).toEqual([expect.stringMatching(/^(ENOTFILE|EISDIR)$/)]);
    expect((await stat(join(stateDir, 'history.jsonl'))).isFile()).toBe(true);
  });

  test('as the key file is refused with its path', async () => {
    const path = join(await temporaryFolder(), 'cluster.key');
    await make(path);
    await expect(readKeyFile(path)).rejects.toThrow(`key file ${path} can't be read: it is no file`);
  });

  test('as the configuration is refused', async () => {
    const path = join(await temporaryFolder(), 'failtome.yaml');
    await make(path);
    await expect(readFileBounded(path, 100)).rejects.toMatchObject({
      code: expect.stringMatching(/^(ENOTFILE|EISDIR)$/),
    });
  });
});

test('a FIFO where the next document is written costs the write, and nothing waits', async () => {
  const stateDir = await temporaryFolder();
  execFileSync('mkfifo', [join(stateDir, 'state.json.new')]);
  await expect(writeSynced(join(stateDir, 'state.json.new'), 'x')).rejects.toMatchObject({ code: 'ENXIO' });
  execFileSync('mkfifo', [join(stateDir, 'state.json.trial')]);
  expect((await load(stateDir, 'web', 'saturn')).problem).toBeNull();
});
