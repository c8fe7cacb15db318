/** The chance of an outage over the run, as a strip above the whole run, and its jumps as sentences. */
import { clockText } from '../scale.ts';
import type { JumpPart, LikelihoodPoint, MomentLine, WhyPart } from '../why-part.ts';
import type { App } from './app.ts';
import { canvasOf, make, makeButton, place } from './dom.ts';
import { type Palette, paletteOf } from './palette.ts';

const HEIGHT_PX = 56;
/** Above and below what is drawn. */
const EDGE_PX = 3;

/** Show it, where the page carries one. */
export function createWhy(app: App): void {
  const carried = place('why-part');
  const part = JSON.parse(carried.textContent ?? 'null') as WhyPart | null; // written into the page by the report itself
  carried.remove();
  if (part === null) return;
  showText(app, part);
  new LikelihoodStrip(app, part).show();
  const cause = part.jumps.findLast(({ rises }) => rises);
  if (cause !== undefined) app.show(cause.fromMs, part.outageMs);
}

function showText(app: App, part: WhyPart): void {
  const box = place('why');
  box.hidden = false;
  document.body.classList.add('explained');
  const told = make(
    'div',
    '',
    make('p', '', make('strong', 'bad', 'Outage: '), part.headline),
    make('p', 'faint', `An outage is ${part.rule}.`),
    make('ol', 'jumps', ...part.jumps.map((jump) => jumpItem(app, jump))),
    make('p', '', 'When it was an outage, the takeover rule stood at'),
    lineList(app, part.stood),
    ...part.notes.map((note) => make('p', 'faint', note)),
  );
  box.append(told, ...tableOf(part));
}

function tableOf({ table }: WhyPart): readonly HTMLElement[] {
  const [names, ...rows] = table;
  if (names === undefined) return [];
  const head = make('thead', '', make('tr', '', ...names.map((name) => make('th', '', name))));
  const body = rows.map(([title = '', ...cells]) =>
    make('tr', '', make('th', '', title), ...cells.map((cell) => make('td', '', cell))),
  );
  return [
    make(
      'div',
      'wide',
      make('h3', '', 'Under other rules'),
      make('table', '', head, make('tbody', '', ...body)),
    ),
  ];
}

function jumpItem(app: App, { fromMs, rises, says, lines, without }: JumpPart): HTMLElement {
  const head = makeButton(says, rises ? 'jump bad' : 'jump good', () => app.goTo(fromMs));
  return make(
    'li',
    '',
    head,
    lineList(app, lines),
    ...(without === '' ? [] : [make('p', 'faint', `Without it: ${without}.`)]),
  );
}

function lineList(app: App, lines: readonly MomentLine[]): HTMLElement {
  const items = lines.map(({ atMs, text }) => {
    const button = makeButton('', 'cause-line', () => app.goTo(atMs));
    button.append(make('span', 't', clockText(atMs, 1_000)), make('span', '', text));
    return make('li', '', button);
  });
  return make('ol', 'causes', ...items);
}

class LikelihoodStrip {
  readonly #app: App;
  readonly #part: WhyPart;
  readonly #canvas = place<HTMLCanvasElement>('likelihood');
  #palette: Palette = paletteOf(document.documentElement);

  constructor(app: App, part: WhyPart) {
    this.#app = app;
    this.#part = part;
  }

  show(): void {
    const canvas = this.#canvas;
    canvas.hidden = false;
    place('likelihood-label').hidden = false;
    const jumps = this.#part.jumps.map(({ says }) => says).join('; ');
    canvas.setAttribute('aria-label', `The chance of the outage over the run: ${jumps || 'it never jumps'}`);
    canvas.addEventListener('click', (event) => this.#app.goTo(this.#timeAt(event.offsetX)));
    canvas.addEventListener('pointermove', (event) => {
      canvas.title = this.#saysAt(this.#timeAt(event.offsetX));
    });
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#palette = paletteOf(document.documentElement);
      this.#draw();
    });
    new ResizeObserver(() => this.#draw()).observe(canvas);
    this.#app.onChange(() => this.#draw());
  }

  #width(): number {
    return Math.max(1, this.#canvas.clientWidth);
  }

  #timeAt(x: number): number {
    const { fromMs, toMs } = this.#app.whole;
    return fromMs + (x / this.#width()) * (toMs - fromMs);
  }

  #saysAt(atMs: number): string {
    const point = this.#part.points.findLast((one) => one.atMs <= atMs);
    return point === undefined
      ? ''
      : `from ${clockText(point.atMs, 1_000)} on: an outage in ${point.says} branches`;
  }

  #xOf(atMs: number): number {
    const { fromMs, toMs } = this.#app.whole;
    return ((atMs - fromMs) / (toMs - fromMs)) * this.#width();
  }

  #draw(): void {
    const paint = canvasOf(this.#canvas, this.#width(), HEIGHT_PX);
    if (paint === null) return;
    paint.clearRect(0, 0, this.#width(), HEIGHT_PX);
    paint.fillStyle = this.#palette.of('lane');
    paint.fillRect(0, 0, this.#width(), HEIGHT_PX);
    paint.fillStyle = this.#palette.of('bad');
    paint.globalAlpha = 0.18;
    this.#area(
      paint,
      ({ low }) => low,
      ({ high }) => high,
    );
    paint.globalAlpha = 0.3;
    this.#area(
      paint,
      () => 0,
      ({ chance }) => chance,
    );
    paint.globalAlpha = 1;
    this.#line(paint);
    this.#marks(paint);
  }

  #area(
    paint: CanvasRenderingContext2D,
    bottom: (point: LikelihoodPoint) => number,
    top: (point: LikelihoodPoint) => number,
  ): void {
    const { points } = this.#part;
    paint.beginPath();
    for (const point of points) paint.lineTo(this.#xOf(point.atMs), yOf(top(point)));
    for (const point of points.toReversed()) paint.lineTo(this.#xOf(point.atMs), yOf(bottom(point)));
    paint.fill();
  }

  #line(paint: CanvasRenderingContext2D): void {
    paint.strokeStyle = this.#palette.of('bad');
    paint.lineWidth = 1.5;
    paint.beginPath();
    for (const { atMs, chance } of this.#part.points) paint.lineTo(this.#xOf(atMs), yOf(chance));
    paint.stroke();
  }

  /** The jumps by their numbers, the outage, and the moment that is looked at. */
  #marks(paint: CanvasRenderingContext2D): void {
    paint.font = '600 11px system-ui, sans-serif';
    for (const [index, { fromMs, rises }] of this.#part.jumps.entries()) {
      const x = this.#xOf(fromMs);
      paint.fillStyle = this.#palette.of(rises ? 'bad' : 'good');
      paint.fillRect(x - 0.5, 0, 1, HEIGHT_PX);
      const text = `${index + 1}`;
      const isNearEnd = x + 14 > this.#width();
      paint.fillText(text, isNearEnd ? x - 10 : x + 3, 12);
    }
    paint.fillStyle = this.#palette.of('ink');
    paint.fillRect(this.#xOf(this.#part.outageMs) - 1, HEIGHT_PX - 10, 3, 10);
    paint.fillStyle = this.#palette.of('accent');
    paint.fillRect(this.#xOf(this.#app.view().cursorMs) - 0.75, 0, 1.5, HEIGHT_PX);
  }
}

function yOf(chance: number): number {
  return HEIGHT_PX - EDGE_PX - chance * (HEIGHT_PX - 2 * EDGE_PX);
}
