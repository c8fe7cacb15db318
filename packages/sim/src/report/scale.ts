/**
 * Where things are on the screen: time to pixels and back, zoom, lanes, ticks. Pure.
 */
import type { Message, Model } from './model.ts';
import { lowerBound } from './spans.ts';

/** What part of the run is seen. */
export interface Window {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The closest that one can look. */
export const LEAST_SPAN_MS = 5;

/** Zoom by a factor around a moment, within the run. Below 1: closer. */
export function zoomed(window: Window, factor: number, aroundMs: number, whole: Window): Window {
  const span = window.toMs - window.fromMs;
  const wanted = Math.min(Math.max(span * factor, LEAST_SPAN_MS), whole.toMs - whole.fromMs);
  const part = span > 0 ? (aroundMs - window.fromMs) / span : 0.5;
  return within({ fromMs: aroundMs - part * wanted, toMs: aroundMs + (1 - part) * wanted }, whole);
}

/** The same span, moved. */
export function panned(window: Window, byMs: number, whole: Window): Window {
  return within({ fromMs: window.fromMs + byMs, toMs: window.toMs + byMs }, whole);
}

/** The same span, moved as little as it takes to see a moment, with some room around it. */
export function showing(window: Window, atMs: number, whole: Window): Window {
  const room = (window.toMs - window.fromMs) / 10;
  if (atMs < window.fromMs + room) return panned(window, atMs - window.fromMs - room, whole);
  if (atMs > window.toMs - room) return panned(window, atMs - window.toMs + room, whole);
  return window;
}

/** Moved back into the run, and never longer than it. */
export function within({ fromMs, toMs }: Window, whole: Window): Window {
  const span = Math.min(toMs - fromMs, whole.toMs - whole.fromMs);
  const from = Math.min(Math.max(fromMs, whole.fromMs), whole.toMs - span);
  return { fromMs: from, toMs: from + span };
}

/** No more than this of what came before is shown at first. */
const MOST_BEFORE_MS = 15_000;
const LEAST_FIRST_MS = 600;

/**
 * What to look at first: everything that led to a moment, and a little more.
 *
 * @param beganMs when what led to it began, as far as that is known
 */
export function firstWindow(atMs: number, beganMs: number, whole: Window): Window {
  const before = Math.min(Math.max(atMs - beganMs, LEAST_FIRST_MS / 2), MOST_BEFORE_MS);
  return within({ fromMs: atMs - 1.2 * before, toMs: atMs + Math.min(before, 6_000) }, whole);
}

/** Round spans: of the decimal kind below ten seconds, of the clock's above. */
const STEPS_MS: readonly number[] = [
  ...[0.1, 1, 10, 100, 1_000].flatMap((unit) => [unit, 2 * unit, 5 * unit]),
  ...[10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600].map((seconds) => 1_000 * seconds),
];

/** Round moments, so many at most. */
export function ticksOf({ fromMs, toMs }: Window, most: number): readonly number[] {
  const rough = (toMs - fromMs) / Math.max(most, 1);
  const hours = 3_600_000 * Math.ceil(rough / 3_600_000);
  const step = STEPS_MS.find((one) => one >= rough) ?? hours;
  const first = Math.ceil(fromMs / step);
  const last = Math.floor(toMs / step);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => (first + index) * step);
}

/** A moment as an axis or a heading shows it: as many decimals as the span needs. */
export function clockText(atMs: number, spanMs: number): string {
  const decimals = spanMs < 50 ? 4 : spanMs < 20_000 ? 3 : spanMs < 120_000 ? 1 : 0;
  const sign = atMs < 0 ? '-' : '';
  const total = Math.abs(atMs) / 1_000;
  const minutes = Math.floor(total / 60);
  const text = (total - 60 * minutes).toFixed(decimals);
  return minutes === 0
    ? `${sign}${text} s`
    : `${sign}${minutes}:${text.padStart(decimals === 0 ? 2 : decimals + 3, '0')}`;
}

/** A span, in milliseconds where it is short. */
export function lengthText(ms: number): string {
  return ms < 1_000 ? `${ms.toFixed(ms < 10 ? 2 : 0)} ms` : clockText(ms, 15_000);
}

/** Vertical places, in CSS pixels. */
export interface Layout {
  /** Axis, faults and owners: what stays in sight. */
  readonly headPx: number;
  readonly faultsTop: number;
  readonly faultRows: number;
  readonly ownersTop: number;
  readonly lanes: readonly { readonly top: number; readonly height: number }[];
  readonly height: number;
}

/** The height of the axis of time. */
export const AXIS_PX = 26;
/** The height of a fault's bar. */
export const FAULT_PX = 16;
/** The height of an address's row. */
export const OWNER_PX = 30;
/** The height of a process's bar. */
export const PROCESS_PX = 16;
/** The height of the bar that shows fitness. */
export const FIT_PX = 5;
/** The height of a verdict's bar. */
export const VERDICT_PX = 14;
/** The height of the bar that shows how far a takeover is. */
export const STAGE_PX = 14;
/** The height of a lease's bar. */
export const LEASE_PX = 11;
/** Between two lanes: where the arrows are seen. Less where there are many lanes. */
const GAP_PX = 46;
const NARROW_GAP_PX = 32;
const MANY_LANES = 4;
const MAX_FAULT_ROWS = 6;

/** One address's part of a lane. */
export const TRACK_PX: number = VERDICT_PX + STAGE_PX + 2 * LEASE_PX + 3;

/** Where everything is; rows that nothing needs aren't there. */
export function layoutOf(model: Model): Layout {
  const faultRows = Math.min(
    MAX_FAULT_ROWS,
    rowsOf(model).reduce((most, row) => Math.max(most, row + 1), 0),
  );
  const faultsTop = AXIS_PX + 2;
  const ownersTop = faultsTop + faultRows * FAULT_PX + 6;
  const headPx = ownersTop + model.addresses.length * OWNER_PX + 2;
  const gap = model.lanes.length < MANY_LANES ? GAP_PX : NARROW_GAP_PX;
  let top = headPx + 16;
  const lanes = model.lanes.map(({ tracks }) => {
    const height = PROCESS_PX + FIT_PX + 2 + tracks.length * TRACK_PX;
    const place = { top, height };
    top += height + gap;
    return place;
  });
  return { headPx, faultsTop, faultRows, ownersTop, lanes, height: top - gap + OPERATORS_PX + 16 };
}

/** Which row each fault is drawn in, so that none hides another while there are rows. */
export function rowsOf({ faults, toMs }: Model): readonly number[] {
  const busyUntil: number[] = [];
  const gapMs = toMs / 200;
  return faults.map(({ fromMs, toMs: until }) => {
    const free = busyUntil.findIndex((busy) => busy <= fromMs);
    const row = free >= 0 ? free : busyUntil.length < MAX_FAULT_ROWS ? busyUntil.length : MAX_FAULT_ROWS - 1;
    busyUntil[row] = Math.max(busyUntil[row] ?? 0, until, fromMs + gapMs);
    return row;
  });
}

/** How far below everybody the operators stand. */
const OPERATORS_PX = 12;

/** The ends of an arrow: it leaves at the edge of a lane and reaches the edge of the other. */
export function arrowYs({ lanes, height }: Layout, from: number, to: number): readonly [number, number] {
  const [a, b] = [lanes[from], lanes[to]];
  const outside = height - OPERATORS_PX;
  if (a === undefined || b === undefined)
    return [a === undefined ? outside : a.top + a.height, b === undefined ? outside : b.top + b.height];
  return from < to ? [a.top + a.height, b.top] : [a.top, b.top + b.height];
}

/** The messages that may be seen, as a range of the model's. */
export function messagesIn(
  { messages, longestMs }: Model,
  { fromMs, toMs }: Window,
): readonly [number, number] {
  const sentMs = (index: number): number => messages[index]?.sentMs ?? 0;
  return [
    lowerBound(messages.length, sentMs, fromMs - longestMs),
    lowerBound(messages.length, sentMs, toMs + Number.MIN_VALUE),
  ];
}

/** How far a point is from a message's arrow, in pixels. */
export function distanceTo(
  message: Message,
  layout: Layout,
  xOf: (atMs: number) => number,
  x: number,
  y: number,
): number {
  const [y1, y2] = arrowYs(layout, message.from, message.to);
  const [x1, x2] = [xOf(message.sentMs), xOf(message.endMs)];
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  const part = length === 0 ? 0 : Math.min(1, Math.max(0, ((x - x1) * dx + (y - y1) * dy) / length));
  const [ex, ey] = [x1 + part * dx - x, y1 + part * dy - y];
  return Math.sqrt(ex * ex + ey * ey);
}
