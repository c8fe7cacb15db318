/** Which network interface is this node's, for the drivers that put something onto one. */
import type { DriverFailure, InstanceId } from '@failtome/protocol';
import { type AwsCall, type CallOutcome, type NetworkCard, outputOf } from './aws-calls.ts';
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
