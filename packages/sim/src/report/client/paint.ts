/** Draws one picture of the timeline. */
import type { ProcessState, TraceRecord } from '../../record/records.ts';
import { isArrowWanted } from '../filter.ts';
import { type AddressTrack, type Lane, lowerBound, type Message, type Span } from '../model.ts';
import {
  AXIS_PX,
  arrowYs,
  clockText,
  FAULT_PX,
  FIT_PX,
  LEASE_PX,
  messagesIn,
  OWNER_PX,
  PROCESS_PX,
  STAGE_PX,
  TRACK_PX,
  ticksOf,
  VERDICT_PX,
} from '../scale.ts';
import type { App } from './app.ts';
import type { Colour, Palette } from './palette.ts';

export interface Picture {
  readonly app: App;
  readonly paint: CanvasRenderingContext2D;
  readonly palette: Palette;
  readonly width: number;
  readonly xOf: (atMs: number) => number;
}

/** More heartbeats than this in sight say nothing, and hide the rest. */
export const MOST_HEARTBEATS = 700;
const FONT = '11px system-ui, sans-serif';
/** Narrower bars get no text. */
const LEAST_TEXT_PX = 26;

/** What was drawn of the messages. */
export interface Drawn {
  readonly messages: readonly Message[];
  /** Heartbeats that are wanted and were left out. */
  readonly hidden: number;
}

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
  const drawn = arrows(picture);
  for (const [index, lane] of app.model.lanes.entries()) laneOf(picture, lane, index);
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
  for (const [index, { struck }] of app.model.lanes.entries()) {
    const place = app.layout.lanes[index];
    for (const { fromMs, toMs } of struck) {
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

const PROCESS_COLOUR: Readonly<Record<ProcessState, Colour>> = {
  alive: 'alive',
  paused: 'paused',
  frozen: 'frozen',
  off: 'off',
  stopped: 'off',
  crashed: 'crashed',
  gone: 'off',
};

function laneOf(picture: Picture, lane: Lane, index: number): void {
  const { app, paint, palette } = picture;
  const top = app.layout.lanes[index]?.top ?? 0;
  for (const { fromMs, toMs, is } of lane.process) {
    const [x1, x2] = barOf(picture, fromMs, toMs);
    if (x2 <= x1) continue;
    paint.fillStyle = palette.of(PROCESS_COLOUR[is]);
    if (is === 'alive') paint.fillRect(x1, top + PROCESS_PX / 2 - 1, x2 - x1, 2);
    else {
      paint.fillRect(x1, top, x2 - x1, PROCESS_PX);
      label(picture, is, x1, x2, top + PROCESS_PX / 2);
    }
  }
  for (const { fromMs, toMs, is } of lane.states) {
    const [x1, x2] = barOf(picture, fromMs, toMs);
    paint.fillStyle = palette.of(is.fit === 'fit' ? 'up' : is.fit === 'unfit' ? 'down' : 'unknown');
    if (x2 > x1) paint.fillRect(x1, top + PROCESS_PX, x2 - x1, FIT_PX);
  }
  for (const [at, track] of lane.tracks.entries())
    trackOf(picture, track, top + PROCESS_PX + FIT_PX + 2 + at * TRACK_PX);
  marks(picture, lane, top + PROCESS_PX / 2);
}

function trackOf(picture: Picture, track: AddressTrack, top: number): void {
  const { palette } = picture;
  bars(
    picture,
    track.verdict,
    top,
    VERDICT_PX,
    (is) => palette.of(is),
    (is) => is,
  );
  const stageTop = top + VERDICT_PX + 1;
  bars(
    picture,
    track.stage,
    stageTop,
    STAGE_PX - 1,
    () => palette.of('stage'),
    (is) => is,
  );
  const leaseTop = stageTop + STAGE_PX;
  bars(
    picture,
    track.lent,
    leaseTop,
    LEASE_PX - 1,
    () => palette.of('lent'),
    ({ to }) => `lent to ${to}`,
    '9.5px system-ui, sans-serif',
  );
  const borrowedTop = leaseTop + LEASE_PX;
  bars(
    picture,
    track.borrowed,
    borrowedTop,
    LEASE_PX - 1,
    () => palette.of('borrowed'),
    (from) => `has: ${from}`,
    '9.5px system-ui, sans-serif',
  );
}

function bars<T>(
  picture: Picture,
  spans: readonly Span<T>[],
  top: number,
  height: number,
  colour: (is: T) => string,
  text: (is: T) => string,
  font: string = FONT,
): void {
  const { paint } = picture;
  paint.font = font;
  for (const { fromMs, toMs, is } of spans) {
    const [x1, x2] = barOf(picture, fromMs, toMs);
    if (x2 <= x1) continue;
    paint.fillStyle = colour(is);
    paint.fillRect(x1, top, Math.max(1, x2 - x1), height);
    label(picture, text(is), x1, x2, top + height / 2);
  }
  paint.font = FONT;
}

/** Moments of a node's story: what it saw, asked, answered, did. */
function marks({ app, paint, palette, width, xOf }: Picture, lane: Lane, y: number): void {
  const { window } = app.view();
  const at = (index: number): number => app.run.records[lane.marks[index] ?? 0]?.at ?? 0;
  const first = lowerBound(lane.marks.length, at, window.fromMs);
  for (let index = first; index < lane.marks.length; index += 1) {
    const record = app.run.records[lane.marks[index] ?? 0];
    const x = xOf(record?.at ?? 0);
    if (record === undefined || x > width) break;
    paint.fillStyle = palette.of(markColour(record));
    paint.strokeStyle = palette.of('card');
    paint.lineWidth = 1;
    paint.beginPath();
    if (isBig(record)) diamond(paint, x, y, 6);
    else paint.arc(x, y, 3.5, 0, 2 * Math.PI);
    paint.fill();
    paint.stroke();
    const number = lane.marks[index] ?? 0;
    if (number === app.view().selected || app.causes().has(number)) ring(paint, palette, x, y);
  }
}

function ring(paint: CanvasRenderingContext2D, palette: Palette, x: number, y: number): void {
  paint.strokeStyle = palette.of('mark');
  paint.lineWidth = 2.5;
  paint.beginPath();
  paint.arc(x, y, 7, 0, 2 * Math.PI);
  paint.stroke();
}

function diamond(paint: CanvasRenderingContext2D, x: number, y: number, half: number): void {
  paint.moveTo(x, y - half);
  paint.lineTo(x + half, y);
  paint.lineTo(x, y + half);
  paint.lineTo(x - half, y);
  paint.closePath();
}

function isBig(record: TraceRecord): boolean {
  return (
    record.kind === 'fact' && /^(ballot-opened|ballot-closed|concluded|handover)$/.test(record.fact.kind)
  );
}

function markColour(record: TraceRecord): Colour {
  if (record.kind !== 'fact') return 'faint';
  const { fact } = record;
  switch (fact.kind) {
    case 'verdict':
      return fact.to === 'down' ? 'bad' : fact.to === 'up' ? 'good' : 'faint';
    case 'local':
      return fact.to === 'unfit' ? 'bad' : fact.to === 'fit' ? 'good' : 'faint';
    case 'voted':
      return fact.answer === 'refuse' ? 'bad' : 'answer';
    case 'ballot-opened':
      return 'ballot';
    case 'ballot-closed':
      return fact.result === 'won' ? 'ballot' : 'faint';
    case 'guard':
      return fact.passed ? 'good' : 'bad';
    case 'concluded':
      return fact.entry.result === 'served' || fact.entry.result === 'moved' ? 'good' : 'bad';
    case 'blocked':
    case 'stalled':
    case 'duplicate-id':
    case 'late-association':
    case 'storage':
      return 'bad';
    default:
      return 'faint';
  }
}

function arrows(picture: Picture): Drawn {
  const { app } = picture;
  const { window, filter } = app.view();
  const [first, end] = messagesIn(app.model, window);
  const seen: Message[] = [];
  let heartbeats = 0;
  for (let index = first; index < end; index += 1) {
    const message = app.model.messages[index];
    if (message === undefined || message.endMs < window.fromMs) continue;
    if (!isArrowWanted(message, app.model, filter)) continue;
    if (message.kind === 'heartbeat') heartbeats += 1;
    seen.push(message);
  }
  const hidden = heartbeats > MOST_HEARTBEATS ? heartbeats : 0;
  const messages = hidden === 0 ? seen : seen.filter((message) => isKept(app, message));
  const faded = messages.length > 200;
  for (const message of messages)
    if (message.kind === 'heartbeat') arrow(picture, message, faded ? 0.3 : 0.55);
  for (const message of messages) if (message.kind !== 'heartbeat') arrow(picture, message, faded ? 0.75 : 1);
  return { messages, hidden: hidden === 0 ? 0 : hidden - (messages.length - (seen.length - heartbeats)) };
}

function isKept(app: App, message: Message): boolean {
  return (
    message.kind !== 'heartbeat' || message.index === app.view().selected || app.causes().has(message.index)
  );
}

/** Whether the message is what the reader chose, or led to it. */
function isLit(app: App, message: Message): boolean {
  const { selected } = app.view();
  if (message.index === selected || app.causes().has(message.index)) return true;
  const record = selected === null ? undefined : app.run.records[selected];
  const sent = app.run.records[message.index];
  return (
    record !== undefined &&
    sent?.kind === 'sent' &&
    (record.kind === 'arrived' || record.kind === 'lost') &&
    record.msg === sent.msg
  );
}

function arrow({ app, paint, palette, xOf }: Picture, message: Message, alpha: number): void {
  const [y1, y2] = arrowYs(app.layout, message.from, message.to);
  const [x1, x2] = [xOf(message.sentMs), xOf(message.endMs)];
  const lost = message.fate === 'lost';
  const part = lost ? 0.6 : 1;
  const [ex, ey] = [x1 + (x2 - x1) * part, y1 + (y2 - y1) * part];
  const lit = isLit(app, message);
  paint.globalAlpha = lit ? 1 : lost ? Math.max(alpha, 0.7) : alpha;
  if (lit) {
    paint.strokeStyle = palette.of('mark');
    paint.lineWidth = 5;
    line(paint, x1, y1, ex, ey);
  }
  paint.strokeStyle = paint.fillStyle = palette.of(message.kind);
  paint.lineWidth = lit ? 2 : message.kind === 'heartbeat' ? 1 : 1.4;
  paint.setLineDash(message.again ? [2, 3] : message.reply ? [6, 3] : []);
  line(paint, x1, y1, ex, ey);
  paint.setLineDash([]);
  if (lost) cross(paint, palette.of('bad'), ex, ey);
  else if (message.fate === 'arrived') head(paint, x1, y1, ex, ey);
  paint.globalAlpha = 1;
}

function head(paint: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = Math.sqrt(dx * dx + dy * dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  paint.beginPath();
  paint.moveTo(x2, y2);
  paint.lineTo(x2 - 7 * ux - 3 * uy, y2 - 7 * uy + 3 * ux);
  paint.lineTo(x2 - 7 * ux + 3 * uy, y2 - 7 * uy - 3 * ux);
  paint.closePath();
  paint.fill();
}

function cross(paint: CanvasRenderingContext2D, colour: string, x: number, y: number): void {
  paint.strokeStyle = colour;
  paint.lineWidth = 2;
  line(paint, x - 4, y - 4, x + 4, y + 4);
  line(paint, x - 4, y + 4, x + 4, y - 4);
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

/** A span's ends in pixels, cut to what is seen; empty when it isn't. */
function barOf({ xOf, width }: Picture, fromMs: number, toMs: number): readonly [number, number] {
  return [Math.max(xOf(fromMs), -4), Math.min(xOf(toMs), width + 4)];
}

/** Text in a bar, as far as there is room. */
function label({ paint, palette, width }: Picture, text: string, x1: number, x2: number, y: number): void {
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
function plate(picture: Picture, text: string, x1: number, x2: number, y: number): void {
  const { paint, palette } = picture;
  const wide = paint.measureText(text).width + 8;
  if (x2 - Math.max(x1, 0) < wide) return;
  paint.fillStyle = palette.of('card');
  paint.fillRect(Math.max(x1, 0), y - 7, wide, 14);
  label(picture, text, x1, x2, y);
}

function line(paint: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  paint.beginPath();
  paint.moveTo(x1, y1);
  paint.lineTo(x2, y2);
  paint.stroke();
}
