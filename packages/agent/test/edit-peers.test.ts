/** One entry of `peers` is changed in the text of a file, and everything else stays as it was written. */
import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { replaceFile } from '../src/adapters/replace-file.ts';
import { changedFile } from '../src/cli/voters-plan.ts';
import { editedPeers, entryText, type PeersEdit } from '../src/config/edit-peers.ts';
import { checkConfig } from '../src/config/load.ts';

const PLUTO = { id: 'pluto', url: 'http://10.0.3.10:8741', role: 'witness', publicKey: null } as const;
const ADD: PeersEdit = { kind: 'add', entry: PLUTO };
const REMOVE: PeersEdit = { kind: 'remove', id: 'neptune' };
const MOVE: PeersEdit = { kind: 'move', id: 'neptune', url: 'http://10.0.1.99:8741' };
const LINE = '{ id: "pluto", url: "http://10.0.3.10:8741", role: witness }';

const BLOCK = `# the cluster
cluster:   web
peers:       # all of them
  # the first
  - { id: saturn, url: "http://10.0.1.12:8741" }   # here
  - id: neptune   # there
    url:  http://10.0.1.11:8741   # its address

# who signs
auth: { keyFile: /k }
`;
const FLOW = 'peers: [ { id: saturn, url: "http://a:1" },{ id: neptune, url: "http://b:1" } ] # both\nx: 1\n';
const FOUND = `peers:
  from: { ec2Tag: t }
  nodes:
  - {id: saturn}
  - {id: neptune}
x: 1
`;

test.each<[what: string, text: string, edit: PeersEdit, edited: string]>([
  ['an entry at the end of a list', BLOCK, ADD, BLOCK.replace('its address\n', `its address\n  - ${LINE}\n`)],
  ['an entry less', BLOCK, REMOVE, BLOCK.replace(/ {2}- id: neptune[\s\S]*?its address\n/, '')],
  ['another URL', BLOCK, MOVE, BLOCK.replace('http://10.0.1.11:8741', '"http://10.0.1.99:8741"')],
  ['an entry more in brackets', FLOW, ADD, FLOW.replace(' ] #', `, ${LINE} ] #`)],
  ['the last in brackets less', FLOW, REMOVE, FLOW.replace(',{ id: neptune, url: "http://b:1" }', '')],
  [
    'the first in brackets less',
    FLOW,
    { kind: 'remove', id: 'saturn' },
    FLOW.replace('{ id: saturn, url: "http://a:1" },', ''),
  ],
  ['another URL in brackets', FLOW, MOVE, FLOW.replace('http://b:1', 'http://10.0.1.99:8741')],
  [
    'one that is found',
    FOUND,
    { kind: 'add', entry: { ...PLUTO, url: null, role: 'candidate' } },
    FOUND.replace('x: 1', '  - { id: "pluto" }\nx: 1'),
  ],
  ['a file without a last newline', 'peers:\n- {id: a}', ADD, `peers:\n- {id: a}\n- ${LINE}\n`],
])('%s', (_, text, edit, edited) => {
  expect(editedPeers(text, edit)).toBe(edited);
});

test.each<[what: string, text: string, edit: PeersEdit]>([
  ['no list', 'peers: 1\n', ADD],
  ['an empty list', 'peers: []\n', ADD],
  ['a faulty file', 'peers: [\n', ADD],
  ['an alias among them', 'a: &a { id: x }\npeers:\n  - *a\n  - { id: neptune }\n', REMOVE],
  ['a hyphen on a line of its own', 'peers:\n  -\n    id: saturn\n  -\n    id: neptune\n', REMOVE],
  ['nobody of that name', BLOCK, { kind: 'remove', id: 'eris' }],
  ['the only entry', 'peers: [{ id: neptune }]\n', REMOVE],
  ['no URL to change', FOUND, MOVE],
])('%s is left alone', (_, text, edit) => {
  expect(editedPeers(text, edit)).toBeNull();
});

test('an entry is written with what is not the default', () => {
  expect(entryText({ ...PLUTO, publicKey: 'MCow' })).toBe(LINE.replace(' }', ', publicKey: "MCow" }'));
  expect(entryText({ ...PLUTO, role: 'candidate', url: null })).toBe('{ id: "pluto" }');
});

const WHOLE = `${BLOCK}node: { id: saturn }
addresses: [{ ip: 54.173.141.243 }]
driver: { kind: ec2 }
`;

test('a file is changed only where it then reads as meant, and as nothing else', () => {
  const read = checkConfig('f.yaml', Buffer.from(WHOLE), {});
  if (read.kind === 'faulty') throw new Error(JSON.stringify(read.faults));
  const written = { file: 'f.yaml', text: WHOLE, config: read.config };
  const how = { env: {}, addresses: () => [] };
  const text = changedFile(written, ADD, how);
  expect(text).toContain(LINE);
  expect(changedFile(written, MOVE, how)).toContain('10.0.1.99');
  // Alone it would vote with nobody, and another file says something else.
  expect(changedFile(written, REMOVE, how)).toBeNull();
  expect(changedFile({ ...written, text: WHOLE.replace('ec2', 'opsworks') }, ADD, how)).toBeNull();
});

test('a file is replaced whole, with its rights, behind a link, and not while another replacement is under way', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'replace-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const [path, link] = [join(folder, 'real.yaml'), join(folder, 'link.yaml')];
  await writeFile(path, 'old');
  await chmod(path, 0o640);
  await symlink(path, link);
  await replaceFile(link, 'new');
  expect(await readFile(path, 'utf8')).toBe('new');
  expect((await stat(path)).mode & 0o777).toBe(0o640);
  expect((await readdir(folder)).sort()).toEqual(['link.yaml', 'real.yaml']);
  await writeFile(`${path}.failtome-new`, 'somebody else');
  await expect(replaceFile(link, 'newer')).rejects.toMatchObject({ code: 'EEXIST' });
  expect(await readFile(path, 'utf8')).toBe('new');
  expect(await readFile(`${path}.failtome-new`, 'utf8')).toBe('somebody else');
});
