/**
 * Which number of the documentation is which constant of the code. A sentence stands as in its file, with `{}` for each
 * number, and behind it what the code has in that place.
 */
import type { Tie } from './constants.ts';
import { pageTies } from './page-ties.ts';
import { protocolTies } from './protocol-ties.ts';

export const ties: readonly Tie[] = [...protocolTies, ...pageTies];
