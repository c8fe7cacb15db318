/**
 * Which faults may bring a reason about: where a pair of a phase and a reason hasn't been met, these are tried in that phase.
 */
import type { Reason } from '@failtome/protocol';

const UNANSWERED: readonly string[] = [
  'cloud:hang',
  'cloud:apply-then-hang',
  'cloud:apply-late',
  'cloud:reset',
];
const REFUSED: readonly string[] = ['revoke', 'cloud:unauthorized', 'cloud:refuse', 'cloud:expired'];
const STALLS: readonly string[] = ['pause', 'freeze', 'pause-in-move', 'pause-between-effects'];
const BLIND: readonly string[] = ['no-way-out', 'outside-loss', 'ip-service:down', 'ip-service:hung'];
const MOVED_BY_HAND: readonly string[] = ['console'];
const COMES_UP: readonly string[] = ['haproxy-blips', 'console', 'page-gone', 'handover-cancel'];

/** By reason; none: nothing that is done to a world makes it likelier. */
export const CAUSES: Readonly<Record<Reason, readonly string[]>> = {
  'call-in-flight': ['cloud:slow', 'cloud:hang'],
  settling: UNANSWERED,
  starting: STALLS,
  'verdict-unknown': BLIND,
  'failure-not-current': ['haproxy-blips', 'isolate', 'pause', 'cut'],
  staggered: ['vanish', 'isolate', 'freeze'],
  'ballot-open': ['one-way:closed', 'bad-links', 'isolate'],
  'ballot-lost': ['pause-order', 'clone', 'stop', 'disk-fails'],
  'guard-asked': ['ip-service:hung', 'outside-loss'],
  'guard-refused': ['ip-service:down', 'ip-service:lies', 'ip-service:disagree', 'no-way-out'],
  'backing-off': ['cloud:throttle', 'cloud:server-error'],
  'permission-unproven': ['cloud:hang', 'upgrade', 'crash'],
  'intent-unwritten': ['disk-fails'],
  'lease-too-short': [...STALLS, 'ip-service:hung', 'cloud:slow'],
  'storage-failed': ['disk-fails'],
  'no-way-out': BLIND,
  'not-a-candidate': [],
  stopping: ['stop', 'stop-in-move', 'upgrade'],
  'is-holder': [...MOVED_BY_HAND, 'cloud:apply-late', 'cloud:apply-then-hang'],
  paused: ['pause-order'],
  'local-unfit': ['haproxy:dead', 'haproxy:error', 'haproxy:hung'],
  'local-unknown': STALLS,
  'address-up': COMES_UP,
  'would-displace': [...MOVED_BY_HAND, 'reload'],
  'not-permitted': REFUSED,
  'held-down': [...MOVED_BY_HAND, 'reload'],
  flapping: MOVED_BY_HAND,
  'move-did-not-help': ['page-gone', 'path-blocked'],
  'never-answered': ['page-gone'],
  'address-down': [...MOVED_BY_HAND, 'haproxy:dead'],
  'handover-asked': ['handover-order'],
  agreed: ['handover-order', 'ip-service:hung'],
  'guard-passed': ['handover-order'],
  'finish-move': [...REFUSED, 'cloud:throttle'],
  moved: [...MOVED_BY_HAND, 'cloud:apply-late'],
};
