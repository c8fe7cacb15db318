/**
 * How far this node's takeover of an address has come: one word for timelines, for plans that strike in the middle of
 * it, and for what a swarm has met.
 */
import type { AddressState } from '../model/address-state.ts';

/** The phases of its move (`move/phases.ts`). */
export const MOVE_PHASES = ['reading', 'releasing', 'taking', 'settling', 'resting', 'verifying'] as const;

/** In order. `idle`: there is none. `won`: a ballot is won, and the guard hasn't been asked. */
export const TAKEOVER_PHASES: readonly ['idle', 'campaign', 'won', 'guard', ...typeof MOVE_PHASES] = [
  'idle',
  'campaign',
  'won',
  'guard',
  ...MOVE_PHASES,
];
/** A plan strikes a node at one of these, and a swarm must have met all. */
export type TakeoverPhase = (typeof TAKEOVER_PHASES)[number];

/** A move's phase that isn't listed above doesn't compile here. */
export function takeoverPhase({
  move,
  guard,
  campaign,
}: Pick<AddressState, 'move' | 'guard' | 'campaign'>): TakeoverPhase {
  if (move !== null) return move.stage.kind;
  if (campaign === null) return 'idle';
  if (campaign.won === null) return 'campaign';
  return guard === null ? 'won' : 'guard';
}
