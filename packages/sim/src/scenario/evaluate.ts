/**
 * Evaluates what came of a scenario by what was expected.
 */

import { WEBHOOK } from '../world/index.ts';
import type { Claim, Count, Expectation } from './expectation.ts';
import { observableOf } from './observables.ts';
import { heldAt, type RunLog, withNames } from './run-log.ts';

/** Whether an expectation was kept. */
export interface Evaluation {
  /** What was expected, for people. */
  readonly says: string;
  readonly kept: boolean;
  /** What was found instead, or as well. */
  readonly found: string;
}

interface Span {
  readonly fromMs: number;
  /** What comes at this moment is outside. */
  readonly untilMs: number;
  readonly says: string;
}

/** In the order in which they were expected. */
export function evaluate(runLog: RunLog, expected: readonly Expectation[]): readonly Evaluation[] {
  return expected.flatMap((expectation) => {
    const span = spanOf(expectation, runLog.world.now());
    return expectation.claims.map((claim) => {
      const { says, kept, found } = evaluateClaim(runLog, claim, span);
      return { says: `${says}${span.says}`, kept, found };
    });
  });
}

function spanOf({ fromMs, untilMs }: Expectation, nowMs: number): Span {
  const says = [
    ...(fromMs === null ? [] : [` from ${seconds(fromMs)} on`]),
    ...(untilMs === null ? [] : [` until ${seconds(untilMs)}`]),
  ].join('');
  return { fromMs: fromMs ?? 0, untilMs: untilMs ?? nowMs + 1, says };
}

const isIn = ({ fromMs, untilMs }: Span, atMs: number): boolean => atMs >= fromMs && atMs < untilMs;

function evaluateClaim(runLog: RunLog, claim: Claim, span: Span): Evaluation {
  switch (claim.kind) {
    case 'holder':
      return holds(runLog, claim, span);
    case 'takers': {
      const found = takersOf(runLog, claim.address, span);
      const says = `taken by ${list(claim.nodes)}${of(claim.address)}`;
      return { says, kept: found.join() === claim.nodes.join(), found: `taken by ${list(found)}` };
    }
    case 'moves':
      return counted('moves', of(claim.address), takersOf(runLog, claim.address, span).length, claim.count);
    case 'served':
      return isServed(runLog, claim, span);
    case 'unserved':
      return isUnserved(runLog, claim, span);
    case 'told':
      return counted('notifications', '', toldIn(runLog, span).length, claim.count);
    case 'told-texts': {
      const found = toldIn(runLog, span);
      return inOrder('people are told', claim.texts, found);
    }
    case 'webhook':
      return inOrder('the web hook is told', claim.texts, acceptedIn(runLog, span));
    case 'answered':
      return inOrder('operators are answered', claim.texts, answersIn(runLog, span));
    case 'seen':
    case 'unseen':
      return sees(runLog, claim, span);
    case 'decision':
      return decides(runLog, claim, span);
    case 'calls':
      return calls(runLog, claim, span);
    case 'stored':
      return counted(
        'writes to the store',
        '',
        runLog.stored.filter(({ atMs }) => isIn(span, atMs)).length,
        claim.count,
      );
    case 'ready':
    case 'unready':
      return isReady(runLog, claim, span);
  }
}

type ClaimOf<K extends Claim['kind']> = Extract<Claim, { kind: K }>;

function sees(runLog: RunLog, claim: ClaimOf<'seen' | 'unseen'>, span: Span): Evaluation {
  const first = firstSeen(runLog, claim, span);
  return {
    says: `${claim.node ?? 'anyone'} ${claim.observation}${claim.kind === 'seen' ? '' : ': never'}`,
    kept: (first !== null) === (claim.kind === 'seen'),
    found: first === null ? 'never' : `at ${seconds(first)}`,
  };
}

function calls(runLog: RunLog, { call, count }: ClaimOf<'calls'>, span: Span): Evaluation {
  const made = runLog.calls.filter(
    ({ atMs, action, dryRun }) => isIn(span, atMs) && action === call && !dryRun,
  );
  return counted(`calls of ${call}`, '', made.length, count);
}

function isReady(runLog: RunLog, claim: ClaimOf<'ready' | 'unready'>, span: Span): Evaluation {
  const found = heldAt(runLog.problems.get(claim.node), span.untilMs - 1) ?? [];
  const because = claim.kind === 'unready' ? claim.because : null;
  return {
    says: `${claim.node} is ${because === null ? 'ready' : `not ready (${because})`}`,
    kept: because === null ? found.length === 0 : found.some((problem) => problem.includes(because)),
    found: found.length === 0 ? 'ready' : `not ready (${found.join('; ')})`,
  };
}

function holds({ world, holders }: RunLog, claim: ClaimOf<'holder'>, span: Span): Evaluation {
  const ips = claim.address === null ? world.spec.addresses : [claim.address];
  const found = ips.map((ip) => heldAt(holders.get(ip), span.untilMs - 1) ?? null);
  return {
    says: `held by ${claim.node ?? 'nobody'}${of(claim.address)}`,
    kept: found.every((node) => node === claim.node),
    found: `held by ${found.map((node) => node ?? 'nobody').join(' and ')}`,
  };
}

function takersOf({ world }: RunLog, address: string | null, span: Span): readonly string[] {
  return world.cloudEvents().flatMap((event) => {
    if (event.kind !== 'associated' || event.by.kind !== 'instance' || !isIn(span, event.atMs)) return [];
    if (address === null ? !world.spec.addresses.includes(event.publicIp) : event.publicIp !== address)
      return [];
    const { instanceId } = event.association;
    return [world.nodeOf(instanceId) ?? instanceId];
  });
}

function isServed(runLog: RunLog, claim: ClaimOf<'served'>, span: Span): Evaluation {
  const { world, services } = runLog;
  const ips = claim.address === null ? world.spec.addresses : [claim.address];
  const back = ips.map((ip) => servedAgainAt(services.get(ip) ?? [], claim.by, span));
  const latest = back.includes(null) ? null : Math.max(...back.map((at) => at ?? 0));
  const afterMs = latest === null ? null : latest - span.fromMs;
  const by = claim.by === null ? '' : ` by ${claim.by}`;
  return {
    says: `served${by}${of(claim.address)}${claim.withinMs === null ? '' : ` within ${seconds(claim.withinMs)}`}`,
    kept: afterMs !== null && (claim.withinMs === null || afterMs <= claim.withinMs),
    found:
      afterMs === null
        ? 'not in service at the end'
        : afterMs === 0
          ? 'all the time'
          : `after ${seconds(afterMs)}`,
  };
}

function isUnserved({ world, services }: RunLog, claim: ClaimOf<'unserved'>, span: Span): Evaluation {
  const ips = claim.address === null ? world.spec.addresses : [claim.address];
  const endMs = Math.min(span.untilMs, world.now());
  const longestMs = Math.max(
    ...ips.flatMap((ip) =>
      (services.get(ip) ?? []).map(({ atMs, is }, index, log) =>
        is === null ? Math.min(endMs, log[index + 1]?.atMs ?? endMs) - Math.max(span.fromMs, atMs) : 0,
      ),
    ),
  );
  return {
    says: `nobody answers${of(claim.address)} for ${seconds(claim.forMs)}`,
    kept: longestMs >= claim.forMs,
    found: longestMs <= 0 ? 'answered all the time' : `at most ${seconds(longestMs)}`,
  };
}

/** When it came into service, out of which it was first; null: at the end it isn't. */
function servedAgainAt(
  log: RunLog['services'] extends ReadonlyMap<string, infer L> ? L : never,
  by: string | null,
  span: Span,
): number | null {
  const good = (is: string | null | undefined): boolean => is != null && (by === null || is === by);
  if (!good(heldAt(log, span.untilMs - 1))) return null;
  let out = !good(heldAt(log, span.fromMs));
  for (const { atMs, is } of log) {
    if (atMs < span.fromMs || atMs >= span.untilMs) continue;
    if (out && good(is)) return atMs;
    if (!good(is)) out = true;
  }
  return span.fromMs;
}

function toldIn({ world }: RunLog, span: Span): readonly string[] {
  return world
    .cloudEvents()
    .flatMap((event) =>
      event.kind === 'published' && isIn(span, event.atMs) ? [withNames(world, event.message)] : [],
    );
}

function acceptedIn({ world }: RunLog, span: Span): readonly string[] {
  return world
    .facts()
    .flatMap(({ atMs, node, fact }) =>
      isIn(span, atMs) &&
      fact.kind === 'notified' &&
      fact.receiver === WEBHOOK.name &&
      fact.result === 'accepted'
        ? [`${fact.notice} by ${node}`]
        : [],
    );
}

function answersIn({ answers }: RunLog, span: Span): readonly string[] {
  return answers.filter(({ atMs }) => isIn(span, atMs)).map(({ text }) => text);
}

function firstSeen({ world }: RunLog, claim: ClaimOf<'seen' | 'unseen'>, span: Span): number | null {
  const seen = world
    .facts()
    .find(
      ({ atMs, node, fact }) =>
        isIn(span, atMs) &&
        (claim.node === null || node === claim.node) &&
        observableOf(fact) === claim.observation,
    );
  return seen?.atMs ?? null;
}

function decides({ world }: RunLog, claim: ClaimOf<'decision'>, span: Span): Evaluation {
  const found = world.spec.addresses.flatMap((ip) => {
    const last = world
      .facts()
      .findLast(
        ({ atMs, node, fact }) =>
          atMs < span.untilMs && node === claim.node && fact.kind === 'decided' && fact.address === ip,
      );
    return last?.fact.kind === 'decided' ? [last.fact] : [];
  });
  return {
    says: `${claim.node} decides ${claim.is}`,
    kept: found.some(({ outcome, reason }) => outcome === claim.is || reason === claim.is),
    found: found.map(({ outcome, reason }) => `${outcome}, ${reason}`).join(' and ') || 'nothing',
  };
}

function counted(what: string, about: string, found: number, { least, most }: Count): Evaluation {
  const wanted = most === null ? `at least ${least}` : least === most ? `${least}` : `at most ${most}`;
  return {
    says: `${what}${about}: ${wanted}`,
    kept: found >= least && (most === null || found <= most),
    found: `${found}`,
  };
}

function inOrder(what: string, wanted: readonly string[], found: readonly string[]): Evaluation {
  const kept =
    wanted.length === found.length && wanted.every((text, index) => found[index]?.includes(text) === true);
  return {
    says: `${what}: ${list(wanted)}`,
    kept,
    found: list(found.map((text) => text.split('\n')[0] ?? '')),
  };
}

const of = (address: string | null): string => (address === null ? '' : ` (${address})`);

const list = (texts: readonly string[]): string => (texts.length === 0 ? 'nobody' : texts.join(', '));

function seconds(ms: number): string {
  return `${Math.round(ms) / 1_000} s`;
}
