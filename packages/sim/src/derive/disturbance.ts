/** What went wrong in an incident, as the faults of a plan, in the incident's time. */
import type { Entry } from '../plan/index.ts';
import type { TraceRecord } from '../record/index.ts';

/** One of them; `forMs` null: until the end, as far as was recorded. */
export type Disturbance = Entry;

/** A span that began and may not have ended. */
export interface Lasting {
  readonly fromMs: number;
  readonly toMs: number | null;
}

/** Make one of a span. */
export function disturbance(action: string, given: Entry['with'], { fromMs, toMs }: Lasting): Disturbance {
  const atMs = Math.max(0, Math.round(fromMs));
  return { atMs, action, with: given, forMs: toMs === null ? null : Math.max(1, Math.round(toMs) - atMs) };
}

/** The spans in which something was bad, in a row of good and bad moments. */
export function badSpans(
  row: readonly { readonly atMs: number; readonly bad: boolean }[],
  least: number,
): readonly (Lasting & { readonly count: number })[] {
  const spans: (Lasting & { readonly count: number })[] = [];
  let open: { fromMs: number; count: number } | null = null;
  const close = (toMs: number | null): void => {
    if (open !== null && open.count >= least) spans.push({ ...open, toMs });
    open = null;
  };
  for (const { atMs, bad } of row) {
    if (!bad) close(atMs);
    else if (open === null) open = { fromMs: atMs, count: 1 };
    else open.count += 1;
  }
  close(null);
  return spans;
}

/** Facts of one kind, with who told them and when. */
export function factsOf<K extends FactOf['kind']>(
  records: readonly TraceRecord[],
  kind: K,
): readonly { readonly atMs: number; readonly who: string; readonly fact: Extract<FactOf, { kind: K }> }[] {
  return records.flatMap((record) =>
    record.kind === 'fact' && record.fact.kind === kind
      ? [{ atMs: record.at, who: record.who, fact: record.fact as Extract<FactOf, { kind: K }> }]
      : [],
  );
}

type FactOf = Extract<TraceRecord, { kind: 'fact' }>['fact'];

/** In groups, in the order in which each began. */
export function grouped<T>(all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return groups;
}
