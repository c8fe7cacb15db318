/** The keys of where addresses belong, and when they go back there. */
import * as shared from '@failtome/config/keys';
import { type DurationMs, type NodeId, SPAN_OF_DAY } from '@failtome/protocol';
import { type Key, keyTable, none } from './key-table.ts';
import * as kinds from './kinds.ts';

const { declared, key } = keyTable();

/** In the order of the reference. */
export const HOME_KEYS: readonly Key<unknown>[] = declared;

/** `addresses[].home`. */
export const ADDRESS_HOME: Key<NodeId> = key(
  'addresses[].home',
  kinds.nodeId,
  none("nobody's in particular"),
);

const { path, range, fallback } = shared.FAILBACK_AFTER;
/** `failback.after`. */
export const FAILBACK_AFTER: Key<DurationMs> = key(
  path,
  kinds.duration(range.leastMs, range.mostMs, range.why),
  fallback,
);
/** `failback.window`. */
export const FAILBACK_WINDOW: Key<string> = key(
  'failback.window',
  kinds.words('a span of the day such as 02:00-05:00 UTC', SPAN_OF_DAY),
  none('at any time'),
);
