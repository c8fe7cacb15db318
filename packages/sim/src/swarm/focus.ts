/**
 * What a steered seed is to bring about: faults in phases of a takeover. Written as one word that goes with the seed's number, so that
 * both together are the same run wherever it is run.
 */
import { ATTEMPT_PHASES, type AttemptPhase, faultPair } from '../coverage/index.ts';
import { FAULTS } from '../plan/index.ts';

/** This fault in this phase. */
export interface Wish {
  readonly fault: string;
  readonly phase: AttemptPhase;
}

/** What a seed is to bring about, in the order of importance. */
export type Focus = readonly Wish[];

/** The most wishes of one seed. */
const MAX_WISHES = 20;

/** Such as `crash@guard,cloud:throttle@taking`. */
export function focusText(focus: Focus): string {
  return focus.map(({ fault, phase }) => faultPair(fault, phase)).join(',');
}

/**
 * Read what `focusText` has written.
 *
 * @returns what is wrong with it, for people, where it can't be read
 */
export function parseFocus(text: string): Focus | string {
  const words = text.split(',');
  if (words.length > MAX_WISHES) return `no more than ${MAX_WISHES} wishes`;
  const wishes: Wish[] = [];
  for (const word of words) {
    const [fault = '', phase] = word.split('@');
    const known = ATTEMPT_PHASES.find((one) => one === phase);
    if (!FAULTS.has(fault)) return `no fault is called ${fault}; there are ${[...FAULTS.keys()].join(', ')}`;
    if (known === undefined || faultPair(fault, known) !== word)
      return `${word} isn't a fault and a phase such as ${fault}@guard; phases are ${ATTEMPT_PHASES.join(', ')}`;
    wishes.push({ fault, phase: known });
  }
  return wishes;
}
