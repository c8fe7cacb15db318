/** What the whole page knows, and what the reader is looking at. */
import { causesOf, mentions } from '../../record/causes.ts';
import { type Context, contextOf, isStory } from '../../record/describe.ts';
import type { RecordedRun, TraceRecord } from '../../record/records.ts';
import { type Filter, GROUPS, MESSAGE_KINDS, wantedRecords } from '../filter.ts';
import { type Model, modelOf } from '../model.ts';
import { firstWindow, type Layout, layoutOf, rowsOf, showing, type Window } from '../scale.ts';
import { lowerBound } from '../spans.ts';

export interface View {
  readonly window: Window;
  readonly cursorMs: number;
  /** An index into the records. */
  readonly selected: number | null;
  /** Whose state the panel shows: an index into the lanes. */
  readonly lane: number;
  readonly filter: Filter;
}

export interface App {
  readonly run: RecordedRun;
  readonly model: Model;
  readonly layout: Layout;
  readonly faultRows: readonly number[];
  readonly context: Context;
  readonly whole: Window;
  view(): View;
  /** What passes the filter, as indices into the records. */
  wanted(): readonly number[];
  /** What led to the selected record, as indices into the records. */
  causes(): ReadonlySet<number>;
  set(change: Partial<View>): void;
  /** To a record: its moment, its node. */
  select(index: number): void;
  /** To a moment: whatever was wanted and came last is selected. */
  goTo(atMs: number): void;
  /** To the wanted record before or after; of the story only, when asked. */
  go(by: 1 | -1, storyOnly: boolean): void;
  onChange(listener: () => void): void;
}

/** What led to something and is older than this isn't shown at first. */
const RECENT_MS = 12_000;

export function createApp(run: RecordedRun): App {
  const { records } = run;
  const model = modelOf(run);
  const context = contextOf(records);
  const whole = { fromMs: model.fromMs, toMs: model.toMs };
  const names = model.lanes.map(({ name }) => name);
  const indexOf = new Map(records.map(({ n }, index) => [n, index]));
  const listeners: (() => void)[] = [];
  let view = firstView(run, model);
  let wanted = wantedRecords(records, view.filter, context, names);
  let causes = causesAt(view.selected);
  let planned = false;

  function causesAt(selected: number | null): ReadonlySet<number> {
    const numbers = selected === null ? [] : causesOf(records, selected);
    return new Set(numbers.flatMap((n) => indexOf.get(n) ?? []));
  }

  function set(change: Partial<View>): void {
    const before = view;
    view = { ...view, ...change };
    if (view.filter !== before.filter) wanted = wantedRecords(records, view.filter, context, names);
    if (view.selected !== before.selected) causes = causesAt(view.selected);
    if (planned) return;
    planned = true;
    requestAnimationFrame(() => {
      planned = false;
      for (const listener of listeners) listener();
    });
  }

  function select(index: number): void {
    const record = records[index];
    if (record === undefined) return;
    const lane = 'who' in record ? names.indexOf(record.who) : -1;
    set({
      selected: index,
      cursorMs: record.at,
      window: showing(view.window, record.at, whole),
      lane: lane < 0 ? view.lane : lane,
    });
  }

  function placeOf(index: number): number {
    return lowerBound(wanted.length, (at) => wanted[at] ?? 0, index);
  }

  return {
    run,
    model,
    layout: layoutOf(model),
    faultRows: rowsOf(model),
    context,
    whole,
    view: () => view,
    wanted: () => wanted,
    causes: () => causes,
    set,
    select,
    goTo(atMs) {
      const cursorMs = Math.min(Math.max(atMs, whole.fromMs), whole.toMs);
      const after = lowerBound(wanted.length, (at) => records[wanted[at] ?? 0]?.at ?? 0, cursorMs + 1e-9);
      set({ cursorMs, selected: wanted[after - 1] ?? null, window: showing(view.window, cursorMs, whole) });
    },
    go(by, storyOnly) {
      const at = placeOf(view.selected ?? 0);
      const start = by === 1 && wanted[at] !== view.selected ? at - 1 : at;
      for (let next = start + by; next >= 0 && next < wanted.length; next += by) {
        const index = wanted[next] ?? 0;
        const record = records[index];
        if (record !== undefined && (!storyOnly || isStory(record))) return select(index);
      }
    },
    onChange: (listener) => void listeners.push(listener),
  };
}

function firstView({ records }: RecordedRun, model: Model): View {
  const whole = { fromMs: model.fromMs, toMs: model.toMs };
  const move = records.findIndex(isMove);
  const near = model.violation ?? (move < 0 ? null : move);
  const first = near ?? orElse(records.findIndex(isBallot), model.faults[0]?.index ?? records.length - 1);
  const record = records[first];
  const named = record === undefined ? -1 : model.lanes.findIndex(({ name }) => isAbout(record, name));
  const atMs = record?.at ?? model.toMs;
  return {
    window: near === null ? whole : firstWindow(atMs, beganBefore(records, near), whole),
    cursorMs: atMs,
    selected: record === undefined ? null : first,
    lane: Math.max(0, named),
    filter: {
      kinds: new Set(MESSAGE_KINDS),
      groups: new Set(GROUPS),
      lanes: new Set(model.lanes.map(({ name }) => name)),
      text: '',
    },
  };
}

/** When what led to a record began: its first cause that isn't long ago. */
function beganBefore(records: RecordedRun['records'], index: number): number {
  const at = records[index]?.at ?? 0;
  const numbers = new Set(causesOf(records, index));
  const times = records.flatMap((one) => (numbers.has(one.n) && one.at > at - RECENT_MS ? [one.at] : []));
  return Math.min(at, ...times);
}

/** The first time that a node takes an address. */
function isMove(record: TraceRecord): boolean {
  return record.kind === 'association' && record.change === 'begun' && record.at > 0;
}

/** Where nothing moved: the first time that somebody wanted to. */
function isBallot(record: TraceRecord): boolean {
  return record.kind === 'fact' && record.fact.kind === 'ballot-opened';
}

/** The first index, unless nothing was found. */
function orElse(found: number, otherwise: number): number {
  return found < 0 ? otherwise : found;
}

/** Whose state one wants to see with it. */
function isAbout(record: TraceRecord, lane: string): boolean {
  if (record.kind === 'association') return record.by === lane;
  if (record.kind === 'violation') return mentions(record.detail, lane);
  return 'who' in record && record.who === lane;
}
