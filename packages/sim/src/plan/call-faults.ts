/** Faults of calls to AWS that fit the calls they hit. */
import { type AwsAction, type AwsActionPattern, READ_FAULTS, WRITE_FAULTS } from '@failtome/cloud/model';
import type { Random, WorldSpec } from '../world/index.ts';
import { CALLS } from './actions/index.ts';
import type { Arguments } from './parameters.ts';

/** What a move is made of. */
const CALLS_OF: Readonly<
  Record<WorldSpec['driver'], readonly [read: AwsAction, release: AwsAction, take: AwsAction]>
> = {
  ec2: ['ec2:DescribeAddresses', 'ec2:DisassociateAddress', 'ec2:AssociateAddress'],
  'ec2-private-ip': [
    'ec2:DescribeNetworkInterfaces',
    'ec2:UnassignPrivateIpAddresses',
    'ec2:AssignPrivateIpAddresses',
  ],
  'ec2-route': ['ec2:DescribeRouteTables', 'ec2:ReplaceRoute', 'ec2:ReplaceRoute'],
  opsworks: ['opsworks:DescribeElasticIps', 'opsworks:AssociateElasticIp', 'opsworks:AssociateElasticIp'],
};

function everyCallOf(driver: WorldSpec['driver']): AwsActionPattern {
  return driver === 'opsworks' ? 'opsworks:*' : 'ec2:*';
}

/** The calls that moves make: all of the service's, and each by itself. */
export function callsOfMoves(driver: WorldSpec['driver']): readonly AwsActionPattern[] {
  const [read, release, take] = CALLS_OF[driver];
  return [...new Set<AwsActionPattern>([everyCallOf(driver), take, release, read])];
}

/** A fault that fits the call it hits; a few calls pass before it, so that it also meets the later ones of a move. */
export function fittingFault(random: Random, { driver }: WorldSpec): Arguments {
  const [read, release, take] = CALLS_OF[driver];
  if (random.chance(200)) return everythingSlow(random, driver);
  const call = random.chance(100)
    ? random.pick(CALLS)
    : random.pick([read, release, release, release, release, take, take, 'sns:Publish']);
  const effect = random.pick(call === read ? READ_FAULTS : WRITE_FAULTS);
  return {
    call,
    effect,
    node: null,
    times: random.pick([1, 1, 2, 3]),
    // A dry run, which proves the permission, would use it up.
    skip: effect === 'unauthorized' || effect === 'expired' ? random.pick([1, 1, 2]) : random.pick([0, 0, 1]),
    applyAfterMs: effect === 'slow' ? random.between(0, 3_000) : random.between(500, 20_000),
    answerAfterMs: random.between(0, 3_000),
    lagMs: random.between(500, 20_000),
    code: 'InternalRefusal',
  };
}

/** So slow that calls end without an answer, and are applied after it. */
function everythingSlow(random: Random, driver: WorldSpec['driver']): Arguments {
  return {
    call: everyCallOf(driver),
    effect: 'slow',
    node: null,
    times: random.pick([3, 10, 50]),
    skip: 0,
    applyAfterMs: random.between(100, 2_500),
    answerAfterMs: random.between(0, 500),
    lagMs: 0,
    code: '',
  };
}
