import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DurableDocument } from '@failtome/protocol';
import { expect, test } from 'vitest';
import { MAX_ASIDE } from '../src/adapters/aside.ts';
import { temporaryOf, writeDurably } from '../src/adapters/durable-file.ts';
import {
  type DecodedDocument,
  type LoadedState,
  loadState,
  MAX_STATE_BYTES,
  Store,
} from '../src/adapters/store.ts';
import { Inbox, temporaryFolder } from './support/loopback.ts';

const DOCUMENT: DurableDocument = {
  version: 1,
  cluster: 'web',
  node: 'saturn',
  incarnation: 3,
  addresses: [],
  pause: { version: 0, by: 'saturn', paused: false, owner: '', reason: '', until: null },
  handovers: [],
  outbox: [],
  serial: 9,
};

/** Stands for the protocol's own decoder: whatever is JSON is a document. */
function decode(text: string): DecodedDocument {
  try {
    return { kind: 'document', document: JSON.parse(text) as DurableDocument };
  } catch {
    return { kind: 'fault', detail: 'not JSON' };
  }
}

function load(stateDir: string): Promise<LoadedState> {
  return loadState({ stateDir, cluster: 'web', node: 'saturn' }, { decode });
}

async function folderWith(text: string | Buffer): Promise<string> {
  const stateDir = await temporaryFolder();
  await writeFile(join(stateDir, 'state.json'), text);
  return stateDir;
}

const root = process.getuid?.() === 0;

test('a missing directory is created, for its owner alone, and is a first start', async () => {
  const stateDir = join(await temporaryFolder(), 'var', 'failtome');
  expect(await load(stateDir)).toEqual({ storage: { kind: 'empty' }, problem: null });
  expect((await stat(stateDir)).mode & 0o777).toBe(0o700);
  expect(await readdir(stateDir)).toEqual([]);
});

test('what was written is loaded again, and only its owner may read it', async () => {
  const stateDir = await temporaryFolder();
  const inbox = new Inbox();
  new Store({ stateDir }, inbox).persist({ kind: 'persist', writeId: 1, text: JSON.stringify(DOCUMENT) });
  expect(await inbox.next()).toEqual({ kind: 'persisted', writeId: 1 });
  expect((await stat(join(stateDir, 'state.json'))).mode & 0o777).toBe(0o600);
  expect(await load(stateDir)).toEqual({ storage: { kind: 'loaded', document: DOCUMENT }, problem: null });
});

test('a run that finds what another has written ends, and writes nothing over it', async () => {
  const stateDir = await temporaryFolder();
  const ours = new Inbox();
  const foreign: string[] = [];
  const store = new Store(
    { stateDir },
    { post: (event) => ours.post(event), onForeign: () => foreign.push('found') },
  );
  const write = async (writeId: number, by: Store = store, inbox: Inbox = ours) => {
    by.persist({ kind: 'persist', writeId, text: JSON.stringify({ ...DOCUMENT, epoch: writeId }) });
    return inbox.next();
  };
  const persisted = (writeId: number) => ({ kind: 'persisted', writeId });
  expect([await write(1), await write(2)]).toEqual([persisted(1), persisted(2)]);
  await rm(join(stateDir, 'state.json'));
  expect(await write(3)).toEqual(persisted(3));
  const theirs = new Inbox();
  const other = new Store({ stateDir }, theirs);
  expect(await write(4, other, theirs)).toEqual(persisted(4));
  expect(foreign).toEqual([]);
  expect(await write(5)).toEqual({ kind: 'persist-failed', writeId: 5, code: 'EFOREIGN' });
  expect(foreign).toEqual(['found']);
  expect(await write(6, other, theirs)).toEqual(persisted(6));
});

test.each([
  ['empty', '', /state\.json is empty; kept as state\.json\.unreadable-1$/],
  ['truncated', JSON.stringify(DOCUMENT).slice(0, 40), /is no state document: not JSON; kept as/],
  ['not text', Buffer.from([0xff, 0xfe, 0x00]), /is not UTF-8 text; kept as/],
  ['too large', Buffer.alloc(MAX_STATE_BYTES + 1, 0x20), /has \d+ bytes, more than \d+; kept as/],
])('a file that is %s is kept aside and told about', async (_, content, detail) => {
  const stateDir = await folderWith(content);
  const { storage, problem } = await load(stateDir);
  expect(problem).toBeNull();
  expect(storage).toEqual({ kind: 'unreadable', detail: expect.stringMatching(detail) });
  const aside = await readFile(join(stateDir, 'state.json.unreadable-1'));
  expect(aside.equals(Buffer.from(content))).toBe(true);
});

test('a start after that one, before anything was written, is no first start either', async () => {
  const stateDir = await folderWith('{');
  await load(stateDir);
  expect((await load(stateDir)).storage).toEqual({
    kind: 'unreadable',
    detail: `${join(stateDir, 'state.json')} is missing, and state.json.unreadable-1 is there`,
  });
});

test('so many unreadable files are kept and no more, the newest among them', async () => {
  const stateDir = await temporaryFolder();
  for (let turn = 1; turn <= MAX_ASIDE + 2; turn += 1) {
    await writeFile(join(stateDir, 'state.json'), `broken ${turn}`);
    await load(stateDir);
  }
  const names = await readdir(stateDir);
  expect(names).toHaveLength(MAX_ASIDE);
  const newest = join(stateDir, `state.json.unreadable-${MAX_ASIDE + 2}`);
  expect(await readFile(newest, 'utf8')).toBe(`broken ${MAX_ASIDE + 2}`);
});

test.skipIf(root)('a file that is not ours to read stays where it is', async () => {
  const stateDir = await folderWith(JSON.stringify(DOCUMENT));
  await chmod(join(stateDir, 'state.json'), 0o000);
  const { storage } = await load(stateDir);
  expect(storage).toEqual({
    kind: 'unreadable',
    detail: expect.stringContaining('EACCES (permission denied)'),
  });
  expect(await readdir(stateDir)).toEqual(['state.json']);
});

test('a path that leads through a file is a problem, in a sentence with path and errno', async () => {
  const stateDir = join(await folderWith('{}'), 'state.json', 'below');
  const { storage, problem } = await load(stateDir);
  expect(storage.kind).toBe('unreadable');
  expect(problem?.code).toBe('STATE_DIR_UNUSABLE');
  expect(problem?.message).toBe(
    `the state directory ${stateDir} cannot be created: ENOTDIR (a part of the path is not a directory)`,
  );
});

test.skipIf(root)('a directory that may not be written to is a problem, though it can be read', async () => {
  const stateDir = await folderWith(JSON.stringify(DOCUMENT));
  await chmod(stateDir, 0o500);
  const { storage, problem } = await load(stateDir);
  await chmod(stateDir, 0o700);
  expect(storage.kind).toBe('loaded');
  expect(problem?.message).toBe(
    `the state directory ${stateDir} cannot be written to: EACCES (permission denied)`,
  );
});

test('a trial write that fails is a problem, though the document can be read', async () => {
  const stateDir = await folderWith(JSON.stringify(DOCUMENT));
  await mkdir(join(stateDir, 'state.json.trial'));
  const { storage, problem } = await load(stateDir);
  expect(storage.kind).toBe('loaded');
  expect(problem?.message).toContain(`${stateDir} cannot be written to: EISDIR`);
});

test('what a crash left half written does not count, and is cleared away', async () => {
  const stateDir = await folderWith(JSON.stringify(DOCUMENT));
  await writeFile(temporaryOf(join(stateDir, 'state.json')), '{"version":1,"clu');
  expect((await load(stateDir)).storage.kind).toBe('loaded');
  expect(await readdir(stateDir)).toEqual(['state.json']);
});

test('of the writes that wait only the latest is made, and its answer counts for all', async () => {
  const stateDir = await temporaryFolder();
  const inbox = new Inbox();
  const store = new Store({ stateDir }, inbox);
  for (let writeId = 1; writeId <= 5; writeId += 1) {
    store.persist({ kind: 'persist', writeId, text: JSON.stringify({ ...DOCUMENT, serial: writeId }) });
  }
  expect(await inbox.next()).toEqual({ kind: 'persisted', writeId: 1 });
  expect(await inbox.next()).toEqual({ kind: 'persisted', writeId: 5 });
  await store.settled();
  expect(inbox.events).toHaveLength(2);
  expect(JSON.parse(await readFile(join(stateDir, 'state.json'), 'utf8'))).toMatchObject({ serial: 5 });
});

test('a write asked for from within an answer is made', async () => {
  const stateDir = await temporaryFolder();
  const inbox = new Inbox();
  const store: Store = new Store(
    { stateDir },
    {
      post: (event) => {
        inbox.post(event);
        if (event.kind === 'persisted' && event.writeId === 1)
          store.persist({ kind: 'persist', writeId: 2, text: 'b' });
      },
    },
  );
  store.persist({ kind: 'persist', writeId: 1, text: 'a' });
  await inbox.next();
  expect(await inbox.next()).toEqual({ kind: 'persisted', writeId: 2 });
  expect(await readFile(join(stateDir, 'state.json'), 'utf8')).toBe('b');
});

test('a write that fails says why, leaves the old document, and the next may succeed', async () => {
  const stateDir = await folderWith('old');
  const inbox = new Inbox();
  const store = new Store({ stateDir }, inbox);
  const inTheWay = temporaryOf(join(stateDir, 'state.json'));
  await mkdir(inTheWay);
  store.persist({ kind: 'persist', writeId: 1, text: 'new' });
  expect(await inbox.next()).toEqual({ kind: 'persist-failed', writeId: 1, code: 'EISDIR' });
  expect(await readFile(join(stateDir, 'state.json'), 'utf8')).toBe('old');
  await rm(inTheWay, { recursive: true });
  store.persist({ kind: 'persist', writeId: 2, text: 'new' });
  expect(await inbox.next()).toEqual({ kind: 'persisted', writeId: 2 });
});

test('a directory that went away fails the write', async () => {
  const stateDir = await temporaryFolder();
  const inbox = new Inbox();
  const store = new Store({ stateDir }, inbox);
  await rm(stateDir, { recursive: true });
  store.persist({ kind: 'persist', writeId: 1, text: 'new' });
  expect(await inbox.next()).toEqual({ kind: 'persist-failed', writeId: 1, code: 'ENOENT' });
});

test('a text beyond ASCII is written whole', async () => {
  const path = join(await temporaryFolder(), 'file');
  const text = 'ü€😀'.repeat(10_000);
  await writeDurably(path, text);
  expect(await readFile(path, 'utf8')).toBe(text);
});
