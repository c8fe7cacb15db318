/** The lists and the optional sections of the configuration file. */
import { MAX_ADDRESSES, MAX_PEERS, MAX_RECEIVERS } from '@failtome/protocol';
import { MAX_OPERATORS } from '../auth/operators.ts';

/** A list of maps. */
export interface List {
  readonly path: string;
  readonly max: number;
  readonly of: string;
  readonly optional?: boolean;
  /** One of its items may stand in place of the list. */
  readonly single?: boolean;
  /** A map may stand in its place, with the list under this name beside what else is about it. */
  readonly within?: string;
}

/** Beside the topic and the program. */
const MAX_WEBHOOKS = MAX_RECEIVERS - 2;

/** Lists, and how long they may be. */
export const LISTS: readonly List[] = [
  { path: 'peers', max: MAX_PEERS, of: '{ id, url, role }', within: 'nodes' },
  { path: 'auth.operators', max: MAX_OPERATORS, of: '{ name, publicKey }', optional: true },
  {
    path: 'notify.webhook',
    max: MAX_WEBHOOKS,
    of: '{ form, url, events }',
    optional: true,
    single: true,
  },
  { path: 'addresses', max: MAX_ADDRESSES, of: '{ ip, probe }' },
];

/** A word in place of a section, and what it means. */
interface Switch {
  readonly word: string;
  readonly meaning: string;
}

/** Sections that a word may stand for. */
export const SWITCHED_SECTIONS: ReadonlyMap<string, Switch> = new Map([
  ['failback', { word: 'never', meaning: 'an address stays where it is until somebody moves it' }],
  ['recorder', { word: 'off', meaning: 'nothing is recorded' }],
]);

/** Sections that may be left out altogether, and what that means; the others take their defaults. */
export const OPTIONAL_SECTIONS: ReadonlyMap<string, string> = new Map([
  ['peers.from', 'every peer has its URL'],
  ['api.tls', 'the API speaks plain HTTP'],
  ['local', 'this node always counts as fit'],
  ['driver', 'only a witness or a member does without'],
  ['store', 'messages go directly, or not at all'],
  ['failback', 'an address stays where it is until somebody moves it'],
  ['notify.sns', 'no notification is sent there'],
  ['notify.exec', 'no program is run'],
]);
