/** Draws one picture of the timeline. */
import { AXIS_PX, clockText, FAULT_PX, OWNER_PX, ticksOf } from '../scale.ts';
import { type Drawn, paintArrows } from './arrow-paint.ts';
import { paintLane } from './lane-paint.ts';
import { barOf, FONT, label, line, type Picture, plate } from './picture.ts';

/** Axis, faults, owners. */
export function paintHead(picture: Picture): void {
  clear(picture, 0, picture.app.layout.headPx);
  axis(picture);
  faults(picture);
  owners(picture);
  violation(picture);
  cursor(picture);
}

/** Lanes and what passes between them. */
export function paintLanes(picture: Picture): Drawn {
  const { app, paint } = picture;
  const { headPx, height } = app.layout;
  paint.translate(0, -headPx);
  clear(picture, headPx, height - headPx);
  laneBacks(picture);
  shades(picture);
  axis(picture);
  const drawn = paintArrows(picture);
  for (const [index, lane] of app.model.lanes.entries()) paintLane(picture, lane, index);
  violation(picture);
  cursor(picture);
  return drawn;
}

function clear({ paint, palette, width }: Picture, top: number, height: number): void {
  paint.font = FONT;
  paint.textBaseline = 'middle';
  paint.fillStyle = palette.of('card');
  paint.fillRect(0, top, width, height);
}

function axis({ app, paint, palette, width, xOf }: Picture): void {
  const { window } = app.view();
  const span = window.toMs - window.fromMs;
  paint.textAlign = 'center';
  for (const tick of ticksOf(window, width / 95)) {
    const x = Math.round(xOf(tick)) + 0.5;
    paint.strokeStyle = palette.of('line');
    paint.lineWidth = 1;
    line(paint, x, AXIS_PX - 6, x, app.layout.height);
    paint.fillStyle = palette.of('faint');
    paint.fillText(clockText(tick, span), Math.max(x, 26), 10);
  }
  paint.textAlign = 'left';
}

function laneBacks({ app, paint, palette, width }: Picture): void {
  const { lane: chosen } = app.view();
  for (const [index, { top, height }] of app.layout.lanes.entries()) {
    paint.fillStyle = palette.of('lane');
    paint.fillRect(0, top - 2, width, height + 4);
    if (index !== chosen) continue;
    paint.strokeStyle = palette.of('accent');
    paint.lineWidth = 1;
    paint.strokeRect(-2, top - 2.5, width + 4, height + 5);
  }
}

/** Where a fault strikes a node, its lane is shaded. */
function shades(picture: Picture): void {
  const { app, paint, palette } = picture;
  paint.fillStyle = palette.of('shade');
  for (const [index, { faulted }] of app.model.lanes.entries()) {
    const place = app.layout.lanes[index];
    for (const { fromMs, toMs } of faulted) {
      const [x1, x2] = barOf(picture, fromMs, toMs);
      if (x2 > x1 && place !== undefined) paint.fillRect(x1, place.top - 12, x2 - x1, place.height + 24);
    }
  }
}

function faults(picture: Picture): void {
  const { app, paint, palette, width, xOf } = picture;
  /** Where the next bar of each row begins: no text goes on beyond it. */
  const next = new Map<number, number>();
  for (const [index, fault] of [...app.model.faults.entries()].reverse()) {
    const [x1, x2] = [xOf(fault.fromMs), Math.min(xOf(fault.toMs), width + 4)];
    const row = app.faultRows[index] ?? 0;
    const room = Math.min(next.get(row) ?? width, width);
    next.set(row, x1);
    if (x2 < 0 || x1 > width) continue;
    const left = Math.max(x1, 0);
    const y = app.layout.faultsTop + row * FAULT_PX;
    paint.fillStyle = palette.of('fault');
    paint.fillRect(left, y + 1, Math.max(3, x2 - left), FAULT_PX - 2);
    paint.fillStyle = palette.of('fault-line');
    paint.fillRect(left, y + 1, 2, FAULT_PX - 2);
    label(picture, fault.says || fault.name, left + 1, room, y + FAULT_PX / 2);
  }
}

function owners(picture: Picture): void {
  const { app, paint, palette } = picture;
  const high = OWNER_PX - 10;
  for (const [index, { owners: spans, served }] of app.model.addresses.entries()) {
    const y = app.layout.ownersTop + index * OWNER_PX;
    for (const { fromMs, toMs, is } of spans) {
      const [x1, x2] = barOf(picture, fromMs, toMs);
      if (x2 <= x1) continue;
      const node = app.model.lanes.findIndex(({ name }) => name === is);
      paint.fillStyle = is === null ? palette.hatch(paint) : palette.node(node);
      paint.fillRect(x1, y, x2 - x1, high);
      if (is === null) plate(picture, 'nobody', x1 + 4, x2, y + high / 2);
      else label(picture, is, x1, x2, y + high / 2);
    }
    for (const { fromMs, toMs, is } of served) {
      const [x1, x2] = barOf(picture, fromMs, toMs);
      paint.fillStyle = palette.of(is === null ? 'bad' : 'alive');
      if (x2 > x1) paint.fillRect(x1, y + high, x2 - x1, is === null ? 5 : 3);
    }
  }
}

function violation({ app, paint, palette, xOf, width }: Picture): void {
  const record = app.model.violation === null ? undefined : app.run.records[app.model.violation];
  if (record?.kind !== 'violation') return;
  const x = xOf(record.at);
  if (x < -60 || x > width + 60) return;
  paint.fillStyle = palette.of('bad');
  paint.fillRect(x - 1.5, AXIS_PX - 8, 3, app.layout.height);
  const text = `${record.invariant} violated`;
  paint.font = `bold ${FONT}`;
  const wide = paint.measureText(text).width + 10;
  const left = x + wide > width ? x - wide : x;
  paint.fillRect(left, AXIS_PX - 10, wide, 16);
  paint.fillStyle = palette.of('card');
  paint.fillText(text, left + 5, AXIS_PX - 2);
  paint.font = FONT;
}

function cursor({ app, paint, palette, xOf, width }: Picture): void {
  const { cursorMs, window } = app.view();
  const x = Math.round(xOf(cursorMs)) + 0.5;
  if (x < 0 || x > width + 1) return;
  paint.strokeStyle = palette.of('accent');
  paint.lineWidth = 1.5;
  line(paint, x, 18, x, app.layout.height);
  const text = clockText(cursorMs, Math.min(window.toMs - window.fromMs, 19_000));
  const wide = paint.measureText(text).width + 10;
  const left = Math.min(Math.max(0, x - wide / 2), width - wide);
  paint.fillStyle = palette.of('accent');
  paint.fillRect(left, 1, wide, 17);
  paint.fillStyle = palette.of('card');
  paint.fillText(text, left + 5, 10);
}
