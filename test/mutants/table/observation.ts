/** Eyes that see what is not there: I2, I8, I10. */
import { edit, type Mutant, mutant } from '../mutant.ts';

export const OBSERVATION_MUTANTS: readonly Mutant[] = [
  mutant(
    'proof-none',
    ['I2'],
    'failed probes make an address down without a proof',
    edit(
      'observation/verdict.ts',
      "if (isProvenSince(ctx.state, ip, startedAt)) setVerdict(ctx, ip, 'down', reason);",
      "if (startedAt >= 0) setVerdict(ctx, ip, 'down', reason);",
    ),
    'sight',
  ),
  mutant(
    'proof-later',
    ['I2'],
    'a proof counts for a probe that began before it',
    edit(
      'observation/way-out.ts',
      'return isProven(state, ip) && provenSince !== null && provenSince <= since;',
      'return isProven(state, ip) && provenSince !== null && since >= 0;',
    ),
    'sight',
  ),
  mutant(
    'proof-old',
    ['I2', 'I9'],
    'a proof counts for ever',
    edit('observation/way-out.ts', ' && state.now.at - provenAt <= PROOF_LASTS_MS;', ';'),
    'sight',
  ),
  mutant(
    'proof-gap',
    ['I2'],
    'two proofs with a gap between them count as one',
    edit(
      'observation/way-out.ts',
      'const provenSince = had ? wayOut.provenSince : ctx.now.at;',
      'const provenSince = wayOut.provenSince ?? ctx.now.at;',
    ),
    'sight',
  ),
  mutant(
    'proof-unasked',
    ['I2', 'L1'],
    'the proof is asked for only once a minute',
    edit(
      'observation/watching.ts',
      "if (isFailing(address.series) || address.verdict === 'down' || holderUnfitSince(state, address) !== null)\n    return true;\n  const lastAt",
      'const lastAt',
    ),
    'web',
  ),
  mutant(
    'fall-one',
    ['I1'],
    'one failed probe makes an address down',
    edit(
      'observation/failing.ts',
      'if (unfitSince === null) return fall;',
      'if (unfitSince === null) return 1;',
    ),
    'sight',
  ),
  mutant(
    'fall-before-word',
    ['I1'],
    "a probe from before the holder's word completes the verdict alone",
    edit('observation/failing.ts', 'startedAt >= unfitSince ? 1', 'startedAt >= 0 ? 1'),
    'sight',
  ),
  mutant(
    'fall-old-word',
    ['I1'],
    'the word of a holder that is silent still counts',
    edit(
      'observation/holder.ts',
      'if (heardAt === null || heardAt < state.observedFrom || isSilent(state, node)) return null;',
      '',
    ),
    'sight',
    'network',
  ),
  mutant(
    'fall-other-holder',
    ['I1', 'I15'],
    'failures of the last holder count against the next',
    edit('observation/holder.ts', 'series: moved ? recounted(address.series, seen.at) : address.series,', ''),
    'flapping',
  ),
  mutant(
    'fall-in-flight',
    ['I1'],
    'a probe that was out when the address changed hands counts against its next holder',
    edit('observation/holder.ts', 'recounted(address.series, seen.at)', 'recounted(address.series, 0)'),
    'flapping',
  ),
  mutant(
    'fall-out-of-order',
    ['I1'],
    'failures count as they end, whatever started before them and is still out',
    edit(
      'observation/check.ts',
      'return inFlight.findLast(({ counts, failsAfter }) => counts && failsAfter > 0)?.failsAfter ?? settledFails;',
      'return inFlight.reduce((sum, { failsAfter }) => sum + failsAfter, settledFails);',
    ),
    'web',
  ),
  mutant(
    'fall-overtaken',
    ['I1'],
    'a failure counts though a probe that started later has succeeded',
    edit(
      'observation/check.ts',
      'return i < index && one.counts ? [{ ...one, counts: false, failsAfter: 0 }] : [one];',
      'return [one];',
    ),
    'sight',
  ),
  mutant(
    'probes-wait',
    ['L1'],
    'a probe waits for the one that is out',
    edit(
      'observation/check.ts',
      'return out === 0 || (closely && out < MAX_OVERLAPPING);',
      'return out === 0 || (!closely && out < 0);',
    ),
    'web',
  ),
  mutant(
    'silence-no-sign',
    ['L1'],
    'an answer that is out for long is no sign of trouble',
    edit(
      'observation/check.ts',
      'const silent = from !== null && at >= from;',
      'const silent = from !== null && at < 0;',
    ),
    'web',
  ),
  mutant(
    'slow-self',
    ['I2'],
    "this node's own slowness counts as a failure",
    edit(
      'observation/check.ts',
      'result.durationMs > timeoutMs + LATE_TOLERANCE_MS',
      'result.durationMs < 0',
    ),
    'stalls',
  ),
  mutant(
    'probe-before-stall',
    ['I8'],
    'a probe that began before a stall counts',
    [
      edit(
        'observation/check.ts',
        ' || !check.counts || check.startedAt < observedFrom)',
        ' || !check.counts)',
      ),
      edit(
        'observation/verdict.ts',
        'series: { ...recounted(series, at), oks: 0',
        'series: { ...recounted(series, 0), oks: 0',
      ),
    ],
    'stalls',
  ),
  mutant(
    'fast-path-off',
    ['L1'],
    "a holder's own word that it is unfit shortens nothing",
    edit(
      'observation/failing.ts',
      'startedAt >= unfitSince ? 1 : fall;',
      'startedAt >= unfitSince ? fall : fall;',
    ),
    'web',
  ),
  mutant(
    'unfit-forever',
    ['L5'],
    'a node that was unfit stays so',
    edit(
      'observation/verdict.ts',
      "if (oks >= config.rise || (fit === 'unknown' && oks > 0)) return 'fit';",
      "if (fit === 'unknown' && oks > 0) return 'fit';",
    ),
    'web',
  ),
  mutant(
    'down-forever',
    ['L3'],
    'an address that was down stays so',
    edit(
      'observation/verdict.ts',
      "if (address.verdict !== 'unknown' && address.series.oks < rise) return;",
      "if (address.verdict !== 'unknown' && rise > 0) return;",
    ),
    'web',
  ),
  mutant(
    'holder-not-forgotten',
    ['L3'],
    'a node that cannot ask the cloud goes on believing in an association that has ended',
    edit(
      'observation/idle-reads.ts',
      'if (!asksTheCloud(ctx.state.config)) return forgetHolder(ctx, ip);',
      'if (!asksTheCloud(ctx.state.config)) return;',
    ),
    'stale-reads',
  ),
  mutant(
    'silence-ends-at-once',
    ['L2'],
    'failures of a silence count at once when the holder is heard again',
    edit(
      'membership/gossip.ts',
      'const silence = wasSilent ? { from, until } : peer.silence;',
      'const { silence } = peer;',
    ),
    'sight',
  ),
  mutant(
    'silence-each',
    ['L1'],
    'a holder that is heard now and then is waited for each time',
    edit(
      'observation/failing.ts',
      'silence.until > last.startedAt && silence.from <= hitAt;',
      'silence.until > last.startedAt;',
    ),
    'sight',
  ),
  mutant(
    'seen-again-counts',
    ['I15'],
    'an association of before that an old word shows once more is a change of its own',
    edit(
      'observation/holder.ts',
      'return associationId !== null && before.includes(associationId);',
      'return associationId !== null && before.length > 1_000;',
    ),
  ),
];
