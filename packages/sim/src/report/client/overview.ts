/** The whole run in one strip, with what part of it is seen, and the scrubber under it. */
import { clockText, within } from '../scale.ts';
import type { App } from './app.ts';
import { canvasOf, place } from './dom.ts';
import { type Palette, paletteOf } from './palette.ts';

const HEIGHT_PX = 34;
const FAULTS_PX = 8;

/** Draw the strip, and keep it up to date. */
export function createOverview(app: App): void {
  new Overview(app).show();
}

class Overview {
  readonly #app: App;
  readonly #canvas = place<HTMLCanvasElement>('overview');
  readonly #scrub = place<HTMLInputElement>('scrub');
  #palette: Palette = paletteOf(document.documentElement);
  readonly #span: number;
  #held = false;

  constructor(app: App) {
    this.#app = app;
    this.#span = app.whole.toMs - app.whole.fromMs;
  }

  show(): void {
    const app = this.#app;
    this.#canvas.addEventListener('pointerdown', (event) => {
      this.#held = true;
      this.#canvas.setPointerCapture(event.pointerId);
      this.#move(event);
    });
    this.#canvas.addEventListener('pointermove', (event) => {
      if (this.#held) this.#move(event);
    });
    this.#canvas.addEventListener('pointerup', () => {
      this.#held = false;
    });
    this.#scrub.min = String(app.whole.fromMs);
    this.#scrub.max = String(app.whole.toMs);
    this.#scrub.step = 'any';
    this.#scrub.addEventListener('input', () => app.goTo(Number(this.#scrub.value)));
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#palette = paletteOf(document.documentElement);
      this.#app.set({});
    });
    new ResizeObserver(() => this.#app.set({})).observe(this.#canvas);
    app.onChange(() => {
      const { cursorMs } = this.#app.view();
      this.#scrub.value = String(cursorMs);
      this.#scrub.setAttribute('aria-valuetext', clockText(cursorMs, 0));
      this.#draw();
    });
  }

  #width(): number {
    return Math.max(1, this.#canvas.clientWidth);
  }

  #xOf(atMs: number): number {
    return ((atMs - this.#app.whole.fromMs) / this.#span) * this.#width();
  }

  #draw(): void {
    const paint = canvasOf(this.#canvas, this.#width(), HEIGHT_PX);
    if (paint === null) return;
    paint.fillStyle = this.#palette.of('lane');
    paint.fillRect(0, 0, this.#width(), HEIGHT_PX);
    for (const { fromMs, toMs } of this.#app.model.faults) {
      paint.fillStyle = this.#palette.of('fault-line');
      paint.globalAlpha = 0.55;
      paint.fillRect(this.#xOf(fromMs), 1, Math.max(1.5, this.#xOf(toMs) - this.#xOf(fromMs)), FAULTS_PX - 2);
    }
    paint.globalAlpha = 1;
    this.#owners(paint);
    if (this.#app.model.violation !== null) {
      paint.fillStyle = this.#palette.of('bad');
      paint.fillRect(
        Math.min(this.#xOf(this.#app.run.records[this.#app.model.violation]?.at ?? 0), this.#width() - 3) - 1,
        0,
        4,
        HEIGHT_PX,
      );
    }
    this.#frame(paint);
  }

  #owners(paint: CanvasRenderingContext2D): void {
    const high = (HEIGHT_PX - FAULTS_PX) / Math.max(1, this.#app.model.addresses.length);
    for (const [index, { owners: spans, served }] of this.#app.model.addresses.entries()) {
      const y = FAULTS_PX + index * high;
      for (const { fromMs, toMs, is } of spans) {
        const node = this.#app.model.lanes.findIndex(({ name }) => name === is);
        paint.fillStyle = is === null ? this.#palette.hatch(paint) : this.#palette.node(node);
        paint.fillRect(this.#xOf(fromMs), y, Math.max(1, this.#xOf(toMs) - this.#xOf(fromMs)), high - 4);
      }
      for (const { fromMs, toMs, is } of served) {
        paint.fillStyle = this.#palette.of(is === null ? 'bad' : 'alive');
        paint.fillRect(this.#xOf(fromMs), y + high - 4, Math.max(1, this.#xOf(toMs) - this.#xOf(fromMs)), 3);
      }
    }
  }

  #frame(paint: CanvasRenderingContext2D): void {
    const { window, cursorMs } = this.#app.view();
    const [x1, x2] = [
      this.#xOf(window.fromMs),
      Math.max(this.#xOf(window.toMs), this.#xOf(window.fromMs) + 3),
    ];
    paint.fillStyle = this.#palette.of('accent');
    paint.globalAlpha = 0.14;
    paint.fillRect(x1, 0, x2 - x1, HEIGHT_PX);
    paint.globalAlpha = 1;
    paint.strokeStyle = this.#palette.of('accent');
    paint.lineWidth = 1.5;
    paint.strokeRect(x1 + 0.75, 0.75, Math.max(2, x2 - x1 - 1.5), HEIGHT_PX - 1.5);
    paint.fillRect(this.#xOf(cursorMs) - 0.75, 0, 1.5, HEIGHT_PX);
  }

  /** The part that is seen, moved to the mouse. */
  #move(event: PointerEvent): void {
    const { window } = this.#app.view();
    const middle = this.#app.whole.fromMs + (event.offsetX / this.#width()) * this.#span;
    const half = (window.toMs - window.fromMs) / 2;
    this.#app.set({ window: within({ fromMs: middle - half, toMs: middle + half }, this.#app.whole) });
  }
}
