/**
 * What has happened in a world: told to those who watch, and kept for scenarios and checks.
 */
import type { AwsEvent } from '@failtome/cloud/model';
import type { Fact } from '@failtome/protocol';
import type { Details } from './details.ts';
import type { ToldFact } from './interface.ts';
import type { EventQueue } from './queue.ts';
import { Subscribers } from './subscribers.ts';
import { createTrace, type Trace } from './trace.ts';
import type { Violation, Watcher, WorldEvent } from './watch.ts';

/** The most facts and cloud events that are kept for scenarios and checks. */
const MAX_KEPT = 200_000;

/** Told several times a second by every node: it would crowd out the rest. Who wants it watches. */
const ROUTINE: ReadonlySet<Fact['kind']> = new Set<Fact['kind']>(['probe', 'heartbeat']);

/** What is known of a world's history so far. */
export class WorldLog {
  readonly trace: Trace;
  readonly details: Details = new Subscribers();
  readonly facts: ToldFact[] = [];
  readonly cloudEvents: AwsEvent[] = [];
  readonly #queue: EventQueue;
  readonly #watchers = new Subscribers<WorldEvent>();
  #violation: Violation | null = null;

  constructor(queue: EventQueue, keepTrace: number) {
    this.#queue = queue;
    this.trace = createTrace(queue.now, { keep: keepTrace });
  }

  watch(watcher: Watcher): void {
    this.#watchers.subscribe(watcher);
  }

  emit(event: WorldEvent): void {
    if (event.kind === 'facts' && this.facts.length < MAX_KEPT)
      for (const fact of event.facts)
        if (!ROUTINE.has(fact.kind)) this.facts.push({ atMs: this.#queue.now(), node: event.by.node, fact });
    this.#watchers.emit?.(event);
  }

  emitCloud(event: AwsEvent): void {
    if (this.cloudEvents.length < MAX_KEPT) this.cloudEvents.push(event);
    this.trace.log('cloud', event.kind, JSON.stringify(event));
    this.emit({ kind: 'cloud', event });
  }

  /** The first violation counts: it ends the run. */
  violate(invariant: string, detail: string): void {
    if (this.#violation !== null) return;
    const queue = this.#queue;
    this.#violation = { invariant, detail, atMs: queue.now(), step: queue.ran() };
    this.trace.log('world', 'violation', `${invariant}: ${detail}`);
  }

  violation(): Violation | null {
    return this.#violation;
  }
}
