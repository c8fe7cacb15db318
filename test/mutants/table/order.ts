/** Damping, rank, pause, handover, and what nodes learn of each other: I15, I16, I20, L1 to L5. */
import { edit, type Mutant, mutant } from '../mutant.ts';

export const ORDER_MUTANTS: readonly Mutant[] = [
  mutant(
    'hold-down-none',
    ['I15'],
    'there is no hold-down after a change of holder',
    edit(
      'damping.ts',
      'const heldUntil = newest === undefined ? 0 : newest + holdDownMs;',
      'const heldUntil = newest === undefined ? 0 : newest;',
    ),
    'flapping',
  ),
  mutant(
    'flap-none',
    ['I15'],
    'there is no budget of moves',
    edit(
      'damping.ts',
      'const oldest = recent[flap.moves - 1];',
      'const oldest = recent[flap.moves + 1_000];',
    ),
    'flapping',
  ),
  mutant(
    'serves-none',
    ['I15'],
    'a new holder has no time to serve',
    edit(
      'damping.ts',
      'const servesBy = newest === undefined || address.served ? 0 : newest + SERVES_WITHIN_MS;',
      'const servesBy = 0;',
    ),
    'slow-association',
  ),
  mutant(
    'protect-always',
    ['I15', 'L1'],
    'hold-down protects a holder that is silent, unfit or nobody',
    edit('damping.ts', 'if (excuse !== null) return', "if (excuse === '') return"),
    'flapping',
  ),
  mutant(
    'rank-alike',
    ['I15'],
    'all candidates start at the same time',
    edit(
      'damping.ts',
      'return (address.openSince ?? state.now.at) + rank * stepMs;',
      'return (address.openSince ?? state.now.at) + 0 * rank * stepMs;',
    ),
    'web',
  ),
  mutant(
    'rank-live-only',
    ['I15'],
    'a driver without a condition is staggered by who is heard',
    edit(
      'damping.ts',
      "config.driver?.style === 'single-call' ? configuredRank(state, address.ip) : liveRank(state, address.ip);",
      'liveRank(state, address.ip);',
    ),
    'opsworks',
  ),
  mutant(
    'failback',
    ['I15'],
    'the best-ranked candidate takes its address back unasked',
    edit(
      'takeover.ts',
      "case 'up':\n      return closed('hold', 'address-up', upDetail(lastProbe), verdict.since);",
      "case 'up':\n      return open('the address answers');",
    ),
    'web',
  ),
  mutant(
    'pause-untold',
    ['I16'],
    "a pause that a peer tells of isn't taken over",
    edit('membership.ts', 'adoptPause(turn, record.pause);', ''),
    'operators',
  ),
  mutant(
    'pause-older',
    ['I16'],
    'an older word on the pause replaces a newer one',
    edit(
      'pause.ts',
      'if (told.version < known.version || (told.version === known.version && told.by <= known.by)) return;',
      'if (told.version === known.version) return;',
    ),
    'operators',
  ),
  mutant(
    'pause-monotonic',
    ['I16'],
    'a pause ends early',
    edit('pause.ts', 'state.now.wall < until', 'state.now.wall < until - 10_000'),
    'operators',
  ),
  mutant(
    'reasons-untold',
    ['I20'],
    'a change of decision is not told',
    edit('conduct.ts', 'if (same) return;', 'return;'),
  ),
  mutant(
    'epochs-untold',
    ['L1'],
    'a candidate does not learn of higher epochs',
    [
      edit(
        'membership.ts',
        'if (told.epoch > address.epoch) changeAddress(turn, told.ip, { epoch: told.epoch });',
        '',
      ),
      edit(
        'campaign.ts',
        'if (answer.highest > address.epoch) changeAddress(turn, answer.address, { epoch: answer.highest });',
        '',
      ),
    ],
    'network',
  ),
  mutant(
    'holder-unread',
    ['L3'],
    'nobody reads who holds the address in quiet times',
    edit(
      'survey.ts',
      'if (survey.reading === null && survey.nextReadAt <= turn.now.at) {',
      'if (survey.reading === null && survey.nextReadAt < 0) {',
    ),
    'operators',
  ),
  mutant(
    'holder-untold',
    ['L3'],
    'nobody believes a peer about the holder',
    edit('membership.ts', 'observeTold(turn, peer.id, told);', ''),
    'web',
  ),
  mutant(
    'hearsay',
    ['L3'],
    'what a peer told of the holder is passed on as seen',
    edit('membership.ts', "holder.kind === 'unknown' || !holder.firsthand", "holder.kind === 'unknown'"),
    'operators',
  ),
  mutant(
    'holder-older',
    ['L3'],
    'an older observation of the holder replaces a newer one',
    edit(
      'holder.ts',
      "if (known.kind !== 'unknown' && !knownHasEnded && !corrects && seen.at < known.at) return;",
      '',
    ),
    'stale-reads',
    'operators',
  ),
  mutant(
    'dead-undetected',
    ['L3'],
    'a peer that is gone is believed to be alive',
    edit('detector.ts', 'if (peer.heardAt !== null && quietMs < suspectMs)', 'if (peer.heardAt !== null)'),
    'web',
  ),
  mutant(
    'permission-once',
    ['L5', 'L1'],
    'a permission that was denied once is not asked for again',
    edit(
      'survey.ts',
      'changeSurvey(turn, ip, { ...survey, permitting: null, nextPermitAt, permission });',
      'changeSurvey(turn, ip, { ...survey, nextPermitAt, permission });',
    ),
    'permissions',
  ),
  mutant(
    'refusal-final',
    ['L1'],
    'a guard that refused is not asked again',
    edit(
      'conduct.ts',
      "backOff(turn, ip, 'guard-refused', decision.detail, 0);",
      "backOff(turn, ip, 'guard-refused', decision.detail, 3_600_000);\n    changeAddress(turn, ip, { backoff: { ...addressOf(turn.state, ip).backoff, until: turn.now.at + 3_600_000 } });",
    ),
    'sight',
  ),
];
