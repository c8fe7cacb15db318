/** Takes that land when their move has given them up, or has ended: I17. */
import { edit, type Mutant, mutant } from '../mutant.ts';

export const LATE_TAKE_MUTANTS: readonly Mutant[] = [
  mutant(
    'late-untold',
    ['I17'],
    'people are not told of a take that landed late',
    edit('move/late.ts', 'else emitLate(ctx, ip, late.intent);', ''),
    'late-takes',
  ),
  mutant(
    'second-take-forgotten',
    ['I17'],
    'of two takes of one move that stayed unknown, the one that lands first makes the other forgotten',
    edit('move/late.ts', 'return late.takes > 1 ?', 'return late.takes < 1 ?'),
    'late-takes',
  ),
  mutant(
    'held-without-id-for-ever',
    ['I17'],
    'without ids of associations, a take that lands after another held the address looks like the one that was told',
    edit('observation/holder.ts', 'if (late?.held !== WITHOUT_ID) return;', 'if (late?.until !== 0) return;'),
    'late-takes',
  ),
  mutant(
    'late-told-twice',
    ['I17'],
    'a take that an idle read shows in the middle of its move is told at once, and by the move again',
    edit(
      'move/late.ts',
      'if (move !== null && intent !== null && isToldByItsEnd(move, late))',
      'if (move !== null && intent !== null && move.epoch < 0)',
    ),
    'late-takes',
  ),
  mutant(
    'given-up-told-twice',
    ['I17'],
    'a take that was given up and lands while its move looks anew is told at once, and its move as abandoned',
    edit('move/late.ts', ' || (looks && move.epoch === late.intent.epoch);', ';'),
    'late-takes',
  ),
  mutant(
    'told-before-forgotten',
    ['I17'],
    'of what was told as landed only the last is remembered: a read that goes back is told as another move',
    edit(
      'move/late.ts',
      'const earlier = [held, ...(intent.earlier ?? [])]',
      'const earlier = [...(intent.earlier ?? [])]',
    ),
  ),
  mutant(
    'known-change-is-new',
    ['I17'],
    'a word of a change that is known, at a slightly later time, counts as a take since then',
    edit('membership/hearsay.ts', ' && !isKnownChange(known, at, changedTo[0]);', ';'),
  ),
  mutant(
    'earlier-forgotten',
    ['I17'],
    'after a restart any association that a read shows here may be a take of the move that was under way',
    edit(
      'move/late.ts',
      'return associationId !== null && earlier.includes(associationId);',
      'return associationId !== null && earlier.length > 1_000;',
    ),
  ),
];
