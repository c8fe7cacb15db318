/** What is remembered of an episode of failure, and what people are told of it. */
import { edit, type Mutant, mutant } from '../mutant.ts';

export const EPISODE_MUTANTS: readonly Mutant[] = [
  mutant(
    'vain-unprotected',
    ['I21'],
    'a move in vain protects nobody',
    edit('takeover/protection.ts', '? waitUntil(state, address.episode, candidate) : NEVER', '? 0 : NEVER'),
  ),
  mutant(
    'never-answered-moves',
    ['I21'],
    'an address that nobody has ever seen up is moved all the same',
    edit('takeover/protection.ts', 'address.episode, candidate) : NEVER', 'address.episode, candidate) : 0'),
  ),
  mutant(
    'tried-again',
    ['I21'],
    'a candidate that was tried is tried again as soon as any other',
    edit('takeover/protection.ts', 'wasTried ? ROUND_MS : 0', 'wasTried ? 0 : 0'),
  ),
  mutant(
    'round-unlimited',
    ['I21'],
    'a check that flaps lets an address move every two minutes',
    edit(
      'takeover/protection.ts',
      'first === undefined ? 0 : first.at + ROUND_MS',
      'first === undefined ? 0 : 0',
    ),
  ),
  mutant(
    'episode-untold',
    ['I21'],
    'what peers know of an episode counts for nothing',
    edit('membership/membership.ts', 'adoptEpisode(ctx, peer.id, told, known);', ''),
  ),
  mutant(
    'restart-episode',
    ['I21'],
    'a restart forgets what was tried, and that the address has ever answered',
    edit('storage/document.ts', 'episode: restoredEpisode(known.episode, known.blockedTold, at),', ''),
  ),
  mutant(
    'episode-unending',
    ['I21', 'L1'],
    'an address that was seen up again is still left alone for what was tried before',
    edit(
      'takeover/episode.ts',
      'const [over, ...more] = newest.filter(({ at }) => at <= startedAt);',
      'const [over, ...more] = newest.filter(({ at }) => at < 0 * startedAt);',
    ),
  ),
  mutant(
    'up-ends-both',
    ['I21'],
    "that the address was seen up after one candidate's move ends the vain one of the other, who has won the same epoch",
    edit('takeover/episode-state.ts', '(upBy === null || upBy === node)', '(upBy === null || upBy !== null)'),
  ),
  mutant(
    'blocked-end-unwritten',
    ['L1'],
    'the end of an outage is not written down, so that a restart takes the next one for the same',
    edit('takeover/episode.ts', 'if (blockedTold) persist(ctx);', ''),
  ),
  mutant(
    'blocked-by-hiccups',
    ['L1'],
    'every hiccup of the external-IP service begins the time anew after which people are told',
    edit(
      'takeover/episode.ts',
      'if (addressOf(ctx.state, ip).episode.downSince === null) changeEpisode',
      'changeEpisode',
    ),
  ),
  mutant(
    'blocked-on-its-way-up',
    ['I23'],
    'people are told that an address is blocked whose probes succeed already',
    edit('takeover/blocked.ts', 'since === null || address.series.last?.ok === true', 'since === null'),
  ),
  mutant(
    'blocked-told-twice',
    ['I23'],
    'people are told again and again that an address is blocked',
    edit('takeover/blocked.ts', 'changeAddress(ctx, ip, { blockedTold: true });', ''),
  ),
];
