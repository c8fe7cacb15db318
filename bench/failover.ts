/**
 * Failover as the client sees it, by preset, at several paces of the cloud: beside the floor that the settings allow, and beside
 * keepalived (`keepalived.ts`).
 */
import { counted } from '../packages/protocol/src/reporting/wording.ts';
import { floorOf, type RoundTrips } from './floor.ts';
import { besideKeepalived } from './keepalived.ts';
import { type BenchOptions, settleWithinMs } from './options.ts';
import { type CloudPace, type Profile, presetProfile } from './profiles.ts';
import { median, p99, type Row, spread } from './table.ts';
import { type Fault, runTrial, startPair, type Trial } from './trials.ts';
import { heartbeatMs } from './yardsticks.ts';

const TRIALS = 10;
const FAULTS: readonly Fault[] = ['killed', 'hung', 'vanished'];
const PROFILES: readonly Profile[] = [presetProfile('quick'), presetProfile('balanced')];
const MAX_RATIO = 1.1;
/** A request on loopback. */
const CLIENT_TRIP_MS = 2;

/** Without the calls, and with an association that works so soon: what each preset is for. */
const TARGET_SETTLES_MS = 300;
const TARGETS_MS: Readonly<Record<string, Partial<Record<Fault, number>>>> = {
  quick: { killed: 450, hung: 700, vanished: 800 },
  balanced: { hung: 2_500, vanished: 2_500 },
};
const CALLS_ON_THE_PATH = 2;

/** Each pace by itself; all of one at once, since a pair mostly waits. */
export async function failovers(options: BenchOptions): Promise<readonly Row[]> {
  const rows: Row[] = [];
  for (const pace of options.paces) {
    const sets = await Promise.allSettled([
      ...PROFILES.map((profile) => ofProfile(options, profile, pace)),
      besideKeepalived(options, pace),
    ]);
    // One that fails leaves the others to end, and to clean up.
    for (const set of sets) {
      if (set.status === 'rejected') throw set.reason;
      rows.push(...set.value);
    }
  }
  return rows;
}

async function ofProfile(
  { agentFile, times, note }: BenchOptions,
  profile: Profile,
  pace: CloudPace,
): Promise<readonly Row[]> {
  const cluster = await startPair(agentFile, profile, {}, pace);
  try {
    await cluster.settled(settleWithinMs);
    const trials: Trial[] = [];
    for (const fault of FAULTS) {
      const count = TRIALS * times;
      note(`failover, ${nameOf(profile, pace)}, ${fault}: ${counted(count, 'trial')}`);
      // Spread over the time between two probes, rather than left to chance.
      for (let index = 0; index < count; index += 1)
        trials.push(await runTrial(cluster, fault, index / count));
    }
    const trips = await roundTrips(cluster, trials, pace);
    note(`failover, ${nameOf(profile, pace)}: round trips in ms ${JSON.stringify(trips)}`);
    return FAULTS.map((fault) => {
      const these = trials.filter((trial) => trial.fault === fault);
      return rowOf(these, { profile, pace, fault, trips });
    });
  } finally {
    await cluster.close();
  }
}

function nameOf({ name }: Profile, { callMs, settlesMs }: CloudPace): string {
  return `${name}, calls ${callMs} ms, works after ${settlesMs} ms`;
}

async function roundTrips(
  cluster: Awaited<ReturnType<typeof startPair>>,
  trials: readonly Trial[],
  { callMs, settlesMs }: CloudPace,
): Promise<RoundTrips> {
  return {
    peer: await heartbeatMs(cluster),
    disk: median(trials.flatMap(({ diskMs }) => diskMs)),
    guard: median(trials.map(({ guardMs }) => guardMs)),
    read: callMs,
    release: median(trials.map(({ stepMs }) => stepMs.release)),
    takeApplied: median(trials.map(({ stepMs }) => stepMs.take)) - callMs / 2,
    settles: settlesMs,
    client: CLIENT_TRIP_MS,
  };
}

interface Measured {
  readonly profile: Profile;
  readonly pace: CloudPace;
  readonly fault: Fault;
  readonly trips: RoundTrips;
}

function rowOf(trials: readonly Trial[], { profile, pace, fault, trips }: Measured): Row {
  const floors = trials.map((trial) => floorOf(trial, profile, trips));
  // Where nobody's log has a first failure, there is no floor.
  const ratios = trials.flatMap(({ outage }, index) => {
    const { beginsAt, endsAt } = floors[index] ?? { beginsAt: Number.NaN, endsAt: Number.NaN };
    const ratio = (outage.endedAt - beginsAt) / (endsAt - beginsAt);
    return Number.isFinite(ratio) ? [ratio] : [];
  });
  const outages = trials.map(({ outage }) => outage.endedAt - outage.beganAt);
  const least = trials.map(({ outage }, index) => (floors[index]?.endsAt ?? Number.NaN) - outage.beganAt);
  const target = pace.settlesMs === TARGET_SETTLES_MS ? TARGETS_MS[profile.name]?.[fault] : undefined;
  const mostMs = target === undefined ? Number.POSITIVE_INFINITY : target + CALLS_ON_THE_PATH * pace.callMs;
  return {
    what: `failover, ${fault}, ${nameOf(profile, pace)}`,
    measured: spread(outages, 'ms'),
    yardstick: `floor ${spread(least, 'ms')}`,
    // Of what follows the first failed probe or the holder's word: the wait until then is nobody's to shorten.
    ratio: `${median(ratios).toFixed(2)} (${p99(ratios).toFixed(2)})`,
    bound: `<= ${MAX_RATIO}${target === undefined ? '' : `, < ${mostMs} ms`}`,
    ok: median(ratios) <= MAX_RATIO && median(outages) < mostMs,
  };
}
