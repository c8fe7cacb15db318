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

/** Marks what calls to AWS came to. */
export class CallMarks {
  readonly #mark: Mark;
  readonly #writes = new Map<string, LastWrite>();
  readonly #takes = new Map<string, number>();
  readonly #moving = new Map<Ip, Set<RunView>>();
  readonly watch: Watcher = (event) => {
    switch (event.kind) {
      case 'drive':
        return this.#onDrive(event.by, event.effect);
      case 'driven':
        return this.#onDriven(event.by, event.effect, event.result);
      case 'cloud':
        return this.#onCloud(event.event);
      case 'faulted': {
        const call = callOf(event.action, event.dryRun);
        if (call !== null) this.#mark(`hit:${call}:${event.effect}`);
        return;
      }
      case 'ended':
        for (const runs of this.#moving.values()) runs.delete(event.by);
        return;
      default:
        return;
    }
  };

  constructor(mark: Mark) {
    this.#mark = mark;
  }

  #onDrive(by: RunView, { address: ip, operation }: DriveEffect): void {
    if (operation.op !== 'release' && operation.op !== 'take') return;
    const { addresses, now, phase, pause } = by.state();
    const move = addresses[ip]?.move;
    const key = `${by.instanceId} ${ip}`;
    const last = this.#writes.get(key);
    if (last?.unresolved === true) this.#mark(`ambiguous:${last.op}:not-applied`);
    this.#writes.set(key, { op: operation.op, applied: false, unresolved: false });
    this.#moving.set(ip, (this.#moving.get(ip) ?? new Set()).add(by));
    if (move == null) return;
    if (phase === 'stopping') this.#mark('duty:while-stopping');
    if (operation.op === 'release') {
      if (move.mode === 'handover') this.#mark('handover:fenced');
      return;
    }
    if (operation.reassociate && move.mode === 'handover' && by.config.driver?.style === 'fenced')
      this.#mark('handover:swap');
    if (move.mode === 'handover' && pause.paused) this.#mark('handover:paused');
    if (!move.duty) return;
    if (move.leaseUntil > 0 && move.leaseUntil < now.at) this.#mark('duty:outlived-lease');
    const again = `${by.run} ${ip} ${move.epoch}`;
    this.#takes.set(again, (this.#takes.get(again) ?? 0) + 1);
    if ((this.#takes.get(again) ?? 0) > 1) this.#mark('duty:retried');
  }

  #onDriven(by: RunView, { address: ip, operation }: DriveEffect, { answer }: DriverResult): void {
    const address = by.state().addresses[ip];
    const { op } = operation;
    if (answer.kind === 'read' && answer.association.kind === 'associated') {
      const { associationId } = answer.association;
      if (associationId !== null && address?.ended.includes(associationId)) this.#mark('stale:read-ignored');
      const { replaced } = address ?? {};
      if (associationId === null && replaced != null && replaced.until > by.state().now.at)
        if (answer.association.instanceId === replaced.instanceId) this.#mark('stale:replaced-shown');
    }
    if (answer.kind === 'refused' && answer.throttled && op !== 'permit' && address?.move != null)
      this.#mark(`throttled:${op}`);
    if (answer.kind === 'stale') this.#mark('stale:release-of-ended');
    if (answer.kind === 'held') this.#mark('race:held');
    const last = this.#writes.get(`${by.instanceId} ${ip}`);
    if (last === undefined || last.op !== op || answer.kind !== 'unknown') return;
    if (last.applied) this.#mark(`ambiguous:${op}:applied`);
    else last.unresolved = true;
  }

  #onCloud(event: AwsEvent): void {
    if (event.kind === 'published') return;
    const ip = event.publicIp;
    if (event.by.kind === 'operator') return this.#onConsole(ip);
    const op: Write = event.kind === 'associated' ? 'take' : 'release';
    const last = this.#writes.get(`${event.by.instanceId} ${ip}`);
    if (last === undefined || last.op !== op) return;
    last.applied = true;
    if (last.unresolved) this.#mark(`ambiguous:${op}:applied-late`);
    last.unresolved = false;
    if (this.#isOver(ip, event.by)) this.#mark('stale:call-landed');
  }

  /** Nobody of that instance moves the address any more. */
  #isOver(ip: Ip, by: Caller): boolean {
    if (by.kind === 'operator') return false;
    const runs = [...(this.#moving.get(ip) ?? [])].filter(({ instanceId }) => instanceId === by.instanceId);
    return runs.every((run) => run.state().addresses[ip]?.move == null || run.state().phase === 'stopped');
  }

  #onConsole(ip: Ip): void {
    for (const run of this.#moving.get(ip) ?? [])
      if (run.state().addresses[ip]?.move != null) this.#mark('console:during-move');
  }
}

function callOf(action: AwsAction, dryRun: boolean): string | null {
  if (dryRun) return 'permit';
  switch (action) {
    case 'ec2:DescribeAddresses':
    case 'ec2:DescribeNetworkInterfaces':
    case 'ec2:DescribeRouteTables':
    case 'opsworks:DescribeElasticIps':
      return 'read';
    case 'ec2:DisassociateAddress':
    case 'ec2:UnassignPrivateIpAddresses':
    case 'ec2:UnassignIpv6Addresses':
      return 'release';
    case 'ec2:AssociateAddress':
    case 'ec2:AssignPrivateIpAddresses':
    case 'ec2:AssignIpv6Addresses':
    case 'ec2:ReplaceRoute':
    case 'ec2:CreateRoute':
    case 'opsworks:AssociateElasticIp':
      return 'take';
    case 'sns:Publish':
      return 'publish';
    default:
      return null;
  }
}
