/** Which message met which state, what membership had to say, and where processes were struck. */
import type { Envelope } from '@failtome/protocol';
import type { RunView, Watcher } from '../world/index.ts';
import { PARTS, STAGES, STRUCK_STAGES, type Stage } from './catalogue.ts';
import type { Mark } from './mark.ts';
import { stageOf } from './node-stage.ts';

const STRUCK: ReadonlySet<Stage> = new Set(STRUCK_STAGES);

/** Built once: a message is nothing rare. */
const IDS = Object.fromEntries(
  PARTS.map((part) => [part, Object.fromEntries(STAGES.map((stage) => [stage, `message:${part}:${stage}`]))]),
);

/** Mark which message met which state. */
export function watchMessages(mark: Mark): Watcher {
  const incarnations = new Map<string, number>();

  function onHeard(by: RunView, { payload, from }: Envelope): void {
    const state = by.state();
    const stage = stageOf(state);
    for (const part of PARTS) {
      const id = payload[part] === undefined ? undefined : IDS[part]?.[stage];
      if (id !== undefined) mark(id);
    }
    if (payload.known !== undefined && payload.known >= state.incarnation) {
      mark('disk:rollback-noticed');
      incarnations.delete(by.run);
    }
    if (payload.node?.leaving === true) mark('peer:left');
    if (payload.rumours === undefined) return;
    for (const { id, state: is } of payload.rumours) {
      const peer = id === from ? undefined : state.peers[id];
      if (is !== 'alive' || peer?.state !== 'suspect' || peer.heardAt === null) continue;
      if (state.now.at - peer.heardAt >= by.config.gossip.deadMs) mark('peer:vouched');
    }
  }

  function onSaid(by: RunView, { payload }: Envelope): void {
    if (payload.node === undefined) return;
    const first = incarnations.get(by.run);
    if (first === undefined) incarnations.set(by.run, payload.node.incarnation);
    else if (payload.node.incarnation > first) mark('peer:refuted');
  }

  return (event) => {
    switch (event.kind) {
      case 'heard':
        return onHeard(event.by, event.message);
      case 'said':
        return onSaid(event.by, event.message);
      case 'ended':
      case 'paused': {
        const stage = stageOf(event.by.state());
        if (STRUCK.has(stage)) mark(`${event.kind === 'ended' ? 'crashed' : 'paused'}:${stage}`);
        return;
      }
      default:
        return;
    }
  };
}
