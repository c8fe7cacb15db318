/** What one voter that lies can do, without what keeps it from that: L6, I25, I19. */
import { edit, type Mutant, mutant } from '../mutant.ts';

export const LYING_MUTANTS: readonly Mutant[] = [
  mutant(
    'outvoted-by-one',
    ['I25'],
    'two voters that call an address down outvote three that see it up',
    [
      edit(
        'election/tally.ts',
        "count.sighted += 1; // what a refusing voter sees can't be known, so a refusal counts as not down",
        '',
      ),
      edit(
        'election/tally.ts',
        'const majority = majorityOf(voters.length);',
        'const majority = Math.min(2, majorityOf(voters.length));',
      ),
    ],
    'liar',
  ),
  mutant(
    'heard-epoch',
    ['L6', 'answer stale-epoch'],
    'a ballot is stale by whatever epoch its voter has heard of',
    edit(
      'election/vote.ts',
      "  // What another run with this voter's id has lent can't be known either.",
      "  if (ballot.epoch < address.epoch) return refuse('stale-epoch');",
    ),
    'liar',
  ),
  mutant(
    'epochs-of-anybody',
    ['L6'],
    'epochs of whoever opens no ballots are adopted without an end',
    edit(
      'membership/bounded.ts',
      "const most = isAnyTime || (by === 'record' && isFollowedNow(ctx.state, ip, from)) ? told : FAR;",
      'const most = told;',
    ),
    'liar',
  ),
  mutant(
    'driven-up-voter-unfollowed',
    ['L1'],
    'the epoch of a voter that is no candidate and that was driven far up is never followed',
    edit(
      'membership/bounded.ts',
      'return isOver && isCandidate(config, config.node.id);',
      'return isOver && !isCandidate(config, config.node.id);',
    ),
    'liar',
  ),
  mutant(
    'answers-unawaited',
    ['L6'],
    'any answer of a voter moves an epoch as the first answer to a ballot does',
    edit(
      'election/campaign.ts',
      'const isFirst = campaign?.answers[from] === undefined && isAwaited(ctx.state, campaign, from, answer);',
      'const isFirst = true;',
    ),
    'liar',
  ),
  mutant(
    'short-leases-win',
    ['L6'],
    'a ballot is won on leases that are too short, while longer ones are on their way',
    edit(
      'election/tally.ts',
      'const isShort = count.out.length > 0 && isTooShort(state, campaign, leaseUntil);',
      'const isShort = false && isTooShort(state, campaign, leaseUntil);',
    ),
    'liar',
  ),
  mutant(
    'longest-refusal',
    ['L6'],
    'a lost ballot is held again when the longest of its refusals has ended',
    edit(
      'election/tally.ts',
      'const last = ending[Math.min(needed, ending.length) - 1];',
      'const last = needed > 0 ? ending.at(-1) : undefined;',
    ),
    'liar',
  ),
  mutant(
    'duplicate-by-one',
    ['L6'],
    'one peer that says so keeps a node from lending and asking',
    edit(
      'membership/duplicate-id.ts',
      'if (others.length > 0 || isOtherOfPair) onDuplicateOfSelf(ctx, forMs);',
      'if (others.length >= 0 || isOtherOfPair) onDuplicateOfSelf(ctx, forMs);',
    ),
    'liar',
  ),
  mutant(
    'cloud-by-anybody',
    ['L6', 'I15'],
    'whoever has no driver is believed who holds an address, and when it changed hands',
    edit(
      'membership/hearsay.ts',
      'if (!isCandidate(ctx.state.config, from)) {',
      "if (!isCandidate(ctx.state.config, from) && from === '') {",
    ),
    'liar',
  ),
  mutant(
    'machine-of-anybody',
    ['L6'],
    'whoever calls the machine of a holder its own is the holder',
    edit(
      'observation/holder.ts',
      '({ id, record }) => record?.instanceId === instanceId && isCandidate(config, id),',
      "({ id, record }) => record?.instanceId === instanceId && (isCandidate(config, id) || id !== ''),",
    ),
    'liar',
  ),
  mutant(
    'moves-by-anybody',
    ['L6'],
    'whoever makes no moves is believed which were in vain',
    edit('takeover/episode.ts', 'isMover ? record : { ...record, tries: [], anewEpoch: 0 }', 'record'),
    'liar',
  ),
  mutant(
    'episode-ended-by-anybody',
    ['L1'],
    'whoever tells no people puts off that others tell them',
    edit('takeover/episode.ts', '  if (!isMover) return;\n', ''),
    'liar',
  ),
];
