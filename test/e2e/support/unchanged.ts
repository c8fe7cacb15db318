/** What hostile traffic must not change, and how an agent counts what it rejected. */
import { expect } from 'vitest';
import type { Scene } from './scenario.ts';

/** All that a message could have changed at a node: not the ages, and not what the node sees for itself. */
export async function stateOf(scene: Scene, id: string): Promise<unknown> {
  const { agent } = scene.cluster.node(id);
  const [{ node, addresses, peers, electorate, pause, handovers, notificationsPending }, history] =
    await Promise.all([agent.api.status(), agent.api.history()]);
  return {
    node: { id: node.id, role: node.role, incarnation: node.incarnation, phase: node.phase },
    addresses: addresses.map(({ ip, holder, epoch, lent, ballot }) => ({
      ip,
      holder: [holder.kind, holder.node, holder.associationId],
      epoch,
      lent,
      ballot,
    })),
    peers: peers.map(({ id: peer, role, instanceId, incarnation, leaving, electorate: digest }) => ({
      peer,
      role,
      instanceId,
      incarnation,
      leaving,
      digest,
    })),
    electorate,
    pause,
    handovers,
    notificationsPending,
    history,
    duplicates: agent.log.filter('duplicate-id').length,
    faults: agent.log.filter(({ event }) => event === 'api-fault' || event === 'crashed').length,
  };
}

/** Runs something hostile, and finds the node in the very state in which it was before. */
export async function expectUnchanged(scene: Scene, id: string, attack: () => Promise<void>): Promise<void> {
  const before = await stateOf(scene, id);
  await attack();
  expect(await stateOf(scene, id)).toEqual(before);
}

/** How many messages the node has rejected for this reason. */
export function rejected(scene: Scene, id: string, reason: string): Promise<number> {
  return scene.metric(id, 'rejected_messages_total', { reason });
}
