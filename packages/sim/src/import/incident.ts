/** A bundle, replayed: whether its nodes decide the same again, what is broken in it, and its records for the report. */
import type { ProtocolConfig } from '@failtome/protocol';
import type { Bundle } from '@failtome/recording';
import { createTraceBuffer, withCauses } from '../record/index.ts';
import { type RecordedRun, TRACE_FORMAT, TRACE_VERSION, type TraceHeader } from '../record/records.ts';
import { type AlignedClocks, alignClocks, keyOf } from './clocks.ts';
import { IncidentRecords } from './incident-records.ts';
import { type FoundBroken, StepJudge } from './judge-steps.ts';
import { type RecordedRunOfNode, recordedNodes } from './recorded-node.ts';
import { ReplayedRun, type RunVerdict } from './replayed-run.ts';

/** Set by the build. */
declare const FAILTOME_VERSION: string;

/** What an import came to. */
export interface Incident {
  readonly trace: RecordedRun;
  readonly runs: readonly RunVerdict[];
  /** The first that was recorded of each run. */
  readonly configs: readonly ProtocolConfig[];
  readonly broken: readonly FoundBroken[];
  /** What limits what is said above, one sentence each. */
  readonly notes: readonly string[];
  /** How far apart the clocks may be after they were aligned; null: not known of all. */
  readonly apartMs: number | null;
  /** When it began, by the wall clock of the node that was recorded longest. */
  readonly beganWall: number;
  readonly lengthMs: number;
}

/** Every heartbeat is shown so long before and after something that was decided. */
const LIVELY_MS = 20_000;
/** The records that are kept, as characters of text: of more the last. */
const MAX_INCIDENT_CHARS = 96_000_000;
/** A recording that ends so long before the others has ended with its process, as far as anybody can tell. */
const ENDED_MS = 15_000;

/**
 * Replay a bundle.
 *
 * @throws Error when there is nothing in it to replay
 */
export function incidentOf(bundle: Bundle): Incident {
  const { runs: recorded, problems } = recordedNodes(bundle);
  if (recorded.length === 0) throw new Error(['no recording in it can be replayed', ...problems].join('; '));
  const clocks = alignClocks(recorded);
  const apart = recorded.map((run) => clocks.get(keyOf(run))?.withinMs ?? null);
  const apartMs = apart.includes(null) ? null : Math.max(...apart.map((ms) => ms ?? 0));
  const runs = recorded.map((run) => new ReplayedRun(run, clockOf(run, clocks)));
  const judge = new StepJudge(apartMs);
  const buffer = createTraceBuffer(MAX_INCIDENT_CHARS);
  buffer.take(headerOf(bundle, recorded));
  const records = new IncidentRecords({ sink: buffer.take, isLively: livelyIn(recorded, clocks) });
  const lengthMs = takeAll(runs, judge, records, apartMs ?? 0);
  const [first] = judge.found;
  buffer.take({
    kind: 'end',
    hash: '',
    events: records.steps,
    virtualMs: lengthMs,
    records: records.count,
    violation: first === undefined ? null : { ...first, step: records.steps, causes: [] },
  });
  const head = recorded[0]?.segments[0]?.head;
  return {
    trace: withCauses(buffer.run()),
    runs: runs.map((run) => run.verdict()),
    configs: configsOf(recorded),
    broken: judge.found,
    notes: [...problems, ...notesOn(bundle, runs, judge, apartMs)],
    apartMs,
    beganWall: head?.wall ?? 0,
    lengthMs,
  };
}

function clockOf(run: RecordedRunOfNode, clocks: AlignedClocks) {
  const clock = clocks.get(keyOf(run));
  if (clock === undefined) throw new Error(`${run.node} has no clock`);
  return clock;
}

/** Every step of every run, in the order in which they were; how long that took. */
function takeAll(
  runs: readonly ReplayedRun[],
  judge: StepJudge,
  records: IncidentRecords,
  apartMs: number,
): number {
  const said = new Set<string>();
  const seenMs = new Map<ReplayedRun, number>();
  let nowMs = 0;
  for (let run = nextOf(runs, said, apartMs); run !== null; run = nextOf(runs, said, apartMs)) {
    const step = run.take();
    if (step === null) break;
    nowMs = Math.max(nowMs, step.atMs);
    for (const ended of runs)
      if (ended.next === null && ended !== run && (seenMs.get(ended) ?? 0) < nowMs - ENDED_MS)
        records.end(ended, 'crashed');
    records.step(run, step, nowMs);
    seenMs.set(run, nowMs);
    for (const effect of step.turn.effects)
      if (effect.kind === 'send' || effect.kind === 'reply')
        said.add(`${effect.message.session} ${effect.message.seq}`);
    for (const { invariant, detail } of judge.step(run, step, nowMs)) records.violation(invariant, detail);
  }
  return nowMs;
}

/** The run whose step comes next: the earliest; but what has come from one that is recorded, it has said before. */
function nextOf(
  runs: readonly ReplayedRun[],
  said: ReadonlySet<string>,
  apartMs: number,
): ReplayedRun | null {
  let first: ReplayedRun | null = null;
  for (const run of runs)
    if (run.next !== null && (first?.next == null || run.next.atMs < first.next.atMs)) first = run;
  const input = first?.next?.input;
  if (first?.next == null || (input?.kind !== 'received' && input?.kind !== 'answered')) return first;
  const { session, seq, from } = input.message;
  if (said.has(`${session} ${seq}`)) return first;
  const limitMs = first.next.atMs + 2 * apartMs + 5;
  const sender = runs.find(
    (run) => run.of.node === from && run.next !== null && run.next.atMs <= limitMs && isOf(run, session),
  );
  return sender ?? first;
}

function isOf({ next }: ReplayedRun, session: string): boolean {
  return next?.before.state.session === session;
}

/** Around everything that was told of. */
function livelyIn(runs: readonly RecordedRunOfNode[], clocks: AlignedClocks): (atMs: number) => boolean {
  const windows = new Set<number>();
  for (const run of runs) {
    const { worldTimeOf } = clockOf(run, clocks);
    for (const { lines } of run.segments)
      for (const line of lines)
        if (line.kind === 'input' && line.told.length > 0) {
          const window = Math.floor(worldTimeOf(line.input.at) / LIVELY_MS);
          for (const near of [window - 1, window, window + 1]) windows.add(near);
        }
  }
  return (atMs) => windows.has(Math.floor(atMs / LIVELY_MS));
}

function headerOf({ manifest }: Bundle, runs: readonly RecordedRunOfNode[]): TraceHeader {
  const configs = configsOf(runs);
  const nodes = new Map<string, TraceHeader['cluster']['nodes'][number]>();
  for (const { node, peers } of configs) {
    nodes.set(node.id, {
      id: node.id,
      role: node.role,
      priority: node.priority,
      instanceId: node.instanceId,
    });
    for (const { id, role, priority } of peers)
      if (!nodes.has(id)) nodes.set(id, { id, role, priority, instanceId: '' });
  }
  const styles = new Set(configs.flatMap(({ driver }) => driver?.style ?? []));
  return {
    kind: 'header',
    format: TRACE_FORMAT,
    version: TRACE_VERSION,
    failtome: FAILTOME_VERSION,
    title: `${manifest.cluster}, ${new Date(manifest.since).toISOString()} to ${new Date(manifest.madeAt).toISOString()}`,
    cluster: {
      nodes: [...nodes.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
      addresses: [...new Set(configs.flatMap(({ addresses }) => addresses.map(({ ip }) => ip)))],
      driver: [...styles].join(', '),
    },
    plan: null,
  };
}

function configsOf(runs: readonly RecordedRunOfNode[]): readonly ProtocolConfig[] {
  return runs.flatMap(({ segments }) => configIn(segments[0]?.head) ?? []);
}

function configIn(head: RecordedRunOfNode['segments'][number]['head'] | undefined): ProtocolConfig | null {
  return head?.config ?? head?.core?.state.config ?? null;
}

function notesOn(
  { manifest }: Bundle,
  runs: readonly ReplayedRun[],
  judge: StepJudge,
  apartMs: number | null,
): readonly string[] {
  const recorded = new Set(runs.map(({ of }) => of.node));
  const without = manifest.nodes.filter(({ id }) => !recorded.has(id)).map(({ id }) => id);
  const late = runs.filter((run) => !run.beginsWithRun);
  return [
    ...manifest.missing.map(({ what, why }) => `the bundle lacks ${what}: ${why}`),
    ...(without.length === 0
      ? []
      : [`nothing was recorded by ${without.join(', ')}: what they did is known by the others alone`]),
    ...late.map((run) => {
      const since = judge.sinceOf(run);
      const judged =
        since === null ? 'it is not judged' : `it is judged from ${(since / 1_000).toFixed(0)} s on`;
      return `of ${run.of.node} the recording begins in the middle of a run: ${judged}`;
    }),
    ...(judge.judgesCluster
      ? []
      : [
          `the clocks are aligned ${apartMs === null ? 'by their wall clocks alone' : `to ${apartMs} ms`}: what takes several nodes is not judged`,
        ]),
    'what depends on what AWS really held is not judged: nobody recorded that',
  ];
}
