/** Beside the picture: how one node is at this moment, with its decision ladder, and the record that was chosen. */
import { describe, subjectOf } from '../../record/describe.ts';
import type { GateLine, TraceRecord } from '../../record/records.ts';
import type { AddressTrack, Lane } from '../lanes.ts';
import { clockText } from '../scale.ts';
import { spanAt } from '../spans.ts';
import type { App } from './app.ts';
import { make, makeButton, place } from './dom.ts';

const TONES: Readonly<Record<string, string>> = {
  up: 'good',
  fit: 'good',
  alive: 'good',
  down: 'bad',
  unfit: 'bad',
  crashed: 'bad',
  gone: 'bad',
  dead: 'bad',
  hung: 'bad',
  error: 'bad',
  paused: 'warn',
  frozen: 'warn',
  slow: 'warn',
};

/** Show the state of the chosen node and the selected record, and keep it up to date. */
export function createPanel(app: App): void {
  const tabs = app.model.lanes.map(({ name }, index) => {
    const tab = makeButton(name, '', () => app.set({ lane: index }));
    tab.setAttribute('role', 'tab');
    tab.setAttribute('aria-controls', 'node');
    return tab;
  });
  place('tabs').replaceChildren(...tabs);
  let detailOf: number | null = -1;
  app.onChange(() => {
    const { cursorMs, lane, selected } = app.view();
    place('moment').textContent = `At ${clockText(cursorMs, 0)}`;
    for (const [index, tab] of tabs.entries()) tab.setAttribute('aria-selected', String(index === lane));
    const chosen = app.model.lanes[lane];
    if (chosen !== undefined) place('node').replaceChildren(...nodeView(chosen, cursorMs));
    if (selected === detailOf) return;
    detailOf = selected;
    place('detail').replaceChildren(...detailView(app, selected));
  });
}

function nodeView(lane: Lane, atMs: number): readonly Node[] {
  const process = spanAt(lane.process, atMs)?.is ?? 'off';
  const state = process === 'alive' || process === 'paused' ? spanAt(lane.states, atMs)?.is : undefined;
  const haproxy = spanAt(lane.haproxy, atMs)?.is;
  const rows: (readonly [string, Node | string])[] = [['process', toned(process)]];
  if (haproxy !== undefined) rows.push(['HAProxy', toned(haproxy)]);
  if (state !== undefined)
    rows.push(
      ['phase', `${state.phase}, incarnation ${state.incarnation}`],
      ['fit', toned(state.fit)],
      ['ready to take over', state.ready ? 'yes' : 'no'],
    );
  return [facts(rows), ...lane.tracks.flatMap((track) => trackView(track, atMs))];
}

function trackView(track: AddressTrack, atMs: number): readonly Node[] {
  const view = spanAt(track.views, atMs);
  const lent = track.lent
    .filter((span) => holds(span, atMs))
    .map(({ is, toMs }) => `to ${is.to} until ${clockText(toMs, 0)}`);
  const borrowed = track.borrowed
    .filter((span) => holds(span, atMs))
    .map(({ is, toMs }) => `${is}'s until ${clockText(toMs, 0)}`);
  const title = make('h3', '', track.ip);
  if (view === null) return [title, make('p', 'faint', 'nothing: no process looks at it')];
  const { verdict, holder, epoch, stage, outcome, reason, detail } = view.is;
  const rows: (readonly [string, Node | string])[] = [
    ['verdict', toned(verdict)],
    ['held by', holder],
    ['decision', make('span', '', make('b', '', `${outcome}: ${reason}`), `, ${detail}`)],
    ['stage', stage],
    ['epoch', String(epoch)],
  ];
  if (lent.length > 0) rows.push(['lease lent', lent.join(', ')]);
  if (borrowed.length > 0) rows.push(['leases had', borrowed.join(', ')]);
  const ladder = spanAt(track.ladders, atMs);
  return [title, facts(rows), ...(ladder === null ? [] : [ladderView(ladder.is)])];
}

function holds({ fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }, atMs: number): boolean {
  return fromMs <= atMs && atMs < toMs;
}

function ladderView(gates: readonly GateLine[]): HTMLElement {
  const first = gates.findIndex(([, passed]) => passed === false);
  const list = make('ol', 'ladder');
  list.setAttribute('aria-label', 'decision ladder');
  for (const [index, [name, passed, sees]] of gates.entries()) {
    const line = make('li', lineClass(index, first, passed), gateSign(passed));
    line.append(make('span', '', name), make('span', passed === false ? '' : 'faint', sees));
    list.append(line);
  }
  return list;
}

/** The first closed gate decides; what comes behind it is shown fainter. */
function lineClass(index: number, first: number, passed: boolean | null): string {
  if (index === first) return 'closed';
  return passed === null || (first >= 0 && index > first) ? 'later' : '';
}

function gateSign(passed: boolean | null): HTMLElement {
  const [tone, text, label] =
    passed === null ? ['faint', '·', 'not asked'] : passed ? ['good', '✓', 'passed'] : ['bad', '✗', 'closed'];
  const sign = make('span', tone, text);
  sign.setAttribute('role', 'img');
  sign.setAttribute('aria-label', label);
  return sign;
}

function toned(word: string): HTMLElement {
  return make('span', TONES[word] ?? '', word);
}

function facts(rows: readonly (readonly [string, Node | string])[]): HTMLElement {
  const list = make('dl', 'facts');
  for (const [name, value] of rows) list.append(make('dt', '', name), make('dd', '', value));
  return list;
}

function detailView(app: App, selected: number | null): readonly Node[] {
  const record = selected === null ? undefined : app.run.records[selected];
  if (record === undefined) return [make('p', 'faint', 'No record is chosen.')];
  const title = make('h2', record.kind === 'violation' ? 'bad' : '', describe(record, app.context));
  const where = `${clockText(record.at, 0)}, step #${record.step}, record ${record.n}, ${subjectOf(record, app.context)}`;
  const causes = [...app.causes()].sort((a, b) => a - b);
  return [
    title,
    make('p', 'faint', where),
    make('h3', '', 'What led to it'),
    causes.length === 0
      ? make('p', 'faint', 'Nothing that was recorded.')
      : make('ol', 'causes', ...causes.map((index) => make('li', '', causeLine(app, index)))),
    make('h3', '', 'In full'),
    make('pre', '', JSON.stringify(insideOf(app, record), null, 1)),
  ];
}

/** What arrived is shown with what was sent. */
function insideOf(app: App, record: TraceRecord): unknown {
  if (record.kind !== 'arrived' && record.kind !== 'lost') return record;
  return { ...record, sent: app.context.sent(record.msg) };
}

/** A record as a button that leads to it. */
export function causeLine(app: App, index: number): HTMLElement {
  const record = app.run.records[index];
  const line = makeButton('', 'cause-line', () => app.select(index));
  if (record === undefined) return line;
  const who = subjectOf(record, app.context);
  line.append(
    make('span', 't', clockText(record.at, 0)),
    make('span', '', make('b', '', who), ` ${describe(record, app.context)}`),
  );
  return line;
}
