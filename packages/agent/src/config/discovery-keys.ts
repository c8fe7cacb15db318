/** The keys under `peers.from`; a part of the table in `file-keys.ts`. */
import { type Key, keyTable, required, value } from './key-table.ts';
import * as kinds from './kinds.ts';

const { declared, key } = keyTable();

/** In the order of the reference. */
export const DISCOVERY_KEYS: readonly Key<unknown>[] = declared;

/** `peers.from.ec2Tag`. A star or question mark would mean any text (EC2 User Guide, "Filter your resources"). */
export const DISCOVERY_TAG: Key<string> = key(
  'peers.from.ec2Tag',
  kinds.words(
    'the key of a tag, of 1 to 127 letters, digits and `_.:/=+@-`',
    /^(?!aws:)[\w.:/=+@-]{1,127}$/i,
  ),
  required,
);
/** `peers.from.port`. */
export const DISCOVERY_PORT: Key<number> = key('peers.from.port', kinds.whole(1, 65_535), value(8741));
/** `peers.from.scheme`. */
export const DISCOVERY_SCHEME: Key<'http' | 'https'> = key(
  'peers.from.scheme',
  kinds.choice('http', 'https'),
  value('http'),
);
