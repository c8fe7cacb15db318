/** The keys under `store`; a part of the table in `file-keys.ts`. */
import { type Key, keyTable, none, required } from './key-table.ts';
import * as kinds from './kinds.ts';

/** The name of a kind of store. */
export type StoreKindName = 'dynamodb' | 'etcd';

/** In the order in which messages and pages name them. */
export const STORE_KIND_NAMES: readonly StoreKindName[] = ['dynamodb', 'etcd'];

/** The most endpoints of one etcd: twice what its own documentation advises as members. */
const MAX_ENDPOINTS = 14;

/** The table's name where none is given. */
export const USUAL_TABLE = 'failtome';
/** The table's partition key, a text. It has no sort key. */
export const TABLE_KEY = 'id';
/** What keys begin with where nothing is given. */
export const USUAL_PREFIX = '/failtome/';

const { declared, key } = keyTable();

/** In the order of the reference. */
export const STORE_KEYS: readonly Key<unknown>[] = declared;

/** `store.kind`. */
export const STORE_KIND: Key<StoreKindName> = key('store.kind', kinds.choice(...STORE_KIND_NAMES), required);
/** `store.table`. */
export const STORE_TABLE: Key<string> = key(
  'store.table',
  kinds.words(
    'the name of a table, of 3 to 255 letters, digits, `_`, `.` and `-`',
    /^[A-Za-z0-9_.-]{3,255}$/,
  ),
  none(`${USUAL_TABLE}; refused without \`dynamodb\``),
);
/** `store.region`. */
export const STORE_REGION: Key<string> = key(
  'store.region',
  kinds.region,
  none('as `driver.region`, or from AWS_REGION or instance metadata'),
);
/** `store.endpoints`. */
export const STORE_ENDPOINTS: Key<readonly string[]> = key(
  'store.endpoints',
  kinds.listOf(kinds.baseUrl, 1, MAX_ENDPOINTS),
  none('required with `etcd`, refused otherwise'),
);
/** `store.prefix`. */
export const STORE_PREFIX: Key<string> = key(
  'store.prefix',
  kinds.words('what keys begin with: 1 to 128 characters without spaces', /^[\x21-\x7e]{1,128}$/),
  none(`${USUAL_PREFIX}; refused without \`etcd\``),
);

const pemFile = kinds.words('the path of a PEM file', /^[^\0]*[^\0/]$/);
/** `store.caFile`. */
export const STORE_CA_FILE: Key<string> = key(
  'store.caFile',
  pemFile,
  none('the authorities that Node knows'),
);
/** `store.certFile`. */
export const STORE_CERT_FILE: Key<string> = key('store.certFile', pemFile, none('no client certificate'));
/** `store.keyFile`. */
export const STORE_KEY_FILE: Key<string> = key(
  'store.keyFile',
  pemFile,
  none('required with `certFile`, refused otherwise'),
);

/** `store.user`. */
export const STORE_USER: Key<string> = key(
  'store.user',
  kinds.words('the name of a user of etcd, of 1 to 128 characters', /^[^\0\r\n]{1,128}$/),
  none('no user; refused without `etcd`'),
);
/** `store.passwordFile`. */
export const STORE_PASSWORD_FILE: Key<string> = key(
  'store.passwordFile',
  kinds.words('the path of a file of one line', /^[^\0]*[^\0/]$/),
  none('required with `user`, refused otherwise'),
);

/** The keys that only one kind takes. */
const KEYS_OF: Readonly<Record<StoreKindName, readonly Key<unknown>[]>> = {
  dynamodb: [STORE_TABLE, STORE_REGION],
  etcd: [
    STORE_ENDPOINTS,
    STORE_PREFIX,
    STORE_CA_FILE,
    STORE_CERT_FILE,
    STORE_KEY_FILE,
    STORE_USER,
    STORE_PASSWORD_FILE,
  ],
};

/** The keys that a store of this kind has no use for. */
export function foreignStoreKeys(kind: StoreKindName): readonly Key<unknown>[] {
  return STORE_KIND_NAMES.filter((name) => name !== kind).flatMap((name) => KEYS_OF[name]);
}
