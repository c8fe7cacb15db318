/** A scenario without a fault, and how a changed one is read. */
import { formatFault } from '../src/scenario/fault.ts';
import { readScenario, type Scenario } from '../src/scenario/index.ts';

/** A good file, five lines long; what a test adds begins on line 6. */
export const GOOD = `scenario: x
proves: It proves something.
cluster: { nodes: [a, b] }
run: { for: 2m }
seeds: 1
`;

/** One line a fault; none where the text has none. */
export function faultsOf(text: string, sets: readonly string[] = []): readonly string[] {
  const read = readScenario('x.yaml', text, { sets, config: null });
  return read.kind === 'faulty' ? read.faults.map(formatFault) : [];
}

/** A scenario that has no fault. */
export function scenarioOf(text: string, sets: readonly string[] = []): Scenario {
  const read = readScenario('x.yaml', text, { sets, config: null });
  if (read.kind === 'faulty') throw new Error(read.faults.map(formatFault).join('\n'));
  return read.scenario;
}
