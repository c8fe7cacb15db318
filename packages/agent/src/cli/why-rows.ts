/** What `failtome why` shows of `/v1/why`, read from whatever version of the agent answers. */
import type { DurationMs, Ip } from '@failtome/protocol';
import { type Fields, fieldsOf, listOf, numberOf, textOf } from './fields.ts';
import { type HandoverRow, type HomeRow, handoversOf, homeOf } from './view-rows.ts';

/** One gate of the takeover rule. */
export interface GateRow {
  readonly name: string;
  readonly state: 'passed' | 'closed' | 'not-asked';
  /** What it saw, in words. */
  readonly reason: string;
  /** Why it is closed; empty where it is open. */
  readonly code: string;
  readonly ageMs: DurationMs | null;
}

/** All that `/v1/why` shows of one address. */
export interface WhyRow {
  readonly address: Ip;
  readonly outcome: string;
  readonly reason: string;
  readonly detail: string;
  readonly gates: readonly GateRow[];
  /** In words, with what each voter said; empty: none in this episode. */
  readonly lastBallot: string;
  readonly home: HomeRow;
  readonly handovers: readonly HandoverRow[];
}

/** Reads an answer of `/v1/why`; what is missing has a plain stand-in. */
export function whyOf(json: unknown): WhyRow {
  const why = fieldsOf(json);
  const gates = listOf(why.gates).map((entry): GateRow => {
    const gate = fieldsOf(entry);
    return {
      name: textOf(gate.name),
      state: gateStateOf(gate),
      reason: textOf(gate.reason, '-'),
      code: textOf(gate.code),
      ageMs: numberOf(gate.ageMs),
    };
  });
  return {
    address: textOf(why.address),
    outcome: textOf(why.outcome, 'unknown'),
    reason: textOf(why.reason, 'unknown'),
    detail: textOf(why.detail),
    gates,
    lastBallot: textOf(why.lastBallot),
    home: homeOf(fieldsOf(why.home)),
    handovers: handoversOf(why.handovers),
  };
}

/** An agent of before told only `passed`. */
function gateStateOf({ state, passed }: Fields): GateRow['state'] {
  if (state === 'passed' || state === 'closed' || state === 'not-asked') return state;
  return typeof passed === 'boolean' ? (passed ? 'passed' : 'closed') : 'not-asked';
}
