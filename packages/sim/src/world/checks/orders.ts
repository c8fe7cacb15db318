/**
 * I22: a handover that has ended moves nothing. Whether it has ended is judged by what operators were answered, by the true
 * time since it was ordered, and by what the run that moves has itself told of it and of a later pause.
 */
import type { DriveEffect, Fact } from '@failtome/protocol';
import type { RunView, Violate, Watcher, WorldView } from '../watch.ts';
import { createDoubles } from './doubles.ts';

const HANDOVER_LASTS_MS = 120_000;
/** What drifting clocks may make of two minutes. */
const TOLERANCE_MS = 100;

interface Order {
  /** When it was first told of, and by which run. */
  readonly orderedMs: number;
  readonly run: string;
  /** Since when an operator has known that it won't happen; null: nobody was told so. */
  promisedMs: number | null;
}

export function checkOrders(view: WorldView, violate: Violate): Watcher {
  const doubles = createDoubles(view);
  const orders = new Map<string, Order>();
  /** By run and handover: how it ended as far as that run has told. */
  const ended = new Map<string, string>();
  /** By run and address: the epoch of the move whose first call has been seen. */
  const begun = new Map<string, number>();

  function onFact(by: RunView, fact: Fact): void {
    if (fact.kind === 'handover') {
      if (fact.state !== 'open') ended.set(`${by.run} ${fact.id}`, `it told that it is ${fact.state}`);
      else if (!orders.has(fact.id))
        orders.set(fact.id, { orderedMs: view.now(), run: by.run, promisedMs: null });
      return;
    }
    if (fact.kind !== 'pause' || !fact.paused) return;
    for (const { record } of by.state().handovers)
      if (record.state === 'open' && record.pause !== undefined && record.pause < fact.version)
        ended.set(`${by.run} ${record.id}`, `it knows of the pause of ${fact.owner}, which came later`);
  }

  function onDrive(by: RunView, { address: ip, operation }: DriveEffect): void {
    if (operation.op === 'read' || operation.op === 'permit') return;
    const move = by.state().addresses[ip]?.move;
    const key = `${by.run} ${ip}`;
    if (move == null || move.duty || begun.get(key) === move.epoch) return;
    begun.set(key, move.epoch);
    if (move.mode !== 'handover' || move.handoverId === null) return;
    const why = whyEnded(by, move.handoverId);
    if (why !== null)
      violate('I22', `${by.run} calls ${operation.op} of ${ip} for the handover ${move.handoverId}: ${why}`);
  }

  /** An operator has been told that it won't happen: then its target isn't in the middle of it. */
  function onPromise(id: string): void {
    const order = orders.get(id);
    if (order !== undefined) order.promisedMs ??= view.now();
    for (const by of view.runs())
      for (const { ip, move } of Object.values(by.state().addresses))
        if (move?.handoverId === id && begun.get(`${by.run} ${ip}`) === move.epoch)
          violate(
            'I22',
            `an operator was told that the handover ${id} will not happen, while ${by.run} moves ${ip} for it`,
          );
  }

  function whyEnded(by: RunView, id: string): string | null {
    // A copied disk, or one that was put back, remembers orders that its node had seen to end.
    const forgot = doubles.ever(by.node) || view.rolledBack(by.node);
    const own = ended.get(`${by.run} ${id}`);
    if (own !== undefined) return own;
    const order = orders.get(id);
    if (order === undefined) return null;
    // What was decided before a standstill goes out after it.
    const decidedMs = by.worldTimeOf(by.state().now.at);
    if (order.promisedMs !== null && decidedMs > order.promisedMs && !forgot)
      return `an operator was told at ${order.promisedMs} that it will not happen`;
    const late = decidedMs - order.orderedMs - HANDOVER_LASTS_MS;
    return late > TOLERANCE_MS && order.run === by.run ? `it was ordered at ${order.orderedMs}` : null;
  }

  return (event) => {
    doubles.watch(event);
    switch (event.kind) {
      case 'facts':
        for (const fact of event.facts) onFact(event.by, fact);
        return;
      case 'drive':
        return onDrive(event.by, event.effect);
      case 'order-answered': {
        const { command, outcome } = event;
        if (command.kind === 'handover-cancel' && outcome?.state === 'done') onPromise(outcome.id);
        return;
      }
      default:
        return;
    }
  };
}
