/** Failover as the client sees it, beside the floor that the settings allow. */
import { counted } from '../packages/protocol/src/reporting/wording.ts';
import { floorOf, type RoundTrips } from './floor.ts';
import { type BenchOptions, settleWithinMs } from './options.ts';
import { median, p99, type Row, spread } from './table.ts';
import {
  cloudLatency,
  defaultProfile,
  type Fault,
  fastProfile,
  type Profile,
  runTrial,
  startPair,
  type Trial,
} from './trials.ts';
import { heartbeatMs } from './yardsticks.ts';

const trialsOf: Readonly<Record<Fault, number>> = { killed: 10, hung: 7, vanished: 4 };
const faults: readonly Fault[] = ['killed', 'hung', 'vanished'];
const maxRatio = 1.15;
/** A request on loopback. */
const clientTripMs = 2;

/** Both settings at once: a pair mostly waits. */
export async function failovers(options: BenchOptions): Promise<readonly Row[]> {
  const both = await Promise.all([defaultProfile, fastProfile].map((profile) => ofProfile(options, profile)));
  return both.flat();
}

async function ofProfile(
  { agentFile, times, note }: BenchOptions,
  profile: Profile,
): Promise<readonly Row[]> {
  const cluster = await startPair(agentFile, profile);
  try {
    await cluster.settled(settleWithinMs);
    const trials: Trial[] = [];
    for (const fault of faults) {
      const count = trialsOf[fault] * times;
      note(`failover, ${profile.name}, ${fault}: ${counted(count, 'trial')}`);
      // Spread over the second between two probes, rather than left to chance.
      for (let index = 0; index < count; index += 1)
        trials.push(await runTrial(cluster, fault, index / count));
    }
    const trips = await roundTrips(cluster, trials);
    note(`failover, ${profile.name}: round trips in ms ${JSON.stringify(trips)}`);
    return faults.map((fault) =>
      rowOf(
        profile,
        fault,
        trials.filter((trial) => trial.fault === fault),
        trips,
      ),
    );
  } finally {
    await cluster.close();
  }
}

async function roundTrips(
  cluster: Awaited<ReturnType<typeof startPair>>,
  trials: readonly Trial[],
): Promise<RoundTrips> {
  return {
    peer: await heartbeatMs(cluster),
    disk: median(trials.flatMap(({ diskMs }) => diskMs)),
    guard: median(trials.map(({ guardMs }) => guardMs)),
    read: median(trials.map(({ stepMs }) => stepMs.read)),
    release: median(trials.map(({ stepMs }) => stepMs.release)),
    takeApplied: median(trials.map(({ stepMs }) => stepMs.take)) - cloudLatency.answerAfterMs,
    client: clientTripMs,
  };
}

function rowOf(profile: Profile, fault: Fault, trials: readonly Trial[], trips: RoundTrips): Row {
  const floors = trials.map((trial) => floorOf(trial, profile, trips));
  const ratios = trials.map(({ outage }, index) => {
    const { beginsAt, endsAt } = floors[index] ?? { beginsAt: Number.NaN, endsAt: Number.NaN };
    return (outage.endedAt - beginsAt) / (endsAt - beginsAt);
  });
  const outages = trials.map(({ outage }) => outage.endedAt - outage.beganAt);
  const least = trials.map(({ outage }, index) => (floors[index]?.endsAt ?? Number.NaN) - outage.beganAt);
  return {
    what: `failover, ${fault}, ${profile.name}`,
    measured: spread(outages, 'ms'),
    yardstick: `floor ${spread(least, 'ms')}`,
    // Of what follows the first failed probe or the holder's word: the wait until then is nobody's to shorten.
    ratio: `${median(ratios).toFixed(2)} (${p99(ratios).toFixed(2)})`,
    bound: `<= ${maxRatio}`,
    ok: median(ratios) <= maxRatio,
  };
}
