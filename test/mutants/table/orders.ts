/** Operators' orders: what ends a handover, what may be promised, and a holder that can't write. I22, and parts of I1, I5, I19. */
import { edit, type Mutant, mutant } from '../mutant.ts';

const FILE = 'orders/handover.ts';

export const OPERATOR_MUTANTS: readonly Mutant[] = [
  mutant(
    'handover-outlived',
    ['I22'],
    'what was agreed for a handover goes on after it has ended',
    edit('step.ts', '    endWithHandover(ctx, ip);\n', ''),
    'operators',
  ),
  mutant(
    'handover-unknown',
    ['answer no-handover', 'I22'],
    'a voter consents to a handover that it does not know, or knows to have ended',
    [
      edit(
        'election/vote.ts',
        'if (id === undefined || !isOpenTo(state, id, address, candidate))',
        'if (id === candidate)',
      ),
      edit('step.ts', '    endWithHandover(ctx, ip);\n', ''),
    ],
    'operators',
  ),
  mutant(
    'handover-through-pause',
    ['I22'],
    'a pause does not end a handover that its node had not heard of',
    edit('step.ts', '  endPausedHandovers(ctx);\n', ''),
    'operators',
  ),
  mutant(
    'handover-promised-early',
    ['I22'],
    'an operator is told that a handover will not happen before its target has stored that',
    edit(
      'orders/cancel.ts',
      "if (known === undefined) return 'nothing';\n  if (known.state === 'open') return 'open';",
      "if (known === undefined || known.state === 'open') return 'ended';",
    ),
    'operators',
  ),
  mutant(
    'handover-recalled',
    ['I22'],
    'a handover is called withdrawn while its move is past recall',
    edit(
      FILE,
      'return move !== null && move.handoverId === id && isPastRecall(move);',
      'return move !== null && move.epoch < 0;',
    ),
    'operators',
  ),
  mutant(
    'handover-on-disk',
    ['I22'],
    'a handover that is found on the disk has all the time that it had when it was written',
    edit('storage/document.ts', 'HANDOVER_LASTS_MS, untilThen - now.wall)', 'HANDOVER_LASTS_MS)'),
    'crashes',
  ),
  mutant(
    'handovers-in-any-order',
    ['I19'],
    'where there is no room the handover that was heard of first gives way, on each node another',
    [
      edit(FILE, '\n    .sort((a, b) => inOrder(a.record, b.record))', ''),
      edit(
        FILE,
        'if (first === undefined || inOrder(record, first.record) < 0) return null;',
        'if (first === undefined) return null;',
      ),
    ],
    'many-handovers',
  ),
  mutant(
    'relieved-among-more',
    ['I1'],
    'the word of a holder that can not write counts as a lease among three as well',
    edit(
      'election/tally.ts',
      'answer.consents === true && voters.length === 2;',
      'answer.consents === true;',
    ),
    'disks',
  ),
  mutant(
    'relieved-by-swap',
    ['I11'],
    'a holder that can not write is relieved by one call, as if it had lent its lease',
    edit(
      'election/tally.ts',
      "consent: holderAnswer === 'given' };",
      "consent: holderAnswer === 'given' || holderAnswer === 'unwritten' };",
    ),
    'disks',
  ),
];
