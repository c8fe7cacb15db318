/** What is adopted from messages of whoever has the key, without its bounds, and what isn't passed on: I19, I27, L1, L3. */
import { edit, type Mutant, mutant } from '../mutant.ts';

export const ADOPTED_MUTANTS: readonly Mutant[] = [
  mutant(
    'replaced-by-word',
    ['I15'],
    'where associations have no ids, a read that lags behind the word of the new holder is another change',
    edit('membership/hearsay.ts', '    noteReplacedByWord(ctx, ip, from, before.holder);\n', ''),
    'cloud',
  ),
  mutant(
    'replaced-self-kept',
    ['I9', 'I14'],
    'what a node reads of itself after its own call counts as a read from before a peer took the address',
    edit('move/calls.ts', '  forgetReplacedSelf(ctx, ip);\n', ''),
    'cloud',
  ),
  mutant(
    'record-read-untold',
    ['I27', 'L3'],
    'a holder that it has read itself, and knew by word before, is told only to whom has still to be told something else',
    edit('membership/own-record.ts', '    !isToldAlike(old.holder, now.holder) ||\n', ''),
    'network',
  ),
  mutant(
    'record-past-untold',
    ['I27'],
    'what it has learnt of past moves is told only to whom has still to be told something else',
    edit('membership/own-record.ts', '    !isSame(old.changedTo, now.changedTo) ||\n', ''),
    'network',
  ),
  mutant(
    'record-episode-untold',
    ['I27'],
    'what it has learnt of the episode is told only to whom has still to be told something else',
    edit('membership/own-record.ts', '    tellsOtherwise(old, now)', '    false'),
    'network',
  ),
  mutant(
    'adopted-numbers',
    ['I19', 'L1'],
    'an epoch, an incarnation or a version of any height is adopted',
    [
      edit('membership/bounded.ts', 'return told <= mostAfter(known);', 'return true;'),
      edit('membership/bounded.ts', 'return told <= NEVER_REACHED;', 'return true;'),
      edit(
        'membership/bounded.ts',
        'return isReachable(told) ? Math.max(known, Math.min(told, mostAfter(known))) : known;',
        'return Math.max(known, told);',
      ),
    ],
    'network',
  ),
  mutant(
    'adopted-ended',
    ['L1'],
    'an association that a peer says has ended is never released',
    [
      edit('move/reads.ts', 'if (lags && !tries)', 'if (lags)'),
      edit(
        'membership/hearsay.ts',
        'if (told === undefined || readAt - told.at < READS_LAG_MS) return;',
        'return;',
      ),
    ],
    'network',
  ),
  mutant(
    'adopted-holder',
    ['L1'],
    'a node believes of a peer that it holds the address itself',
    edit(
      'membership/hearsay.ts',
      "if (told.node !== self || holder.kind === 'unknown') return false;",
      'if (told.node !== null) return false;',
    ),
    'network',
  ),
  mutant(
    'adopted-holder-of-any-role',
    ['L1'],
    'a witness believes of a peer that it, or another witness, holds the address',
    edit(
      'membership/hearsay.ts',
      "const isNamed = kind === 'node' && named !== null && isCandidate(state.config, named);",
      "const isNamed = kind === 'node' && named !== null;",
    ),
    'network',
  ),
  mutant(
    'still-said-unheard',
    ['L3'],
    'what a node that cannot ask the cloud was told of an end stays, whatever candidates go on saying',
    edit(
      'membership/still-said.ts',
      'if (now.at - refutedAt(address, associationId) < stillSaidMs(ctx.state)) continue;',
      'if (stillSaidMs(ctx.state) >= 0) continue;',
    ),
    'network',
  ),
  mutant(
    'adopted-texts',
    ['I19'],
    'texts of any length are passed on',
    [
      edit(
        'membership/bounded.ts',
        "return told.slice(0, most).replace(/[\\p{Cc}\\p{Cs}]/gu, ' ');",
        'return most < 0 ? "" : told;',
      ),
      edit(
        'membership/record.ts',
        'if (bytesOf(record) <= MAX_RECORD_BYTES) return record;',
        'if (bytesOf(record) > 0) return record;',
      ),
    ],
    'operators',
  ),
  mutant(
    'adopted-news',
    ['I19'],
    "a peer's news is hurried on as often as it comes",
    edit('membership/budget.ts', 'if (spent > MOST_NEWS) {', 'if (spent < 0) {'),
    'network',
  ),
  mutant(
    'rolled-back-implausibly',
    ['I5'],
    'a peer that knows this node by more lives than it can have had proves no disk that was rolled back',
    edit(
      'membership/rolled-back.ts',
      'if (!isReachable(known)) return ignorePart(ctx, from);',
      'if (!isPlausible(incarnation, known)) return ignorePart(ctx, from);',
    ),
    'disks',
  ),
  mutant(
    'rolled-back-for-ever',
    ['L1'],
    'whoever says again that the disk was rolled back keeps this node from lending for a lease more',
    [
      edit(
        'membership/rolled-back.ts',
        'if (peers[from]?.provedRollback !== true) onRolledBack(ctx, from);\n  else if (!mayHurry(ctx, from)) return;',
        'if (!mayHurry(ctx, from)) return;\n  onRolledBack(ctx, from);',
      ),
      edit(
        'membership/rolled-back.ts',
        'const { addresses, config, startedAt } = ctx.state;',
        'const { addresses, config, now } = ctx.state;',
      ),
      edit(
        'membership/rolled-back.ts',
        'const lendFrom = startedAt + config.agreement.leaseMs;',
        'const lendFrom = now.at + config.agreement.leaseMs;',
      ),
    ],
    'liar',
  ),
];
