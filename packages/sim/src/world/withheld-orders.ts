/**
 * A node that operators ask, and that wants their orders for itself: it shows them what isn't so, keeps what they sign, and
 * brings it up when it likes.
 */
import {
  type Command,
  HANDOVER_LASTS_MS,
  type HandoverRecord,
  type NodeRecord,
  type PauseRecord,
  type StatusView,
} from '@failtome/protocol';

/** What operators have given one node, and no other has. */
export interface WithheldOrders {
  keep(command: Command): void;
  /** The oldest first. */
  readonly pauses: readonly PauseRecord[];
  readonly handovers: readonly HandoverRecord[];
}

/** Far beyond what is true, and yet what a node would take in at once. */
const INFLATED = 2 ** 43;

/** Nothing yet. */
export function createWithheld(): WithheldOrders {
  const pauses: PauseRecord[] = [];
  const handovers: HandoverRecord[] = [];
  return {
    pauses,
    handovers,
    keep(command) {
      if (!('order' in command) || command.order === undefined) return;
      if (command.kind === 'handover')
        handovers.push({ ...command.order, state: 'open', detail: '', ttlMs: HANDOVER_LASTS_MS });
      else pauses.push(command.order);
    },
  };
}

/** What an operator is shown, so that no order of his own follows from what is true. */
export function inflated(status: StatusView): StatusView {
  const [like] = status.handovers;
  return {
    ...status,
    pause: { ...status.pause, paused: false, until: null, version: INFLATED, signedAt: INFLATED },
    handovers: like === undefined ? [] : [{ ...like, ordered: INFLATED }],
  };
}

/** What was withheld, told once orders have come that were given after it. */
export function broughtUp(
  { pause, handovers }: NodeRecord,
  withheld: WithheldOrders,
): Pick<NodeRecord, 'pause' | 'handovers'> {
  const others = handovers.filter(({ id }) => !withheld.handovers.some((one) => one.id === id));
  if (pause.by === '') return { pause, handovers: others };
  return {
    pause: pause.paused ? pause : (withheld.pauses[0] ?? pause),
    handovers: [...withheld.handovers, ...others].slice(0, 8),
  };
}
