/** What happens in a cloud, as people read it, a line each. */
import type { AddressKind, Association, Caller, PublicIp } from '../model/index.ts';
import type { Signal } from './live-account.ts';
import { timeOfDay } from './time-of-day.ts';

/** What an address is; undefined: an Elastic IP. */
type KindOf = (publicIp: PublicIp) => AddressKind | undefined;

/** Null: nothing that is worth a line. */
export function eventText(signal: Signal, kindOf: KindOf): string | null {
  const text = textOf(signal, kindOf);
  return text === null ? null : `${timeOfDay(Date.now())}  ${text}`;
}

function textOf(signal: Signal, kindOf: KindOf): string | null {
  switch (signal.kind) {
    case 'associated':
      return `${begun(signal.publicIp, signal.association, kindOf)}, by ${nameOf(signal.by)}`;
    case 'ended': {
      const { association, publicIp, by } = signal;
      return `${ended(publicIp, association, kindOf)}: ${association.cause}, by ${nameOf(by)}`;
    }
    case 'published':
      return `SNS accepted from ${nameOf(signal.by)}: ${signal.message.split('\n', 1)[0] ?? ''}`;
    case 'call': {
      const { answer, action, caller } = signal.call;
      if (answer.kind !== 'error' || answer.error.code === 'DryRunOperation') return null;
      return `${nameOf(caller)} was refused ${action}: ${answer.error.code}: ${answer.error.message}`;
    }
    case 'changed':
      return null;
  }
}

function begun(publicIp: PublicIp, { instanceId, interfaceId, id }: Association, kindOf: KindOf): string {
  switch (kindOf(publicIp)) {
    case 'private':
      return `${publicIp} is assigned to ${instanceId} (${interfaceId})`;
    case 'route':
      return `the routes to ${publicIp} lead to ${instanceId} (${interfaceId})`;
    case undefined:
      return `${publicIp} is associated with ${instanceId} (${id})`;
  }
}

function ended(publicIp: PublicIp, { instanceId, interfaceId, id }: Association, kindOf: KindOf): string {
  switch (kindOf(publicIp)) {
    case 'private':
      return `${publicIp} is no longer assigned to ${instanceId} (${interfaceId})`;
    case 'route':
      return `the routes to ${publicIp} no longer all lead to ${instanceId} (${interfaceId})`;
    case undefined:
      return `${publicIp} is no longer associated with ${instanceId} (${id})`;
  }
}

function nameOf(caller: Caller): string {
  return caller.kind === 'instance' ? caller.instanceId : `the ${caller.name}`;
}
