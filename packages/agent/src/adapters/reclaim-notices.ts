/**
 * What instance metadata tells of an instance that is about to end or to stop: spot notices, the state that its Auto Scaling group
 * wants, and what EC2 has scheduled for it.
 *
 * EC2 User Guide, "Spot Instance interruption notices", "EC2 instance rebalance recommendations"; Amazon EC2 Auto Scaling User
 * Guide, "Retrieve the target lifecycle state through instance metadata".
 */
import type { DurationMs, Instant, MonotonicMs } from '@failtome/protocol';
import type { InstanceMetadata } from './instance-metadata.ts';
import { type ScheduledEvent, scheduledIn } from './scheduled-events.ts';

/** Of what an instance is told beforehand. */
export type Reclaim = 'spot' | 'scale-in' | 'maintenance';

/** An instance that is in no group by now may be attached to one: asked again so much later. */
const GROUP_AGAIN_MS: DurationMs = 60_000;
/** An event is scheduled days ahead. */
const MAINTENANCE_AGAIN_MS: DurationMs = 60_000;
/** So long before it may begin, an event counts: time for a handover and for a second one. */
const AHEAD_MS: DurationMs = 300_000;

/** Asks for notices. Where an instance can have none, it is hardly asked. */
export class ReclaimNotices {
  readonly #metadata: Pick<InstanceMetadata, 'find'>;
  readonly #now: () => Instant;
  #isSpot: boolean | null = null;
  #groupAskedFrom: MonotonicMs = 0;
  #maintenanceAskedFrom: MonotonicMs = 0;
  #scheduled: readonly ScheduledEvent[] = [];

  constructor(metadata: Pick<InstanceMetadata, 'find'>, now: () => Instant) {
    this.#metadata = metadata;
    this.#now = now;
  }

  /** The notice that stands, in words; null: none. @throws AgentError where metadata can't be asked */
  async read(of: readonly Reclaim[]): Promise<string | null> {
    return (
      (of.includes('spot') ? await this.#spot() : null) ??
      (of.includes('scale-in') ? await this.#group() : null) ??
      (of.includes('maintenance') ? await this.#maintenance() : null)
    );
  }

  async #spot(): Promise<string | null> {
    this.#isSpot ??= (await this.#metadata.find('instance-life-cycle')) === 'spot';
    if (!this.#isSpot) return null;
    const action = await this.#metadata.find('spot/instance-action');
    if (action !== null) return `EC2 is about to ${actionIn(action)} this spot instance`;
    const rebalance = await this.#metadata.find('events/recommendations/rebalance');
    return rebalance === null ? null : 'EC2 recommends to leave this spot instance';
  }

  async #group(): Promise<string | null> {
    if (this.#now().at < this.#groupAskedFrom) return null;
    const state = await this.#metadata.find('autoscaling/target-lifecycle-state');
    this.#groupAskedFrom = state === null ? this.#now().at + GROUP_AGAIN_MS : 0;
    return state === 'Terminated' ? 'the Auto Scaling group of this instance ends it' : null;
  }

  async #maintenance(): Promise<string | null> {
    const { at, wall } = this.#now();
    if (at >= this.#maintenanceAskedFrom) {
      const page = await this.#metadata.find('events/maintenance/scheduled');
      this.#scheduled = page === null ? [] : scheduledIn(page);
      this.#maintenanceAskedFrom = at + MAINTENANCE_AGAIN_MS;
    }
    const near = this.#scheduled.find(
      ({ fromWall, untilWall }) => wall >= fromWall - AHEAD_MS && wall <= untilWall,
    );
    if (near === undefined) return null;
    return `EC2 has scheduled ${near.code} of this instance for ${new Date(near.fromWall).toISOString()}`;
  }
}

/** `{"action": "stop", "time": "2017-09-18T08:22:00Z"}`; whatever else it may be is an end. */
function actionIn(text: string): string {
  return /"action"\s*:\s*"(stop|hibernate|terminate)"/.exec(text)?.[1] ?? 'end';
}
