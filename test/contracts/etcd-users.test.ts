/** An etcd that asks for users: the whole contract of a store with one of them, and what a password and a token go through. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { type EtcdSettings, EtcdStore } from '../../packages/agent/src/adapters/etcd-store.ts';
import { openStore } from '../../packages/agent/src/adapters/relay-stores.ts';
import { has } from '../../scripts/requirements.mjs';
import { changePassword, type Etcd, etcdSettings, startEtcd, USER, withUsers } from '../support/etcd.ts';
import { describeRelayStore, read, write } from './relay-store-contract.ts';

/** With `#`, blanks and quotes, which are part of it. */
const PASSWORD = '# "a b" \\ ü';

/** Cheap to check. */
const CHEAP = ['--bcrypt-cost', '4'];

const missing = has('etcd') ? '' : ' (skipped: needs etcd; apt-get install -y etcd-server)';

let folder = '';
let passwordFile = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'failtome-etcd-user-'));
  passwordFile = join(folder, 'password');
  await writeFile(passwordFile, `${PASSWORD}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const settingsOf = (etcd: Etcd): EtcdSettings => ({
  ...etcdSettings(etcd.endpoint),
  login: { user: USER, passwordFile },
});

describe.skipIf(!has('etcd'))(`a real etcd that asks for users${missing}`, () => {
  describeRelayStore('in etcd, as a user', async () => {
    const etcd = await startEtcd(CHEAP);
    await withUsers(etcd, PASSWORD);
    const opened: EtcdStore[] = [];
    return {
      open() {
        const store = new EtcdStore(settingsOf(etcd), {});
        opened.push(store);
        return store;
      },
      async lose() {
        await etcd.lose();
        await withUsers(etcd, PASSWORD);
      },
      settle: (answer) => answer,
      async close() {
        for (const store of opened) store.close();
        await etcd.close();
      },
    };
  });

  describe('in trouble', () => {
    let etcd: Etcd;
    const opened: EtcdStore[] = [];
    const open = (settings = settingsOf(etcd)): EtcdStore => {
      const store = new EtcdStore(settings, {});
      opened.push(store);
      return store;
    };
    beforeAll(async () => {
      etcd = await startEtcd(CHEAP);
    });
    afterEach(() => {
      vi.useRealTimers();
      for (const store of opened.splice(0)) store.close();
    });
    afterAll(() => etcd.close());

    test('a user is no obstacle before it asks for one, and none after', async () => {
      const store = open();
      const written = await write(store, 'early', 'one', null);
      expect(written).toMatchObject({ kind: 'written' });
      await withUsers(etcd, PASSWORD);
      expect(await read(store, 'early')).toMatchObject({ kind: 'item', text: 'one' });
    });

    test('a token that it has forgotten is asked for anew in the same call, with the password that the file has by then', async () => {
      const store = open();
      await write(store, 'rotated', 'one', null);
      const item = { kind: 'item', text: 'one' };
      for (const password of ['another', PASSWORD]) {
        await changePassword(etcd, password);
        await writeFile(passwordFile, `${password}\n`);
        expect(await read(store, 'rotated')).toMatchObject(item);
      }
    });

    test('it is used on after a loss of power', async () => {
      const store = open();
      await write(store, 'power', 'one', null);
      await etcd.restart();
      // The kept connection is dead, which is that call's end.
      await vi.waitFor(async () =>
        expect(await read(store, 'power')).toMatchObject({ kind: 'item', text: 'one' }),
      );
    });

    test('a wrong password is told, asked for again only after a while, and may be corrected meanwhile', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
      await writeFile(passwordFile, 'wrong\n');
      const store = open();
      const wrong = { kind: 'failed', detail: expect.stringContaining('invalid user ID or password') };
      try {
        expect(await read(store, 'k')).toMatchObject(wrong);
      } finally {
        await writeFile(passwordFile, `${PASSWORD}\n`);
      }
      expect(await read(store, 'k')).toMatchObject(wrong);
      await vi.advanceTimersByTimeAsync(5_000);
      expect(await read(store, 'k')).toEqual({ kind: 'none' });
    });

    test('what the user may not do is told as such, and so is a call without a user', async () => {
      expect(await read(open({ ...settingsOf(etcd), prefix: '/other/' }), 'k')).toMatchObject({
        code: 'http-403',
        detail: expect.stringContaining('permission denied'),
      });
      expect(await read(open(etcdSettings(etcd.endpoint)), 'k')).toMatchObject({
        detail: expect.stringContaining('user name is empty'),
      });
    });

    test('one that stands still is unanswered when its time is up, with or without a token', async () => {
      const [fresh, known] = [open(), open()];
      expect(await read(known, 'k')).toEqual({ kind: 'none' });
      etcd.freeze();
      try {
        for (const store of [fresh, known])
          expect(await read(store, 'k', 200)).toMatchObject({ kind: 'failed', code: 'timeout' });
      } finally {
        etcd.thaw();
      }
    });

    test('a password that is gone is told with its path, and stops an agent at its start', async () => {
      const gone = { ...settingsOf(etcd), login: { user: USER, passwordFile: join(folder, 'none') } };
      expect(await read(open(gone), 'k')).toMatchObject({
        code: 'STORE_PASSWORD_MISSING',
        detail: expect.stringContaining(join(folder, 'none')),
      });
      await expect(openStore(gone, null)).rejects.toMatchObject({ code: 'STORE_PASSWORD_MISSING' });
      for (const faulty of ['', 'two\nlines\n']) {
        await writeFile(join(folder, 'faulty'), faulty);
        const settings = { ...gone, login: { user: USER, passwordFile: join(folder, 'faulty') } };
        await expect(openStore(settings, null)).rejects.toMatchObject({ code: 'STORE_PASSWORD_FAULTY' });
      }
    });
  });
});
