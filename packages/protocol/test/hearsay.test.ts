import { describe, expect, test } from 'vitest';
import { observeTold, takeRead } from '../src/membership/hearsay.ts';
import type { Association } from '../src/model/inputs.ts';
import { endAssociation } from '../src/observation/ended.ts';
import { holderFrom, observeHolder } from '../src/observation/holder.ts';
import { newContext, type StepContext } from '../src/step-context.ts';
import type { HolderRecord } from '../src/wire/messages.ts';
import { AT, addressIn, addressRecordOf, clusterOf, IP, SELF, stateOf, WALL } from './support/fixtures.ts';

const CLUSTER = clusterOf('neptune', 'pluto');
const HELD: Association = {
  kind: 'associated',
  associationId: 'eipassoc-1',
  instanceId: 'i-neptune',
  node: null,
  self: false,
};

function at(ms: number, before?: StepContext): StepContext {
  return newContext(before?.state ?? stateOf(CLUSTER), { at: AT + ms, wall: WALL + ms });
}

/** A read that was begun at that moment, and answered at once. */
function read(ctx: StepContext, association: Association = HELD): boolean {
  const counts = takeRead(ctx, IP, association, ctx.now.at);
  if (counts) observeHolder(ctx, IP, holderFrom(ctx.state, association, ctx.now.at), 'read');
  return counts;
}

function says(
  ctx: StepContext,
  from: string,
  holder: Partial<HolderRecord> | null,
  ended: string[] = [],
): void {
  const told: HolderRecord | null =
    holder === null
      ? null
      : { kind: 'node', node: null, instanceId: null, associationId: null, ageMs: 0, ...holder };
  observeTold(ctx, from, addressRecordOf({ holder: told, ended }));
}

function ignored(ctx: StepContext): boolean {
  return ctx.facts.some((fact) => fact.kind === 'rejected' && fact.reason === 'implausible');
}

describe('an association that a peer says has ended', () => {
  test('is not believed in by a read, until reads have shown it for longer than they lag', () => {
    const first = at(0);
    read(first);
    says(first, 'pluto', null, ['eipassoc-1']);
    const second = at(30_000, first);
    says(second, 'pluto', null, ['eipassoc-1']);
    expect(read(second)).toBe(false);
    const third = at(60_000, second);
    expect(read(third)).toBe(true);
    const fourth = at(61_000, third);
    says(fourth, 'pluto', null, ['eipassoc-1']);
    expect(read(fourth)).toBe(true);
    expect(ignored(fourth)).toBe(true);
  });

  test('has ended for good where this node has seen that itself', () => {
    const ctx = at(0);
    read(ctx);
    says(ctx, 'pluto', null, ['eipassoc-1']);
    endAssociation(ctx, IP, 'eipassoc-1');
    expect(read(at(90_000, ctx))).toBe(false);
  });

  test('pushes out none that this node has seen to end itself', () => {
    const ctx = at(0);
    for (let i = 0; i < 10; i += 1) endAssociation(ctx, IP, `eipassoc-own-${i}`);
    for (let i = 0; i < 100; i += 1) says(ctx, 'pluto', null, [`eipassoc-told-${i}`]);
    const { ended } = addressIn(ctx.state);
    expect(ended.filter((id) => id.startsWith('eipassoc-own'))).toHaveLength(10);
    expect(ended.length).toBeLessThanOrEqual(16);
    endAssociation(ctx, IP, 'eipassoc-own-10');
    expect(addressIn(ctx.state).ended).toContain('eipassoc-own-10');
  });

  test('by no name that an association has is left out', () => {
    const ctx = at(0);
    says(ctx, 'pluto', null, ['\u0000'.repeat(100)]);
    expect(addressIn(ctx.state).ended).toEqual([]);
    expect(ignored(ctx)).toBe(true);
  });
});

describe('who holds the address', () => {
  test('is not this node because a peer says so, which the cloud has not told it', () => {
    let ctx = at(0);
    read(ctx);
    for (let i = 1; i < 20; i += 1) {
      ctx = at(i * 100, ctx);
      says(ctx, 'pluto', { node: SELF, associationId: `eipassoc-forged-${i}` });
    }
    expect(addressIn(ctx.state).holder.node).toBe('neptune');
  });

  test('is asked for where a peer says that it is this node', () => {
    const first = at(0);
    read(first);
    const ctx = at(20_000, first);
    ctx.state = {
      ...ctx.state,
      addresses: {
        [IP]: {
          ...addressIn(ctx.state),
          idle: { ...addressIn(ctx.state).idle, nextReadAt: AT + 60_000 },
        },
      },
    };
    says(ctx, 'pluto', { node: SELF, associationId: 'eipassoc-2' });
    expect(addressIn(ctx.state).idle.nextReadAt).toBe(AT + 20_000);
  });

  test('is this node by its own association, whatever a peer calls it', () => {
    const ctx = at(0);
    read(ctx, { ...HELD, instanceId: 'i-saturn', self: true });
    says(ctx, 'pluto', { node: SELF, associationId: 'eipassoc-forged' });
    expect(addressIn(ctx.state).holder).toMatchObject({ node: SELF, associationId: 'eipassoc-1' });
  });

  test('is believed of a peer at once, until a later read shows that it was not so', () => {
    const first = at(0);
    read(first);
    const second = at(1_000, first);
    says(second, 'pluto', { node: 'pluto', associationId: 'eipassoc-forged' });
    expect(addressIn(second.state).holder.node).toBe('pluto');
    expect(addressIn(second.state).changes).toHaveLength(1);
    const third = at(2_000, second);
    says(third, 'pluto', { node: 'pluto', associationId: 'eipassoc-forged' });
    expect(read(third)).toBe(true);
    expect(addressIn(third.state)).toMatchObject({
      holder: { node: 'neptune', associationId: 'eipassoc-1' },
      changes: [],
    });
    const fourth = at(3_000, third);
    says(fourth, 'pluto', { node: 'pluto', associationId: 'eipassoc-forged-2' });
    expect(addressIn(fourth.state).holder.node).toBe('neptune');
    expect(ignored(fourth)).toBe(true);
    const later = at(70_000, fourth);
    says(later, 'pluto', { node: 'pluto', associationId: 'eipassoc-2' });
    expect(addressIn(later.state).holder.node).toBe('pluto');
  });

  test('by a read that lags behind is not held against whoever says more', () => {
    const first = at(0);
    read(first);
    const second = at(1_000, first);
    says(second, 'pluto', { node: 'pluto', associationId: 'eipassoc-2' }, ['eipassoc-1']);
    const third = at(2_000, second);
    expect(read(third)).toBe(false);
    expect(addressIn(third.state).holder.node).toBe('pluto');
  });
});

test('what the cloud told this node keeps its names when a peer confirms it', () => {
  const ctx = at(0);
  read(ctx);
  const next = at(1, ctx);
  says(next, 'pluto', {
    node: 'neptune',
    instanceId: '\u0000'.repeat(128),
    associationId: 'eipassoc-1',
  });
  const after = at(2, next);
  says(after, 'pluto', { node: 'neptune', instanceId: '\u0000'.repeat(128), associationId: 'eipassoc-1' });
  expect(addressIn(after.state).holder).toMatchObject({ instanceId: 'i-neptune', firsthand: true });
});
