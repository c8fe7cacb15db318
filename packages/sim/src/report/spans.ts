/** What lasted, and finding what holds at a moment. */

/** Something that lasted, in the world's milliseconds. */
export interface Span<T> {
  readonly fromMs: number;
  readonly toMs: number;
  readonly is: T;
}

/** The span that holds at a moment, the last one also at its very end; null: none does. By halving. */
export function spanAt<T>(spans: readonly Span<T>[], atMs: number): Span<T> | null {
  let [low, high] = [0, spans.length - 1];
  while (low <= high) {
    const middle = (low + high) >> 1;
    const span = spans[middle];
    if (span === undefined || atMs < span.fromMs) high = middle - 1;
    else if (atMs > span.toMs || (atMs === span.toMs && middle < spans.length - 1)) low = middle + 1;
    else return span;
  }
  return null;
}

/** The first index whose value isn't below it. By halving. */
export function lowerBound(count: number, value: (index: number) => number, atLeast: number): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value(middle) < atLeast) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Changes as they come, and the spans between them. */
export interface Series<T> {
  add(atMs: number, is: T): void;
  spans(toMs: number): readonly Span<T>[];
}

/** Begin a series of changes. */
export function newSeries<T>(): Series<T> {
  const changes: { readonly atMs: number; readonly is: T }[] = [];
  return {
    add: (atMs, is) => void changes.push({ atMs, is }),
    spans: (toMs) =>
      changes.flatMap(({ atMs, is }, index) => {
        const next = changes[index + 1]?.atMs ?? toMs;
        return next > atMs || index === changes.length - 1 ? [{ fromMs: atMs, toMs: next, is }] : [];
      }),
  };
}

/** Spans of what differs from neighbour to neighbour. */
export function merged<T>(spans: readonly Span<T>[]): readonly Span<T>[] {
  const found: Span<T>[] = [];
  for (const span of spans) {
    const last = found.at(-1);
    if (last !== undefined && last.is === span.is && last.toMs === span.fromMs)
      found[found.length - 1] = { ...last, toMs: span.toMs };
    else found.push(span);
  }
  return found;
}
