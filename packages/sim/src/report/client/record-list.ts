/** The list of records: only the rows in sight exist, and it follows the scrubber. */
import { describe, isStory, subjectOf } from '../../record/describe.ts';
import { clockText } from '../scale.ts';
import { lowerBound } from '../spans.ts';
import type { App } from './app.ts';
import { make, place } from './dom.ts';

const ROW_PX = 22;
/** Rows beyond the edges, so that scrolling shows no gaps. */
const SPARE = 6;
/** However high the list: more than a screen shows. */
const MOST_ROWS = 150;
/** Browsers don't make elements taller than some millions of pixels. */
const MOST_PX = 8_000_000;

export function createList(app: App): void {
  const box = place('list');
  const rows = place('rows');
  let shown: number | null = null;
  let wantedBefore: readonly number[] = [];

  /** How many pixels of scrolling one row is: fewer when there are very many rows. */
  const rowPx = (): number => Math.min(ROW_PX, MOST_PX / Math.max(1, app.wanted().length));

  function draw(): void {
    const wanted = app.wanted();
    rows.style.height = `${Math.ceil(wanted.length * rowPx())}px`;
    const first = Math.max(0, Math.floor(box.scrollTop / rowPx()) - SPARE);
    const count = Math.min(MOST_ROWS, Math.ceil(box.clientHeight / ROW_PX) + 2 * SPARE);
    const made: HTMLElement[] = [];
    for (let at = first; at < Math.min(wanted.length, first + count); at += 1)
      made.push(row(wanted[at] ?? 0, at));
    rows.replaceChildren(...made);
  }

  function row(index: number, at: number): HTMLElement {
    const record = app.run.records[index];
    const made = make('div', 'row');
    if (record === undefined) return made;
    const selected = index === app.view().selected;
    made.append(
      make('span', 't', clockText(record.at, 0)),
      make('span', 'faint', `#${record.step}`),
      make('span', '', subjectOf(record, app.context)),
      make('span', '', describe(record, app.context)),
    );
    if (record.kind === 'violation') made.classList.add('violation');
    else if (isStory(record)) made.classList.add('story');
    if (app.causes().has(index)) made.classList.add('cause');
    made.id = `record-${record.n}`;
    made.setAttribute('role', 'option');
    made.setAttribute('aria-selected', String(selected));
    made.style.top = `${at * rowPx()}px`;
    made.addEventListener('click', () => app.select(index));
    return made;
  }

  /** Scroll to the selected record, if it can't be seen. */
  function follow(): void {
    const { selected } = app.view();
    const wanted = app.wanted();
    if (selected === shown && wanted === wantedBefore) return;
    shown = selected;
    wantedBefore = wanted;
    const record = selected === null ? undefined : app.run.records[selected];
    if (selected === null || record === undefined) return box.removeAttribute('aria-activedescendant');
    box.setAttribute('aria-activedescendant', `record-${record.n}`);
    const top = lowerBound(wanted.length, (at) => wanted[at] ?? 0, selected) * rowPx();
    if (top < box.scrollTop + ROW_PX || top > box.scrollTop + box.clientHeight - 2 * ROW_PX)
      box.scrollTop = top - box.clientHeight / 2;
  }

  box.addEventListener('scroll', () => requestAnimationFrame(draw));
  new ResizeObserver(() => app.set({})).observe(box);
  app.onChange(() => {
    place('count').textContent = `${app.wanted().length} of ${app.run.records.length}`;
    // The height first: what isn't there can't be scrolled to.
    rows.style.height = `${Math.ceil(app.wanted().length * rowPx())}px`;
    follow();
    draw();
  });
}
