import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { preflightFiles, tryListening } from '../src/adapters/preflight-host.ts';
import { obstacleFor, READ, type ServiceUser, type User, WRITE } from '../src/adapters/service-user.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'failtome-host-'));
  chmodSync(folder, 0o755);
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const OWN: User = { uid: process.geteuid?.() ?? 0, name: 'ann', gids: [] };
/** Another user than the one that runs the tests. */
const SERVICE: ServiceUser = {
  uid: 64_123,
  name: 'failtome',
  gids: [64_124],
  because: 'the unit says so',
  stateDirectories: [],
};

function put(name: string, mode: number): string {
  const path = join(folder, name);
  writeFileSync(path, 'x');
  chmodSync(path, mode);
  return path;
}

interface Files {
  readonly stateDir: string;
  readonly keyFile?: string;
  readonly identity?: string;
  readonly readTokenFile?: string;
}

function rows(config: Files, service: ServiceUser | null) {
  const { stateDir, keyFile = join(folder, 'none'), identity = null, readTokenFile = null } = config;
  const auth = { keyFile, identity, operators: [] };
  return preflightFiles({ stateDir, auth, api: { readTokenFile, tls: null } }, { own: OWN, service });
}

describe('as the service’s own user', () => {
  test('a directory that takes writes passes, and is left as it was', async () => {
    expect(await rows({ stateDir: folder }, null)).toMatchObject([
      { name: 'user', state: 'ok' },
      { name: 'state directory', state: 'ok', found: `${folder} takes writes` },
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('one that is not there yet passes where it can be made, and is not made', async () => {
    const [, line] = await rows({ stateDir: join(folder, 'a', 'b') }, null);
    expect(line).toMatchObject({ state: 'ok', found: `${join(folder, 'a', 'b')} is made at the start` });
    expect(readdirSync(folder)).toEqual([]);
  });

  test.each(['file', 'file/below'])('%s in its place fails, by its cause', async (name) => {
    put('file', 0o644);
    const [, line] = await rows({ stateDir: join(folder, name) }, null);
    expect(line).toMatchObject({
      name: 'state directory',
      state: 'fail',
      fix: expect.stringContaining('stateDir'),
    });
  });

  test('a file system that refuses to make files fails, with its errno', async () => {
    const [, line] = await rows({ stateDir: '/proc/self' }, null);
    expect(line).toMatchObject({
      state: 'fail',
      found: expect.stringMatching(/can't be used by ann: E[A-Z]+$/),
    });
  });
});

describe('as another user than the service’s', () => {
  test('both are named', async () => {
    const [line] = await rows({ stateDir: folder }, SERVICE);
    expect(line).toMatchObject({ name: 'user', state: 'warn' });
    expect(line?.found).toBe(
      `this check runs as ann (uid ${OWN.uid}), and the service as failtome (uid 64123): the unit says so`,
    );
    expect(line?.fix).toContain('sudo -u failtome failtome check');
  });

  test('a directory that the service may not write to fails, though the check’s user may', async () => {
    const lines = await rows({ stateDir: folder }, SERVICE);
    expect(lines[1]).toMatchObject({ name: 'state directory', state: 'fail' });
    expect(lines[1]?.found).toContain('failtome (uid 64123), as whom the service runs, may not use');
    expect(lines[1]?.found).toContain('mode 0755');
    chmodSync(folder, 0o777);
    expect((await rows({ stateDir: folder }, SERVICE))[1]).toMatchObject({ state: 'ok' });
  });

  test('a state file of root’s in a directory of the service’s fails', async () => {
    chmodSync(folder, 0o777);
    const path = put('state.json', 0o600);
    const [, line] = await rows({ stateDir: folder }, SERVICE);
    expect(line).toMatchObject({ state: 'fail', fix: `chown failtome ${path}` });
  });

  test('a key that only the check’s user may read fails', async () => {
    const keyFile = put('key', 0o600);
    const stateDir = join(folder, 'state');
    mkdirSync(stateDir);
    chmodSync(stateDir, 0o777);
    const lines = await rows({ stateDir, keyFile }, SERVICE);
    expect(lines[2]).toMatchObject({
      name: 'key file',
      state: 'fail',
      fix: expect.stringContaining('chmod 0640'),
    });
    chmodSync(keyFile, 0o644);
    expect(await rows({ stateDir, keyFile }, SERVICE)).toHaveLength(2);
  });

  test('an identity and tokens that only the check’s user may read fail', async () => {
    const [identity, readTokenFile] = [put('identity', 0o600), put('tokens', 0o600)];
    const lines = await rows({ stateDir: folder, identity, readTokenFile }, SERVICE);
    expect(lines.slice(2)).toMatchObject([
      { name: 'identity file', state: 'fail', fix: expect.stringContaining(`chmod 0640 ${identity}`) },
      { name: 'token file', state: 'fail', fix: expect.stringContaining(`chmod 0640 ${readTokenFile}`) },
    ]);
  });

  test('a directory that systemd makes need not be there', async () => {
    const service = { ...SERVICE, stateDirectories: ['failtome-not-there'] };
    const [, line] = await rows({ stateDir: '/var/lib/failtome-not-there' }, service);
    expect(line).toMatchObject({ state: 'ok', found: '/var/lib/failtome-not-there is made at the start' });
  });
});

test.runIf(process.geteuid?.() === 0)('owner, group and others have each their own rights', async () => {
  const path = put('file', 0o640);
  chownSync(path, 64_123, 64_124);
  const of = (uid: number, gids: readonly number[], want: number) => obstacleFor({ uid, gids }, path, want);
  expect(await of(64_123, [], READ | WRITE)).toBeNull();
  expect(await of(1, [64_124], READ)).toBeNull();
  expect(await of(1, [64_124], WRITE)).toMatchObject({ kind: 'forbidden' });
  expect(await of(1, [], READ)).toMatchObject({ kind: 'forbidden', path });
  chmodSync(folder, 0o700);
  expect(await of(64_123, [], READ)).toMatchObject({ kind: 'forbidden', path: folder });
});

test('a port can be listened on, or the errno says why not', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const { port } = address;
  expect(await tryListening({ host: '127.0.0.1', port })).toBe('EADDRINUSE');
  await new Promise((resolve) => server.close(resolve));
  expect(await tryListening({ host: '127.0.0.1', port })).toBe('free');
  expect(await tryListening({ host: '192.0.2.1', port })).toBe('EADDRNOTAVAIL');
});
