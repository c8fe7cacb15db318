/** What is kept of the outcome of a step: a checksum of all of it, and in full what isn't routine. */
import { crc32 } from 'node:zlib';
import type { Fact, HostTurn } from '@failtome/protocol';

/** The checksum before the first step of a segment. */
export const NO_OUTCOME = 0;

/** The checksum of a step's effects and facts, after that of the steps before it. */
export function withOutcome(before: number, { effects, facts }: Pick<HostTurn, 'effects' | 'facts'>): number {
  let sum = before;
  if (effects.length > 0) sum = crc32(JSON.stringify(effects), sum);
  if (facts.length > 0) sum = crc32(JSON.stringify(facts), sum);
  return sum;
}

/** What every message, probe and read tells, and nobody decides. */
const ROUTINE: ReadonlySet<Fact['kind']> = new Set([
  'probe',
  'heartbeat',
  'way-out',
  'cloud-requests',
  'rejected',
]);

/** The facts that are kept in full: decisions, and what led to them. */
export function toldIn(facts: readonly Fact[]): readonly Fact[] {
  return facts.some(isTold) ? facts.filter(isTold) : NONE;
}

const NONE: readonly Fact[] = [];

function isTold({ kind }: Fact): boolean {
  return !ROUTINE.has(kind);
}
