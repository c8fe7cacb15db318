/**
 * I12: a released address is taken by somebody; whoever released it keeps trying, also after a restart. I11, as the
 * cloud saw it: a node's call ends only an association that this node had read, or one whose holder consented.
 */

import { type AwsEvent, holderOf } from '@failtome/cloud/model';
import type { DriveEffect, DriverResult, Ip, NodeId } from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';

/** The longest rest between two attempts, two calls of 5 s, and what a timer may be late (PROTOCOL.md, "The move", 2). */
const MAX_REST_MS = 25_000;
const MAX_READ = 64;

/** An address that nobody holds by a node's doing, as that node was told. */
interface Owed {
  readonly node: NodeId;
  readonly sinceMs: number;
  triedMs: number;
  /** Empty while it is down. */
  run: string;
}

export function checkDuty(view: WorldView, driver: 'ec2' | 'opsworks', violate: Violate): Watcher {
  const owed = new Map<Ip, Owed>();
  /** Per instance, the associations that it has read. */
  const read = new Map<string, readonly string[]>();
  /** Who has called for a swap to which the holder consented; its window is open by design. */
  const swaps = new Set<string>();

  function onDriven(by: RunView, { address: ip, operation }: DriveEffect, { answer }: DriverResult): void {
    if (answer.kind === 'read' && answer.association.kind === 'associated') {
      const { associationId } = answer.association;
      const known = read.get(by.instanceId) ?? [];
      if (associationId !== null && !known.includes(associationId))
        read.set(by.instanceId, [...known, associationId].slice(-MAX_READ));
    }
    if (answer.kind !== 'released' || operation.op !== 'release' || holderOf(view.aws(), ip) !== null) return;
    owed.set(ip, { node: by.node, run: by.run, sinceMs: view.now(), triedMs: view.now() });
  }

  function onCloud(event: AwsEvent): void {
    if (event.kind === 'published') return;
    if (event.kind === 'associated') return void owed.delete(event.publicIp);
    const { association, by, publicIp } = event;
    if (by.kind !== 'instance' || driver !== 'ec2') return;
    const { id, cause } = association;
    if (cause === 'moved' && swaps.has(`${by.instanceId} ${publicIp}`)) return;
    if (cause === 'displaced' || read.get(by.instanceId)?.includes(id) === true) return;
    violate('I11', `${by.instanceId} ended ${id} of ${publicIp} (${cause}), which it had never read`);
  }

  function onStep(by: RunView): void {
    for (const [ip, one] of owed) {
      if (one.run !== by.run) continue;
      const { phase, addresses } = by.state();
      const address = addresses[ip];
      const story = `${by.run} released ${ip}, which nobody holds since ${one.sinceMs}`;
      if (address?.move == null) return violate('I12', `${story}, and has given it up (${phase})`);
      if (view.now() - one.triedMs > MAX_REST_MS)
        violate('I12', `${story}, and hasn't tried to take it since ${one.triedMs}`);
    }
  }

  /** A later run of the same node with its disk owes what the last one did. */
  function onStarted(by: RunView): void {
    for (const [ip, one] of owed) {
      if (one.node !== by.node || one.run !== '') continue;
      if (view.disksHarmed()) owed.delete(ip);
      else Object.assign(one, { run: by.run, triedMs: view.now() });
    }
  }

  return (event) => {
    switch (event.kind) {
      case 'driven':
        return onDriven(event.by, event.effect, event.result);
      case 'cloud':
        return onCloud(event.event);
      case 'drive': {
        const { by, effect } = event;
        if (effect.operation.op === 'take' && effect.operation.reassociate)
          swaps.add(`${by.instanceId} ${effect.address}`);
        const one = owed.get(effect.address);
        if (one?.run === by.run) one.triedMs = view.now();
        return;
      }
      case 'stepped':
        if (owed.size > 0) onStep(event.by);
        return;
      case 'ended':
        for (const one of owed.values()) if (one.run === event.by.run) one.run = '';
        return;
      case 'resumed':
        for (const one of owed.values()) if (one.run === event.by.run) one.triedMs = view.now();
        return;
      case 'facts':
        if (owed.size > 0 && event.facts[0]?.kind === 'started') onStarted(event.by);
        return;
      default:
        return;
    }
  };
}
