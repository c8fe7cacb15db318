/**
 * What EC2 has scheduled for an instance, as instance metadata tells it under `events/maintenance/scheduled`.
 *
 * Source: EC2 User Guide, "Scheduled events for your instances".
 */
import type { WallMs } from '@failtome/protocol';

/** An event of an instance, as far as it counts here. */
export interface ScheduledEvent {
  readonly code: string;
  readonly fromWall: WallMs;
  readonly untilWall: WallMs;
}

/**
 * `[{"Code": "system-reboot", "NotBefore": "21 Jan 2019 09:00:43 GMT", "NotAfter": …, "State": "active", …}]`. What has another form,
 * and what nobody can say the time of, is left out.
 */
export function scheduledIn(page: string): readonly ScheduledEvent[] {
  let events: unknown;
  try {
    events = JSON.parse(page);
  } catch {
    return [];
  }
  return (Array.isArray(events) ? events : []).flatMap((event: unknown): ScheduledEvent[] => {
    if (typeof event !== 'object' || event === null || !('NotBefore' in event)) return [];
    const [code, state] = [textOf('Code' in event && event.Code), textOf('State' in event && event.State)];
    const fromWall = Date.parse(textOf(event.NotBefore));
    if (state !== 'active' || !/^[a-z-]{1,40}$/.test(code) || Number.isNaN(fromWall)) return [];
    const untilWall = Date.parse(textOf('NotAfter' in event && event.NotAfter));
    return [{ code, fromWall, untilWall: Number.isNaN(untilWall) ? Number.POSITIVE_INFINITY : untilWall }];
  });
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
