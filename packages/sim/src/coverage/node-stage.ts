/** What a node is about at a moment. */
import { type State, takeoverPhase } from '@failtome/protocol';
import type { Stage } from './catalogue.ts';

type AddressState = State['addresses'][string];

/** The most advanced thing that it does about any of its addresses. */
export function stageOf(state: State): Stage {
  if (state.phase !== 'running') return state.phase === 'new' ? 'starting' : 'stopping';
  let best: Stage = 'idle';
  for (const address of Object.values(state.addresses)) {
    const phase = takeoverPhase(address);
    switch (phase) {
      case 'idle':
        if (best !== 'won' && best !== 'asking') best = idleStage(state, address, best);
        break;
      case 'campaign':
        if (best !== 'won') best = 'asking';
        break;
      case 'won':
      case 'guard':
        best = 'won';
        break;
      default:
        return phase;
    }
  }
  return best;
}

/** @param best what it is about as far as its other addresses go */
function idleStage({ config, now }: State, { series, holder, lent }: AddressState, best: Stage): Stage {
  if (series.last === null) return 'starting';
  if (holder.node === config.node.id) return 'holding';
  return lent !== null && lent.expiresAt > now.at && best === 'idle' ? 'lent' : best;
}
