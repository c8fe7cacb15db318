/** What a node is about at a moment. */
import type { State } from '@failtome/protocol';
import type { Stage } from './catalogue.ts';

/** The most advanced thing that it does about any of its addresses. */
export function stageOf({ phase, addresses, config, now }: State): Stage {
  if (phase !== 'running') return phase === 'new' ? 'starting' : 'stopping';
  let best: Stage = 'idle';
  for (const ip in addresses) {
    const address = addresses[ip];
    if (address === undefined) continue;
    if (address.move !== null) return address.move.stage.kind;
    if (address.campaign !== null) {
      if (best !== 'won') best = address.campaign.won === null ? 'asking' : 'won';
    } else if (best === 'won' || best === 'asking') continue;
    else if (address.series.last === null) best = 'starting';
    else if (address.holder.node === config.node.id) best = 'holding';
    else if (address.lent !== null && address.lent.expiresAt > now.at && best === 'idle') best = 'lent';
  }
  return best;
}
