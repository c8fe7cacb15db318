/** What a node leaves out, or does together, while nothing is wrong, and what it does at once when a peer misses its turns: L1. */
import { edit, type Mutant, mutant } from '../mutant.ts';

const WATCHING = 'observation/watching.ts';
const JOINS = 'if (waitMs >= intervalMs / 2 && waitMs < next) next = waitMs;';
const NEEDS_NEW = "return isSilent(state, voter) || state.peers[voter]?.state === 'suspect';";

export const AT_REST_MUTANTS: readonly Mutant[] = [
  mutant(
    'no-news-no-answer',
    ['L1'],
    'a message without news is not answered',
    edit('step.ts', '  flush(ctx, state);\n', '  if (!noNews) flush(ctx, state);\n'),
    'operators',
  ),
  mutant(
    'no-news-puts-off',
    ['L1'],
    'each message without news puts off what is due',
    edit(
      'step.ts',
      'noNews ? state.due : nextDeadline',
      'noNews ? state.due + state.config.gossip.intervalMs : nextDeadline',
    ),
    'web',
  ),
  mutant(
    'waking-late',
    ['L1'],
    'a check waits for another that is made later, so that one waking does for both',
    edit(WATCHING, JOINS, 'if (waitMs > 0 && waitMs < intervalMs / 2) next = intervalMs + waitMs;'),
    'sight',
  ),
  mutant(
    'waking-alone',
    ['L1'],
    'checks that a hiccup has put apart stay apart',
    edit(WATCHING, JOINS, 'if (waitMs < 0) next = waitMs;'),
  ),
  mutant(
    'connection-kept-to-a-suspect',
    ['L1'],
    'a ballot to a peer that has missed its turns goes out on the connection that is kept to it',
    edit('membership/detector.ts', NEEDS_NEW, 'return isSilent(state, voter);'),
    'network',
  ),
  mutant(
    'connection-kept-to-the-silent',
    ['L1'],
    'a ballot to a peer that is silent goes out on the connection that is kept to it',
    edit('membership/detector.ts', NEEDS_NEW, "return state.peers[voter]?.state === 'suspect';"),
    'network',
  ),
];
