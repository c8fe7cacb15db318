/** Large clusters without one of their rules. */
import { edit, type Mutant, mutant } from '../mutant.ts';

const NEIGHBOURS = 'neighbours.ts';
const MEMBERSHIP = 'membership/membership.ts';

export const LARGE_CLUSTER_MUTANTS: readonly Mutant[] = [
  mutant(
    'large-no-neighbours',
    ['large 1'],
    'in a large cluster nobody has neighbours',
    edit(
      NEIGHBOURS,
      'for (const id of besideIn(ring, node.id, peers)) near.add(id);',
      'near.delete(String(besideIn(ring, node.id, peers)));',
    ),
  ),
  mutant(
    'large-all-watched',
    ['large 2'],
    'in a large cluster everybody judges the silence of all',
    edit(NEIGHBOURS, "near.has(id) || (votes && role !== 'member')", 'near.has(id) || votes || role !== id'),
  ),
  mutant(
    'large-untold',
    ['large 3'],
    'in a large cluster nobody passes on what it is told',
    edit(MEMBERSHIP, '    spread(ctx, rumour);\n', ''),
  ),
  mutant(
    'large-voters-unspoken',
    ['large 4'],
    'in a large cluster a member speaks to its neighbours alone',
    edit(
      'membership/gossip.ts',
      'Math.floor(round) % every === 0 ? 1 : 0',
      'Math.floor(round) % every === -1 ? 1 : 0',
    ),
  ),
];
