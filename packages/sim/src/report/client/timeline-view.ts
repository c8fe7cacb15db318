/** The picture of lanes and arrows, with mouse and hover. */
import { counted, type Payload } from '@failtome/protocol';
import { describe, describeMessage, subjectOf } from '../../record/describe.ts';
import type { Message } from '../model.ts';
import {
  clockText,
  distanceTo,
  FAULT_PX,
  FIT_PX,
  lengthText,
  OWNER_PX,
  PROCESS_PX,
  panned,
  TRACK_PX,
  zoomed,
} from '../scale.ts';
import { lowerBound, spanAt } from '../spans.ts';
import type { App } from './app.ts';
import { MOST_HEARTBEATS } from './arrow-paint.ts';
import { canvasOf, make, makeButton, place } from './dom.ts';
import { paintHead, paintLanes } from './paint.ts';
import { type Palette, paletteOf } from './palette.ts';

/** How near the mouse must be to what it means. */
const NEAR_PX = 6;
/** A shorter drag is a click. */
const DRAG_PX = 4;
/** What is seen around a lane that was scrolled to. */
const LANE_ROOM_PX = 12;
const MOST_JSON_LINES = 14;

/** What the mouse points at: a title and, for some, what is inside; `index`: its record. */
interface Pointed {
  readonly title: string;
  readonly inside: unknown;
  readonly index: number | null;
}

/** Draw the picture, and keep it up to date. */
export function createTimeline(app: App): void {
  new TimelineView(app).show();
}

class TimelineView {
  readonly #app: App;
  readonly #canvas = place<HTMLCanvasElement>('timeline');
  readonly #head = place<HTMLCanvasElement>('head');
  readonly #tip = place('tip');
  readonly #layout: App['layout'];
  #palette: Palette = paletteOf(document.documentElement);
  #messages: readonly Message[] = [];
  #dragged: { readonly x: number; readonly fromMs: number; moved: boolean } | null = null;
  readonly #xOf = (atMs: number): number => {
    const { window } = this.#app.view();
    return ((atMs - window.fromMs) / (window.toMs - window.fromMs)) * this.#width();
  };
  readonly #draw = (): void => {
    const paint = canvasOf(this.#canvas, this.#width(), this.#layout.height - this.#layout.headPx);
    const above = canvasOf(this.#head, this.#width(), this.#layout.headPx);
    if (paint === null || above === null) return;
    paintHead({ app: this.#app, paint: above, palette: this.#palette, width: this.#width(), xOf: this.#xOf });
    const drawn = paintLanes({
      app: this.#app,
      paint,
      palette: this.#palette,
      width: this.#width(),
      xOf: this.#xOf,
    });
    this.#messages = drawn.messages;
    const lost = this.#messages.filter(({ fate }) => fate === 'lost').length;
    this.#canvas.setAttribute(
      'aria-label',
      `${counted(this.#app.model.lanes.length, 'node')}, ${counted(this.#messages.length, 'message')} drawn, ${lost} of them lost`,
    );
    place('note').textContent =
      drawn.hidden > 0
        ? `${drawn.hidden} heartbeats aren't drawn: more than ${MOST_HEARTBEATS} in sight; zoom in`
        : '';
  };

  constructor(app: App) {
    this.#app = app;
    this.#layout = app.layout;
  }

  show(): void {
    const app = this.#app;
    this.#canvas.style.height = `${this.#layout.height - this.#layout.headPx}px`;
    this.#head.style.height = `${this.#layout.headPx}px`;
    this.#takeMouse(this.#head, 0);
    this.#takeMouse(this.#canvas, this.#layout.headPx);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      this.#palette = paletteOf(document.documentElement);
      this.#app.set({});
    });
    new ResizeObserver(() => this.#app.set({})).observe(this.#canvas);
    createLabels(app);
    app.onChange(this.#draw);
  }

  #width(): number {
    return this.#canvas.clientWidth;
  }

  #timeAt(x: number): number {
    const { window } = this.#app.view();
    return window.fromMs + (x / Math.max(1, this.#width())) * (window.toMs - window.fromMs);
  }

  #pointed(x: number, y: number): Pointed | null {
    return this.#pointedMark(x, y) ?? this.#pointedMessage(x, y) ?? this.#pointedBand(x, y);
  }

  #pointedMark(x: number, y: number): Pointed | null {
    const index = this.#layout.lanes.findIndex(({ top }) => y >= top - 2 && y <= top + PROCESS_PX);
    const lane = this.#app.model.lanes[index];
    if (lane === undefined) return null;
    const atOf = (mark: number): number => this.#app.run.records[lane.marks[mark] ?? 0]?.at ?? 0;
    const first = lowerBound(lane.marks.length, atOf, this.#timeAt(x - NEAR_PX));
    let nearest: number | null = null;
    for (let mark = first; mark < lane.marks.length && this.#xOf(atOf(mark)) <= x + NEAR_PX; mark += 1)
      if (nearest === null || Math.abs(this.#xOf(atOf(mark)) - x) <= Math.abs(this.#xOf(atOf(nearest)) - x))
        nearest = mark;
    return nearest === null ? null : this.#ofRecord(lane.marks[nearest] ?? 0);
  }

  #pointedMessage(x: number, y: number): Pointed | null {
    let nearest: Message | null = null;
    let least = NEAR_PX;
    for (const message of this.#messages) {
      const distance = distanceTo(message, this.#layout, this.#xOf, x, y);
      // What is more than a heartbeat wins among equals.
      if (distance < least || (distance === least && message.kind !== 'heartbeat'))
        [nearest, least] = [message, distance];
    }
    return nearest === null ? null : this.#ofMessage(nearest);
  }

  #ofMessage(message: Message): Pointed | null {
    const sent = this.#app.run.records[message.index];
    if (sent?.kind !== 'sent') return null;
    const took = lengthText(message.endMs - message.sentMs);
    const lost = this.#app.run.records.find(
      (one, at) => at > message.index && one.kind === 'lost' && one.msg === sent.msg,
    );
    const fate =
      message.fate === 'arrived'
        ? `arrived after ${took}`
        : lost?.kind === 'lost'
          ? `lost: ${lost.why}`
          : message.fate;
    const again = message.again ? ', once more' : '';
    return {
      title: `${sent.who} → ${sent.to}: ${describeMessage(sent)} · sent ${clockText(sent.at, 0)}, ${fate}${again} · ${sent.route}, ${counted(sent.bytes, 'byte')}`,
      inside: tellingFirst(sent.payload),
      index: message.index,
    };
  }

  #ofRecord(index: number): Pointed | null {
    const record = this.#app.run.records[index];
    if (record === undefined) return null;
    const title = `${clockText(record.at, 0)} · ${subjectOf(record, this.#app.context)} ${describe(record, this.#app.context)}`;
    return { title, inside: null, index };
  }

  /** Bars: what lasts. */
  #pointedBand(x: number, y: number): Pointed | null {
    const atMs = this.#timeAt(x);
    const row = Math.floor((y - this.#layout.faultsTop) / FAULT_PX);
    const fault = this.#app.model.faults.findLast(
      (one, index) =>
        this.#app.faultRows[index] === row &&
        one.fromMs <= this.#timeAt(x + 3) &&
        one.toMs >= this.#timeAt(x - 3),
    );
    if (y < this.#layout.ownersTop - 4 && fault !== undefined) return this.#ofRecord(fault.index);
    const owned = this.#app.model.addresses[Math.floor((y - this.#layout.ownersTop) / OWNER_PX)];
    const owner = owned === undefined || y < this.#layout.ownersTop ? null : spanAt(owned.owners, atMs);
    if (owned !== undefined && owner !== null) {
      const served = spanAt(owned.served, atMs)?.is ?? null;
      const title = `${owned.ip} belongs to ${owner.is ?? 'nobody'} for ${lengthText(owner.toMs - owner.fromMs)}, ${served === null ? 'not served' : `served by ${served}`}`;
      return { title, inside: null, index: null };
    }
    const lane =
      this.#app.model.lanes[this.#layout.lanes.findIndex(({ top, height }) => y >= top && y <= top + height)];
    const view = lane?.tracks[0] === undefined ? null : spanAt(lane.tracks[0].views, atMs);
    if (lane === undefined || view === null) return null;
    const { address, verdict, stage, outcome, reason, detail } = view.is;
    return {
      title: `${lane.name}: ${address} ${verdict}, ${stage}; ${outcome}: ${reason}, ${detail}`,
      inside: null,
      index: null,
    };
  }

  #showTip(found: Pointed | null, event: PointerEvent): void {
    this.#tip.hidden = found === null;
    if (found === null) return;
    this.#tip.replaceChildren(found.title);
    if (found.inside !== null) this.#tip.append(make('pre', '', shortJson(found.inside)));
    const { width: wide, height: high } = this.#tip.getBoundingClientRect();
    const left = Math.min(event.clientX + 14, window.innerWidth - wide - 8);
    const top =
      event.clientY + 16 + high > window.innerHeight ? event.clientY - high - 10 : event.clientY + 16;
    this.#tip.style.left = `${Math.max(4, left)}px`;
    this.#tip.style.top = `${Math.max(4, top)}px`;
  }

  /** Both parts of the picture take the mouse; `belowPx`: how far below the top of the whole one it begins. */
  #takeMouse(part: HTMLCanvasElement, belowPx: number): void {
    part.addEventListener('pointerdown', (event) => {
      part.setPointerCapture(event.pointerId);
      this.#dragged = { x: event.offsetX, fromMs: this.#app.view().window.fromMs, moved: false };
    });
    part.addEventListener('pointermove', (event) => {
      if (this.#dragged === null) {
        const found = this.#pointed(event.offsetX, event.offsetY + belowPx);
        part.style.cursor = found?.index == null ? 'crosshair' : 'pointer';
        return this.#showTip(found, event);
      }
      if (Math.abs(event.offsetX - this.#dragged.x) > DRAG_PX) this.#dragged.moved = true;
      if (!this.#dragged.moved) return;
      this.#tip.hidden = true;
      const { window } = this.#app.view();
      const byMs =
        this.#dragged.fromMs -
        window.fromMs +
        this.#timeAt(0) -
        this.#timeAt(event.offsetX - this.#dragged.x);
      this.#app.set({ window: panned(window, byMs, this.#app.whole) });
    });
    part.addEventListener('pointerup', (event) => {
      const was = this.#dragged;
      this.#dragged = null;
      if (was === null || was.moved) return;
      const found = this.#pointed(event.offsetX, event.offsetY + belowPx);
      if (found?.index == null) this.#app.goTo(this.#timeAt(event.offsetX));
      else this.#app.select(found.index);
    });
    part.addEventListener('pointerleave', () => {
      this.#tip.hidden = true;
    });
    part.addEventListener(
      'wheel',
      (event) => {
        const { window } = this.#app.view();
        const sideways = event.shiftKey ? event.deltaY : event.deltaX;
        if (event.ctrlKey || event.metaKey)
          this.#app.set({
            window: zoomed(window, 1.0015 ** event.deltaY, this.#timeAt(event.offsetX), this.#app.whole),
          });
        else if (sideways !== 0)
          this.#app.set({
            window: panned(window, this.#timeAt(sideways) - this.#timeAt(0), this.#app.whole),
          });
        else return;
        event.preventDefault();
      },
      { passive: false },
    );
    part.addEventListener('dblclick', (event) => {
      this.#app.set({
        window: zoomed(this.#app.view().window, 0.4, this.#timeAt(event.offsetX), this.#app.whole),
      });
    });
  }
}

/** The names beside the picture, and how each node is at the moment. */
function createLabels(app: App): void {
  const { layout, model } = app;
  const above = place('head-labels');
  const box = place('labels');
  const add = (to: HTMLElement, element: HTMLElement, top: number, height: number): void => {
    element.style.top = `${top}px`;
    element.style.height = `${height}px`;
    to.append(element);
  };
  if (layout.faultRows > 0) add(above, make('span', 'faint', 'faults'), layout.faultsTop, 18);
  for (const [index, { ip }] of model.addresses.entries())
    add(above, make('span', '', make('b', '', ip)), layout.ownersTop + index * OWNER_PX + 1, OWNER_PX);
  const lanes = model.lanes.map(({ name, role }, index) => {
    const now = make('span', 'now faint');
    const label = makeButton('', '', () => app.set({ lane: index }));
    label.append(make('span', '', make('b', '', name), ` ${role}`), now);
    const top = (layout.lanes[index]?.top ?? 0) - 2 - layout.headPx;
    add(box, label, top, Math.max(40, (layout.lanes[index]?.height ?? 0) + 4));
    const tracks = model.addresses.map((_, at) => {
      const track = make('span', 'track faint');
      add(box, track, top + PROCESS_PX + FIT_PX + 4 + at * TRACK_PX, 16);
      return track;
    });
    return { label, now, tracks };
  });
  let chosen: number | null = null;
  app.onChange(() => {
    const { lane } = app.view();
    if (lane !== chosen) scrollTo(layout.lanes[lane], layout.headPx);
    chosen = lane;
    for (const [index, { label, now, tracks }] of lanes.entries()) {
      label.setAttribute('aria-pressed', String(index === app.view().lane));
      now.textContent = nowOf(app, index);
      for (const [at, track] of tracks.entries()) track.textContent = seesOf(app, index, at);
    }
  });
}

/** Bring a lane into sight, by as little as it takes; the head stays where it is. */
function scrollTo(lane: { readonly top: number; readonly height: number } | undefined, headPx: number): void {
  const stage = place('stage');
  if (lane === undefined) return;
  const above = lane.top - headPx - LANE_ROOM_PX;
  const below = lane.top + lane.height + LANE_ROOM_PX - stage.clientHeight;
  stage.scrollTop = Math.min(above, Math.max(stage.scrollTop, below));
}

function nowOf(app: App, index: number): string {
  const lane = app.model.lanes[index];
  const { cursorMs } = app.view();
  const process = lane === undefined ? null : spanAt(lane.process, cursorMs);
  if (lane === undefined || process === null) return '';
  if (process.is !== 'alive' && process.is !== 'paused') return process.is;
  const fit = spanAt(lane.states, cursorMs)?.is.fit ?? 'starting';
  return process.is === 'paused' ? `paused, ${fit}` : fit;
}

/** What a node thinks of an address; which one is plain where there is only one. */
function seesOf(app: App, index: number, at: number): string {
  const track = app.model.lanes[index]?.tracks[at];
  const { cursorMs } = app.view();
  const view = track === undefined ? null : spanAt(track.views, cursorMs);
  const ip = app.model.addresses.length > 1 ? `${track?.ip} ` : '';
  return view === null ? ip : `${ip}${view.is.verdict}`;
}

/** What is asked and answered before what the sender is like, which is long. */
function tellingFirst(payload: Payload | null): unknown {
  if (payload === null) return null;
  const { node, version, ack, ...telling } = payload;
  return { ...telling, version, ack, ...(node === undefined ? {} : { node }) };
}

function shortJson(value: unknown): string {
  const lines = JSON.stringify(value, null, 1).split('\n');
  return lines.length <= MOST_JSON_LINES
    ? lines.join('\n')
    : `${lines.slice(0, MOST_JSON_LINES).join('\n')}\n…`;
}
