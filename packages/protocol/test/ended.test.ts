/** Which associations are over once one of them was released or taken from, and what a read that lags then settles. */
import { describe, expect, test } from 'vitest';
import type { AddressState, Holder } from '../src/model/address-state.ts';
import type { DriveEffect, Effect } from '../src/model/effects.ts';
import type { Association } from '../src/model/inputs.ts';
import type { State } from '../src/model/state.ts';
import type { NodeId } from '../src/model/units.ts';
import { follow, MOVE_TABLE } from '../src/move/table.ts';
import { isStaleRead, observeHolder } from '../src/observation/holder.ts';
import { step } from '../src/step.ts';
import { newContext } from '../src/step-context.ts';
import { AT, addressIn, heldBy, IP, PEER, SELF, stateOf, WALL, withAddress } from './support/fixtures.ts';
import { INTENT, movingIn } from './support/moves.ts';

const shown = (associationId: string, self: boolean): Association => ({
  kind: 'associated',
  associationId,
  instanceId: `i-${self ? SELF : PEER}`,
  node: null,
  self,
});

const NOBODY = { kind: 'none' } as const;

function seen(node: NodeId | null, associationId: string | null, at: number): Holder {
  const kind = node === null ? 'none' : 'node';
  const instanceId = node === null ? null : `i-${node}`;
  return { kind, node, instanceId, associationId, at, toldBy: null, firsthand: true };
}

/** `eipassoc-1` of the peer, and then these. */
function knowing(...holders: readonly Holder[]): State {
  const ctx = newContext(withAddress(heldBy(stateOf(), PEER), { intent: INTENT }), { at: AT, wall: WALL });
  for (const holder of holders) observeHolder(ctx, IP, holder, 'read');
  return ctx.state;
}

const OWN = seen(SELF, 'eipassoc-2', AT - 60_000);
const THEIRS = seen(PEER, 'eipassoc-3', AT - 30_000);

describe('the associations that were known before one', () => {
  const releasing = {
    kind: 'releasing',
    callId: 1,
    at: AT - 100,
    associationId: 'eipassoc-3',
    instanceId: `i-${PEER}`,
    node: PEER,
  } as const;

  function released(state: State): readonly string[] {
    const ctx = newContext(withAddress(state, { move: movingIn(releasing) }), { at: AT, wall: WALL });
    follow(MOVE_TABLE.releasing, ctx, IP, releasing, { kind: 'released' });
    return addressIn(ctx.state).ended;
  }

  test('are over when that is released', () =>
    expect(released(knowing(OWN, THEIRS))).toEqual(['eipassoc-3', 'eipassoc-2', 'eipassoc-1']));

  test('are over, too, where nobody held the address in between', () =>
    expect(released(knowing(OWN, seen(null, null, AT - 50_000), THEIRS))).toEqual([
      'eipassoc-3',
      'eipassoc-2',
      'eipassoc-1',
    ]));

  test('are not known to be over where it is another that is known now', () => {
    const newer = seen(PEER, 'eipassoc-4', AT - 10_000);
    expect(released(knowing(OWN, THEIRS, newer))).toEqual(['eipassoc-3']);
  });

  test('are over when this node has taken the address, but for what it has taken it by', () => {
    const taking = { kind: 'taking', callId: 1, at: AT - 100, reassociate: true } as const;
    const state = withAddress(knowing(OWN, THEIRS), { move: movingIn(taking) });
    const ctx = newContext(state, { at: AT, wall: WALL });
    follow(MOVE_TABLE.taking, ctx, IP, taking, { kind: 'taken', associationId: 'eipassoc-2' });
    expect(addressIn(ctx.state).ended).toEqual(['eipassoc-3', 'eipassoc-1']);
  });

  test('stay possible while nothing was released or taken: whichever of two reads lags, the other is true', () => {
    const state = knowing(OWN, THEIRS);
    expect(isStaleRead(state, IP, shown('eipassoc-2', true))).toBe(false);
    expect(addressIn(knowing(OWN, THEIRS, seen(SELF, 'eipassoc-2', AT))).heldBefore).toEqual([
      'eipassoc-3',
      'eipassoc-1',
    ]);
  });
});

describe('a move that was accepted by a read', () => {
  const idle = (parts: Partial<AddressState['idle']>): Partial<AddressState> => ({
    idle: { ...addressIn(stateOf()).idle, nextPermitAt: AT + 90_000, ...parts },
  });

  /** It was accepted 2 s ago; the next read is due. */
  function verifying(by: 'answer' | 'read'): State {
    const stage = { kind: 'verifying', acceptedAt: AT - 2_000, by } as const;
    const state = withAddress(heldBy(stateOf(), SELF), { intent: INTENT, move: movingIn(stage) });
    return withAddress(state, idle({ nextReadAt: AT, readingAt: AT - 90_000 }));
  }

  const isRead = (effect: Effect): effect is DriveEffect =>
    effect.kind === 'drive' && effect.operation.op === 'read';

  function read(state: State): DriveEffect | undefined {
    return step(state, { kind: 'tick', at: AT, wall: WALL }).effects.find(isRead);
  }

  function afterRead(association: Association): State {
    const asked = step(verifying('read'), { kind: 'tick', at: AT, wall: WALL });
    const { callId } = read(verifying('read')) ?? { callId: 0 };
    const result = { answer: { kind: 'read', association, displaces: null } as const, requests: [] };
    const at = AT + 50;
    return step(asked.state, { kind: 'driven', callId, purpose: 'idle-read', result, at, wall: WALL }).state;
  }

  test('is read on, unlike one that the take itself was answered for', () => {
    expect(read(verifying('read'))).toBeDefined();
    expect(read(verifying('answer'))).toBeUndefined();
  });

  test('finds out what became of it where the next read shows nobody', () =>
    expect(addressIn(afterRead(NOBODY)).move?.stage).toMatchObject({ kind: 'settling', of: 'swap' }));

  test('is read again 5 s later where it still shows this node', () => {
    const { move, idle: next } = addressIn(afterRead(shown('eipassoc-1', true)));
    expect([move?.stage.kind, next.nextReadAt]).toEqual(['verifying', AT + 5_050]);
  });
});
