/** From the observation that completes what a majority needs to the first call of the move, less what others took (`others.ts`). */
import { counted } from '../packages/protocol/src/reporting/wording.ts';
import { type BenchOptions, settleWithinMs } from './options.ts';
import { observedAt, othersMs, type Trips } from './others.ts';
import { presetProfile } from './profiles.ts';
import { median, p99, type Row, spread } from './table.ts';
import { runTrial, startPair, type Trial } from './trials.ts';
import { heartbeatMs } from './yardsticks.ts';

const trialCount = 25;
const maxMedianMs = 5;
const maxP99Ms = 15;

export async function decisions({ agentFile, times, note }: BenchOptions): Promise<readonly Row[]> {
  const cluster = await startPair(agentFile, presetProfile('quick'));
  try {
    await cluster.settled(settleWithinMs);
    const trials: Trial[] = [];
    const count = trialCount * times;
    note(`decision: ${counted(count, 'trial')}`);
    for (let index = 0; index < count; index += 1)
      trials.push(await runTrial(cluster, 'killed', (index / count) * 0.3));
    const trips = {
      peer: await heartbeatMs(cluster),
      disk: median(trials.flatMap(({ diskMs }) => diskMs)),
      call: median(trials.map(({ stepMs }) => stepMs.release)),
    };
    note(`decision: round trips in ms ${JSON.stringify(trips)}`);
    return [rowOf(trials, trips)];
  } finally {
    await cluster.close();
  }
}

function rowOf(trials: readonly Trial[], trips: Trips): Row {
  const whole = trials.map((trial) => trial.firstCallAt - observedAt(trial));
  const others = trials.map((trial) => othersMs(trial, trips));
  const own = whole.map((ms, index) => ms - (others[index] ?? Number.NaN));
  return {
    what: 'decision: last observation to first call, own part',
    measured: spread(own, 'ms'),
    yardstick: `calls, round trips and disk ${spread(others, 'ms')}`,
    ratio: `${(median(own) / maxMedianMs).toFixed(2)} (${(p99(own) / maxP99Ms).toFixed(2)})`,
    bound: `<= ${maxMedianMs} (${maxP99Ms}) ms`,
    ok: median(own) <= maxMedianMs && p99(own) <= maxP99Ms,
  };
}
