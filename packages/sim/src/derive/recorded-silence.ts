/** Addresses that nobody was answered at though their holder was there: its web server failed, whoever has told. */
import type { TraceRecord } from '../record/index.ts';
import { badSpans, type Disturbance, disturbance, factsOf, grouped, type Lasting } from './disturbance.ts';

/** A span in which every probe of an address failed. */
export interface Silence extends Lasting {
  readonly address: string;
  /** How many probes. */
  readonly count: number;
  readonly state: 'dead' | 'error' | 'hung';
}

/** Fewer probes are a hiccup. */
const LEAST_PROBES = 2;
/** What was derived from checks of the node's own begins as near as this. */
const SAME_MS = 5_000;
/** A takeover may take so much longer in the plan than it took. */
const SLACK_MS = 2_000;
/** Faults after which a holder's address can't answer. */
const EXPLAINS: ReadonlySet<string> = new Set(['haproxy', 'vanish', 'no-way-out', 'pause']);

/** From each first probe that failed to the first that was answered, whoever's; null: to the end. */
export function recordedSilences(records: readonly TraceRecord[]): readonly Silence[] {
  const byAddress = grouped(factsOf(records, 'probe'), ({ fact }) => fact.address);
  return [...byAddress].flatMap(([address, probes]) => {
    const row = probes
      .filter(({ fact }) => fact.result.kind !== 'inconclusive')
      .map(({ atMs, fact: { result } }) => ({
        atMs: atMs - result.durationMs,
        result,
        bad: result.kind === 'failed',
      }))
      .sort((a, b) => a.atMs - b.atMs);
    return badSpans(row, 1).map((span) => {
      const inside = row.filter(
        ({ atMs, bad }) => bad && atMs >= span.fromMs && atMs < (span.toMs ?? atMs + 1),
      );
      const reasons = inside.flatMap(({ result }) => (result.kind === 'failed' ? [result.reason] : []));
      return { ...span, address, state: stateOf(reasons) };
    });
  });
}

/** One that is refused is heard by whoever reaches it; what isn't answered may be the way's fault for some. */
function stateOf(reasons: readonly string[]): Silence['state'] {
  if (reasons.some((reason) => reason === 'status')) return 'error';
  return reasons.every((reason) => reason === 'timeout') ? 'hung' : 'dead';
}

/** Those that nothing else explains. */
export function failedServers(
  records: readonly TraceRecord[],
  silences: readonly Silence[],
  known: readonly Disturbance[],
): readonly Disturbance[] {
  return silences.flatMap((silence) => {
    const { address, fromMs, count, state } = silence;
    const holder = holderAt(records, address, fromMs);
    if (holder === null || count < LEAST_PROBES || isExplained(known, holder, fromMs)) return [];
    return [
      disturbance('haproxy', { node: holder, state }, { fromMs, toMs: endOf(records, silence, holder) }),
    ];
  });
}

function isExplained(known: readonly Disturbance[], holder: string, fromMs: number): boolean {
  return known.some(({ action, with: given, atMs, forMs }) => {
    const ends = forMs === null ? Number.POSITIVE_INFINITY : atMs + forMs;
    return EXPLAINS.has(action) && given.node === holder && atMs < fromMs + SAME_MS && ends > fromMs;
  });
}

/**
 * It answers again; or it has lost the address, and is well where it holds it next: when in between nobody recorded, so that it
 * is soon, but not before a takeover that takes longer in the plan. Null: it was never seen to be well.
 */
function endOf(
  records: readonly TraceRecord[],
  { address, fromMs, toMs }: Silence,
  holder: string,
): number | null {
  const later = records.flatMap((one) =>
    one.kind === 'owner' && one.address === address && one.at > fromMs ? [one] : [],
  );
  const left = later.find(({ owner }) => owner !== holder);
  if (toMs !== null && (left === undefined || left.at > toMs)) return toMs;
  const back = later.find(
    ({ owner, served, at }) => owner === holder && served === holder && at > (left?.at ?? 0),
  );
  return left === undefined || back === undefined ? null : Math.min(back.at, left.at + SLACK_MS);
}

function holderAt(records: readonly TraceRecord[], address: string, atMs: number): string | null {
  const owner = records.findLast(
    (one) => one.kind === 'owner' && one.address === address && one.at <= atMs && one.owner !== null,
  );
  return owner?.kind === 'owner' ? owner.owner : null;
}
