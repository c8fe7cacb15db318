/** No function and no file is longer than one can take in, and every export says what it is. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sourcesOf } from '../boundaries/imports.ts';
import { type Measured, measureSources } from './source-shape.ts';

const MAX_FUNCTION_LINES = 60;
const MAX_FILE_LINES = 350;

/** Functions that are still longer: take out what has become shorter, and put nothing in. */
const LONG_FUNCTIONS: readonly string[] = [
  'packages/agent/src/adapters/ec2.ts createEc2Driver',
  'packages/agent/src/adapters/opsworks.ts createOpsworksDriver',
  'packages/agent/src/cli/check-steps.ts createCheckSteps',
  'packages/agent/src/cli/operator.ts operatorOf',
  'packages/agent/src/observe/history.ts createChronicle',
  'packages/agent/src/observe/metrics.ts createCounters',
  'packages/protocol/src/fact-text.ts factText',
  'packages/protocol/src/host.ts createHost',
  'packages/sim/src/explore/run-node.ts runNode',
  'packages/sim/src/record/describe.ts describe',
  'packages/sim/src/record/lane.ts createLane',
  'packages/sim/src/record/recorder.ts createRecorder',
  'packages/sim/src/report/client/app.ts createApp',
  'packages/sim/src/report/client/overview.ts createOverview',
  'packages/sim/src/report/client/record-list.ts createList',
  'packages/sim/src/report/client/timeline-view.ts createTimeline',
  'packages/sim/src/shrink/shrink-search.ts createSearch',
  'packages/sim/src/sometimes/call-marks.ts watchCalls',
  'packages/sim/src/sometimes/decision-marks.ts watchDecisions',
  'packages/sim/src/swarm/failovers.ts watchOutages',
  'packages/sim/src/world/checks/agreement.ts checkAgreement',
  'packages/sim/src/world/checks/ballots.ts checkBallots',
  'packages/sim/src/world/checks/calls.ts checkCalls',
  'packages/sim/src/world/checks/conduct.ts checkConduct',
  'packages/sim/src/world/checks/damping.ts checkDamping',
  'packages/sim/src/world/checks/duty.ts checkDuty',
  'packages/sim/src/world/checks/episodes.ts checkEpisodes',
  'packages/sim/src/world/checks/ledger.ts createLedgers',
  'packages/sim/src/world/checks/lending.ts checkLending',
  'packages/sim/src/world/checks/orders.ts checkOrders',
  'packages/sim/src/world/checks/sight.ts checkSight',
  'packages/sim/src/world/checks/signed.ts checkSigned',
  'packages/sim/src/world/checks/telling.ts checkTelling',
  'packages/sim/src/world/cloud.ts createCloud',
  'packages/sim/src/world/digest.ts createDigest',
  'packages/sim/src/world/disk.ts createDisk',
  'packages/sim/src/world/drivers.ts createDriver',
  'packages/sim/src/world/exchange.ts createExchange',
  'packages/sim/src/world/liar/liar.ts createLiar',
  'packages/sim/src/world/liar/lies.ts createLies',
  'packages/sim/src/world/network.ts createNetwork',
  'packages/sim/src/world/network.ts request',
  'packages/sim/src/world/premises.ts createPremises',
  'packages/sim/src/world/process.ts startProcess',
  'packages/sim/src/world/senses.ts createSenses',
  'packages/sim/src/world/world.ts createWorld',
];

/** Files that are still longer: take out what has become shorter, and put nothing in. */
const LONG_FILES: readonly string[] = [
  'packages/agent/src/config/keys.ts',
  'packages/agent/src/run.ts',
  'packages/cloud/src/embedded/cloud.ts',
  'packages/cluster/src/cluster.ts',
  'packages/protocol/src/gossip.ts',
  'packages/protocol/src/state.ts',
  'packages/protocol/src/status.ts',
  'packages/sim/src/explore/node-history.ts',
  'packages/sim/src/plan/profiles.ts',
  'packages/sim/src/scenario/cluster-shape.ts',
  'packages/sim/src/world/world.ts',
];

/** How many exports of each package still lack a doc comment at most: only ever less. */
const UNDOCUMENTED: Readonly<Record<string, number>> = {
  agent: 347,
  cloud: 9,
  cluster: 23,
  config: 23,
  protocol: 211,
  sim: 302,
};

const root = join(import.meta.dirname, '../..');
const shape = measureSources(root);

function longerThan(lines: number, measured: readonly Measured[]): readonly string[] {
  return measured
    .filter((one) => one.lines > lines)
    .map(({ name }) => name)
    .sort();
}

test('every source of the packages is measured', () => {
  const named = sourcesOf(root);
  expect(named.length).toBeGreaterThan(300);
  expect(shape.files.map(({ name }) => name).sort()).toEqual([...named].sort());
  expect(shape.functions.length).toBeGreaterThan(3_000);
});

test(`no function of the packages has more than ${MAX_FUNCTION_LINES} lines`, () => {
  expect(longerThan(MAX_FUNCTION_LINES, shape.functions)).toEqual([...LONG_FUNCTIONS].sort());
});

test(`no source file of the packages has more than ${MAX_FILE_LINES} lines`, () => {
  expect(longerThan(MAX_FILE_LINES, shape.files)).toEqual([...LONG_FILES].sort());
});

test.each(Object.entries(UNDOCUMENTED))('all exports of %s but for %i have doc comments', (name, most) => {
  const without = shape.undocumented.filter((one) => one.startsWith(`packages/${name}/`));
  expect(without.length, `one of these is new: ${without.join('\n')}`).toBeLessThanOrEqual(most);
});
