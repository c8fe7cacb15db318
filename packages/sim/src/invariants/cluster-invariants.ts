/**
 * The invariants that need the whole cluster, as one pure step: from their histories and an event to the histories with
 * it, and what it breaks. Each group has a history of its own, and hears only of what changes it.
 */
import { AGREEMENT } from './agreement.ts';
import { ARBITER_LEASES } from './arbiter.ts';
import { BALLOTS } from './ballots.ts';
import { CLUSTER_CALLS } from './cluster-calls.ts';
import type { ClusterRules, ClusterView } from './cluster-view.ts';
import { DAMPING } from './damping.ts';
import { type DuplicateIds, NO_DUPLICATES, withRun } from './duplicate-ids.ts';
import { DUTY } from './duty.ts';
import { EPISODES } from './episodes.ts';
import { type Broken, brokenIn, type Judged, type JudgedEvent } from './events.ts';
import { HANDOVER_ORDERS } from './handover-orders.ts';
import { HOMES } from './homes.ts';
import { LENDING } from './lending.ts';
import { REPLAYS } from './replays.ts';
import { SIGNED_ORDERS } from './signed-orders.ts';
import { TELLING } from './telling.ts';

/** Only the group itself knows what its history is. */
type Group = ClusterRules<unknown>;

/** Forget the type of a group's history. */
function group<H>({ start, events, facts, judge }: ClusterRules<H>): Group {
  // What it is handed is what it has returned before, or its start.
  return { start, events, facts, judge: (history, event, view) => judge(history as H, event, view) };
}

const [ballots, lending] = [group(BALLOTS), group(LENDING)];
const [replays, handoverOrders] = [group(REPLAYS), group(HANDOVER_ORDERS)];

const GROUPS: readonly Group[] = [
  ballots,
  lending,
  group(AGREEMENT),
  group(CLUSTER_CALLS),
  group(DUTY),
  group(DAMPING),
  group(EPISODES),
  group(TELLING),
  replays,
  handoverOrders,
  group(SIGNED_ORDERS),
  group(HOMES),
  group(ARBITER_LEASES),
];

/** By kind of event, and by kind of fact: which groups hear of it. */
const BY_EVENT = listeners(({ events }) => events);
const BY_FACT = listeners(({ facts }) => facts);

function listeners(heard: (one: Group) => readonly string[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, readonly number[]>();
  for (const [index, one] of GROUPS.entries())
    for (const kind of heard(one)) found.set(kind, [...(found.get(kind) ?? []), index]);
  return found;
}

/** What the whole cluster has been seen to do. */
export interface ClusterHistory {
  readonly duplicates: DuplicateIds;
  /** One a group, in the order of the groups. */
  readonly groups: readonly unknown[];
}

/** The history of a cluster in which nothing has happened. */
export const NEW_CLUSTER: ClusterHistory = {
  duplicates: NO_DUPLICATES,
  groups: GROUPS.map(({ start }) => start),
};

const NOBODY: readonly number[] = [];

function groupsFor(event: JudgedEvent): readonly number[] {
  const found = event.kind === 'fact' ? BY_FACT.get(event.fact.kind) : BY_EVENT.get(event.kind);
  return found ?? NOBODY;
}

/** Whether an event means anything to the cluster's invariants. */
export function concernsCluster(event: JudgedEvent): boolean {
  return event.kind === 'started' || groupsFor(event).length > 0;
}

/** Judged by what nodes have recorded, too: they ask neither what AWS really held, nor what operators knew. */
const RECORDED: ReadonlySet<Group> = new Set([ballots, lending, replays, handoverOrders]);

/** What recordings have of a cluster. A liar is anybody who hasn't recorded. */
export type RecordedView = Pick<ClusterView, 'driver' | 'now' | 'runs' | 'isLiar' | 'historyOf'>;

/** What the invariants may look at, where that is all there is. Made once: it is handed in with every event. */
export function viewOfRecords(view: RecordedView): Omit<ClusterView, 'duplicates'> {
  const unknown = (): never => {
    throw new Error('nobody recorded that');
  };
  const no = (): boolean => false;
  return { ...view, learnMs: 0, fitMs: 0, aws: unknown, disksHarmed: no, rolledBack: no, storeLied: no };
}

/** Judge one event by what nodes have recorded. @param view of `viewOfRecords` */
export function judgeRecorded(
  history: ClusterHistory,
  event: JudgedEvent,
  view: Omit<ClusterView, 'duplicates'>,
): Judged<ClusterHistory> {
  return judgeBy(RECORDED, history, event, view);
}

/** Judge one event. */
export function judgeCluster(
  history: ClusterHistory,
  event: JudgedEvent,
  view: Omit<ClusterView, 'duplicates'>,
): Judged<ClusterHistory> {
  return judgeBy(null, history, event, view);
}

/** @param only these groups; null: all of them */
function judgeBy(
  only: ReadonlySet<Group> | null,
  history: ClusterHistory,
  event: JudgedEvent,
  view: Omit<ClusterView, 'duplicates'>,
): Judged<ClusterHistory> {
  const listening = groupsFor(event);
  const duplicates = withRun(history.duplicates, event, view.now());
  if (listening.length === 0 && duplicates === history.duplicates) return [history];
  const seen = withDuplicates(view, duplicates);
  const found: Broken[] = [];
  let { groups } = history;
  for (const index of listening) {
    const before = groups[index];
    const rules = GROUPS[index];
    if (only !== null && (rules === undefined || !only.has(rules))) continue;
    const judged = rules?.judge(before, event, seen) ?? [before];
    const [after] = judged;
    if (judged.length > 1) found.push(...brokenIn(judged));
    if (after !== before) groups = groups.with(index, after);
  }
  const isSame = groups === history.groups && duplicates === history.duplicates;
  return [isSame ? history : { duplicates, groups }, ...found];
}

/** Written out: a spread costs ten times as much, and this is made for nearly every event. */
function withDuplicates(view: Omit<ClusterView, 'duplicates'>, duplicates: DuplicateIds): ClusterView {
  return {
    driver: view.driver,
    learnMs: view.learnMs,
    fitMs: view.fitMs,
    now: view.now,
    aws: view.aws,
    runs: view.runs,
    disksHarmed: view.disksHarmed,
    isLiar: view.isLiar,
    rolledBack: view.rolledBack,
    storeLied: view.storeLied,
    historyOf: view.historyOf,
    duplicates,
  };
}
