/**
 * What has been met on the way, so that a search which found nothing is known to have looked.
 */
import { ARBITER, type Fact, type Event as HostEvent } from '@failtome/protocol';

/** How often each was met. */
export type Tally = Record<string, number>;

/** What an exploration has met, by kind. */
export interface Coverage {
  /** Inputs of the step function, by kind. */
  readonly inputs: Tally;
  readonly faults: Tally;
  /** Answers of voters and their reasons. */
  readonly votes: Tally;
  /** Outcomes of the takeover rule and their reasons. */
  readonly decisions: Tally;
  /** How moves and attempts at them ended. */
  readonly moves: Tally;
  /** Results of the calls of moves. */
  readonly calls: Tally;
}

/** Nothing met yet. */
export function newCoverage(): Coverage {
  return { inputs: {}, faults: {}, votes: {}, decisions: {}, moves: {}, calls: {} };
}

/** Count what one step took in and told. */
export function note(seen: Coverage, event: HostEvent, facts: readonly Fact[]): void {
  count(seen.inputs, event.kind);
  for (const fact of facts) {
    if (fact.kind === 'voted') count(seen.votes, `${fact.answer} ${fact.reason}`);
    else if (fact.kind === 'ballot-answered' && fact.answer.voter === ARBITER)
      count(seen.votes, `arbiter: ${fact.answer.answer} ${fact.answer.reason}`);
    else if (fact.kind === 'decided') count(seen.decisions, `${fact.outcome} ${fact.reason}`);
    else if (fact.kind === 'concluded') count(seen.moves, `${fact.entry.kind} ${fact.entry.result}`);
    else if (fact.kind === 'late-association') count(seen.moves, 'late association');
    else if (fact.kind === 'stalled') count(seen.inputs, 'stall');
    else if (fact.kind === 'step') count(seen.calls, `${fact.step} ${fact.result}`);
  }
}

function count(tally: Tally, key: string): void {
  tally[key] = (tally[key] ?? 0) + 1;
}
