/** Which messages with a ballot are under way. */
import type { PendingSend } from '../model/peer-state.ts';
import type { State } from '../model/state.ts';
import type { NodeId } from '../model/units.ts';

type BallotName = PendingSend['ballots'][number];

/**
 * Whether a message with this ballot to that peer still waits for a write. Repeated before, all of its copies would go
 * out at one moment, and whatever else is said meanwhile would have to wait with them.
 */
export function waitsForDisk({ pendingSends, storage }: State, to: NodeId, ballot: BallotName): boolean {
  return pendingSends.some((send) => send.after > storage.durable && carries(send, to, ballot));
}

/** Whether a message with this ballot is out on a connection of its own. */
export function isOnItsWay({ pendingSends }: State, to: NodeId, ballot: BallotName): boolean {
  return pendingSends.some((send) => send.fresh && send.failedAt === null && carries(send, to, ballot));
}

function carries(send: PendingSend, to: NodeId, { address, epoch }: BallotName): boolean {
  return (
    send.to === to && send.ballots.some((ballot) => ballot.address === address && ballot.epoch === epoch)
  );
}
