/** The whole run in one strip, with what part of it is seen, and the scrubber under it. */
import { clockText, within } from '../scale.ts';
import type { App } from './app.ts';
import { canvasOf, place } from './dom.ts';
import { type Palette, paletteOf } from './palette.ts';

const HEIGHT_PX = 34;
const FAULTS_PX = 8;

export function createOverview(app: App): void {
  const canvas = place<HTMLCanvasElement>('overview');
  const scrub = place<HTMLInputElement>('scrub');
  let palette: Palette = paletteOf(document.documentElement);
  const span = app.whole.toMs - app.whole.fromMs;
  const width = (): number => Math.max(1, canvas.clientWidth);
  const xOf = (atMs: number): number => ((atMs - app.whole.fromMs) / span) * width();

  function draw(): void {
    const paint = canvasOf(canvas, width(), HEIGHT_PX);
    if (paint === null) return;
    paint.fillStyle = palette.of('lane');
    paint.fillRect(0, 0, width(), HEIGHT_PX);
    for (const { fromMs, toMs } of app.model.faults) {
      paint.fillStyle = palette.of('fault-line');
      paint.globalAlpha = 0.55;
      paint.fillRect(xOf(fromMs), 1, Math.max(1.5, xOf(toMs) - xOf(fromMs)), FAULTS_PX - 2);
    }
    paint.globalAlpha = 1;
    owners(paint);
    if (app.model.violation !== null) {
      paint.fillStyle = palette.of('bad');
      paint.fillRect(
        Math.min(xOf(app.run.records[app.model.violation]?.at ?? 0), width() - 3) - 1,
        0,
        4,
        HEIGHT_PX,
      );
    }
    frame(paint);
  }

  function owners(paint: CanvasRenderingContext2D): void {
    const high = (HEIGHT_PX - FAULTS_PX) / Math.max(1, app.model.addresses.length);
    for (const [index, { owners: spans, served }] of app.model.addresses.entries()) {
      const y = FAULTS_PX + index * high;
      for (const { fromMs, toMs, is } of spans) {
        const node = app.model.lanes.findIndex(({ name }) => name === is);
        paint.fillStyle = is === null ? palette.hatch(paint) : palette.node(node);
        paint.fillRect(xOf(fromMs), y, Math.max(1, xOf(toMs) - xOf(fromMs)), high - 4);
      }
      for (const { fromMs, toMs, is } of served) {
        paint.fillStyle = palette.of(is === null ? 'bad' : 'alive');
        paint.fillRect(xOf(fromMs), y + high - 4, Math.max(1, xOf(toMs) - xOf(fromMs)), 3);
      }
    }
  }

  function frame(paint: CanvasRenderingContext2D): void {
    const { window, cursorMs } = app.view();
    const [x1, x2] = [xOf(window.fromMs), Math.max(xOf(window.toMs), xOf(window.fromMs) + 3)];
    paint.fillStyle = palette.of('accent');
    paint.globalAlpha = 0.14;
    paint.fillRect(x1, 0, x2 - x1, HEIGHT_PX);
    paint.globalAlpha = 1;
    paint.strokeStyle = palette.of('accent');
    paint.lineWidth = 1.5;
    paint.strokeRect(x1 + 0.75, 0.75, Math.max(2, x2 - x1 - 1.5), HEIGHT_PX - 1.5);
    paint.fillRect(xOf(cursorMs) - 0.75, 0, 1.5, HEIGHT_PX);
  }

  /** The part that is seen, moved to the mouse. */
  function move(event: PointerEvent): void {
    const { window } = app.view();
    const middle = app.whole.fromMs + (event.offsetX / width()) * span;
    const half = (window.toMs - window.fromMs) / 2;
    app.set({ window: within({ fromMs: middle - half, toMs: middle + half }, app.whole) });
  }

  let held = false;
  canvas.addEventListener('pointerdown', (event) => {
    held = true;
    canvas.setPointerCapture(event.pointerId);
    move(event);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (held) move(event);
  });
  canvas.addEventListener('pointerup', () => {
    held = false;
  });
  scrub.min = String(app.whole.fromMs);
  scrub.max = String(app.whole.toMs);
  scrub.step = 'any';
  scrub.addEventListener('input', () => app.goTo(Number(scrub.value)));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    palette = paletteOf(document.documentElement);
    app.set({});
  });
  new ResizeObserver(() => app.set({})).observe(canvas);
  app.onChange(() => {
    const { cursorMs } = app.view();
    scrub.value = String(cursorMs);
    scrub.setAttribute('aria-valuetext', clockText(cursorMs, 0));
    draw();
  });
}
