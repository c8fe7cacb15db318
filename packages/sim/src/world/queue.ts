/**
 * What will happen, in order of its virtual time; what is due at the same moment happens in the order it was planned.
 */
export interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** The world's time, and what is planned in it. */
export interface EventQueue {
  /** The present moment: the time of the event that ran last. */
  now(): number;
  /** Plan something; a moment that has passed means now. */
  at(atMs: number, run: () => void): void;
  after(delayMs: number, run: () => void): void;
  /** Run the next event that is due until `untilMs`; false when there is none, and then it is `untilMs`. */
  runNext(untilMs: number): boolean;
  /** How many events have run. */
  readonly ran: () => number;
}

/** The most events that may be planned at once; more means that something plans without end. */
const MAX_PLANNED = 1_000_000;

/** An empty queue at time 0. */
export function createQueue(): EventQueue {
  const heap: Scheduled[] = [];
  let nowMs = 0;
  let order = 0;
  let ran = 0;

  const at = (atMs: number, run: () => void): void => {
    if (heap.length >= MAX_PLANNED) throw new Error(`more than ${MAX_PLANNED} events are planned`);
    order += 1;
    push(heap, { atMs: Math.max(atMs, nowMs), order, run });
  };

  return {
    now: () => nowMs,
    at,
    after: (delayMs, run) => at(nowMs + delayMs, run),
    runNext(untilMs) {
      const next = heap[0];
      if (next === undefined || next.atMs > untilMs) {
        nowMs = Math.max(nowMs, untilMs);
        return false;
      }
      pop(heap);
      nowMs = next.atMs;
      ran += 1;
      next.run();
      return true;
    },
    ran: () => ran,
  };
}

function before(a: Scheduled, b: Scheduled): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

function push(heap: Scheduled[], item: Scheduled): void {
  let index = heap.length;
  heap.push(item);
  while (index > 0) {
    const above = (index - 1) >> 1;
    const parent = heap[above];
    if (parent === undefined || !before(item, parent)) break;
    heap[index] = parent;
    index = above;
  }
  heap[index] = item;
}

function pop(heap: Scheduled[]): void {
  const last = heap.pop();
  if (last === undefined || heap.length === 0) return;
  let index = 0;
  for (;;) {
    let child = 2 * index + 1;
    const left = heap[child];
    if (left === undefined) break;
    const right = heap[child + 1];
    let least = left;
    if (right !== undefined && before(right, left)) {
      child += 1;
      least = right;
    }
    if (!before(least, last)) break;
    heap[index] = least;
    index = child;
  }
  heap[index] = last;
}
