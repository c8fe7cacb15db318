/** The arbiter of a pair without one of its rules. */
import { edit, type Mutant, mutant } from '../mutant.ts';

const ITEM = 'election/arbiter-item.ts';
const FILE = 'election/arbiter.ts';

export const ARBITER_MUTANTS: readonly Mutant[] = [
  mutant(
    'arbiter-sees',
    ['arbiter 1', 'answer arbiter', 'I10'],
    'the lease of the arbiter counts as having seen the address down',
    edit(FILE, "const LENT = { answer: 'blind'", "const LENT = { answer: 'grant'"),
  ),
  mutant(
    'arbiter-takes-no-for-yes',
    ['arbiter 2', 'I5'],
    'a candidate whose write was refused counts it as written',
    edit(FILE, "    case 'written': {", "    case 'written':\n    case 'conflict': {"),
  ),
  mutant(
    'arbiter-lends-for-long',
    ['arbiter 3', 'I5'],
    'a candidate counts on the arbiter for three times as long as it lends',
    edit(FILE, 'return line.asked.at + Math.min(', 'return line.asked.at + 3 * Math.min('),
  ),
  mutant(
    'arbiter-waits-for-nobody',
    ['arbiter 4', 'I29'],
    'what another was lent is written over at once',
    edit(ITEM, 'if (!isOwn && !item.over && now < untilMs)', 'if (!isOwn && !item.over && now < since)'),
  ),
  mutant(
    'arbiter-forgets',
    ['arbiter 5', 'I29'],
    'an arbiter that was made where nothing stood lends at once',
    edit(FILE, 'return found(ctx, ip, false, epoch);', 'return found(ctx, ip, true, epoch);'),
  ),
  mutant(
    'arbiter-of-any-voters',
    ['arbiter 6'],
    'the arbiter lends to candidates of other voters',
    edit(
      ITEM,
      "if (item.electorate !== electorate) return { kind: 'refuse', reason: 'electorate', retryMs: 0 };",
      '',
    ),
  ),
  mutant(
    'arbiter-asked-once',
    ['arbiter 7'],
    'the first call to the store that fails takes the arbiter out of the ballot',
    edit(FILE, 'if (ctx.now.at - campaign.openedAt < ASKED_AGAIN_FOR_MS) return;', ''),
  ),
  mutant(
    'arbiter-gives-nothing-back',
    ['arbiter 8'],
    'what the arbiter has lent is never given back',
    edit(FILE, 'changeLine(ctx, ip, { giveBack: asked.epoch });', ';'),
  ),
];
