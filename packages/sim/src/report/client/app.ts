/** What the whole page knows, and what the reader is looking at. */
import { causesOf, mentions } from '../../record/causes.ts';
import { type Context, contextOf, isStory } from '../../record/describe.ts';
import { MESSAGE_KINDS, type RecordedRun, type TraceRecord } from '../../record/records.ts';
import { type Filter, GROUPS, wantedRecords } from '../filter.ts';
import { type Model, modelOf } from '../model.ts';
import { firstWindow, type Layout, layoutOf, rowsOf, showing, type Window, within } from '../scale.ts';
import { lowerBound } from '../spans.ts';

/** What the reader is looking at. */
export interface View {
  readonly window: Window;
  readonly cursorMs: number;
  /** An index into the records. */
  readonly selected: number | null;
  /** Whose state the panel shows: an index into the lanes. */
  readonly lane: number;
  readonly filter: Filter;
}

/** Beside what is shown, as a share of it. */
const AROUND = 0.1;
/** What led to something and is older than this isn't shown at first. */
const RECENT_MS = 12_000;

/** What the whole page knows, and what the reader is looking at. */
export class App {
  readonly run: RecordedRun;
  readonly #records: readonly TraceRecord[];
  readonly model: Model;
  readonly context: Context;
  readonly whole: Window;
  readonly #names: string[];
  readonly #indexOf: Map<number, number>;
  readonly #listeners: (() => void)[] = [];
  #view: View;
  #wanted: readonly number[];
  #causes: ReadonlySet<number>;
  #planned = false;
  readonly layout: Layout;
  readonly faultRows: readonly number[];

  constructor(run: RecordedRun) {
    this.run = run;
    const { records } = run;
    this.#records = records;
    this.model = modelOf(run);
    this.context = contextOf(this.#records);
    this.whole = { fromMs: this.model.fromMs, toMs: this.model.toMs };
    this.#names = this.model.lanes.map(({ name }) => name);
    this.#indexOf = new Map(this.#records.map(({ n }, index) => [n, index]));
    this.#view = firstView(run, this.model);
    this.#wanted = wantedRecords(this.#records, this.#view.filter, this.context, this.#names);
    this.#causes = this.#causesAt(this.#view.selected);
    this.layout = layoutOf(this.model);
    this.faultRows = rowsOf(this.model);
  }

  view(): View {
    return this.#view;
  }

  /** What passes the filter, as indices into the records. */
  wanted(): readonly number[] {
    return this.#wanted;
  }

  /** What led to the selected record, as indices into the records. */
  causes(): ReadonlySet<number> {
    return this.#causes;
  }

  /** To a moment: whatever was wanted and came last is selected. */
  goTo(atMs: number): void {
    const cursorMs = Math.min(Math.max(atMs, this.whole.fromMs), this.whole.toMs);
    const after = lowerBound(
      this.#wanted.length,
      (at) => this.#records[this.#wanted[at] ?? 0]?.at ?? 0,
      cursorMs + 1e-9,
    );
    this.set({
      cursorMs,
      selected: this.#wanted[after - 1] ?? null,
      window: showing(this.#view.window, cursorMs, this.whole),
    });
  }

  /** To a moment, with all that came from there to another one in sight. */
  show(atMs: number, untilMs: number): void {
    this.goTo(atMs);
    const aroundMs = (untilMs - atMs) * AROUND;
    this.set({ window: within({ fromMs: atMs - aroundMs, toMs: untilMs + aroundMs }, this.whole) });
  }

  /** To the wanted record before or after; of the story only, when asked. */
  go(by: 1 | -1, storyOnly: boolean): void {
    const at = this.#placeOf(this.#view.selected ?? 0);
    const start = by === 1 && this.#wanted[at] !== this.#view.selected ? at - 1 : at;
    for (let next = start + by; next >= 0 && next < this.#wanted.length; next += by) {
      const index = this.#wanted[next] ?? 0;
      const record = this.#records[index];
      if (record !== undefined && (!storyOnly || isStory(record))) return this.select(index);
    }
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  set(change: Partial<View>): void {
    const before = this.#view;
    this.#view = { ...this.#view, ...change };
    if (this.#view.filter !== before.filter)
      this.#wanted = wantedRecords(this.#records, this.#view.filter, this.context, this.#names);
    if (this.#view.selected !== before.selected) this.#causes = this.#causesAt(this.#view.selected);
    if (this.#planned) return;
    this.#planned = true;
    requestAnimationFrame(() => {
      this.#planned = false;
      for (const listener of this.#listeners) listener();
    });
  }

  /** To a record: its moment, its node. */
  select(index: number): void {
    const record = this.#records[index];
    if (record === undefined) return;
    const lane = 'who' in record ? this.#names.indexOf(record.who) : -1;
    this.set({
      selected: index,
      cursorMs: record.at,
      window: showing(this.#view.window, record.at, this.whole),
      lane: lane < 0 ? this.#view.lane : lane,
    });
  }

  #causesAt(selected: number | null): ReadonlySet<number> {
    const numbers = selected === null ? [] : causesOf(this.#records, selected);
    return new Set(numbers.flatMap((n) => this.#indexOf.get(n) ?? []));
  }

  #placeOf(index: number): number {
    return lowerBound(this.#wanted.length, (at) => this.#wanted[at] ?? 0, index);
  }
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
