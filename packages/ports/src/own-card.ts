/** Which network interface is this node's, for the drivers that put something onto one. */
import type { DriverFailure, InstanceId } from '@failtome/protocol';
import { type AwsCall, type CallOutcome, type DriverRun, type NetworkCard, outputOf } from './aws-calls.ts';
import { refused } from './aws-failure.ts';

/** This node, and its interface where that is named. */
export interface OwnSpec {
  readonly instanceId: InstanceId;
  /** Null: the only one that the instance has. */
  readonly networkInterfaceId: string | null;
}

/** `unresolved`: EC2 has not said yet. */
export type OwnCard =
  | { readonly kind: 'card'; readonly card: NetworkCard }
  | { readonly kind: 'unresolved' }
  | { readonly kind: 'impossible'; readonly failure: DriverFailure };

/** The call that shows it. */
export function ownCallOf({ instanceId, networkInterfaceId }: OwnSpec): AwsCall {
  return { kind: 'interfaces', of: networkInterfaceId === null ? { instanceId } : { networkInterfaceId } };
}

/** Why that call shows nothing; null: it has been answered. */
export function answerOf(outcome: CallOutcome | undefined): DriverFailure | null {
  const shown = outputOf(outcome, 'interfaces');
  return shown.kind === 'failed' ? shown.failure : null;
}

/** Which of the interfaces shown is this node's. By the instance alone it must be the only one: which of several only the operator knows. */
export function ownCardIn(all: readonly NetworkCard[], { instanceId, networkInterfaceId }: OwnSpec): OwnCard {
  const [first, ...more] = all.filter((card) =>
    networkInterfaceId === null
      ? card.instanceId === instanceId
      : card.networkInterfaceId === networkInterfaceId,
  );
  if (first === undefined) return { kind: 'unresolved' };
  if (more.length === 0) return { kind: 'card', card: first };
  const told = `${instanceId} has ${more.length + 1} network interfaces, and driver.networkInterfaceId names none of them`;
  return { kind: 'impossible', failure: refused('SeveralInterfaces', told) };
}

/** This node's interface, as far as EC2 has told of it. */
export interface Own {
  readonly spec: OwnSpec;
  card: OwnCard;
}

/** Heed what the call of `ownCallOf` showed. A failure leaves it as it was. */
export function resolve(own: Own, outcome: CallOutcome | undefined): void {
  const shown = outputOf(outcome, 'interfaces');
  if (shown.kind === 'ok') own.card = ownCardIn(shown.output.interfaces, own.spec);
}

/** The interface, asked for where it isn't known yet; or why there is none. */
export function* resolvedCard(own: Own): DriverRun<NetworkCard | DriverFailure> {
  if (own.card.kind === 'unresolved') {
    const [outcome] = yield [ownCallOf(own.spec)];
    const failure = answerOf(outcome);
    if (failure !== null) return failure;
    resolve(own, outcome);
  }
  if (own.card.kind === 'card') return own.card.card;
  return own.card.kind === 'impossible'
    ? own.card.failure
    : refused('NoInterface', 'EC2 shows none of this node');
}
