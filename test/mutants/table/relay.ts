/** The relay without one of its rules. */
import { edit, type Mutant, mutant } from '../mutant.ts';

const LINE = '../../ports/src/relay-line.ts';
const RELAY = '../../ports/src/relay.ts';

export const RELAY_MUTANTS: readonly Mutant[] = [
  mutant(
    'relay-never',
    ['relay 1'],
    'the direct path never counts as failed',
    edit(
      LINE,
      'if (now - line.unansweredFrom < pace.failedAfterMs) return false;',
      'if (now >= 0) return false;',
    ),
  ),
  mutant(
    'relay-for-ever',
    ['relay 1'],
    'the direct path never counts as mended',
    edit(LINE, '  line.failedAt = null;\n', ''),
  ),
  mutant(
    'relay-blindly',
    ['relay 2'],
    'a run writes only where nothing stands yet',
    edit(
      RELAY,
      "this.#writeOver(line, result.kind === 'item' ? result.version : null);",
      'this.#writeOver(line, null);',
    ),
  ),
  mutant(
    'relay-unread',
    ['relay 3'],
    'the store is read for proofs alone',
    edit(LINE, 'return failedAt !== null || readOnce;', 'return readOnce || failedAt === undefined;'),
  ),
  mutant(
    'relay-again',
    ['relay 4'],
    'what stands in the store is handed in with every read',
    edit(LINE, 'const news = item.parcels.filter(({ n }) => n > from);', 'const news = item.parcels;'),
  ),
  mutant(
    'relay-one-way',
    ['relay 5'],
    'what comes through the store is never answered there',
    edit(
      RELAY,
      '          if (!this.#isCurrent(line)) return;\n          const { route',
      '          if (line !== null) return;\n          const { route',
    ),
  ),
  mutant(
    'relay-hammers',
    ['relay 6'],
    'the store is written to ten times as often',
    edit(LINE, 'SLOW_WRITE_MS : pace.paceMs)', 'pace.paceMs : pace.paceMs / 10)'),
  ),
  mutant(
    'relay-at-rest',
    ['relay 7'],
    'the store is proven with every message',
    edit(
      RELAY,
      '    this.#proofAt = now + PROOF_EVERY_MS;\n',
      '    this.#proofAt = now + this.#pace.paceMs;\n',
    ),
  ),
];
