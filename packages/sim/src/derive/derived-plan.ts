/**
 * A plan from an incident: the cluster and its settings as they were recorded, and what went wrong as faults. The world of a
 * plan draws what nobody recorded, so that its run is like the incident, and not the same.
 */
import type { ProtocolConfig } from '@failtome/protocol';
import type { Incident } from '../import/index.ts';
import type { Plan } from '../plan/index.ts';
import type { RecordedRun, TraceRecord } from '../record/index.ts';
import { worldOf } from '../scenario/index.ts';
import type { NodeSpec, WorldSpec } from '../world/index.ts';
import type { Disturbance, Lasting } from './disturbance.ts';
import { callTimes, recordedCalls } from './recorded-calls.ts';
import { blindAfterLossMs, downAt, recordedDowns, recordedFailures } from './recorded-failures.ts';
import { recordedLosses } from './recorded-losses.ts';
import { recordedSettings } from './recorded-settings.ts';
import { failedServers, recordedSilences, type Silence } from './recorded-silence.ts';

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

const BLIND =
  "the checks of the nodes' own did not see a failure that all probes saw: the plan has no such checks";

/**
 * Derive it.
 *
 * @throws Error when the incident has no configuration of a node
 */
export function derivedPlan({ trace, configs, lengthMs }: Incident): Derived {
  const { records } = trace;
  const config = configs.find(({ driver }) => driver !== null) ?? configs[0];
  if (config === undefined) throw new Error('no configuration of a node was recorded');
  const silences = recordedSilences(records);
  const gap = longestOf(silences, lengthMs);
  const { all, unseen } = disturbancesIn(records, silences);
  const isBlind = unseen && config.local !== null;
  const near = gap === null ? all : all.filter((one) => isNear(one, gap));
  const firstMs = Math.min(gap?.fromMs ?? lengthMs, ...near.map(({ atMs }) => atMs));
  const laterMs = firstMs - MEET_MS;
  const endMs = gap === null ? lengthMs : (gap.toMs ?? lengthMs) + ON_MS;
  return {
    plan: {
      title: trace.header.title,
      world: worldIn(trace, isBlind ? { ...config, local: null } : config, firstMs),
      timeline: near.map((one) => ({ ...one, atMs: Math.round(one.atMs - laterMs) })),
      ending: { kind: 'stop', atMs: Math.ceil(endMs - laterMs) },
    },
    laterMs,
    gap,
    notes: [...NOTES, ...differing(configs), ...(isBlind ? [BLIND] : [])],
  };
}

interface Found {
  readonly all: readonly Disturbance[];
  /** Web servers failed, and the checks of the nodes' own didn't see it. */
  readonly unseen: boolean;
}

function disturbancesIn(records: readonly TraceRecord[], silences: readonly Silence[]): Found {
  const downs = recordedDowns(records);
  const failures = recordedFailures(records, downs);
  const servers = failedServers(records, silences, failures);
  const all = [
    ...failures,
    ...servers,
    ...recordedLosses(records, downAt(downs)),
    ...recordedCalls(records),
  ].filter(
    ({ atMs, forMs, action }) => atMs + (forMs ?? (action === 'lose-message' ? 0 : BEGIN_MS)) >= BEGIN_MS,
  );
  return { all: all.sort((a, b) => a.atMs - b.atMs), unseen: servers.length > 0 };
}

/** What lasted into the time that matters, or began in it. */
function isNear({ atMs, forMs }: Disturbance, { fromMs, toMs }: Lasting): boolean {
  const ends = forMs === null ? Number.POSITIVE_INFINITY : atMs + forMs;
  return ends >= fromMs - BACK_MS && atMs >= fromMs - BACK_MS && atMs <= (toMs ?? Number.POSITIVE_INFINITY);
}

/** As the nodes saw it. */
function longestOf(silences: readonly Silence[], lengthMs: number): Lasting | null {
  const lengthOf = ({ fromMs, toMs }: Lasting): number => (toMs ?? lengthMs) - fromMs;
  let longest: Lasting | null = null;
  for (const one of silences) {
    if (one.fromMs < BEGIN_MS || (longest !== null && lengthOf(one) <= lengthOf(longest))) continue;
    longest = { fromMs: one.fromMs, toMs: one.toMs };
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
  const halves = times === null ? null : (times.map((ms) => Math.round(ms / 2)) as [number, number]); // as many as before
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
