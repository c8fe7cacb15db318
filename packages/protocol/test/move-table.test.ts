/** The move's machine: PROTOCOL.md shows the table that the code has, and every way that it names is one that is taken. */
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { State } from '../src/model/state.ts';
import type { Associated, Failure } from '../src/move/events.ts';
import type { MovePhase, NextCall, Settling } from '../src/move/phases.ts';
import { follow, MOVE_TABLE } from '../src/move/table.ts';
import { newContext } from '../src/step-context.ts';
import {
  AT,
  addressIn,
  heldBy,
  IP,
  PAIR,
  PEER,
  SELF,
  stateOf,
  WALL,
  withAddress,
} from './support/fixtures.ts';
import { INTENT, movingIn } from './support/moves.ts';

type Cell = (...parts: never[]) => void;

/** Every cell, by phase and event. */
const CELLS: ReadonlyMap<string, string> = new Map(
  Object.entries(MOVE_TABLE).flatMap(([phase, events]) =>
    Object.entries(events as Readonly<Record<string, Cell | Readonly<Record<string, Cell>>>>).flatMap(
      ([event, cell]) =>
        typeof cell === 'function'
          ? [[`${phase} ${event}`, cell.name] as const]
          : Object.entries(cell).map(([shown, read]) => [`${phase} ${event} ${shown}`, read.name] as const),
    ),
  ),
);

/** The tables of the section, as cells without their quotes. */
const TABLES = sectionOf('### The machine')
  .split('\n\n')
  .filter((block) => block.startsWith('|'))
  .map((block) =>
    block
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('| -'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim().replaceAll('`', '')),
      ),
  );

function sectionOf(title: string): string {
  const page = readFileSync(new URL('../PROTOCOL.md', import.meta.url), 'utf8');
  const after = page.slice(page.indexOf(`${title}\n`));
  return after.slice(0, after.indexOf('\n## '));
}

function documented(): ReadonlyMap<string, string> {
  const [reads = [], others = []] = TABLES;
  const [head = [], ...rows] = reads;
  return new Map([
    ...rows.flatMap(([phase, purpose, ...cells]) =>
      cells.map((cell, i) => [`${phase} ${purpose} ${head[i + 2]}`, cell] as const),
    ),
    ...others.slice(1).map(([phase, event, cell = '']) => [`${phase} ${event}`, cell] as const),
  ]);
}

test('PROTOCOL.md shows every cell of the table, and no other', () => {
  expect(CELLS.size).toBeGreaterThan(50);
  expect(Object.fromEntries(documented())).toEqual(Object.fromEntries(CELLS));
});

test('PROTOCOL.md explains everything that can follow, and nothing else', () => {
  const explained = (TABLES[2] ?? []).slice(1).map(([name]) => name);
  expect([...explained].sort()).toEqual([...new Set(CELLS.values())].sort());
});

const shown = (associationId: string, self: boolean): Associated => ({
  kind: 'associated',
  associationId,
  instanceId: self ? 'i-saturn' : 'i-neptune',
  node: null,
  self,
});

const SHOWN = ['eipassoc-1', 'eipassoc-2'].map(
  (id) => ({ kind: 'another', association: shown(id, false) }) as const,
);
const SELF_SHOWN = { kind: 'self', association: shown('eipassoc-2', true) } as const;
const DISPLACES = { kind: 'displaces', other: '203.0.113.9' } as const;
const FAILURES: readonly Failure[] = (['throttled', 'refused', 'unknown'] as const).map((kind) => ({
  kind,
  code: 'Code',
  message: 'a message',
}));
const READ_EVENTS = [{ kind: 'nobody' }, SELF_SHOWN, ...SHOWN, { kind: 'lagging' }, ...FAILURES] as const;

/** States that differ in all that a cell heeds. */
const STATES: readonly State[] = [
  PAIR,
  { ...PAIR, driver: { style: 'single-call', swap: false, displace: 'refuse' } as const },
].flatMap((config) =>
  [PEER, SELF].flatMap((holder) =>
    [
      INTENT,
      { ...INTENT, from: 'nobody', associationId: null },
      { ...INTENT, stage: 'released' as const },
    ].flatMap((intent) =>
      [null, { intent, takes: 1, until: AT + 60_000, held: null }].map((late) =>
        withAddress(heldBy(stateOf(config), holder), { intent, late }),
      ),
    ),
  ),
);

/** Where it leads from each of those states. */
function leadsTo<P extends MovePhase>(
  phases: readonly P[],
  act: (state: State, phase: P) => { readonly name: string; readonly after: State },
): readonly (readonly [name: string, to: string])[] {
  return STATES.flatMap((state) =>
    [false, true].flatMap((duty) =>
      phases.map((stage) => {
        const { name, after } = act(withAddress(state, { move: movingIn(stage, duty) }), stage);
        return [name, addressIn(after).move?.stage.kind ?? 'end'] as const;
      }),
    ),
  );
}

/** One cell, called as the machine calls it. */
function taken<P, E extends { readonly kind: string }>(
  row: Parameters<typeof follow<P, E>>[0],
  state: State,
  phase: P,
  event: E,
): { readonly name: string; readonly after: State } {
  const ctx = newContext(state, { at: AT, wall: WALL });
  follow(row, ctx, IP, phase, event);
  const cells: Readonly<Record<string, Cell>> = row;
  return { name: cells[event.kind]?.name ?? '', after: ctx.state };
}

function waysOfReading(): readonly (readonly [string, string])[] {
  return (['early', 'start', 'duty', 'lost', 'recover'] as const).flatMap((purpose) =>
    [...READ_EVENTS, DISPLACES].flatMap((event) =>
      leadsTo([{ kind: 'reading', callId: 9, at: AT - 100, purpose } as const], (state, phase) =>
        taken(MOVE_TABLE.reading[purpose], state, phase, event),
      ),
    ),
  );
}

function waysOfCalling(): readonly (readonly [string, string])[] {
  const releasing = {
    kind: 'releasing',
    callId: 9,
    at: AT,
    associationId: 'eipassoc-1',
    instanceId: `i-${PEER}`,
    node: PEER,
  } as const;
  const taking = { kind: 'taking', callId: 9, at: AT, reassociate: false } as const;
  return [
    ...([{ kind: 'released' }, { kind: 'ended' }, ...FAILURES] as const).flatMap((event) =>
      leadsTo([releasing], (state, phase) => taken(MOVE_TABLE.releasing, state, phase, event)),
    ),
    ...([{ kind: 'taken', associationId: 'eipassoc-2' }, { kind: 'held' }, ...FAILURES] as const).flatMap(
      (event) =>
        leadsTo([taking, { ...taking, reassociate: true }], (state, phase) =>
          taken(MOVE_TABLE.taking, state, phase, event),
        ),
    ),
  ];
}

function waysOfSettling(): readonly (readonly [string, string])[] {
  const phases = (['release', 'take', 'swap'] as const).flatMap((of) =>
    [500, 6_000].map(
      (sinceMs): Settling => ({
        kind: 'settling',
        of,
        associationId: of === 'release' ? 'eipassoc-1' : null,
        since: AT - sinceMs,
        callId: null,
        readAt: AT,
        seen: null,
        seenAt: AT - 500,
        nextAt: AT,
      }),
    ),
  );
  return ([{ kind: 'due' }, ...READ_EVENTS] as const).flatMap((event) =>
    leadsTo(phases, (state, phase) => taken(MOVE_TABLE.settling, state, phase, event)),
  );
}

function waysOfWaiting(): readonly (readonly [string, string])[] {
  const calls: readonly NextCall[] = [
    { call: 'read', purpose: 'duty' },
    { call: 'release', associationId: 'eipassoc-1', instanceId: `i-${PEER}`, node: PEER },
    { call: 'take', reassociate: false },
  ];
  const resting = calls.flatMap((next) =>
    [AT, AT + 500].map((until) => ({ kind: 'resting', until, next }) as const),
  );
  const verifying = [AT - 100, AT - 20_000].map(
    (acceptedAt) => ({ kind: 'verifying', acceptedAt, by: 'answer' }) as const,
  );
  return [
    ...leadsTo(resting, (state, phase) => taken(MOVE_TABLE.resting, state, phase, { kind: 'cleared' })),
    ...leadsTo(verifying, (state, phase) => taken(MOVE_TABLE.verifying, state, phase, { kind: 'due' })),
  ];
}

test('each leads to the phases that PROTOCOL.md names, and to no other', () => {
  const ways = new Map<string, Set<string>>();
  for (const [name, to] of [...waysOfReading(), ...waysOfCalling(), ...waysOfSettling(), ...waysOfWaiting()])
    ways.set(name, (ways.get(name) ?? new Set()).add(to));
  const told = (TABLES[2] ?? []).slice(1).map(([name = '', to = '']) => [name, to.split(', ').sort()]);
  expect(Object.fromEntries([...ways].map(([name, to]) => [name, [...to].sort()]))).toEqual(
    Object.fromEntries(told),
  );
});
