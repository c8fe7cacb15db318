/** A read of a move's own shows this node: told as a move where a take of its own may be what is shown, and not told yet. */
import { describe, expect, test } from 'vitest';
import type { LateTake } from '../src/model/address-state.ts';
import type { Move } from '../src/move/phases.ts';
import { follow, MOVE_TABLE } from '../src/move/table.ts';
import { newContext } from '../src/step-context.ts';
import type { MoveIntent } from '../src/storage/durable.ts';
import { AT, addressIn, heldBy, IP, PEER, stateOf, WALL, withAddress } from './support/fixtures.ts';
import { INTENT, movingIn } from './support/moves.ts';

const SETTLING = {
  kind: 'settling',
  of: 'release',
  associationId: 'eipassoc-1',
  since: AT - 500,
  callId: null,
  readAt: AT,
  seen: null,
  seenAt: AT - 500,
  nextAt: AT,
} as const;

const MOVE = movingIn(SETTLING);

const SELF_SHOWN = {
  kind: 'self',
  association: {
    kind: 'associated',
    associationId: 'eipassoc-2',
    instanceId: 'i-saturn',
    node: null,
    self: true,
  },
} as const;

const late = (held: string | null): LateTake => ({ intent: INTENT, takes: 1, until: AT + 60_000, held });

/** The phase of the move after a read that shows this node by `eipassoc-2`, where a release's answer was unknown; null: it has ended. */
function phaseAfter(parts: {
  readonly late?: LateTake;
  readonly intent?: MoveIntent;
  readonly move?: Move;
}): string | null {
  const state = withAddress(heldBy(stateOf(), PEER), { intent: INTENT, move: MOVE, late: null, ...parts });
  const ctx = newContext(state, { at: AT, wall: WALL });
  follow(MOVE_TABLE.settling, ctx, IP, SETTLING, SELF_SHOWN);
  return addressIn(ctx.state).move?.stage.kind ?? null;
}

describe('a read that shows this node, after a release whose answer is unknown', () => {
  test('ends the attempt where this node has asked for nothing', () => expect(phaseAfter({})).toBe(null));

  test('ends it where what is shown was told before: a late take, of which another may yet land', () =>
    expect(phaseAfter({ late: late('eipassoc-2') })).toBe(null));

  test('accepts the move where a take that is remembered may be what is shown', () => {
    expect(phaseAfter({ late: late(null) })).toBe('verifying');
    expect(phaseAfter({ late: late('eipassoc-9') })).toBe('verifying');
  });

  test('accepts it where the last run may have asked, or where the cloud has said yes before', () => {
    expect(phaseAfter({ move: { ...MOVE, leaseUntil: 0 } })).toBe('verifying');
    expect(phaseAfter({ intent: { ...INTENT, stage: 'accepted' } })).toBe('verifying');
  });
});
