/**
 * I24: where operators have keys, an order counts only if an operator has given it. Judged by what operators have really
 * signed, whatever proofs the messages carried: a pause or a resume that a run takes over, a handover that it takes up, and
 * what it moves for one.
 */
import { type Fact, orderText } from '@failtome/protocol';
import type { RunView, Violate, Watcher } from '../watch.ts';

export function checkSigned(violate: Violate): Watcher {
  const signed = new Set<string>();
  /** By run: the newest version of the pause that it has told. */
  const versions = new Map<string, number>();

  function onPause(by: RunView): void {
    const { pause, config } = by.state();
    const { version, by: node, paused, owner, reason, until } = pause;
    // Nothing is in force: what was didn't count any more.
    if (!paused && node === '') return;
    const text = orderText(config.cluster, {
      kind: 'pause',
      order: { version, by: node, paused, owner, reason, until },
    });
    const what = `the ${paused ? 'pause' : 'resume'} ${version} of ${owner}`;
    if (!signed.has(text)) violate('I24', `${by.run} takes over ${what}, which no operator has signed`);
    const before = versions.get(by.run) ?? 0;
    if (version < before) violate('I24', `${by.run} takes over ${what}, and has known ${before}`);
    versions.set(by.run, version);
  }

  function onHandover(by: RunView, { id, state: told }: Extract<Fact, { kind: 'handover' }>): void {
    if (told !== 'open') return;
    const { handovers, now } = by.state();
    const record = handovers.find((one) => one.record.id === id)?.record;
    if (record === undefined) return;
    const why = whyNoOrder(by, id);
    if (why !== null) violate('I24', `${by.run} takes up the handover ${id}, ${why}`);
    else if (record.until !== undefined && record.until <= now.wall)
      violate('I24', `${by.run} takes up the handover ${id}, whose time ended at ${record.until}`);
  }

  /** Null: an operator has signed it, or it is known no more. */
  function whyNoOrder(by: RunView, id: string): string | null {
    const { handovers, config } = by.state();
    const record = handovers.find((one) => one.record.id === id)?.record;
    if (record === undefined) return null;
    const { address, to, by: owner, reason, ordered, pause, until } = record;
    if (ordered === undefined || pause === undefined || until === undefined)
      return 'which nobody can have signed';
    const order = { id, address, to, by: owner, reason, ordered, pause, until };
    return signed.has(orderText(config.cluster, { kind: 'handover', order }))
      ? null
      : 'which no operator has signed';
  }

  return (event) => {
    switch (event.kind) {
      case 'order-signed':
        signed.add(event.text);
        return;
      case 'facts':
        if (event.by.config.orders === 'any') return;
        for (const fact of event.facts) {
          if (fact.kind === 'pause') onPause(event.by);
          if (fact.kind === 'handover') onHandover(event.by, fact);
        }
        return;
      case 'drive': {
        const { by, effect } = event;
        const move = by.state().addresses[effect.address]?.move;
        if (by.config.orders === 'any' || move?.handoverId == null) return;
        const why = whyNoOrder(by, move.handoverId);
        if (why !== null) violate('I24', `${by.run} moves ${effect.address} for ${move.handoverId}, ${why}`);
        return;
      }
      default:
        return;
    }
  };
}
