/** What was read before a move began, without what bounds it: I8, I11. */
import { edit, type Mutant, mutant } from '../mutant.ts';

const FILE = 'observation/early-reads.ts';

export const EARLY_MUTANTS: readonly Mutant[] = [
  mutant(
    'early-never',
    ['move 1'],
    'a move reads only once every gate is open',
    edit(FILE, 'if (!countsForMove(state, address)) return NEVER;', 'return NEVER;'),
  ),
  mutant(
    'early-unfenced',
    ['I11'],
    'a single call rests on what was read before the agreement',
    edit(
      FILE,
      "if (driver === null || driver.style === 'single-call') return false;",
      'if (driver === null) return false;',
    ),
  ),
  mutant(
    'early-swap',
    ['I11'],
    'a swap by consent rests on what was read before the agreement',
    edit(
      FILE,
      "return campaign === null || campaign.mode === 'takeover' || !driver.swap;",
      'return campaign !== undefined;',
    ),
    'operators',
  ),
  mutant(
    'early-for-ever',
    ['I11'],
    'what was read once counts for every later move',
    edit(FILE, 'return !isBefore && now.at - beganAt <= EARLY_READ_LASTS_MS;', 'return !isBefore;'),
    'web',
  ),
  mutant(
    'early-standstill',
    ['I8'],
    'what was read before a standstill counts after it',
    edit(FILE, 'const isBefore = beganAt < observedFrom || beganAt', 'const isBefore = beganAt'),
    'stalls',
  ),
];
