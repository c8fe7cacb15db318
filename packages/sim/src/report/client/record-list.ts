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

/** Show the list, and keep it up to date. */
export function createList(app: App): void {
  new RecordList(app).show();
}

class RecordList {
  readonly #app: App;
  readonly #box = place('list');
  readonly #rows = place('rows');
  #shown: number | null = null;
  #wantedBefore: readonly number[] = [];
  readonly #draw = (): void => {
    const wanted = this.#app.wanted();
    this.#rows.style.height = `${Math.ceil(wanted.length * this.#rowPx())}px`;
    const first = Math.max(0, Math.floor(this.#box.scrollTop / this.#rowPx()) - SPARE);
    const count = Math.min(MOST_ROWS, Math.ceil(this.#box.clientHeight / ROW_PX) + 2 * SPARE);
    const made: HTMLElement[] = [];
    for (let at = first; at < Math.min(wanted.length, first + count); at += 1)
      made.push(this.#row(wanted[at] ?? 0, at));
    this.#rows.replaceChildren(...made);
  };

  constructor(app: App) {
    this.#app = app;
  }

  show(): void {
    const app = this.#app;
    this.#box.addEventListener('scroll', () => requestAnimationFrame(this.#draw));
    new ResizeObserver(() => this.#app.set({})).observe(this.#box);
    app.onChange(() => {
      place('count').textContent = `${this.#app.wanted().length} of ${this.#app.run.records.length}`;
      // The height first: what isn't there can't be scrolled to.
      this.#rows.style.height = `${Math.ceil(this.#app.wanted().length * this.#rowPx())}px`;
      this.#follow();
      this.#draw();
    });
  }

  /** How many pixels of scrolling one row is: fewer when there are very many rows. */
  #rowPx(): number {
    return Math.min(ROW_PX, MOST_PX / Math.max(1, this.#app.wanted().length));
  }

  #row(index: number, at: number): HTMLElement {
    const record = this.#app.run.records[index];
    const made = make('div', 'row');
    if (record === undefined) return made;
    const selected = index === this.#app.view().selected;
    made.append(
      make('span', 't', clockText(record.at, 0)),
      make('span', 'faint', `#${record.step}`),
      make('span', '', subjectOf(record, this.#app.context)),
      make('span', '', describe(record, this.#app.context)),
    );
    if (record.kind === 'violation') made.classList.add('violation');
    else if (isStory(record)) made.classList.add('story');
    if (this.#app.causes().has(index)) made.classList.add('cause');
    made.id = `record-${record.n}`;
    made.setAttribute('role', 'option');
    made.setAttribute('aria-selected', String(selected));
    made.style.top = `${at * this.#rowPx()}px`;
    made.addEventListener('click', () => this.#app.select(index));
    return made;
  }

  /** Scroll to the selected record, if it can't be seen. */
  #follow(): void {
    const { selected } = this.#app.view();
    const wanted = this.#app.wanted();
    if (selected === this.#shown && wanted === this.#wantedBefore) return;
    this.#shown = selected;
    this.#wantedBefore = wanted;
    const record = selected === null ? undefined : this.#app.run.records[selected];
    if (selected === null || record === undefined) return this.#box.removeAttribute('aria-activedescendant');
    this.#box.setAttribute('aria-activedescendant', `record-${record.n}`);
    const top = lowerBound(wanted.length, (at) => wanted[at] ?? 0, selected) * this.#rowPx();
    if (top < this.#box.scrollTop + ROW_PX || top > this.#box.scrollTop + this.#box.clientHeight - 2 * ROW_PX)
      this.#box.scrollTop = top - this.#box.clientHeight / 2;
  }
}
