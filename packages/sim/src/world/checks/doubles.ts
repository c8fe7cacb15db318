/** Which ids run twice, or did lately: each of two runs lends what it believes to be its own. */
import type { NodeId } from '@failtome/protocol';
import type { Watcher, WorldView } from '../watch.ts';

/** Two runs of one id may have lent twice for so long after: no lease is longer. */
const TWICE_MS = 15_000;

export interface Doubles {
  readonly watch: Watcher;
  readonly lately: (id: NodeId) => boolean;
  /** Whether a copy of its disk has ever been used by a second run. */
  readonly ever: (id: NodeId) => boolean;
}

export function createDoubles(view: WorldView): Doubles {
  const live = new Map<NodeId, number>();
  const doubleUntil = new Map<NodeId, number>();
  const copied = new Set<NodeId>();
  return {
    watch(event) {
      if (event.kind !== 'started' && event.kind !== 'ended') return;
      const { node } = event.by;
      const before = live.get(node) ?? 0;
      live.set(node, before + (event.kind === 'started' ? 1 : -1));
      if (before >= 2) doubleUntil.set(node, view.now());
      if (before >= 1 && event.kind === 'started') copied.add(node);
    },
    ever: (id) => copied.has(id),
    lately: (id) =>
      (live.get(id) ?? 0) >= 2 || view.now() - (doubleUntil.get(id) ?? Number.NEGATIVE_INFINITY) < TWICE_MS,
  };
}
