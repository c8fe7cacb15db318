/** The table: what became of each mutant. */
import type { Mutant, Question } from './mutant.ts';
import type { TrialResult } from './outcome.ts';

export interface Row {
  readonly id: string;
  readonly rules: readonly string[];
  readonly says: string;
  /** `questioned`: nothing showed it, and `table/questioned.ts` says why. `broken`: it couldn't be tried. */
  readonly fate: 'caught' | 'survives' | 'questioned' | 'passes' | 'broken';
  /** The invariant, `expectation` of a scenario, `exception` or `hangs`. */
  readonly invariant: string;
  readonly by: string;
  readonly detail: string;
  readonly needed: string;
  readonly cpuMs: number;
}

const MAX_DETAIL = 300;

export function rowOf(
  { id, rules, says }: Mutant,
  outcome: TrialResult | Error,
  question: Question | undefined,
): Row {
  const base = { id, rules, says, invariant: '', by: '', detail: '', needed: '', cpuMs: 0 };
  if (outcome instanceof Error)
    return { ...base, fate: 'broken', detail: outcome.message.slice(0, MAX_DETAIL) };
  const { caught, cpuMs } = outcome;
  const told = { ...base, needed: neededOf(outcome), cpuMs };
  if (caught === null) {
    const fate = id === 'control' ? 'passes' : question === undefined ? 'survives' : 'questioned';
    return { ...told, fate, detail: question?.because ?? '' };
  }
  const { invariant, by } = caught;
  const detail = caught.detail.replaceAll('\n', ' ').slice(0, MAX_DETAIL);
  // A name that isn't there is a fault of the mutation's, not of the rule's absence.
  const fate = detail.includes('ReferenceError') ? 'broken' : 'caught';
  return { ...told, fate, invariant, by, detail };
}

function neededOf({ effort: { scenarios, seeds, focused, states } }: TrialResult): string {
  const parts = [
    [scenarios, 'scenario', 'scenarios'],
    [seeds, 'seed', 'seeds'],
    [focused, 'focused seed', 'focused seeds'],
    [states, 'state', 'states'],
  ] as const;
  return parts.flatMap(([n, one, many]) => (n === 0 ? [] : [`${n} ${n === 1 ? one : many}`])).join(', ');
}

/** One line of the table. */
export function textOf({ id, rules, says, fate, invariant, by, needed, detail }: Row): string {
  const rule = rules.join(', ').padEnd(28);
  const head = `${rule} ${id.padEnd(24)} ${says}`;
  if (fate === 'caught') return `${head}\n${' '.repeat(29)}caught: ${invariant} by ${by} (${needed})`;
  const why = detail === '' ? '' : `: ${detail}`;
  return `${head}\n${' '.repeat(29)}${fate.toUpperCase()}${why} (${needed})`;
}

export function summaryOf(rows: readonly Row[]): { readonly text: string; readonly failed: boolean } {
  const of = (fate: Row['fate']): readonly Row[] => rows.filter((row) => row.fate === fate);
  const control = rows.find(({ id }) => id === 'control');
  const survivors = of('survives');
  const broken = of('broken');
  const sound = control === undefined || control.fate === 'passes';
  const mutants = rows.filter(({ id }) => id !== 'control');
  const caught = mutants.filter(({ fate }) => fate === 'caught');
  const lines = [
    `${mutants.length} mutants: ${caught.length} caught, ${of('questioned').length} questioned, ${survivors.length} survive, ${broken.length} could not be tried`,
    ...survivors.map(({ id, says }) => `survives: ${id}: ${says}`),
    ...broken.map(({ id, detail }) => `could not be tried: ${id}: ${detail}`),
    ...(sound
      ? []
      : [`the protocol as it is fails: ${control?.invariant} by ${control?.by}: ${control?.detail}`]),
  ];
  return { text: lines.join('\n'), failed: survivors.length > 0 || broken.length > 0 || !sound };
}
