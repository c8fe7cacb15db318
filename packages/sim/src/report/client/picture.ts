/** What every part of the picture draws with. */
import type { App } from './app.ts';
import type { Palette } from './palette.ts';

/** A canvas that is being painted, and where moments are on it. */
export interface Picture {
  readonly app: App;
  readonly paint: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly width: number;
  readonly xOf: (atMs: number) => number;
}

/** The font of all text in pictures. */
export const FONT = '11px system-ui, sans-serif';
/** Narrower bars get no text. */
const LEAST_TEXT_PX = 26;

/** A span's ends in pixels, cut to what is seen; empty when it isn't. */
export function barOf({ xOf, width }: Picture, fromMs: number, toMs: number): readonly [number, number] {
  return [Math.max(xOf(fromMs), -4), Math.min(xOf(toMs), width + 4)];
}

/** Text in a bar, as far as there is room. */
export function label(
  { paint, palette, width }: Picture,
  text: string,
  x1: number,
  x2: number,
  y: number,
): void {
  const left = Math.max(x1, 0) + 4;
  const room = Math.min(x2, width) - left - 3;
  if (room < LEAST_TEXT_PX - 8) return;
  paint.fillStyle = palette.of('ink');
  const wide = paint.measureText(text).width;
  if (wide <= room) return paint.fillText(text, left, y);
  const keep = Math.floor((text.length * room) / wide) - 1;
  if (keep > 1 && room >= LEAST_TEXT_PX) paint.fillText(`${text.slice(0, keep)}…`, left, y);
}

/** Text that stands on a busy ground. */
export function plate(picture: Picture, text: string, x1: number, x2: number, y: number): void {
  const { paint, palette } = picture;
  const wide = paint.measureText(text).width + 8;
  if (x2 - Math.max(x1, 0) < wide) return;
  paint.fillStyle = palette.of('card');
  paint.fillRect(Math.max(x1, 0), y - 7, wide, 14);
  label(picture, text, x1, x2, y);
}

/** Paint a straight line. */
export function line(paint: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  paint.beginPath();
  paint.moveTo(x1, y1);
  paint.lineTo(x2, y2);
  paint.stroke();
}
