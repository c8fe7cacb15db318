import { describe, expect, it } from 'vitest';
import {
  type AwsRequest,
  type AwsState,
  applyCall,
  armFault,
  associate,
  beginCall,
  type Caller,
  type CallPlan,
  clearFaults,
  createAws,
  type FaultEffect,
  type FaultSpec,
  holderOf,
  setInstance,
} from '../src/model/index.ts';

const ip = '54.173.141.243';
const saturn: Caller = { kind: 'instance', instanceId: 'i-saturn' };
const neptune: Caller = { kind: 'instance', instanceId: 'i-neptune' };
const latency = { applyAfterMs: 10, answerAfterMs: 5 };

const account = () =>
  createAws({
    instances: [{ id: 'i-neptune' }, { id: 'i-saturn' }],
    addresses: [{ publicIp: ip }],
    topics: ['arn:t'],
  });

const move: AwsRequest = {
  action: 'ec2:AssociateAddress',
  dryRun: false,
  allocationId: null,
  publicIp: ip,
  instanceId: 'i-saturn',
  networkInterfaceId: null,
  privateIpAddress: null,
  allowReassociation: false,
};
const read: AwsRequest = {
  action: 'ec2:DescribeAddresses',
  dryRun: false,
  publicIps: [],
  allocationIds: [],
  filters: [],
};
const opsworksRead: AwsRequest = {
  action: 'opsworks:DescribeElasticIps',
  instanceId: null,
  stackId: null,
  ips: [],
};
const publish: AwsRequest = { action: 'sns:Publish', topicArn: 'arn:t', subject: null, message: 'm' };

function planOf(spec: FaultSpec, request: AwsRequest = move, caller: Caller = saturn): CallPlan {
  return beginCall(armFault(account(), spec).state, request, caller, 1_000, latency).plan;
}

const never = { kind: 'never' };

describe('what a fault makes of a move that arrives at 1000 ms, applied 10 ms later, answered 5 ms after that', () => {
  const at = (atMs: number) => ({ kind: 'at', atMs });
  const rows: readonly (readonly [FaultEffect, object, object])[] = [
    [{ kind: 'throttle' }, never, { kind: 'error', error: { code: 'RequestLimitExceeded', status: 503 } }],
    [
      { kind: 'server-error', status: 500 },
      never,
      { kind: 'error', error: { code: 'InternalError', status: 500 } },
    ],
    [
      { kind: 'server-error', status: 503 },
      never,
      { kind: 'error', error: { code: 'Unavailable', status: 503 } },
    ],
    [{ kind: 'hang' }, never, never],
    [{ kind: 'reset' }, never, { kind: 'reset', atMs: 1_015 }],
    [{ kind: 'apply-then-hang' }, at(1_010), never],
    [
      { kind: 'apply-then-error', status: 500 },
      at(1_010),
      { kind: 'error', error: { code: 'InternalError' } },
    ],
    [{ kind: 'apply-then-reset' }, at(1_010), { kind: 'reset', atMs: 1_015 }],
    [{ kind: 'apply-late', applyAfterMs: 90_000 }, at(91_010), never],
    [{ kind: 'slow', applyAfterMs: 500, answerAfterMs: 200 }, at(1_510), { kind: 'outcome', atMs: 1_715 }],
    [
      { kind: 'refuse', code: 'Resource.AlreadyAssociated', message: 'no', status: 400 },
      never,
      { kind: 'error', error: { code: 'Resource.AlreadyAssociated', message: 'no', status: 400 } },
    ],
    [
      { kind: 'unauthorized' },
      never,
      { kind: 'error', error: { code: 'UnauthorizedOperation', status: 403 } },
    ],
    [{ kind: 'expired' }, never, { kind: 'error', error: { code: 'RequestExpired', status: 400 } }],
  ];
  it.each(rows)('$kind', (effect, apply, reply) => {
    const plan = planOf({ action: 'ec2:AssociateAddress', effect });
    expect(plan.apply).toEqual(apply);
    expect(plan.reply).toMatchObject(reply);
    expect(plan.fault?.kind).toBe(effect.kind);
  });
});

describe('the words of each protocol', () => {
  const rows: readonly (readonly [AwsRequest, FaultEffect, string, number])[] = [
    [opsworksRead, { kind: 'throttle' }, 'ThrottlingException', 400],
    [opsworksRead, { kind: 'unauthorized' }, 'AccessDeniedException', 400],
    [opsworksRead, { kind: 'expired' }, 'ExpiredTokenException', 400],
    [opsworksRead, { kind: 'server-error', status: 500 }, 'InternalFailure', 500],
    [publish, { kind: 'throttle' }, 'Throttling', 400],
    [publish, { kind: 'unauthorized' }, 'AuthorizationError', 403],
    [publish, { kind: 'expired' }, 'ExpiredToken', 403],
    [publish, { kind: 'server-error', status: 503 }, 'ServiceUnavailable', 503],
  ];
  it.each(rows)('$action $kind', (request, effect, code, status) => {
    expect(planOf({ action: '*', effect }, request).reply).toMatchObject({ error: { code, status } });
  });
});

describe('which calls a fault hits', () => {
  const hang: FaultEffect = { kind: 'hang' };

  /** The fault that each of a row of moves met. */
  function hitsOf(
    spec: FaultSpec,
    callers: readonly Caller[],
    request: AwsRequest = move,
  ): readonly boolean[] {
    let { state } = armFault(account(), spec);
    return callers.map((caller) => {
      const begun = beginCall(state, request, caller, 1_000, latency);
      state = begun.state;
      return begun.plan.fault !== null;
    });
  }

  it('stays until cleared, or for so many calls, or after so many', () => {
    const four = [saturn, saturn, saturn, saturn];
    expect(hitsOf({ action: '*', effect: hang }, four)).toEqual([true, true, true, true]);
    expect(hitsOf({ action: '*', effect: hang, times: 2 }, four)).toEqual([true, true, false, false]);
    expect(hitsOf({ action: '*', effect: hang, skip: 2, times: 1 }, four)).toEqual([
      false,
      false,
      true,
      false,
    ]);
  });

  it('concerns one caller where it names one', () => {
    const spec: FaultSpec = { action: '*', effect: hang, caller: 'i-neptune' };
    expect(hitsOf(spec, [saturn, neptune, { kind: 'operator', name: 'o' }])).toEqual([false, true, false]);
  });

  it('concerns an operation, a service, or all', () => {
    expect(hitsOf({ action: 'ec2:*', effect: hang }, [saturn], opsworksRead)).toEqual([false]);
    expect(hitsOf({ action: 'opsworks:*', effect: hang }, [saturn], opsworksRead)).toEqual([true]);
    expect(hitsOf({ action: 'ec2:DescribeAddresses', effect: hang }, [saturn], move)).toEqual([false]);
  });

  it('lets dry runs pass, unless it is about what they find, or told otherwise', () => {
    const dryRun: AwsRequest = { ...move, dryRun: true };
    expect(hitsOf({ action: '*', effect: hang }, [saturn], dryRun)).toEqual([false]);
    expect(hitsOf({ action: '*', effect: { kind: 'unauthorized' } }, [saturn], dryRun)).toEqual([true]);
    expect(hitsOf({ action: '*', effect: hang, dryRun: 'include' }, [saturn], dryRun)).toEqual([true]);
    expect(hitsOf({ action: '*', effect: { kind: 'expired' }, dryRun: 'exclude' }, [saturn], dryRun)).toEqual(
      [false],
    );
  });

  it('is gone once cleared', () => {
    const { state, fault } = armFault(account(), { action: '*', effect: hang });
    expect(beginCall(clearFaults(state, fault.id), move, saturn, 0, latency).plan.fault).toBeNull();
    expect(beginCall(clearFaults(state, fault.id + 1), move, saturn, 0, latency).plan.fault).not.toBeNull();
    expect(beginCall(clearFaults(state), move, saturn, 0, latency).plan.fault).toBeNull();
  });
});

describe('reads that lag', () => {
  /** The address went to neptune at 1000 ms and to saturn at 2000 ms. */
  function twiceMoved(): AwsState {
    return (['i-neptune', 'i-saturn'] as const).reduce((state, instanceId, index) => {
      const instance = state.instances.get(instanceId);
      if (instance === undefined) throw new Error('There is no such instance.');
      const [{ id, privateIps }] = instance.interfaces;
      const target = { instanceId, interfaceId: id, privateIp: privateIps[0] };
      return associate(state, ip, target, saturn, (index + 1) * 1_000).state;
    }, account());
  }

  function holdersSeen(effect: FaultEffect, momentsMs: readonly number[]): readonly (string | null)[] {
    let { state } = armFault(twiceMoved(), { action: 'ec2:DescribeAddresses', effect });
    return momentsMs.map((atMs) => {
      const begun = beginCall(state, read, saturn, atMs, { applyAfterMs: 0, answerAfterMs: 0 });
      state = begun.state;
      const { outcome } = applyCall(state, begun.plan, atMs);
      if (outcome.kind !== 'ok' || outcome.result.action !== 'ec2:DescribeAddresses') return 'no answer';
      return outcome.result.addresses[0]?.association?.instanceId ?? null;
    });
  }

  it('show the facts of so long ago', () => {
    const seen = holdersSeen({ kind: 'stale', lagMs: 500 }, [2_499, 2_500]);
    expect(seen).toEqual(['i-neptune', 'i-saturn']);
    expect(holdersSeen({ kind: 'stale', lagMs: 1_500 }, [2_499, 2_500])).toEqual([null, 'i-neptune']);
  });

  it('go back and forth where they are not monotonic', () => {
    const seen = holdersSeen({ kind: 'non-monotonic', lagMs: 500 }, [2_100, 2_110, 2_120, 2_130]);
    expect(seen).toEqual(['i-neptune', 'i-saturn', 'i-neptune', 'i-saturn']);
  });
});

it('a call that is applied late meets the world as it is then', () => {
  const armed = armFault(account(), {
    action: 'ec2:AssociateAddress',
    effect: { kind: 'apply-late', applyAfterMs: 5_000 },
    caller: 'i-saturn',
  }).state;
  const { plan, state } = beginCall(armed, move, saturn, 0, latency);
  const neptunes: AwsRequest = { ...move, instanceId: 'i-neptune' };
  const rival = beginCall(state, neptunes, neptune, 100, latency);
  const won = applyCall(rival.state, rival.plan, 110);
  expect(holderOf(won.state, ip)).toBe('i-neptune');
  const late = applyCall(won.state, plan, 5_010);
  expect(late.outcome).toMatchObject({ error: { code: 'Resource.AlreadyAssociated' } });
  expect(holderOf(late.state, ip)).toBe('i-neptune');
});

it('a caller without a way out is not heard, and uses no fault up', () => {
  const armed = armFault(account(), { action: '*', effect: { kind: 'throttle' }, times: 1 }).state;
  const cutOff = setInstance(armed, 'i-saturn', { wayOut: 'broken' }, 1);
  const lost = beginCall(cutOff, move, saturn, 2, latency);
  expect(lost.plan).toMatchObject({ apply: never, reply: never, fault: null });
  expect(beginCall(lost.state, move, neptune, 3, latency).plan.fault?.kind).toBe('throttle');
});
