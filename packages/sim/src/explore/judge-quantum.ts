/**
 * The invariants of the whole cluster, fed with one quantum: what the cloud did, what each node claims, and how each of them
 * came out of it.
 */
import {
  type Broken,
  type ClusterHistory,
  type ClusterView,
  type JudgedEvent,
  judgeCluster,
  newRunHistory,
  type RunHistory,
  type RunView,
} from '../invariants/index.ts';
import { EXPLORED_SETTINGS } from './bounds.ts';
import type { SimNode } from './explored-data.ts';
import type { Global } from './explored-world.ts';
import { viewOf } from './node-record.ts';
import type { Outcome } from './run-node.ts';

/** Until every node has learnt that the address changed hands. */
const LEARN_MS = EXPLORED_SETTINGS.gossip.deadMs;
/** For so long a node must have been fit. */
const FIT_MS = 3_000;
const NEVER_SEEN: RunHistory = newRunHistory(0);

/**
 * Judge one quantum.
 *
 * @param before the world that the quantum begins with, with the calls carried out
 * @param outside what the calls have changed
 */
export function judgeQuantum(
  before: Global,
  outside: readonly JudgedEvent[],
  outcomes: readonly (Outcome | null)[],
): { readonly cluster: ClusterHistory; readonly broken: Broken | null } {
  let { cluster } = before;
  let broken: Broken | null = null;
  let current: Observed = { run: '', history: NEVER_SEEN };
  const { t, aws } = before;
  const around = lazily(() => before.nodes.filter(({ life }) => life.kind !== 'down').map(observed));
  const view: Omit<ClusterView, 'duplicates'> = {
    driver: 'ec2',
    learnMs: LEARN_MS,
    fitMs: FIT_MS,
    now: () => t,
    aws: () => aws,
    runs: () => around().map(({ by }) => by),
    historyOf: ({ run }) =>
      run === current.run
        ? current.history
        : (around().find(({ by }) => by.run === run)?.history ?? NEVER_SEEN),
    disksHarmed: () => false,
    isLiar: () => false,
    rolledBack: () => false,
    storeLied: () => false,
  };

  function judge(event: JudgedEvent, history: RunHistory): void {
    if ('by' in event) current = { run: event.by.run, history };
    const [after, first] = judgeCluster(cluster, event, view);
    cluster = after;
    broken ??= first ?? null;
  }

  for (const event of outside) judge(event, 'by' in event ? view.historyOf(event.by) : NEVER_SEEN);
  for (const outcome of outcomes) {
    if (outcome === null) continue;
    broken ??= outcome.broken[0] ?? null;
    for (const { event, history } of outcome.claims) judge(event, history);
    const { node } = outcome;
    if (node.life.kind !== 'down') judge({ kind: 'stepped', by: viewOf(node) }, node.history);
  }
  return { cluster, broken };
}

interface Observed {
  readonly run: string;
  readonly history: RunHistory;
}

function observed(node: SimNode): { readonly by: RunView; readonly history: RunHistory } {
  return { by: viewOf(node), history: node.history };
}

/** Made when it is first wanted: most quanta break off no lease, and ask for nobody else. */
function lazily<T>(make: () => T): () => T {
  let made: T | null = null;
  return () => {
    made ??= make();
    return made;
  };
}
