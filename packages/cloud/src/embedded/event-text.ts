/** What happens in a cloud, as people read it, a line each. */
import type { Caller } from '../model/index.ts';
import type { Signal } from './live-account.ts';
import { timeOfDay } from './time-of-day.ts';

/** Null: nothing that is worth a line. */
export function eventText(signal: Signal): string | null {
  const text = textOf(signal);
  return text === null ? null : `${timeOfDay(Date.now())}  ${text}`;
}

function textOf(signal: Signal): string | null {
  switch (signal.kind) {
    case 'associated': {
      const { instanceId, id } = signal.association;
      return `${signal.publicIp} is associated with ${instanceId} (${id}), by ${nameOf(signal.by)}`;
    }
    case 'ended': {
      const { instanceId, id, cause } = signal.association;
      return `${signal.publicIp} is no longer associated with ${instanceId} (${id}): ${cause}, by ${nameOf(signal.by)}`;
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

function nameOf(caller: Caller): string {
  return caller.kind === 'instance' ? caller.instanceId : `the ${caller.name}`;
}
