/** A move of saturn's that takes the address from neptune, in any of its phases, and the intent that it was begun with. */
import type { Move, MovePhase } from '../../src/move/phases.ts';
import type { MoveIntent } from '../../src/storage/durable.ts';
import { AT, PEER } from './fixtures.ts';

export const INTENT: MoveIntent = {
  epoch: 5,
  mode: 'takeover',
  handoverId: null,
  from: PEER,
  associationId: 'eipassoc-1',
  stage: 'planned',
  startedWall: 0,
  reason: 'refused',
  agreed: '',
  steps: [],
  requestIds: [],
};

/** @param duty nobody holds the address by its doing */
export function movingIn(stage: MovePhase, duty = false): Move {
  return {
    epoch: INTENT.epoch,
    mode: 'takeover',
    handoverId: null,
    startedAt: AT - 1_000,
    leaseUntil: AT + 9_000,
    callTimeoutMs: 2_000,
    consent: false,
    duty,
    stage,
    delayMs: 0,
    steps: [],
    requestIds: [],
  };
}
