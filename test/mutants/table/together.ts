/** Mutants without a rule and without what stands behind it: either alone shows nothing. */
import { edit, type Mutant, mutant } from '../mutant.ts';

export const TOGETHER: readonly Mutant[] = [
  mutant(
    'both-unfit-checks',
    ['gate local', 'answer unfit-candidate', 'I9'],
    'an unfit candidate asks, and its voters lend to it',
    [
      edit(
        'takeover/takeover.ts',
        "{ name: 'local', ask: localFit }",
        "{ name: 'local', ask: () => open('') }",
      ),
      edit('election/vote.ts', "if (!ballot.fit) return refuse('unfit-candidate');", ''),
    ],
    'two-unfit',
  ),
  mutant(
    'both-holder-checks',
    ['gate not-holder', 'move 1', 'I9'],
    'neither the gate nor the read of the move heeds that this node holds the address',
    [
      edit(
        'takeover/takeover.ts',
        "{ name: 'not-holder', ask: notHolder }",
        "{ name: 'not-holder', ask: () => open('') }",
      ),
      ...['early', 'start'].map((purpose) =>
        edit(
          'move/table.ts',
          `${purpose}: {\n      nobody: then.takeOnceCleared,\n      self: endAsHolder,`,
          `${purpose}: {\n      nobody: then.takeOnceCleared,\n      self: (ctx, ip, phase, { association }) =>\n        then.releaseOrSwapOnceCleared(ctx, ip, phase, { kind: 'another', association }),`,
        ),
      ),
    ],
    'no-local',
  ),
  mutant(
    'both-displace-checks',
    ['gate displace', 'I13'],
    'neither the gate nor the read of the move heeds another address in the way',
    [
      edit(
        'takeover/takeover.ts',
        "{ name: 'displace', ask: displace }",
        "{ name: 'displace', ask: () => open('') }",
      ),
      edit(
        'move/reads.ts',
        "if (displaces !== null && !mayDisplace && shown.kind !== 'self')",
        "if (displaces === '' && !mayDisplace && shown.kind !== 'self')",
      ),
    ],
    'occupied',
  ),
  mutant(
    'both-pause-checks',
    ['gate paused', 'answer paused', 'I16'],
    'a pause keeps neither candidates from asking nor voters from lending',
    [
      edit(
        'takeover/takeover.ts',
        "{ name: 'paused', ask: notPaused }",
        "{ name: 'paused', ask: () => open('') }",
      ),
      edit('election/vote.ts', "if (isPaused(state)) return refuse('paused');", ''),
    ],
    'operators',
  ),
  mutant(
    'no-lease-ends',
    ['gate lease', 'I7'],
    'neither count nor mandate nor the last gate heeds that leases run out',
    [
      edit('election/tally.ts', 'if (answer.leaseUntil > state.now.at) count.leases', 'count.leases'),
      edit(
        'election/campaign.ts',
        'if (heard === undefined && mandate.until > ctx.now.at) return;',
        'if (heard === undefined) return;',
      ),
      edit('takeover/takeover.ts', "{ name: 'lease', ask: lease }", "{ name: 'lease', ask: () => open('') }"),
    ],
    'slow-votes',
  ),
  mutant(
    'stall-keeps-all',
    ['I8'],
    'a stall drops neither what was seen nor what was agreed',
    [
      edit('lifecycle.ts', 'forgetObservations(ctx);\n  onStoodStill', 'onStoodStill'),
      edit('lifecycle.ts', "    dropMandate(ctx, ip, 'this node stood still');\n", ''),
    ],
    'stalls',
  ),
  mutant(
    'stall-keeps-proof',
    ['I2', 'I8'],
    'a proof from before a stall counts, and is kept',
    [
      edit(
        'lifecycle.ts',
        "wayOut: { '4': { ...NEW_WAY_OUT, nextAt: at }, '6': { ...NEW_WAY_OUT, nextAt: at } },",
        '',
      ),
      edit('observation/way-out.ts', 'provenAt >= state.observedFrom && ', ''),
    ],
    'stalls',
  ),
  mutant(
    'any-receiver',
    ['freshness 1', 'freshness 2', 'I18'],
    'a message counts whoever it was written for',
    [
      edit('membership/gossip.ts', "if (request.to !== config.node.id) return 'not-for-me';", ''),
      edit(
        'wire/freshness.ts',
        'echo !== null && echo.session === own.session && echo.t <= own.t',
        'echo !== null',
      ),
    ],
    'replays',
  ),
  mutant(
    'release-forgotten',
    ['move 2', 'I12'],
    'a release is not written down, and a restart does not guess it',
    [
      edit(
        'move/acceptance.ts',
        'if (intent !== null) changeAddress(ctx, ip, { intent: { ...intent, associationId, stage } });\n  persist(ctx);',
        '',
      ),
      edit('move/outcomes.ts', "intent !== null && intent.from !== 'nobody';", 'intent === null;'),
    ],
    'crashes',
  ),
  mutant(
    'both-vain-checks',
    ['answer move-did-not-help', 'I21'],
    'neither candidate nor voters ask what was tried in vain',
    [
      edit('election/vote.ts', "return refuse('move-did-not-help', untilMs);", 'return null;'),
      edit('takeover/protection.ts', '? waitUntil(state, address.episode, candidate) : NEVER', '? 0 : NEVER'),
    ],
  ),
];
