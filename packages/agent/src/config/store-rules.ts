/** What a store needs beside its own values, and what needs a store. */
import type { Fault } from './fault.ts';
import * as fileKeys from './file-keys.ts';
import type { Key } from './key-table.ts';
import { get, NOTHING, originOf, pathOf, type Settings } from './settings.ts';
import * as keys from './store-keys.ts';

/** Every fault of combination. */
export function storeFaults(settings: Settings): readonly Fault[] {
  const kind = settings.present.has('store') ? get(settings, keys.STORE_KIND) : null;
  if (kind === null) return [];
  const has = (key: Key<unknown>): boolean => settings.entries.has(pathOf(key, 0));
  const at = (key: Key<unknown>, found: string, expected: string): Fault => ({
    path: pathOf(key, 0),
    found,
    expected,
    hint: '',
    origin: has(key) ? originOf(settings, key, 0) : null,
  });
  const foreign = keys
    .foreignStoreKeys(kind)
    .filter(has)
    .map((key) => at(key, 'a value', `none, because store.kind is ${kind}`));
  if (kind !== 'etcd') return foreign;
  const faults = [...foreign];
  if (!has(keys.STORE_ENDPOINTS))
    faults.push(at(keys.STORE_ENDPOINTS, NOTHING, 'at least one URL, because store.kind is etcd'));
  const [cert, key] = [has(keys.STORE_CERT_FILE), has(keys.STORE_KEY_FILE)];
  if (cert && !key) faults.push(at(keys.STORE_KEY_FILE, NOTHING, 'the key of store.certFile'));
  if (key && !cert) faults.push(at(keys.STORE_CERT_FILE, NOTHING, 'the certificate of store.keyFile'));
  const [user, password] = [has(keys.STORE_USER), has(keys.STORE_PASSWORD_FILE)];
  if (user && !password)
    faults.push(at(keys.STORE_PASSWORD_FILE, NOTHING, 'the file with the password of store.user'));
  if (password && !user)
    faults.push(at(keys.STORE_USER, NOTHING, 'the user whose password is in store.passwordFile'));
  return faults;
}

/** An arbiter is an item in a store. Whose third voter it is, is asked with the voters. */
export function arbiterFaults(settings: Settings): readonly Fault[] {
  const key = fileKeys.AGREEMENT_ARBITER;
  if (get(settings, key) !== true || settings.present.has('store')) return [];
  const origin = originOf(settings, key, 0);
  const expected = 'false, because there is no store';
  return [{ path: pathOf(key, 0), found: 'true', expected, hint: 'an arbiter stands in a store', origin }];
}
