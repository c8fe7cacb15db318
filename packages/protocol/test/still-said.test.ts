/** What a witness, which can't ask the cloud, makes of what candidates go on saying of the holder. */
import { describe, expect, test } from 'vitest';
import { observeTold } from '../src/membership/hearsay.ts';
import { hearStillSaid } from '../src/membership/still-said.ts';
import type { State } from '../src/model/state.ts';
import { endAssociation } from '../src/observation/ended.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import type { HolderRecord } from '../src/wire/messages.ts';
import {
  AT,
  addressIn,
  addressRecordOf,
  clusterOf,
  IP,
  recordOf,
  SELF,
  silenced,
  stateOf,
  WALL,
  withPeer,
} from './support/fixtures.ts';

const CANDIDATES = clusterOf('neptune', 'pluto');
const WITNESS = { ...CANDIDATES, driver: null, node: { ...CANDIDATES.node, role: 'witness' } } as const;
/** Reads lag by a minute at most, and there is one a minute. */
const LONG_MS = 120_000;

function at(ms: number, { state }: Pick<StepContext, 'state'>): StepContext {
  const ctx = newContext(state, { at: AT + ms, wall: WALL + ms });
  for (const id of ['neptune', 'pluto']) hears(ctx, id);
  return ctx;
}

function hears(ctx: StepContext, id: string): void {
  if (ctx.state.peers[id]?.state !== 'dead') ctx.state = withPeer(ctx.state, id, { heardAt: ctx.now.at });
}

function heldBy(node: string, associationId: string): HolderRecord {
  return { kind: 'node', node, instanceId: `i-${node}`, associationId, ageMs: 0 };
}

/** A peer tells its record, which it goes on standing by. */
function says(ctx: StepContext, id: string, holder: HolderRecord | null, ended: string[] = []): void {
  const told = addressRecordOf({ holder, ended });
  const record = { ...recordOf(id), addresses: [told] };
  ctx.state = withPeer(ctx.state, id, { record, recordAt: ctx.now.at, heardAt: ctx.now.at });
  observeTold(ctx, id, told);
}

/** Neptune holds the address; and then something else is said in pluto's name, which pluto doesn't stand by. */
function lied(lie: (ctx: StepContext) => void, state: State = stateOf(WITNESS)): StepContext {
  const ctx = at(0, { state });
  says(ctx, 'pluto', heldBy('neptune', 'eipassoc-1'));
  says(ctx, 'neptune', heldBy('neptune', 'eipassoc-1'));
  const { record } = ctx.state.peers.pluto ?? {};
  lie(ctx);
  ctx.state = withPeer(ctx.state, 'pluto', { record: record ?? null });
  return ctx;
}

function knows(ctx: StepContext): string | null {
  return addressIn(ctx.state).holder.associationId;
}

describe('a witness', () => {
  const another = (ctx: StepContext): void =>
    says(ctx, 'pluto', heldBy('pluto', 'eipassoc-forged'), ['eipassoc-1']);

  test('believes at once that an association has ended, and its holder no sooner than reads would show it', () => {
    const ctx = lied(another);
    expect(knows(ctx)).toBe('eipassoc-forged');
    const soon = at(LONG_MS - 1, ctx);
    hearStillSaid(soon, 'neptune');
    expect(knows(soon)).toBe('eipassoc-forged');
    const later = at(LONG_MS, soon);
    hearStillSaid(later, 'neptune');
    expect(addressIn(later.state).holder).toMatchObject({ node: 'neptune', associationId: 'eipassoc-1' });
    expect(addressIn(later.state)).toMatchObject({ ended: [], toldEnded: [] });
  });

  test('keeps what another candidate that is heard stands by', () => {
    const ctx = at(0, { state: stateOf(WITNESS) });
    says(ctx, 'neptune', heldBy('neptune', 'eipassoc-1'));
    says(ctx, 'pluto', heldBy('pluto', 'eipassoc-2'), ['eipassoc-1']);
    const later = at(LONG_MS, ctx);
    hearStillSaid(later, 'neptune');
    expect(knows(later)).toBe('eipassoc-2');
    const silent = { state: silenced(later.state, 'pluto') };
    const alone = at(LONG_MS, silent);
    hearStillSaid(alone, 'neptune');
    expect(knows(alone)).toBe('eipassoc-1');
  });

  test('knows for good what it has seen to end itself', () => {
    const ctx = lied((one) => {
      another(one);
      endAssociation(one, IP, 'eipassoc-1');
    });
    const later = at(LONG_MS, ctx);
    hearStillSaid(later, 'neptune');
    expect(knows(later)).toBe('eipassoc-forged');
  });

  test('takes nothing from a candidate that is not ready: its reads may be refused', () => {
    const ctx = lied(another);
    const record = { ...recordOf('neptune'), ...ctx.state.peers.neptune?.record, ready: false };
    ctx.state = withPeer(ctx.state, 'neptune', { record });
    const later = at(LONG_MS, ctx);
    hearStillSaid(later, 'neptune');
    expect(knows(later)).toBe('eipassoc-forged');
  });

  test('is told by nobody that it holds the address itself, nor that another witness does', () => {
    const config = {
      ...WITNESS,
      peers: [...WITNESS.peers, { id: 'mars', role: 'witness', priority: 1 }],
    } as const;
    for (const node of [SELF, 'mars']) {
      const ctx = at(0, { state: stateOf(config) });
      says(ctx, 'pluto', heldBy(node, 'eipassoc-forged'));
      expect(addressIn(ctx.state).holder).toMatchObject({ kind: 'other', node: null });
    }
  });
});

test('a node that asks the cloud goes by its own reads', () => {
  const ctx = lied(
    (one) => says(one, 'pluto', heldBy('pluto', 'eipassoc-forged'), ['eipassoc-1']),
    stateOf(CANDIDATES),
  );
  const later = at(LONG_MS, ctx);
  hearStillSaid(later, 'neptune');
  expect(knows(later)).toBe('eipassoc-forged');
  expect(Object.keys(later.state.addresses)).toEqual([IP]);
});
