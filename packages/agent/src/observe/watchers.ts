/** What of a step's facts goes to whoever watches the node over `/v1/events`. */
import type { Fact, Instant } from '@failtome/protocol';
import type { NodeEvent } from '../http/event-streams.ts';

/** Who passes it on. */
export interface Watchers {
  tell(event: NodeEvent): void;
  hurry(): void;
}

/** Decisions and steps as they are; of what else people wait for the next status is made sooner. */
export function tellWatchers(watchers: Watchers, facts: readonly Fact[], { wall }: Instant): void {
  for (const fact of facts) {
    if (fact.kind === 'decided' || fact.kind === 'step') {
      const { kind, ...data } = fact;
      watchers.tell({ event: kind, data: { ...data, at: wall } });
    } else if (HURRIED.has(fact.kind)) watchers.hurry();
  }
}

const HURRIED: ReadonlySet<Fact['kind']> = new Set([
  'verdict',
  'local',
  'peer',
  'ballot-opened',
  'ballot-closed',
  'guard',
  'holder',
  'readiness',
  'concluded',
  'pause',
  'handover',
] as const);
