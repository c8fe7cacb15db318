/**
 * The outcomes of the takeover rule and the reason codes that explain them.
 * Every code has its line in PROTOCOL.md and in docs/operations.md; a test compares the three.
 */

/** What the takeover rule tells the node to do now about one address. `hold`: nothing, and nothing is owed. `wait`: nothing yet. */
export type Outcome = 'wait' | 'campaign' | 'guard' | 'move' | 'verify' | 'hold';

/** The gates of the takeover rule, in the order in which they are asked. */
export const GATES = [
  'unfinished-move',
  'role',
  'running',
  'not-holder',
  'paused',
  'observed',
  'local',
  'verdict',
  'way-out',
  'storage',
  'displace',
  'permission',
  'damping',
  'own-lease',
  'rank',
  'agreement',
  'guard',
  'intent',
  'lease',
] as const;

/** The label of a gate in metrics and in `failtome why`. */
export type GateName = (typeof GATES)[number];

/** All reason codes of the takeover rule, grouped by the outcome that they explain. */
export const REASONS = [
  // wait
  'call-in-flight',
  'settling',
  'starting',
  'verdict-unknown',
  'failure-not-current',
  'staggered',
  'ballot-open',
  'ballot-lost',
  'guard-asked',
  'guard-refused',
  'backing-off',
  'permission-unproven',
  'intent-unwritten',
  'lease-too-short',
  'storage-failed',
  'no-way-out',
  // hold
  'not-a-candidate',
  'stopping',
  'is-holder',
  'paused',
  'local-unfit',
  'local-unknown',
  'address-up',
  'would-displace',
  'not-permitted',
  'held-down',
  'flapping',
  'move-did-not-help',
  'never-answered',
  // campaign, guard, move, verify
  'address-down',
  'handover-asked',
  'agreed',
  'guard-passed',
  'finish-move',
  'moved',
] as const;

/** Why the takeover rule came to its outcome; stable, because operators and alerts match on it. */
export type Reason = (typeof REASONS)[number];
