/**
 * Copies of what nearly every event changes, of one object layout each (`copy.ts` of the protocol says what others cost).
 */
import { copyState, type Draft, type HostCore, type State } from '@failtome/protocol';
import type { SimNode, Wire } from './explored-data.ts';

/** A node with some parts replaced. */
export function nodeWith(node: SimNode, parts: Partial<SimNode>): SimNode {
  const copy: Draft<SimNode> = {
    id: node.id,
    index: node.index,
    config: node.config,
    runs: node.runs,
    life: node.life,
    core: node.core,
    disk: node.disk,
    pending: node.pending,
    history: node.history,
  };
  return Object.assign(copy, parts);
}

/** What a host keeps, with parts of its state replaced. */
export function coreWith(core: HostCore, parts: Partial<State>): HostCore {
  return { state: Object.assign(copyState(core.state), parts), durable: core.durable, held: core.held };
}

/** A message on its way, with its hash. */
export function hashedWire(wire: Omit<Wire, 'hash'>, hash: number): Wire {
  return {
    kind: wire.kind,
    from: wire.from,
    to: wire.to,
    route: wire.route,
    message: wire.message,
    sentAt: wire.sentAt,
    arrivesAt: wire.arrivesAt,
    duplicated: wire.duplicated,
    hash,
  };
}
