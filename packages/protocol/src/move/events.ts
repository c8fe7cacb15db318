/**
 * What can come to a move: the driver's answers, sorted by what they mean for the move, and the passing of time. Each
 * phase has its own; `table.ts` has a cell for each.
 */

import type { Association, DriverAnswer, DriverFailure } from '../model/inputs.ts';
import type { State } from '../model/state.ts';
import type { AssociationId, Ip } from '../model/units.ts';
import { isStaleRead } from '../observation/holder.ts';

/** Somebody holds the address by it. */
export type Associated = Extract<Association, { readonly kind: 'associated' }>;

/** A read shows that the address isn't associated. */
export type Nobody = { readonly kind: 'nobody' };
/** The address is associated just as this node would have it. */
export type Self = { readonly kind: 'self'; readonly association: Associated };
/** A read shows another holder, or this node by another interface or private address than it would use. */
export type Another = { readonly kind: 'another'; readonly association: Associated };
/** Taking the address would throw `other` off this node, which the configuration forbids. */
export type Displaces = { readonly kind: 'displaces'; readonly other: Ip };
/** The read shows what is known to have ended: it is older than that, and proves nothing. */
export type Lagging = { readonly kind: 'lagging' };

/** A definite no that is none to the call itself: it may be made again as it is. */
type Throttled = Failed<'throttled'>;
/** A definite no: nothing was changed. */
export type Refused = Failed<'refused'>;
/** It may have been applied, or may yet be. An answer to another question than the one that was asked is as good as none. */
export type Unknown = Failed<'unknown'>;

interface Failed<K extends string> {
  readonly kind: K;
  readonly code: string;
  readonly message: string;
}
/** The call brought no answer of use. */
export type Failure = Throttled | Refused | Unknown;

/** What a read of the move shows before its next call. */
export type ReadEvent = Nobody | Self | Another | Displaces | Lagging | Failure;
/** What a read shows while it settles what became of a call: what stands on the interface doesn't matter any more. */
export type SettlingEvent = Exclude<ReadEvent, Displaces> | Due;
/** The answer to a release. */
export type ReleaseEvent =
  | { readonly kind: 'released' }
  /** The association had ended before: somebody was faster. */
  | { readonly kind: 'ended' }
  | Failure;
/** The answer to a take. */
export type TakeEvent =
  | { readonly kind: 'taken'; readonly associationId: AssociationId | null }
  /** Somebody holds the address. */
  | { readonly kind: 'held' }
  | Failure;

/** The time that the phase waits for has come, or what it waits for may have been seen. */
export type Due = { readonly kind: 'due' };
/** The takeover rule has found every gate open, or that the move must be seen through. */
export type Cleared = { readonly kind: 'cleared' };

/** What a read shows of a call whose answer is unknown. The holder is observed when that is settled. */
export function settlingEvent(state: State, ip: Ip, answer: DriverAnswer): SettlingEvent {
  if (answer.kind !== 'read') return failureOf(answer);
  return isStaleRead(state, ip, answer.association) ? { kind: 'lagging' } : shownBy(answer.association);
}

/** What the driver's answer to a release means. */
export function releaseEvent(answer: DriverAnswer): ReleaseEvent {
  switch (answer.kind) {
    case 'released':
      return { kind: 'released' };
    case 'stale':
      return { kind: 'ended' };
    default:
      return failureOf(answer);
  }
}

/** What the driver's answer to a take means. */
export function takeEvent(answer: DriverAnswer): TakeEvent {
  switch (answer.kind) {
    case 'taken':
      return { kind: 'taken', associationId: answer.associationId };
    case 'held':
      return { kind: 'held' };
    default:
      return failureOf(answer);
  }
}

/** The answer in a word, with the cloud's code where it failed. */
export function resultOf(answer: DriverAnswer): string {
  return isFailure(answer) ? `${answer.kind}: ${answer.code}` : answer.kind;
}

/** Whom an association shows as the holder. */
export function shownBy(association: Association): Nobody | Self | Another {
  if (association.kind === 'none') return { kind: 'nobody' };
  return { kind: association.self ? 'self' : 'another', association };
}

/** Why there is no use in the answer. */
export function failureOf(answer: DriverAnswer): Failure {
  if (!isFailure(answer)) {
    const message = `the driver answered ${answer.kind}`;
    return { kind: 'unknown', code: 'UnexpectedAnswer', message };
  }
  const { code, message } = answer;
  const kind = answer.kind === 'refused' && answer.throttled ? 'throttled' : answer.kind;
  return { kind, code, message };
}

function isFailure(answer: DriverAnswer): answer is DriverFailure {
  return answer.kind === 'refused' || answer.kind === 'unknown';
}
