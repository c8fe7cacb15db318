/**
 * What a swarm says to people.
 */
import { nounFor } from '@failtome/protocol';
import { COVERAGE_MARKS } from '../coverage/index.ts';
import { type Coverage, coverageOf, JUDGED_FROM_SEEDS } from './coverage-verdict.ts';
import type { Failover } from './failovers.ts';
import { pairLines } from './pair-text.ts';
import { describeRanges } from './ranges.ts';
import type { Finding } from './seed.ts';
import type { SwarmLedger } from './swarm-ledger.ts';
import { shareOfBound, type Tally } from './tally.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The line that is shown while it runs. */
export function progressLine({ tally, findings }: SwarmLedger, since: Tally, elapsedMs: number): string {
  const events = tally.events - since.events;
  const virtualMs = tally.virtualMs - since.virtualMs;
  const perSecond = elapsedMs > 0 ? (1_000 * events) / elapsedMs : 0;
  const speed = elapsedMs > 0 ? virtualMs / elapsedMs : 0;
  return [
    many(tally.seeds, 'seed'),
    `${many(tally.events, 'event')} (${whole(perSecond)}/s)`,
    `${span(tally.virtualMs)} of the world (${whole(speed)} × real time)`,
    many(tally.takeovers, 'takeover'),
    many(findings.length, 'violation'),
  ].join(', ');
}

/** What was reached, with coverage. */
export function summary(ledger: SwarmLedger): readonly string[] {
  const { done, tally, findings, jobMs } = ledger;
  const { outages } = tally;
  const jobSeconds = Math.max(1, jobMs) / 1_000;
  return [
    `seeds        ${describeRanges(done)}`,
    `events       ${whole(tally.events)}, ${whole(tally.events / jobSeconds)} a second and job`,
    `virtual time ${span(tally.virtualMs)}, ${whole(tally.virtualMs / 1_000 / jobSeconds)} × real time and job`,
    `takeovers    ${whole(tally.takeovers)}, ${whole(tally.faultedTakeovers)} of them with a fault in force; ` +
      `${whole(tally.attempts)} begun and not moved; ${many(tally.handovers, 'handover')}`,
    `outages      ${whole(outages.takenOver)} ended by a takeover, ${whole(outages.cameBack)} by themselves, ` +
      `${whole(outages.unended)} not within their run; ${share(outages.rightlyMs, outages.downMs)} of the time ` +
      'in which an address was down, no node could have taken it',
    `violations   ${findings.length}`,
    `digest       ${tally.digest}`,
    '',
    ...coverageLines(coverageOf(ledger)),
    ...pairLines(tally, tally.seeds >= JUDGED_FROM_SEEDS || ledger.identity.focus !== null),
    '',
    'slowest failovers',
    ...tally.slowest.map(describeFailover),
    'worst failovers, by the time in which somebody could have taken the address, over the bound',
    ...tally.worst.map(describeFailover),
  ];
}

function coverageLines({ verdict, met, never }: Coverage): readonly string[] {
  const line = `coverage     ${met} of ${COVERAGE_MARKS.length} met`;
  if (verdict === 'not judged')
    return [`${line}; not judged below ${JUDGED_FROM_SEEDS} seeds, with only some faults, or steered`];
  return [line, ...never.map(({ id, says }) => `  never: ${id}: ${says}`)];
}

function describeFailover(failover: Failover): string {
  const { seed, address, fromMs, lastedMs, from, to, possibleMs, boundMs, waited } = failover;
  const why = waited.map(([reason, ms]) => `${reason} ${seconds(ms)}`).join(', ');
  return (
    `  ${seconds(lastedMs)} (possible for ${seconds(possibleMs)}, bound ${seconds(boundMs)}, ` +
    `${Math.round(100 * shareOfBound(failover))} %): seed ${seed} at ${seconds(fromMs)}, ` +
    `${address} ${from ?? 'nobody'} → ${to}, which ${why === '' ? 'was given it' : `waited for ${why}`}`
  );
}

/** A finding, and what to do with it. */
export function describeFinding(
  { seed, focus, invariant, detail, atMs, step }: Finding,
  traceFile: string | null,
): readonly string[] {
  return [
    `VIOLATION of ${invariant} in seed ${seed}, at ${seconds(atMs)} of its world, step ${step}:`,
    ...detail.split('\n').map((line) => `  ${line}`),
    `  again:  failtome-sim swarm --seeds ${seed}..${seed}${focus === null ? '' : ` --focus ${focus}`}`,
    ...(traceFile === null
      ? []
      : [`  replay: failtome-sim replay ${traceFile}`, `  shrink: failtome-sim shrink ${traceFile}`]),
  ];
}

/** With a comma between thousands, in any locale. */
export function whole(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
}

function many(value: number, noun: string): string {
  return `${whole(value)} ${nounFor(value, noun)}`;
}

/** A span in seconds. */
export function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(3)} s`;
}

function span(ms: number): string {
  if (ms >= DAY_MS) return `${(ms / DAY_MS).toFixed(1)} days`;
  return ms >= HOUR_MS ? `${(ms / HOUR_MS).toFixed(1)} h` : `${Math.round(ms / 1_000)} s`;
}

function share(part: number, of: number): string {
  return of === 0 ? '0 %' : `${((100 * part) / of).toFixed(1)} %`;
}
