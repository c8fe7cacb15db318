/** The invariants, fed by a world that goes one way: after every event, from outside. */
import {
  brokenIn,
  type ClusterHistory,
  type ClusterView,
  type EventOf,
  type JudgedEvent,
  judgeCluster,
  judgeRun,
  judgeTold,
  NEW_CLUSTER,
  newRunHistory,
  type RunHistory,
  type ToldRecord,
} from '../invariants/index.ts';
import type { RunView, Violate, Watcher, WorldView } from './watch.ts';

/** Until every node that is heard has told its news. */
const LEARN_MS = 4_000;
/** For so long a holder must have been fit without a failed check. */
const FIT_MS = 10_000;

/** What a world lets be seen of itself. */
export type WatchedView = Omit<WorldView, 'learnMs' | 'fitMs'>;

/** Watch a world, and tell what it breaks. */
export function createJudge(view: WatchedView, violate: Violate): Watcher {
  const runs = new Map<string, RunHistory>();
  const records = new Map<string, ToldRecord>();
  let cluster: ClusterHistory = NEW_CLUSTER;
  const historyOf = ({ run }: RunView): RunHistory => {
    const known = runs.get(run);
    if (known !== undefined) return known;
    const begun = newRunHistory(view.now());
    runs.set(run, begun);
    return begun;
  };
  const seen: Omit<ClusterView, 'duplicates'> = {
    ...view,
    learnMs: LEARN_MS,
    fitMs: FIT_MS,
    historyOf,
  };

  function judge(event: JudgedEvent): void {
    const ofCluster = judgeCluster(cluster, event, seen);
    cluster = ofCluster[0];
    for (const { invariant, detail } of brokenIn(ofCluster)) violate(invariant, detail);
    if (!('by' in event)) return;
    const { by } = event;
    const before = historyOf(by);
    const ofRun = judgeRun(before, event, view.now(), view.isLiar(by.node));
    const [after] = ofRun;
    if (after !== before) runs.set(by.run, after);
    for (const { invariant, detail } of brokenIn(ofRun)) violate(invariant, detail);
    if (event.kind === 'said' && !view.isLiar(by.node)) judgeSaid(event);
    if (event.kind !== 'ended') return;
    runs.delete(by.run);
    records.delete(by.run);
  }

  function judgeSaid(event: EventOf<'said'>): void {
    const { run } = event.by;
    const ofRecord = judgeTold(records.get(run) ?? null, event);
    const [told] = ofRecord;
    if (told !== null) records.set(run, told);
    for (const { invariant, detail } of brokenIn(ofRecord)) violate(invariant, detail);
  }

  return (event) => {
    if (event.kind === 'facts') for (const fact of event.facts) judge({ kind: 'fact', by: event.by, fact });
    else if (event.kind !== 'faulted') judge(event);
  };
}
