/**
 * A plan from an incident: the cluster and its settings as they were recorded, and what went wrong as faults. The world of a
 * plan draws what nobody recorded, so that its run is like the incident, and not the same.
 */
import type { ProtocolConfig } from '@failtome/protocol';
import type { Incident } from '../import/index.ts';
import type { Entry, Plan } from '../plan/index.ts';
import type { RecordedRun, TraceRecord } from '../record/index.ts';
import { worldOf } from '../scenario/index.ts';
import type { NodeSpec, WorldSpec } from '../world/index.ts';
import { badSpans, type Disturbance, factsOf, grouped, type Lasting } from './disturbance.ts';
import { callTimes, recordedCalls } from './recorded-calls.ts';
import { blindAfterLossMs, downAt, recordedDowns, recordedFailures } from './recorded-failures.ts';
import { recordedLosses } from './recorded-losses.ts';
import { recordedSettings } from './recorded-settings.ts';

/** A plan, and what it was derived from. */
export interface Derived {
  readonly plan: Plan;
  /** By how much the incident's time is ahead of the plan's, in milliseconds. */
  readonly laterMs: number;
  /** The longest time without an answer, as the nodes saw it; null: there was none. */
  readonly gap: Lasting | null;
  /** What couldn't be derived, one sentence each. */
  readonly notes: readonly string[];
}

/** The nodes meet before anything happens to them. */
const MEET_MS = 15_000;
/** What is older than this before the longest time without an answer has nothing to do with it. */
const BACK_MS = 120_000;
/** What comes after it is run for so long. */
const ON_MS = 30_000;
/** What went wrong before the nodes had met is none of it. */
const BEGIN_MS = 2_000;

/** What nobody recorded. */
const NOTES: readonly string[] = [
  'whether a call that was not answered had been applied was not recorded: it was not, in the plan',
  'of a web server it is derived that it failed, from failed checks, and not why',
  'disks, clocks and what AWS held besides what nodes read are as usual in the plan',
];

/**
 * Derive it.
 *
 * @throws Error when the incident has no configuration of a node
 */
export function derivedPlan({ trace, configs, lengthMs }: Incident): Derived {
  const { records } = trace;
  const config = configs.find(({ driver }) => driver !== null) ?? configs[0];
  if (config === undefined) throw new Error('no configuration of a node was recorded');
  const gap = longestGap(trace, lengthMs);
  const all = disturbancesIn(records);
  const near = gap === null ? all : all.filter((one) => isNear(one, gap));
  const firstMs = Math.min(gap?.fromMs ?? lengthMs, ...near.map(({ atMs }) => atMs));
  const laterMs = firstMs - MEET_MS;
  const endMs = gap === null ? lengthMs : (gap.toMs ?? lengthMs) + ON_MS;
  return {
    plan: {
      title: trace.header.title,
      world: worldIn(trace, config, firstMs),
      timeline: near.map((one) => ({ ...one, atMs: Math.round(one.atMs - laterMs) })),
      ending: { kind: 'stop', atMs: Math.ceil(endMs - laterMs) },
    },
    laterMs,
    gap,
    notes: [...NOTES, ...differing(configs)],
  };
}

function disturbancesIn(records: readonly TraceRecord[]): readonly Disturbance[] {
  const downs = recordedDowns(records);
  const all: readonly Entry[] = [
    ...recordedFailures(records, downs),
    ...recordedLosses(records, downAt(downs)),
    ...recordedCalls(records),
  ];
  const later = all.filter(
    ({ atMs, forMs, action }) => atMs + (forMs ?? (action === 'lose-message' ? 0 : BEGIN_MS)) >= BEGIN_MS,
  );
  return later.sort((a, b) => a.atMs - b.atMs);
}

/** What lasted into the time that matters, or began in it. */
function isNear({ atMs, forMs }: Disturbance, { fromMs, toMs }: Lasting): boolean {
  const ends = forMs === null ? Number.POSITIVE_INFINITY : atMs + forMs;
  return ends >= fromMs - BACK_MS && atMs >= fromMs - BACK_MS && atMs <= (toMs ?? Number.POSITIVE_INFINITY);
}

/** As the nodes saw it: from the first probe that failed to the first that was answered, whoever's. */
function longestGap({ records }: RecordedRun, lengthMs: number): Lasting | null {
  let longest: Lasting | null = null;
  const lengthOf = ({ fromMs, toMs }: Lasting): number => (toMs ?? lengthMs) - fromMs;
  for (const probes of grouped(factsOf(records, 'probe'), ({ fact }) => fact.address).values()) {
    const row = probes
      .filter(({ fact }) => fact.result.kind !== 'inconclusive')
      .map(({ atMs, fact }) => ({ atMs: atMs - fact.result.durationMs, bad: fact.result.kind === 'failed' }))
      .sort((a, b) => a.atMs - b.atMs);
    for (const span of badSpans(row, 1)) {
      if (span.fromMs < BEGIN_MS) continue;
      if (longest === null || lengthOf(span) > lengthOf(longest))
        longest = { fromMs: span.fromMs, toMs: span.toMs };
    }
  }
  return longest;
}

function worldIn({ header, records }: RecordedRun, config: ProtocolConfig, atMs: number): WorldSpec {
  const { nodes, addresses, driver } = header.cluster;
  const cluster = { nodes: nodes.map(({ id }) => ({ id })), addresses: addresses.map((ip) => ({ ip })) };
  const usual = worldOf(
    { cluster, settings: new Map(), cloud: undefined, disk: undefined, timers: undefined },
    1,
  );
  const times = callTimes(records);
  const blindMs = blindAfterLossMs(records);
  const halves = times === null ? null : ([times[0] / 2, times[1] / 2] as const);
  return {
    ...usual,
    nodes: nodes.map(({ id, role, priority }, index): NodeSpec => {
      const clock = { offsetMs: 1_000 * (index + 1), driftPpm: 0, wallErrorMs: 0 };
      return { id, role: roleIn(role), priority, clock, bootMs: 0 };
    }),
    holders: addresses.map((address) => holderAt(records, address, atMs, nodes)),
    driver: driver.includes('single-call') ? 'opsworks' : 'ec2',
    settings: recordedSettings(config),
    ...(blindMs === null ? {} : { autoAddressDelayMs: blindMs }),
    ...(halves === null ? {} : { cloud: { ...usual.cloud, applyMs: halves, answerMs: halves } }),
  };
}

function roleIn(role: string): NodeSpec['role'] {
  return role === 'witness' || role === 'member' ? role : 'candidate';
}

/** Whose it was; of an address of which nobody has told, the first candidate's. */
function holderAt(
  records: readonly TraceRecord[],
  address: string,
  atMs: number,
  nodes: RecordedRun['header']['cluster']['nodes'],
): number | null {
  const owners = records.flatMap((one) => (one.kind === 'owner' && one.address === address ? [one] : []));
  const told =
    owners.findLast(({ at, owner }) => at <= atMs && owner !== null) ??
    owners.find(({ owner }) => owner !== null);
  const owner = told?.owner ?? null;
  const place = nodes.findIndex(({ id, instanceId }) => id === owner || instanceId === owner);
  const first = nodes.findIndex(({ role }) => role === 'candidate');
  return place >= 0 ? place : first < 0 ? null : first;
}

function differing(configs: readonly ProtocolConfig[]): readonly string[] {
  const settings = new Set(
    configs.filter(({ driver }) => driver !== null).map((config) => JSON.stringify(recordedSettings(config))),
  );
  return settings.size < 2
    ? []
    : ['the settings of the nodes differed: those of the first count for all in the plan'];
}
