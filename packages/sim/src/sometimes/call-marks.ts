/** What is seen in the calls to AWS and what became of them. */

import type { AwsAction, AwsEvent, Caller } from '@failtome/cloud/model';
import type { DriveEffect, DriverResult, Ip } from '@failtome/protocol';
import type { RunView, Watcher } from '../world/index.ts';
import type { Mark } from './mark.ts';

type Write = 'release' | 'take';

/** The last write of one instance about one address. */
interface LastWrite {
  readonly op: Write;
  applied: boolean;
  /** Its answer was unknown, and it wasn't applied by then. */
  unresolved: boolean;
}

export function watchCalls(mark: Mark): Watcher {
  const writes = new Map<string, LastWrite>();
  const takes = new Map<string, number>();
  const moving = new Map<Ip, Set<RunView>>();

  function onDrive(by: RunView, { address: ip, operation }: DriveEffect): void {
    if (operation.op !== 'release' && operation.op !== 'take') return;
    const { addresses, now, phase, pause } = by.state();
    const move = addresses[ip]?.move;
    const key = `${by.instanceId} ${ip}`;
    const last = writes.get(key);
    if (last?.unresolved === true) mark(`ambiguous:${last.op}:not-applied`);
    writes.set(key, { op: operation.op, applied: false, unresolved: false });
    moving.set(ip, (moving.get(ip) ?? new Set()).add(by));
    if (move == null) return;
    if (phase === 'stopping') mark('duty:while-stopping');
    if (operation.op === 'release') {
      if (move.mode === 'handover') mark('handover:fenced');
      return;
    }
    if (operation.reassociate && move.mode === 'handover' && by.config.driver?.style === 'fenced')
      mark('handover:swap');
    if (move.mode === 'handover' && pause.paused) mark('handover:paused');
    if (!move.duty) return;
    if (move.leaseUntil > 0 && move.leaseUntil < now.at) mark('duty:outlived-lease');
    const again = `${by.run} ${ip} ${move.epoch}`;
    takes.set(again, (takes.get(again) ?? 0) + 1);
    if ((takes.get(again) ?? 0) > 1) mark('duty:retried');
  }

  function onDriven(by: RunView, { address: ip, operation }: DriveEffect, { answer }: DriverResult): void {
    const address = by.state().addresses[ip];
    const { op } = operation;
    if (answer.kind === 'read' && answer.association.kind === 'associated') {
      const { associationId } = answer.association;
      if (associationId !== null && address?.ended.includes(associationId)) mark('stale:read-ignored');
      const { replaced } = address ?? {};
      if (associationId === null && replaced != null && replaced.until > by.state().now.at)
        if (answer.association.instanceId === replaced.instanceId) mark('stale:replaced-shown');
    }
    if (answer.kind === 'refused' && answer.throttled && op !== 'permit' && address?.move != null)
      mark(`throttled:${op}`);
    if (answer.kind === 'stale') mark('stale:release-of-ended');
    if (answer.kind === 'held') mark('race:held');
    const last = writes.get(`${by.instanceId} ${ip}`);
    if (last === undefined || last.op !== op || answer.kind !== 'unknown') return;
    if (last.applied) mark(`ambiguous:${op}:applied`);
    else last.unresolved = true;
  }

  function onCloud(event: AwsEvent): void {
    if (event.kind === 'published') return;
    const ip = event.publicIp;
    if (event.by.kind === 'operator') return onConsole(ip);
    const op: Write = event.kind === 'associated' ? 'take' : 'release';
    const last = writes.get(`${event.by.instanceId} ${ip}`);
    if (last === undefined || last.op !== op) return;
    last.applied = true;
    if (last.unresolved) mark(`ambiguous:${op}:applied-late`);
    last.unresolved = false;
    if (isOver(ip, event.by)) mark('stale:call-landed');
  }

  /** Nobody of that instance moves the address any more. */
  function isOver(ip: Ip, by: Caller): boolean {
    if (by.kind === 'operator') return false;
    const runs = [...(moving.get(ip) ?? [])].filter(({ instanceId }) => instanceId === by.instanceId);
    return runs.every((run) => run.state().addresses[ip]?.move == null || run.state().phase === 'stopped');
  }

  function onConsole(ip: Ip): void {
    for (const run of moving.get(ip) ?? [])
      if (run.state().addresses[ip]?.move != null) mark('console:during-move');
  }

  return (event) => {
    switch (event.kind) {
      case 'drive':
        return onDrive(event.by, event.effect);
      case 'driven':
        return onDriven(event.by, event.effect, event.result);
      case 'cloud':
        return onCloud(event.event);
      case 'faulted': {
        const call = callOf(event.action, event.dryRun);
        if (call !== null) mark(`hit:${call}:${event.effect}`);
        return;
      }
      case 'ended':
        for (const runs of moving.values()) runs.delete(event.by);
        return;
      default:
        return;
    }
  };
}

function callOf(action: AwsAction, dryRun: boolean): string | null {
  if (dryRun) return 'permit';
  switch (action) {
    case 'ec2:DescribeAddresses':
    case 'opsworks:DescribeElasticIps':
      return 'read';
    case 'ec2:DisassociateAddress':
      return 'release';
    case 'ec2:AssociateAddress':
    case 'opsworks:AssociateElasticIp':
      return 'take';
    case 'sns:Publish':
      return 'publish';
    default:
      return null;
  }
}
