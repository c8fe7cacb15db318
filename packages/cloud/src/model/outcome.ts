import type { AwsError, AwsOutcome, AwsResult } from './requests.ts';
import type { AwsState, Change } from './state.ts';

/** A call carried out: its outcome, with the state and the events that it leaves. */
export interface Applied extends Change {
  readonly outcome: AwsOutcome;
}

/** An outcome that changes nothing. */
export function unchanged(state: AwsState, outcome: AwsOutcome): Applied {
  return { state, outcome, events: [] };
}

/** A refusal. */
export function refused(error: AwsError): { readonly kind: 'error'; readonly error: AwsError } {
  return { kind: 'error', error };
}

/** A success. */
export function done(result: AwsResult): AwsOutcome {
  return { kind: 'ok', result };
}
