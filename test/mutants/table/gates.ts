/** The takeover rule without one of its gates. */

import type { FocusName } from '../focus.ts';
import { edit, type Mutant, mutant } from '../mutant.ts';

function gate(name: string, ask: string, rules: readonly string[], ...focus: readonly FocusName[]): Mutant {
  return mutant(
    `gate-${name}`,
    [`gate ${name}`, ...rules],
    `the gate ${name} is always open`,
    edit(
      'takeover/takeover.ts',
      `{ name: '${name}', ask: ${ask} }`,
      `{ name: '${name}', ask: () => open('') }`,
    ),
    ...focus,
  );
}

export const GATE_MUTANTS: readonly Mutant[] = [
  gate('unfinished-move', 'unfinishedMove', ['I12', 'I14'], 'cloud'),
  gate('role', 'role', ['I3'], 'web'),
  gate('running', 'running', ['I9'], 'crashes'),
  gate('not-holder', 'notHolder', ['I9'], 'no-local'),
  gate('paused', 'notPaused', ['I16'], 'operators'),
  gate('observed', 'observed', ['I8'], 'stalls', 'operators'),
  gate('local', 'localFit', ['I9'], 'two-unfit', 'operators'),
  gate('verdict', 'verdictDown', ['I1', 'I2'], 'web'),
  gate('way-out', 'wayOut', ['I2', 'I9'], 'sight'),
  gate('storage', 'storage', ['I6'], 'disks'),
  gate('displace', 'displace', ['I13'], 'occupied'),
  gate('permission', 'permission', ['I11'], 'permissions'),
  gate('damping', 'damping', ['I15'], 'flapping'),
  gate('own-lease', 'ownLeaseFree', ['I5'], 'web', 'network'),
  gate('rank', 'rank', ['I15'], 'web'),
  gate('agreement', 'agreement', ['I1', 'I4', 'I5', 'I10'], 'web'),
  gate('guard', 'guard', ['I1', 'I9'], 'sight'),
  gate('intent', 'intent', ['I6'], 'crashes'),
  gate('lease', 'lease', ['I7'], 'cloud'),
];
