/** What went through the store, and what it changed. */
import type { Envelope } from '@failtome/protocol';
import type { RunView, Watcher } from '../world/index.ts';
import type { Mark } from './mark.ts';

/** Mark what nodes write to the store and hear through it. */
export function watchRelay(mark: Mark): Watcher {
  /** When a run last heard a peer directly, by its own clock. */
  const directly = new Map<string, number>();
  let isRelayed = false;

  function onRelayed(by: RunView, { from, re, payload }: Envelope): void {
    mark(re === null ? 'store:request' : 'store:answer');
    for (const { answer } of payload.answers ?? []) {
      if (answer === 'grant' || answer === 'blind') mark('store:lent');
      if (answer === 'refuse') mark('store:refused');
    }
    const { peers, now } = by.state();
    const { deadMs } = by.config.gossip;
    const directMs = now.at - (directly.get(`${by.run} ${from}`) ?? now.at);
    const heardMs = now.at - (peers[from]?.heardAt ?? 0);
    if (directMs >= deadMs && heardMs < deadMs) mark('store:kept-from-silence');
  }

  return (event) => {
    switch (event.kind) {
      case 'stored':
        return mark('store:written');
      case 'relayed':
        isRelayed = true;
        return onRelayed(event.by, event.message);
      case 'heard':
        if (!isRelayed) directly.set(`${event.by.run} ${event.message.from}`, event.by.state().now.at);
        isRelayed = false;
        return;
      default:
        return;
    }
  };
}
