/** Draws the messages. */
import { isArrowWanted } from '../filter.ts';
import type { Message } from '../model.ts';
import { arrowYs, messagesIn } from '../scale.ts';
import type { App } from './app.ts';
import { line, type Picture } from './picture.ts';

/** More heartbeats than this in sight say nothing, and hide the rest. */
export const MOST_HEARTBEATS = 700;
/** What was drawn of the messages. */
export interface Drawn {
  readonly messages: readonly Message[];
  /** Heartbeats that are wanted and were left out. */
  readonly hidden: number;
}

/** Paint the messages in sight, and say which. */
export function paintArrows(picture: Picture): Drawn {
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
