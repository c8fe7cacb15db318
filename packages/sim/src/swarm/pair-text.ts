/**
 * The pairs that a swarm has met, as a table for people.
 */
import { ATTEMPT_PHASES, PAIRS, pairReport } from '../coverage/index.ts';
import type { Tally } from './tally.ts';

/** Fewer columns would run into each other. */
const COLUMN = 11;
const FIRST_COLUMN = 13;

/**
 * How many of each phase's pairs were met, and which weren't.
 *
 * @param listed whether the unmet ones are named: in a small swarm they are too many
 */
export function pairLines({ pairs }: Pick<Tally, 'pairs'>, listed: boolean): readonly string[] {
  const { faults, reasons, impossible } = pairReport(pairs);
  return [
    `pairs        ${faults.met} of ${faults.possible} of a fault and a phase of a takeover met, ` +
      `${reasons.met} of ${reasons.possible} of a phase and a reason`,
    row('', [...ATTEMPT_PHASES]),
    row('  faults', shares(PAIRS.faults.possible, faults.unmet, faultsPhase)),
    row('  reasons', shares(PAIRS.reasons.possible, reasons.unmet, reasonsPhase)),
    ...(listed ? [...unmet(faults.unmet, faultsPhase), ...unmet(reasons.unmet, reasonsPhase)] : []),
    ...impossible.map((id) => `  IMPOSSIBLE, and met: ${id}`),
  ];
}

/** Of `fault@phase`, the phase and the rest. */
function faultsPhase(id: string): readonly [phase: string, rest: string] {
  const at = id.lastIndexOf('@');
  return [id.slice(at + 1), id.slice(0, at)];
}

/** Of `phase/reason`. */
function reasonsPhase(id: string): readonly [phase: string, rest: string] {
  const at = id.indexOf('/');
  return [id.slice(0, at), id.slice(at + 1)];
}

function shares(
  possible: readonly string[],
  missing: readonly string[],
  split: typeof faultsPhase,
): readonly string[] {
  const of = (ids: readonly string[], phase: string): number =>
    ids.filter((id) => split(id)[0] === phase).length;
  return ATTEMPT_PHASES.map((phase) => {
    const all = of(possible, phase);
    return `${all - of(missing, phase)}/${all}`;
  });
}

function unmet(ids: readonly string[], split: typeof faultsPhase): readonly string[] {
  return ATTEMPT_PHASES.flatMap((phase) => {
    const rest = ids.map(split).filter(([of]) => of === phase);
    return rest.length === 0 ? [] : [`  never in ${phase}: ${rest.map(([, what]) => what).join(', ')}`];
  });
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(FIRST_COLUMN) + cells.map((cell) => cell.padStart(COLUMN)).join('');
}
