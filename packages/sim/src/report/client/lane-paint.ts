/** Draws a lane: what its process is like, what it sees and does, its leases, and the moments of its story. */
import type { ProcessState, TraceRecord } from '../../record/records.ts';
import type { AddressTrack, Lane } from '../lanes.ts';
import { FIT_PX, LEASE_PX, PROCESS_PX, STAGE_PX, TRACK_PX, VERDICT_PX } from '../scale.ts';
import { lowerBound, type Span } from '../spans.ts';
import type { Colour, Palette } from './palette.ts';
import { barOf, FONT, label, type Picture } from './picture.ts';

const PROCESS_COLOUR: Readonly<Record<ProcessState, Colour>> = {
  alive: 'alive',
  paused: 'paused',
  frozen: 'frozen',
  off: 'off',
  stopped: 'off',
  crashed: 'crashed',
  gone: 'off',
};

/** Paint what one process was and thought. */
export function paintLane(picture: Picture, lane: Lane, index: number): void {
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
